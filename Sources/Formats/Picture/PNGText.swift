/// A text chunk that was not read.
public struct PNGUnreadText: Hashable, Sendable {
    public enum Reason: Hashable, Sendable {
        /// `zTXt` or compressed `iTXt`. Nothing here inflates, so the text is left alone rather than guessed.
        case compressed
        /// The chunk does not have the layout of its type, or its text is not UTF-8 where it must be.
        case malformed
    }

    /// Empty when not even the keyword could be read.
    public let keyword: String
    public let reason: Reason
}

/// The inside of `tEXt`, `zTXt` and `iTXt` chunks.
enum PNGTextChunk {
    case read(PictureText)
    case unread(PNGUnreadText)

    init(type: String, data: ArraySlice<UInt8>) {
        let parts = data.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...79).contains(parts[0].count) else {
            self = .unread(PNGUnreadText(keyword: "", reason: .malformed))
            return
        }
        let keyword = Latin1.decode(parts[0])
        switch type {
        case "tEXt": self = .read(PictureText(keyword, Self.lenientText(parts[1])))
        case "zTXt": self = .unread(PNGUnreadText(keyword: keyword, reason: .compressed))
        default: self = Self.international(keyword, parts[1])
        }
    }

    var keyword: String {
        switch self {
        case .read(let text): text.keyword
        case .unread(let text): text.keyword
        }
    }

    /// Compression flag, compression method, language, NUL, translated keyword, NUL, text.
    private static func international(_ keyword: String, _ data: ArraySlice<UInt8>) -> PNGTextChunk {
        let malformed = PNGTextChunk.unread(PNGUnreadText(keyword: keyword, reason: .malformed))
        guard data.count >= 2 else { return malformed }
        let parts = data.dropFirst(2).split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return malformed }
        switch data[data.startIndex] {
        case 0:
            guard let text = String(validating: parts[2], as: UTF8.self) else { return malformed }
            return .read(PictureText(keyword, text))
        case 1: return .unread(PNGUnreadText(keyword: keyword, reason: .compressed))
        default: return malformed
        }
    }

    /// `tEXt` is Latin-1 by the standard, but several writers put UTF-8 there; bytes that are UTF-8 are taken as such.
    private static func lenientText(_ data: ArraySlice<UInt8>) -> String {
        String(validating: data, as: UTF8.self) ?? Latin1.decode(data)
    }

    /// The type and inside of the chunk that holds `text`: `tEXt` when readers of either habit get it back from there,
    /// `iTXt` otherwise.
    static func encode(_ text: PictureText) throws(PNGError) -> (type: String, data: [UInt8]) {
        let keyword = text.keyword
        guard let key = Latin1.encode(keyword), (1...79).contains(key.count), !key.contains(where: { $0 < 0x20 }),
            !key.contains(where: { (0x7f...0xa0).contains($0) }), keyword.first != " ", keyword.last != " ",
            !keyword.utf8Contains("  ")
        else { throw .badKeyword(keyword) }
        guard !text.text.utf8.contains(0) else { throw .nulInText(keyword: keyword) }
        if let latin = Latin1.encode(text.text), lenientText(latin[...]) == text.text {
            return ("tEXt", key + [0] + latin)
        }
        return ("iTXt", key + [0, 0, 0, 0, 0] + Array(text.text.utf8))
    }
}

/// ISO 8859-1, in which a byte is the scalar of its value.
enum Latin1 {
    static func decode(_ bytes: some Sequence<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }

    /// Nil when a scalar is above U+00FF.
    static func encode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }
}
