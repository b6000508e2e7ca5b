extension Templates {
    /// Text of an author as HTML, for clients that want it so.
    static let paragraphs = "{{#paragraphs}}<p>{{.}}</p>{{/paragraphs}}"
}
