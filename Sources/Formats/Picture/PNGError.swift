/// Why bytes are not a PNG file (PNG third edition, W3C 2025), or why a text cannot be put into one.
public enum PNGError: Error, Hashable, Sendable {
    case notPNG
    /// The file ends inside a chunk or without `IEND`.
    case truncated(offset: Int)
    /// A chunk type that is not four ASCII letters.
    case badChunkType(offset: Int)
    /// A chunk whose checksum does not fit its bytes.
    case badChecksum(chunk: String, offset: Int)
    case tooManyChunks(limit: Int)
    /// All text chunks together exceed the limit.
    case tooMuchText(limit: Int)
    /// `IHDR` is not the first chunk, or not 13 bytes, or names a size of 0 or above 2³¹ − 1.
    case badHeader
    /// There is no `IDAT`.
    case noImageData
    /// A keyword that PNG does not allow: 1 to 79 Latin-1 bytes, no space at either end, no two in a row.
    case badKeyword(String)
    /// Text with a NUL, which no text chunk can hold.
    case nulInText(keyword: String)
}

extension PNGError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .notPNG: "this is not a PNG file"
        case .truncated(let offset): "the PNG file is cut off at byte \(offset)"
        case .badChunkType(let offset): "the PNG file is damaged: no chunk type at byte \(offset)"
        case .badChecksum(let chunk, let offset):
            "the PNG file is damaged: wrong checksum of \(chunk) at byte \(offset)"
        case .tooManyChunks(let limit): "the PNG file has more than \(limit) chunks"
        case .tooMuchText(let limit): "the PNG file has more than \(limit) bytes of text"
        case .badHeader: "the PNG file has no valid header"
        case .noImageData: "the PNG file holds no image"
        case .badKeyword(let keyword): "\u{201c}\(keyword)\u{201d} is no keyword for text in a PNG file"
        case .nulInText(let keyword): "the text for \(keyword) has a NUL character, which a PNG file cannot hold"
        }
    }
}
