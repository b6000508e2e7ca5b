/// Words of the catalog for what is made in Swift, with values among them.
func say(_ key: String, _ values: String...) -> String {
    PageWords.spoken?.say(key, values) ?? key
}

/// The words of the templates, in one language.
///
/// A template says `[[key]]` where words stand, and they are put in when the templates are read, so a page costs nothing more
/// for it. A translation is one file: another text of the form of `english`, with the same keys. A test finds words that stand
/// in a template itself.
struct PageWords: Sendable {
    private let words: [String: String]

    /// - Parameter catalog: a line `key = words` each; words may have the tags and values that stand among them. Empty lines,
    ///   and those that begin with a number sign, are for whoever translates.
    /// - Throws: `unavailable` for a line of another form, or a key that is there twice.
    init(_ catalog: String) throws(GatewayError) {
        var words: [String: String] = [:]
        for line in catalog.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            guard let sign = line.firstRange(of: " = "), words[String(line[..<sign.lowerBound])] == nil else {
                throw .unavailable("The catalog of words has a line that is none, or is there twice: \(line)")
            }
            words[String(line[..<sign.lowerBound])] = String(line[sign.upperBound...])
        }
        self.words = words
    }

    var keys: Set<String> { Set(words.keys) }

    /// The language of this process. A catalog that is malformed keeps the pages from being made at all, and a test reads this one.
    static let spoken = try? PageWords(english)

    /// Words with values among them: `{1}` is the first. The key itself where there are none, which a test finds.
    func say(_ key: String, _ values: [String]) -> String {
        guard let text = words[key] else { return key }
        guard !values.isEmpty else { return text }
        // Once through, so that a value that looks like a place stays what it is.
        var said = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            said += rest[..<open]
            let number = Int(rest[rest.index(after: open)..<close]) ?? 0
            said += values.indices.contains(number - 1) ? values[number - 1] : String(rest[open...close])
            rest = rest[rest.index(after: close)...]
        }
        return said + rest
    }

    /// A template with words for keys.
    ///
    /// - Throws: `unavailable` for a key without words.
    func fill(_ template: String) throws(GatewayError) -> String {
        var filled = ""
        var rest = template[...]
        while let start = rest.firstRange(of: "[["), let end = rest[start.upperBound...].firstRange(of: "]]") {
            let key = String(rest[start.upperBound..<end.lowerBound])
            guard let text = words[key] else { throw .unavailable("The catalog has no words for \(key)") }
            filled += rest[..<start.lowerBound]
            filled += text
            rest = rest[end.upperBound...]
        }
        return filled + rest
    }
}
