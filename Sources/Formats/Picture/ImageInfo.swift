/// The kind and size of a picture, read from its first bytes without decoding it.
public struct ImageInfo: Hashable, Sendable {
    public enum MediaType: String, Hashable, Sendable {
        case png = "image/png"
        case jpeg = "image/jpeg"
        case webp = "image/webp"
        case gif = "image/gif"
        case avif = "image/avif"
    }

    public let mediaType: MediaType
    /// Nil when the size lies beyond the bytes that were given, or is not said.
    public let width: Int?
    public let height: Int?

    private init(_ mediaType: MediaType, _ size: (width: Int, height: Int)?) {
        self.mediaType = mediaType
        width = size?.width
        height = size?.height
    }

    /// Recognises a picture by its first bytes; nil for anything else. JPEG may carry a lot before its size: 64 KiB
    /// find most, the whole file finds all.
    public static func sniff(_ bytes: [UInt8]) -> ImageInfo? {
        let reader = BoundedBytes(bytes)
        if bytes.starts(with: PNGMetadata.signature) { return ImageInfo(.png, pngSize(reader)) }
        if bytes.starts(with: [0xff, 0xd8, 0xff]) { return ImageInfo(.jpeg, jpegSize(reader)) }
        if reader.has("GIF87a", at: 0) || reader.has("GIF89a", at: 0) {
            return ImageInfo(.gif, positive(reader.little(6, 2), reader.little(8, 2)))
        }
        if reader.has("RIFF", at: 0), reader.has("WEBP", at: 8) { return ImageInfo(.webp, webpSize(reader)) }
        return isAVIF(reader) ? ImageInfo(.avif, AVIFBoxes.size(reader)) : nil
    }

    private static func positive(_ width: Int?, _ height: Int?) -> (Int, Int)? {
        guard let width, let height, width > 0, height > 0 else { return nil }
        return (width, height)
    }

    private static func pngSize(_ bytes: BoundedBytes) -> (Int, Int)? {
        guard bytes.has("IHDR", at: 12), let width = bytes.big(16, 4), let height = bytes.big(20, 4),
            width <= 0x7fff_ffff, height <= 0x7fff_ffff
        else { return nil }
        return positive(width, height)
    }

    /// Walks over the segments (ITU-T T.81 annex B) to the first start of frame.
    private static func jpegSize(_ bytes: BoundedBytes) -> (Int, Int)? {
        var offset = 2
        while let mark = bytes.big(offset, 1), mark == 0xff, let marker = bytes.big(offset + 1, 1) {
            switch marker {
            case 0xff:
                // Fill byte.
                offset += 1
                continue
            case 0x01, 0xd0...0xd8:
                offset += 2
                continue
            case 0xc0...0xcf where marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
                return positive(bytes.big(offset + 7, 2), bytes.big(offset + 5, 2))
            case 0xd9, 0xda:
                return nil
            default: break
            }
            guard let length = bytes.big(offset + 2, 2), length >= 2 else { return nil }
            offset += 2 + length
        }
        return nil
    }

    /// RFC 9649: lossy, lossless or extended.
    private static func webpSize(_ bytes: BoundedBytes) -> (Int, Int)? {
        if bytes.has("VP8 ", at: 12) {
            guard bytes.big(23, 3) == 0x9d012a, let width = bytes.little(26, 2), let height = bytes.little(28, 2) else {
                return nil
            }
            return positive(width & 0x3fff, height & 0x3fff)
        }
        if bytes.has("VP8L", at: 12) {
            guard bytes.big(20, 1) == 0x2f, let bits = bytes.little(21, 4) else { return nil }
            return (bits & 0x3fff + 1, bits >> 14 & 0x3fff + 1)
        }
        guard bytes.has("VP8X", at: 12), let width = bytes.little(24, 3), let height = bytes.little(27, 3) else {
            return nil
        }
        return (width + 1, height + 1)
    }

    /// An ISO base media file whose brands name AVIF.
    private static func isAVIF(_ bytes: BoundedBytes) -> Bool {
        guard bytes.has("ftyp", at: 4), let size = bytes.big(0, 4) else { return false }
        // Major brand, its version, then compatible brands.
        let brands = [8] + Array(stride(from: 16, to: min(size, 256), by: 4))
        return brands.contains { bytes.has("avif", at: $0) || bytes.has("avis", at: $0) }
    }
}
