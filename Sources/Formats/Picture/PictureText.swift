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
}
