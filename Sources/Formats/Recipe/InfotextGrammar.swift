import WaggleProtocol

/// The grammar of an infotext's parameter line, as A1111 reads it:
/// `\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`, searched from left to right.
///
/// Three things go beyond the expression. Values that writers leave as plain JSON are read whole, because the
/// expression would tear them at their commas. A part between commas that is nothing but a key counts as `key: key`,
/// which is how A1111 shortens it. And reading stops at labels from which on Civitai's reader throws everything away.
struct InfotextLine {
    private(set) var parameters: [InfotextParameter] = []
    /// Plain JSON values by key; the last of a key counts.
    private(set) var json: [String: JSONValue] = [:]
    /// Pairs that the expression matches.
    private(set) var pairs = 0

    /// Keys whose value may be plain JSON.
    static let jsonKeys: Set<String> = ["Hashes", "Civitai resources", "Civitai metadata", "SDCPP"]
    private static let finalKeys: Set<String> = ["Resources", "Hashed prompt", "Hashed Negative prompt"]
    /// Plain JSON values that are tried, so that a line of nothing but broken ones stays cheap.
    private static let maximumJSON = 8

    private let text: [Unicode.Scalar]
    private var at = 0
    private var jsonAttempts = 0

    init(_ line: String) {
        text = Array(line.unicodeScalars)
        while at < text.count {
            guard Self.isWord(text[at]) else {
                at += 1
                continue
            }
            let start = at
            while at < text.count, Self.isKey(text[at]) { at += 1 }
            // A longer one is no key; its text is not looked at.
            let isShort = at - start <= Limits.PictureText.keyBytes
            let key = isShort ? Self.string(text[start..<at]).trimmed : ""
            guard at < text.count, text[at] == ":", at - start >= 2 else {
                let isWhole = (at == text.count || text[at] == ",") && isAfterComma(start)
                if isWhole, let parameter = InfotextParameter(key, key) { parameters.append(parameter) }
                at += 1
                continue
            }
            guard !Self.finalKeys.contains(key) else { return }
            pairs += 1
            at += 1
            while at < text.count, text[at].properties.isWhitespace { at += 1 }
            if Self.jsonKeys.contains(key), readJSON(key) { continue }
            if let parameter = InfotextParameter(key, readValue()) { parameters.append(parameter) }
        }
    }

    private mutating func readValue() -> String {
        let start = at
        if start < text.count, text[start] == "\"" {
            var end = start + 1
            while end < text.count, text[end] != "\"" { end += text[end] == "\\" ? 2 : 1 }
            let after = end + 1
            if end < text.count, end > start + 1, after == text.count || text[after] == "," {
                at = after + 1
                let quoted = Self.string(text[start...end])
                return Self.unquoted(quoted) ?? quoted
            }
        }
        while at < text.count, text[at] != "," { at += 1 }
        let value = Self.string(text[start..<at])
        at += 1
        return value
    }

    /// Takes an object or array that fills its part of the line.
    private mutating func readJSON(_ key: String) -> Bool {
        guard at < text.count, text[at] == "{" || text[at] == "[", jsonAttempts < Self.maximumJSON else { return false }
        jsonAttempts += 1
        var cursor = JSONCursor(
            Array(Self.string(text[at...]).utf8), grammar: .python, depth: Limits.PictureText.jsonDepth,
            values: Limits.PictureText.jsonValues)
        guard let value = try? cursor.readValue(depth: 0) else { return false }
        var end = at + String(decoding: cursor.bytes[..<cursor.offset], as: UTF8.self).unicodeScalars.count
        while end < text.count, text[end] == " " { end += 1 }
        guard end == text.count || text[end] == "," else { return false }
        json[key] = value
        at = end + 1
        return true
    }

    private func isAfterComma(_ start: Int) -> Bool {
        var before = start - 1
        while before >= 0, text[before] == " " { before -= 1 }
        return before < 0 || text[before] == ","
    }

    private static func unquoted(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        return try? JSONValue(python: bytes, maximumBytes: bytes.count, depth: 0, values: 1).string
    }

    // MARK: The alphabet

    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return scalar == "_" || ("0"..."9").contains(scalar) || ("a"..."z").contains(scalar)
                || ("A"..."Z").contains(scalar)
        }
        return scalar.properties.isAlphabetic || scalar.properties.numericType != nil
    }

    static func isKey(_ scalar: Unicode.Scalar) -> Bool {
        scalar == " " || scalar == "-" || scalar == "/" || isWord(scalar)
    }

    private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// A value as the line holds it: a JSON string when it has a comma, a colon or a line end, else itself.
    ///
    /// A value that begins with a quotation mark or has white space at an end is quoted too; A1111 does not, and loses
    /// them.
    static func quoted(_ value: String) -> String {
        let scalars = value.unicodeScalars
        let needsQuotes =
            scalars.contains { $0 == "," || $0 == ":" || $0 == "\n" || $0 == "\r" } || scalars.first == "\""
            || scalars.first?.properties.isWhitespace == true || scalars.last?.properties.isWhitespace == true
        return needsQuotes ? JSONValue.quoted(value) : value
    }
}
