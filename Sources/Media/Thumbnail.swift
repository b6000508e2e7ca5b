public import Digests

/// A small copy of a picture.
public struct Thumbnail: Hashable, Sendable {
    /// How large: the picture is made to fit, and never made larger than it is.
    public enum Size: Int, Hashable, Sendable, CaseIterable {
        case small = 320
        case large = 640

        /// Pixels.
        public var width: Int { rawValue }
        public var height: Int { rawValue * 2 }
    }

    public enum Format: String, Hashable, Sendable, CaseIterable {
        case webP = "webp"
        case jpeg = "jpg"

        public var mediaType: String { self == .webP ? "image/webp" : "image/jpeg" }
    }

    public let picture: Hash32
    public let size: Size
    public let format: Format

    public init(_ picture: Hash32, _ size: Size, _ format: Format) {
        self.picture = picture
        self.size = size
        self.format = format
    }

    /// `SHA256-320.webp`.
    public var name: String { "\(picture.hex)-\(size.rawValue).\(format.rawValue)" }

    static func all(of picture: Hash32) -> [Thumbnail] {
        Size.allCases.flatMap { size in Format.allCases.map { Thumbnail(picture, size, $0) } }
    }
}

/// What is known of a picture whose thumbnails were made.
public struct PictureFacts: Hashable, Sendable {
    public let blurHash: String
    /// The mean colour, `0xRRGGBB`.
    public let meanColour: UInt32
}
