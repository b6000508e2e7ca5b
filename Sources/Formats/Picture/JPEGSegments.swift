import WaggleProtocol

/// The segments of a JPEG file (ITU-T T.81 annex B) before its image data.
struct JPEGSegments {
    private let bytes: [UInt8]
    private var segments: [Segment] = []
    /// Where the image data begin: the first start of scan.
    private var scan = 0

    private struct Segment {
        let marker: UInt8
        /// All bytes of the segment, marker and length included.
        let range: Range<Int>
        var body: Range<Int> { range.lowerBound + 4..<range.upperBound }
    }

    /// Nil for what is no JPEG file or has no image data.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard bytes.starts(with: [0xff, 0xd8]) else { return nil }
        var offset = 2
        while segments.count < Limits.PictureText.chunks {
            guard offset + 4 <= bytes.count, bytes[offset] == 0xff else { return nil }
            let marker = bytes[offset + 1]
            switch marker {
            case 0xff: offset += 1
            case 0x01, 0xd0...0xd7: offset += 2
            case 0xda:
                scan = offset
                return
            case 0xd8, 0xd9: return nil
            default:
                let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
                guard length >= 2, length <= bytes.count - offset - 2 else { return nil }
                segments.append(Segment(marker: marker, range: offset..<offset + 2 + length))
                offset += 2 + length
            }
        }
        return nil
    }

    private static let xmpLabel = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
    private static let exifLabel = Array("Exif\0\0".utf8)

    private var exif: EXIF? {
        segments.first { $0.marker == 0xe1 && bytes[$0.body].starts(with: Self.exifLabel) }.map { EXIF(bytes[$0.body]) }
    }

    var texts: [PictureText] {
        var texts = exif?.texts ?? []
        for segment in segments {
            let body = bytes[segment.body]
            if segment.marker == 0xe1, body.starts(with: Self.xmpLabel) {
                if let text = String(validating: body.dropFirst(Self.xmpLabel.count), as: UTF8.self) {
                    texts.append(PictureText(PictureText.xmp, text))
                }
            } else if segment.marker == 0xfe, let text = String(validating: body, as: UTF8.self), !text.isEmpty {
                // Some programs keep their text in a comment.
                let isInfotext = texts.allSatisfy { $0.keyword != "parameters" }
                texts.append(PictureText(isInfotext ? "parameters" : "comment", text))
            }
        }
        return texts
    }

    /// Keeps what decoders look at: JFIF, the colour profile, Adobe's note on colours, and everything that is not an
    /// application's.
    func stripped(mark: DigitalSourceType?) -> [UInt8] {
        var added: [UInt8] = []
        if let orientation { added += Self.segment(0xe1, Self.exifLabel + EXIF.turned(orientation)) }
        if let mark { added += Self.segment(0xe1, Self.xmpLabel + Array(mark.xmp.utf8)) }
        return rebuilt(adding: added)
    }

    /// The same with these texts; nil for texts that have no place in a JPEG file: a segment has 65,533 bytes.
    func replacing(_ texts: [PictureText]) -> [UInt8]? {
        var added: [UInt8] = []
        guard let exif = EXIF.written(texts, orientation: orientation) else { return nil }
        var bodies = [Self.exifLabel + exif]
        if let xmp = texts.first(where: { $0.keyword == PictureText.xmp }) {
            bodies.append(Self.xmpLabel + Array(xmp.text.utf8))
        }
        for body in bodies {
            guard body.count <= 65_533 else { return nil }
            added += Self.segment(0xe1, body)
        }
        return rebuilt(adding: added)
    }

    /// How the picture is turned; nil for upright.
    private var orientation: Int? { exif?.orientation.flatMap { $0 == 1 ? nil : $0 } }

    /// - Parameter added: segments behind JFIF.
    private func rebuilt(adding added: [UInt8]) -> [UInt8] {
        var output: [UInt8] = [0xff, 0xd8]
        output.reserveCapacity(bytes.count + added.count)
        var added = added
        for segment in segments {
            let body = bytes[segment.body]
            if segment.marker != 0xe0 {
                // JFIF has to come first.
                output += added
                added = []
            }
            let stays =
                switch segment.marker {
                case 0xe0: body.starts(with: "JFIF\0".utf8)
                case 0xe2: body.starts(with: "ICC_PROFILE\0".utf8)
                case 0xee: body.starts(with: "Adobe".utf8)
                case 0xe1...0xef, 0xfe: false
                default: true
                }
            if stays { output += bytes[segment.range] }
        }
        output += added
        appendScans(to: &output)
        return output
    }

    /// The scans up to the end marker, without what applications put between them: whatever follows is no part of the
    /// picture.
    private func appendScans(to output: inout [UInt8]) {
        var (start, offset) = (scan, scan + 2)
        while offset + 1 < bytes.count {
            // Within a scan 0xff is followed by 0, by the number of a restart, or by more of itself.
            guard bytes[offset] == 0xff, bytes[offset + 1] != 0, !(0xd0...0xd7).contains(bytes[offset + 1]),
                bytes[offset + 1] != 0xff
            else {
                offset += 1
                continue
            }
            if bytes[offset + 1] == 0xd9 {
                output += bytes[start..<offset + 2]
                return
            }
            if (0xe0...0xef).contains(bytes[offset + 1]) || bytes[offset + 1] == 0xfe {
                output += bytes[start..<offset]
                let length = offset + 4 <= bytes.count ? Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3]) : 2
                offset = min(bytes.count, offset + 2 + max(2, length))
                start = offset
            } else {
                offset += 2
            }
        }
        output += bytes[min(start, bytes.count)...]
    }

    private static func segment(_ marker: UInt8, _ body: [UInt8]) -> [UInt8] {
        let length = body.count + 2
        return [0xff, marker, UInt8(length >> 8), UInt8(length & 0xff)] + body
    }
}
