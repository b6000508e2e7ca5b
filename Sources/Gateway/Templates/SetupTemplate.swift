extension Templates {
    /// Marks a field of a form that was refused, and leads to why.
    static let invalid = """
        {{#trouble}} aria-invalid="true" aria-describedby="trouble"{{/trouble}}
        """

    /// Where the owner of a node chooses a passphrase, with the token that the first start printed.
    static let setup = """
        {{>head}}
        <section class="reading prose">
        <h1>[[set-up-this-node]]</h1>
        <p>[[the-first-start-printed-a-link]]</p>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}.</p>{{/trouble}}
        {{#done}}<p role="status">[[done-you-are-signed-in-as]]</p>\
        {{^isFinished}}<p>[[six-short-steps-follow-each-can]]</p>{{/isFinished}}\
        <p><a class="button" href="{{next}}">[[go-on]]</a></p>\
        <p>[[later-if-you-like-a-currency]]</p>{{/done}}
        {{^done}}<form action="/setup" method="post">
        <p class="field"><label for="token">[[set-up-token]]</label>
        <input id="token" name="token" value="{{token}}" required maxlength="64" autocomplete="off" spellcheck="false"{{>invalid}}></p>
        <p class="field"><label for="passphrase">[[passphrase]]</label>
        <span class="by" id="passphrase-hint">[[at-least-10-characters]]</span>
        <input id="passphrase" name="passphrase" type="password" required minlength="10" maxlength="1024" \
        autocomplete="new-password"{{#trouble}} aria-invalid="true"{{/trouble}} aria-describedby="passphrase-hint"></p>
        <p><button class="button">[[choose-it]]</button></p>
        </form>{{/done}}
        </section>
        {{>foot}}
        """
}
