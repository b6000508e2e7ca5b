extension Templates {
    /// Marks a field of a form that was refused, and leads to why.
    static let invalid = """
        {{#trouble}} aria-invalid="true" aria-describedby="trouble"{{/trouble}}
        """

    /// Where the owner of a node chooses a passphrase, with the token that the first start printed.
    static let setup = """
        {{>head}}
        <section class="prose">
        <h1>Set up this node</h1>
        <p>The first start printed a set-up token; <code>waggle account setup</code> prints a new one. With it you choose the \
        passphrase of the owner's account, <b>@me</b>.</p>
        {{#trouble}}<p class="error" role="alert" id="trouble">{{.}}.</p>{{/trouble}}
        {{#done}}<p role="status"><b>Done.</b> You are signed in as @me.</p>\
        <p>Next, if you like: <a href="/setup/currency">a currency</a>, for tips and bounties.</p>{{/done}}
        {{^done}}<form action="/setup" method="post">
        <p class="field"><label for="token">Set-up token</label>
        <input id="token" name="token" required maxlength="64" autocomplete="off" spellcheck="false"{{>invalid}}></p>
        <p class="field"><label for="passphrase">Passphrase</label>
        <span class="by" id="passphrase-hint">At least 10 characters.</span>
        <input id="passphrase" name="passphrase" type="password" required minlength="10" maxlength="1024" \
        autocomplete="new-password"{{#trouble}} aria-invalid="true"{{/trouble}} aria-describedby="passphrase-hint"></p>
        <p><button class="button">Choose it</button></p>
        </form>{{/done}}
        </section>
        {{>foot}}
        """
}
