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
        guard isExtended else { return rebuilt(nil, exif: nil, xmp: nil) }
        return rebuilt(
            body("VP8X").map { Array($0) }, exif: orientation.map { EXIF.turned($0) },
            xmp: mark.map { Array($0.xmp.utf8) })
    }

    /// What is seen and nothing else. A file that was extended for its texts alone is a simple one again.
    var bare: [UInt8] {
        let kept = chunks.filter { Self.kept.contains($0.type) }.map(\.type)
        let isSimple = orientation == nil && (kept == ["VP8X", "VP8 "] || kept == ["VP8X", "VP8L"])
        return isSimple ? rebuilt(nil, exif: nil, xmp: nil) : stripped(mark: nil)
    }

    /// The same with these texts; nil for texts that have no place in a WebP file.
    func replacing(_ texts: [PictureText]) -> [UInt8]? {
        guard let exif = EXIF.written(texts, orientation: orientation),
            let header = isExtended ? body("VP8X").map({ Array($0) }) : extended
        else { return nil }
        let xmp = texts.first { $0.keyword == PictureText.xmp }
        return rebuilt(header, exif: exif, xmp: xmp.map { Array($0.text.utf8) })
    }

    private var isExtended: Bool { body("VP8X")?.count == 10 }

    /// How the picture is turned; nil for upright.
    private var orientation: Int? { exif?.orientation.flatMap { $0 == 1 ? nil : $0 } }

    /// What a simple file says in `VP8X` when it gets one: its size, and whether some of it may be seen through.
    private var extended: [UInt8]? {
        guard let info = ImageInfo.sniff(bytes), let width = info.width, let height = info.height, width > 0, height > 0
        else { return nil }
        // Lossless: one byte of signature, 14 bits each of width and height, then the bit.
        let lossless = body("VP8L").flatMap { $0.count >= 5 ? $0[$0.startIndex + 4] & 0x10 : nil }
        let alpha: UInt8 = lossless == 0x10 ? 0x10 : 0
        let size = [width - 1, height - 1].flatMap { number in
            (0..<3).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        }
        return [alpha, 0, 0, 0] + size
    }

    /// - Parameter header: what `VP8X` says; nil for a simple file.
    private func rebuilt(_ header: [UInt8]?, exif: [UInt8]?, xmp: [UInt8]?) -> [UInt8] {
        var output: [UInt8] = Array("RIFF\0\0\0\0WEBP".utf8)
        output.reserveCapacity(bytes.count + (exif?.count ?? 0) + (xmp?.count ?? 0) + 64)
        if var header {
            header[0] &= ~(Self.exifFlag | Self.xmpFlag)
            if exif != nil { header[0] |= Self.exifFlag }
            if xmp != nil { header[0] |= Self.xmpFlag }
            Self.append("VP8X", header, to: &output)
        }
        for chunk in chunks
        where Self.kept.contains(chunk.type) && (chunk.type != "VP8X" || (header == nil && !isExtended)) {
            Self.append(chunk.type, Array(bytes[chunk.range]), to: &output)
        }
        if let exif { Self.append("EXIF", exif, to: &output) }
        if let xmp { Self.append("XMP ", xmp, to: &output) }
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
