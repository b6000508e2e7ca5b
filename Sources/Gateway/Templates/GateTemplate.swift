extension Templates {
    /// A page that a reader's own choice of levels keeps from them.
    static let gate = """
        {{>head}}
        <section class="empty">
        <h1>{{pageTitle}}</h1>
        <p>[[this-page-is-rated-and-you]]</p>
        {{#needsAge}}<p>[[it-is-for-adults-if-you]]</p>{{/needsAge}}
        {{^needsAge}}<p>[[you-can-choose-the-level-in]]</p>{{/needsAge}}
        <p>{{#settingsHref}}<a class="button" href="{{.}}">[[your-settings]]</a> {{/settingsHref}}\
        <a class="quiet button" href="/">[[to-the-front-page]]</a></p>
        </section>
        {{>foot}}
        """
}
