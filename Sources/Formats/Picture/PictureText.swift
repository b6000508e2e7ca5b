/// A text that a picture carries under a keyword.
public struct PictureText: Hashable, Sendable {
    /// `parameters` (A1111 and its kin), `prompt` and `workflow` (ComfyUI), `XML:com.adobe.xmp` …
    public var keyword: String
    public var text: String

    public init(_ keyword: String, _ text: String) {
        self.keyword = keyword
        self.text = text
    }

    /// The keyword of XMP, as PNG calls it (XMP specification part 3).
    public static let xmp = "XML:com.adobe.xmp"
}

extension PictureText {
    /// The texts of a picture in file order, under the keywords that PNG has for them: programs that write JPEG or WebP
    /// put the same texts into EXIF, where `UserComment` holds `parameters` and other fields name their own keyword.
    ///
    /// What is damaged or too long is left out: a picture that decodes is worth showing even so.
    public static func all(in bytes: [UInt8]) -> [PictureText] {
        switch ImageInfo.sniff(bytes)?.mediaType {
        case .png: (try? PNGMetadata(bytes))?.texts ?? []
        case .jpeg: JPEGSegments(bytes)?.texts ?? []
        case .webp: WebPChunks(bytes)?.texts ?? []
        case .gif, .avif, nil: []
        }
    }

    /// A place of somebody's machine that the texts of a picture give away, one with an account name before one without.
    public static func leak(in bytes: [UInt8]) -> PathLeak? {
        PathLeak.mostTelling(all(in: bytes).compactMap { PathLeak.find(in: $0.text) })
    }

    /// The picture without texts, EXIF, comments and anything after its end: what is left is what is seen.
    ///
    /// How the picture is turned and whether it says that a machine made it stays, where the format has a place for it.
    ///
    /// - Returns: nil for a format that nothing is taken out of here (AVIF), and for what is damaged.
    public static func stripped(_ bytes: [UInt8]) -> [UInt8]? {
        switch ImageInfo.sniff(bytes)?.mediaType {
        case .png:
            guard let picture = try? PNGMetadata(bytes) else { return nil }
            return picture.stripped(mark: DigitalSourceType(in: picture.texts))
        case .jpeg:
            guard let picture = JPEGSegments(bytes) else { return nil }
            return picture.stripped(mark: DigitalSourceType(in: picture.texts))
        case .webp:
            guard let picture = WebPChunks(bytes) else { return nil }
            return picture.stripped(mark: DigitalSourceType(in: picture.texts))
        case .gif: return GIFBlocks.stripped(bytes)
        case .avif, nil: return nil
        }
    }

    /// The picture without anything but what is seen, not even the mark: what a signed recipe is about. Writing texts into it
    /// and taking them out again changes nothing.
    ///
    /// - Returns: nil for what is no PNG, JPEG or WebP file, and for what is damaged.
    public static func bare(_ bytes: [UInt8]) -> [UInt8]? {
        switch ImageInfo.sniff(bytes)?.mediaType {
        case .png: (try? PNGMetadata(bytes))?.stripped()
        case .jpeg: JPEGSegments(bytes)?.stripped(mark: nil)
        case .webp: WebPChunks(bytes)?.bare
        case .gif, .avif, nil: nil
        }
    }

    /// The picture with these texts in place of all that it had, where its format has room for them: text chunks of PNG, else
    /// EXIF and XMP.
    ///
    /// - Returns: nil for what is no PNG, JPEG or WebP file, for what is damaged, and for texts that have no place in it.
    public static func write(_ texts: [PictureText], into bytes: [UInt8]) -> [UInt8]? {
        switch ImageInfo.sniff(bytes)?.mediaType {
        case .png:
            guard let bare = (try? PNGMetadata(bytes))?.stripped() else { return nil }
            return try? PNGMetadata(bare).replacing(texts)
        case .jpeg: return JPEGSegments(bytes)?.replacing(texts)
        case .webp: return WebPChunks(bytes)?.replacing(texts)
        case .gif, .avif, nil: return nil
        }
    }
}
