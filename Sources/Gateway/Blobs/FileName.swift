import WaggleProtocol

/// A file name that any system can take, made of what an author wrote.
struct FileName: Hashable, Sendable {
    let text: String

    /// Drops what could leave the folder, hide the real extension or break a header: separators, control and bidirectional
    /// control characters, leading dots, trailing dots and spaces. `fallback` is used when nothing is left.
    init(_ claimed: String, fallback: String) {
        if Self.isPlain(claimed) {
            text = claimed
            return
        }
        let kept = claimed.unicodeScalars.map { scalar -> Character in
            Self.isHarmful(scalar) ? "_" : Character(scalar)
        }
        var name = String(kept)
        while let first = name.first, first == "." || first.isWhitespace { name.removeFirst() }
        while let last = name.last, last == "." || last.isWhitespace { name.removeLast() }
        text = name.isEmpty ? fallback : Self.shortened(name)
    }

    /// Whether nothing has to be looked at: as most names, letters, digits and the marks between them.
    private static func isPlain(_ name: String) -> Bool {
        let dot = UInt8(ascii: ".")
        guard name.utf8.count <= Limits.Blob.fileNameBytes, let first = name.utf8.first, first != dot,
            name.utf8.last != dot
        else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), dot:
                true
            default: false
            }
        }
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
