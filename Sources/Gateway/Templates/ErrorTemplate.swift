extension Templates {
    /// Why a page cannot be shown.
    static let error = """
        {{>head}}
        <section class="empty">
        <h1>{{pageTitle}}</h1>
        <p>{{explanation}}.</p>
        <p><a class="button" href="/">[[to-the-front-page]]</a></p>
        </section>
        {{>foot}}
        """
}
