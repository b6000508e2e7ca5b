import WaggleProtocol

/// The chunks of a WebP file (RFC 9649).
struct WebPChunks {
    private let bytes: [UInt8]
    private var chunks: [(type: String, range: Range<Int>)] = []

    /// Nil for what is no WebP file or is cut off.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        let reader = BoundedBytes(bytes)
        guard reader.has("RIFF", at: 0), reader.has("WEBP", at: 8), let size = reader.little(4, 4),
            size <= bytes.count - 8
        else { return nil }
        let end = size + 8
        var offset = 12
        while offset + 8 <= end, chunks.count < Limits.PictureText.chunks {
            guard let name = reader.slice(offset, 4), let length = reader.little(offset + 4, 4),
                length <= end - offset - 8
            else { return nil }
            chunks.append((Latin1.decode(name), offset + 8..<offset + 8 + length))
            // Chunks begin at even places.
            offset += 8 + length + length & 1
        }
        guard !chunks.isEmpty else { return nil }
    }

    private func body(_ type: String) -> ArraySlice<UInt8>? {
        chunks.first { $0.type == type }.map { bytes[$0.range] }
    }

    private var exif: EXIF? { body("EXIF").map { EXIF($0) } }

    var texts: [PictureText] {
        var texts = exif?.texts ?? []
        if let text = body("XMP ").flatMap({ String(validating: $0, as: UTF8.self) }) {
            texts.append(PictureText(PictureText.xmp, text))
        }
        return texts
    }

    private static let exifFlag: UInt8 = 0x08
    private static let xmpFlag: UInt8 = 0x04
    private static let kept: Set<String> = ["VP8X", "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP"]

    /// A file without `VP8X` has no room for marks and needs none taken out.
    func stripped(mark: DigitalSourceType?) -> [UInt8] {
        let isExtended = body("VP8X")?.count == 10
        let orientation = exif?.orientation.flatMap { $0 == 1 ? nil : $0 }
        var output: [UInt8] = Array("RIFF\0\0\0\0WEBP".utf8)
        output.reserveCapacity(bytes.count)
        for chunk in chunks where Self.kept.contains(chunk.type) {
            var body = Array(bytes[chunk.range])
            if chunk.type == "VP8X", isExtended {
                body[0] &= ~(Self.exifFlag | Self.xmpFlag)
                if orientation != nil { body[0] |= Self.exifFlag }
                if mark != nil { body[0] |= Self.xmpFlag }
            }
            Self.append(chunk.type, body, to: &output)
        }
        if isExtended, let orientation { Self.append("EXIF", EXIF.turned(orientation), to: &output) }
        if isExtended, let mark { Self.append("XMP ", Array(mark.xmp.utf8), to: &output) }
        let size = UInt32(output.count - 8)
        for index in 0..<4 { output[4 + index] = UInt8(truncatingIfNeeded: size >> (8 * index)) }
        return output
    }

    private static func append(_ type: String, _ body: [UInt8], to output: inout [UInt8]) {
        output += Array(type.utf8)
        for index in 0..<4 { output.append(UInt8(truncatingIfNeeded: body.count >> (8 * index))) }
        output += body
        if body.count & 1 == 1 { output.append(0) }
    }
}
