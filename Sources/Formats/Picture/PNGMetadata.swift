import Digests
import WaggleProtocol

/// The size and the texts of a PNG file, and new files with other texts.
///
/// Every chunk's place, type and checksum is verified; the image data itself is not decoded.
public struct PNGMetadata: Sendable {
    public let width: Int
    public let height: Int
    /// The texts that were read, in file order. A keyword may occur more than once.
    public let texts: [PictureText]
    /// Text chunks that were not read.
    public let unread: [PNGUnreadText]
    /// Bytes after the end of the image. They are no part of it, and somebody put them there.
    public let trailingBytes: Int

    private let bytes: [UInt8]
    private let chunks: [Chunk]

    /// A chunk: four bytes of length, four of type, data, four of checksum.
    private struct Chunk: Sendable {
        let type: String
        /// All bytes of the chunk.
        let range: Range<Int>
        var data: Range<Int> { range.lowerBound + 8..<range.upperBound - 4 }
        var isText: Bool { type == "tEXt" || type == "zTXt" || type == "iTXt" }
    }

    static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

    /// Reads a whole PNG file.
    public init(_ bytes: [UInt8]) throws(PNGError) {
        let chunks = try Self.readChunks(bytes)
        guard let first = chunks.first, first.type == "IHDR", first.data.count == 13 else { throw .badHeader }
        let width = Self.bigEndian(bytes, first.data.lowerBound)
        let height = Self.bigEndian(bytes, first.data.lowerBound + 4)
        guard (1...0x7fff_ffff).contains(width), (1...0x7fff_ffff).contains(height) else { throw .badHeader }
        guard chunks.contains(where: { $0.type == "IDAT" }) else { throw .noImageData }

        var texts: [PictureText] = []
        var unread: [PNGUnreadText] = []
        var textBytes = 0
        for chunk in chunks where chunk.isText {
            textBytes += chunk.data.count
            guard textBytes <= Limits.PictureText.bytes else { throw .tooMuchText(limit: Limits.PictureText.bytes) }
            switch PNGTextChunk(type: chunk.type, data: bytes[chunk.data]) {
            case .read(let text): texts.append(text)
            case .unread(let text): unread.append(text)
            }
        }
        self.width = width
        self.height = height
        self.texts = texts
        self.unread = unread
        trailingBytes = bytes.count - (chunks.last?.range.upperBound ?? 0)
        self.bytes = bytes
        self.chunks = chunks
    }

    /// The first text under `keyword`.
    public subscript(keyword: String) -> String? {
        texts.first { $0.keyword == keyword }?.text
    }

    /// The file with `newTexts` before its image data, instead of whatever it had under their keywords. All other bytes
    /// stay as they are.
    public func replacing(_ newTexts: [PictureText]) throws(PNGError) -> [UInt8] {
        var inserted: [UInt8] = []
        for text in newTexts {
            let (type, data) = try PNGTextChunk.encode(text)
            inserted.append(contentsOf: Self.chunk(type, data))
            guard inserted.count <= Limits.PictureText.bytes else {
                throw .tooMuchText(limit: Limits.PictureText.bytes)
            }
        }
        let keywords = Set(newTexts.map(\.keyword))
        return rebuilt(inserting: inserted, withTail: true) { chunk in
            guard chunk.isText else { return true }
            return !keywords.contains(PNGTextChunk(type: chunk.type, data: bytes[chunk.data]).keyword)
        }
    }

    /// What decoders look at: the image, its colours and density, and the frames of an animation.
    private static let seen: Set<String> = [
        "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "bKGD", "hIST", "pHYs",
        "acTL", "fcTL", "fdAT",
    ]

    /// The file with what is seen, how it is turned, and `mark`; without anything else or after its end.
    public func stripped(mark: DigitalSourceType? = nil) -> [UInt8] {
        var inserted: [UInt8] = []
        let exif = chunks.first { $0.type == "eXIf" }.map { EXIF(bytes[$0.data]) }
        if let orientation = exif?.orientation, orientation != 1 {
            inserted += Self.chunk("eXIf", EXIF.turned(orientation))
        }
        if let mark, let (type, data) = try? PNGTextChunk.encode(PictureText(PictureText.xmp, mark.xmp)) {
            inserted += Self.chunk(type, data)
        }
        return rebuilt(inserting: inserted, withTail: false) { Self.seen.contains($0.type) }
    }

    private func rebuilt(inserting inserted: [UInt8], withTail: Bool, keep: (Chunk) -> Bool) -> [UInt8] {
        var output = Self.signature
        output.reserveCapacity(bytes.count + inserted.count)
        var isInserted = false
        for chunk in chunks {
            if chunk.type == "IDAT", !isInserted {
                output.append(contentsOf: inserted)
                isInserted = true
            }
            if keep(chunk) { output.append(contentsOf: bytes[chunk.range]) }
        }
        if withTail { output.append(contentsOf: bytes.suffix(trailingBytes)) }
        return output
    }

    // MARK: Chunks

    /// The bytes of a chunk.
    static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        var checksum = CRC32()
        body.withUnsafeBytes { checksum.update($0) }
        return withUnsafeBytes(of: UInt32(data.count).bigEndian) { Array($0) } + body
            + withUnsafeBytes(of: checksum.value.bigEndian) { Array($0) }
    }

    private static func readChunks(_ bytes: [UInt8]) throws(PNGError) -> [Chunk] {
        guard bytes.starts(with: signature) else { throw .notPNG }
        var chunks: [Chunk] = []
        var offset = signature.count
        repeat {
            guard chunks.count < Limits.PictureText.chunks else {
                throw .tooManyChunks(limit: Limits.PictureText.chunks)
            }
            guard bytes.count - offset >= 12 else { throw .truncated(offset: bytes.count) }
            let length = bigEndian(bytes, offset)
            guard length <= bytes.count - offset - 12 else { throw .truncated(offset: bytes.count) }
            let name = bytes[offset + 4..<offset + 8]
            guard name.allSatisfy({ (0x61...0x7a).contains($0 | 0x20) }) else {
                throw .badChunkType(offset: offset + 4)
            }
            let type = String(decoding: name, as: UTF8.self)
            let end = offset + 12 + length
            var checksum = CRC32()
            bytes.withUnsafeBytes { checksum.update(UnsafeRawBufferPointer(rebasing: $0[offset + 4..<end - 4])) }
            guard checksum.value == UInt32(bigEndian(bytes, end - 4)) else {
                throw .badChecksum(chunk: type, offset: offset)
            }
            chunks.append(Chunk(type: type, range: offset..<end))
            offset = end
        } while chunks.last?.type != "IEND"
        return chunks
    }

    private static func bigEndian(_ bytes: [UInt8], _ offset: Int) -> Int {
        bytes[offset..<offset + 4].reduce(0) { $0 << 8 | Int($1) }
    }
}
