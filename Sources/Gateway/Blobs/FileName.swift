import WaggleProtocol

/// A file name that any system can take, made of what an author wrote.
struct FileName: Hashable, Sendable {
    let text: String

    /// Drops what could leave the folder, hide the real extension or break a header: separators, control and bidirectional
    /// control characters, leading dots, trailing dots and spaces. `fallback` is used when nothing is left.
    init(_ claimed: String, fallback: String) {
        let kept = claimed.unicodeScalars.map { scalar -> Character in
            Self.isHarmful(scalar) ? "_" : Character(scalar)
        }
        var name = String(kept)
        while let first = name.first, first == "." || first.isWhitespace { name.removeFirst() }
        while let last = name.last, last == "." || last.isWhitespace { name.removeLast() }
        text = name.isEmpty ? fallback : Self.shortened(name)
    }

    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "/", "\\", ":", "\"", "<", ">", "|", "?", "*": true
        default:
            switch scalar.properties.generalCategory {
            // Format characters include the bidirectional controls that turn "gpj.exe" around.
            case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate, .unassigned: true
            default: false
            }
        }
    }

    /// At most 255 bytes, with the extension kept.
    private static func shortened(_ name: String) -> String {
        guard name.utf8.count > Limits.Blob.fileNameBytes else { return name }
        let dot = name.lastIndex(of: ".") ?? name.endIndex
        let suffix = name[dot...].utf8.count <= 32 ? name[dot...] : ""
        var stem = suffix.isEmpty ? name[...] : name[..<dot]
        while stem.utf8.count + suffix.utf8.count > Limits.Blob.fileNameBytes { stem.removeLast() }
        return String(stem + suffix)
    }

    /// The last segment of a URL.
    var pathSegment: String { PercentCoding.encode(text) }

    /// A `Content-Disposition` (RFC 6266). The plain name comes last and in ASCII, because there are clients that take
    /// everything behind `filename=`.
    func disposition(inline: Bool) -> String {
        let ascii = String(text.unicodeScalars.map { $0.isASCII && $0 != "%" && $0 != ";" ? Character($0) : "_" })
        return "\(inline ? "inline" : "attachment"); filename*=UTF-8''\(pathSegment); filename=\"\(ascii)\""
    }
}
