import Hummingbird

/// A body of several parts of a blob: `multipart/byteranges` (RFC 9110 section 14.6).
struct MultipartRanges: Sendable {
    let parts: [Range<UInt64>]
    private let mediaType: String
    private let size: UInt64
    /// 128 random bits: no file holds the line by chance, and nobody can make one that does.
    private let boundary = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }.joined(
        separator: "-")

    /// - Parameters:
    ///   - mediaType: what the whole is served as.
    ///   - size: bytes of the whole.
    init(_ parts: [Range<UInt64>], mediaType: String, size: UInt64) {
        self.parts = parts
        self.mediaType = mediaType
        self.size = size
    }

    var contentType: String { "multipart/byteranges; boundary=\(boundary)" }

    /// What stands before the bytes of a part.
    func head(_ part: Range<UInt64>) -> String {
        "\r\n--\(boundary)\r\nContent-Type: \(mediaType)\r\n"
            + "Content-Range: bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)\r\n\r\n"
    }

    /// What stands behind the last one.
    var end: String { "\r\n--\(boundary)--\r\n" }

    /// Bytes of the body.
    var length: Int {
        parts.reduce(end.utf8.count) { $0 + head($1).utf8.count + $1.count }
    }
}
