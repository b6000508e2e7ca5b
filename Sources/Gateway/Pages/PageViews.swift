import Catalog
import Digests
import WaggleProtocol

// What templates are filled with. A name must be unique on the way from the innermost value to the page: mustache looks
// for what is nil further out.

/// What the frame of a page needs.
struct PageFrame {
    var pageTitle: String
    var summary: String?
    var canonical: String?
    /// Absolute URL of a picture for link previews.
    var preview: String?
    var isHome = false
}

/// A picture in a page.
struct PictureView {
    let source: String
    let width: UInt32
    let height: UInt32
    let alt: String

    /// - Parameter caption: text that stands beside the picture; an alternative that only repeats it would be read twice.
    init?(_ image: ImageView, caption: String = "") {
        guard let blob = Hash32(image.image.blob) else { return nil }
        source = BlobAddress.path(blob, name: BlobAddress.name(of: image))
        // A page that knows the size does not move when the picture comes.
        width = image.image.width
        height = image.image.height
        let alternative = Wording.alternative(image)
        alt = alternative == caption ? "Picture by \(image.author.name)" : alternative
    }
}

/// An item of a grid.
struct CardView {
    let href: String
    let picture: PictureView?
    let cardTitle: String
    let cardAuthor: String
    let badges: [String]
    let isModel: Bool

    init(_ model: ModelView) {
        isModel = true
        href = PageAddress.model(model)
        picture = model.releases.lazy.compactMap { $0.images.lazy.compactMap { PictureView($0) }.first }.first
        cardTitle = model.body.name
        cardAuthor = model.author.name
        badges = [model.body.type, model.releases.first?.body.baseModel ?? ""].filter { !$0.isEmpty }
    }

    init(_ image: ImageView) {
        isModel = false
        href = PageAddress.image(image.id)
        cardTitle = Wording.heading(image)
        picture = PictureView(image, caption: cardTitle)
        cardAuthor = image.author.name
        badges = []
    }
}

/// A line of a table or list of facts.
struct FactView {
    let term: String
    let value: String

    /// Nil for a value that is empty: a line without a value says nothing.
    init?(_ term: String, _ value: String) {
        guard !value.trimmed.isEmpty else { return nil }
        self.term = term
        self.value = value
    }
}

/// A link to a picture's page.
struct SampleView {
    let sampleHref: String
    let source: String
    let width: UInt32
    let height: UInt32
    let alt: String

    init?(_ image: ImageView) {
        guard let picture = PictureView(image) else { return nil }
        sampleHref = PageAddress.image(image.id)
        source = picture.source
        width = picture.width
        height = picture.height
        alt = picture.alt
    }
}

/// Addresses of pages.
enum PageAddress {
    static func model(_ model: ModelView) -> String {
        "/models/\(model.id)/\(PercentCoding.encode(model.slug))"
    }

    static func image(_ id: Int32) -> String { "/images/\(id)" }
}

/// Addresses of bytes.
enum BlobAddress {
    static func path(_ hash: Hash32, name: FileName) -> String {
        "/blobs/\(hash.hex)/\(name.pathSegment)"
    }

    /// Images have no names; the address gets one that programs can tell the type by.
    static func name(of image: ImageView) -> FileName {
        let type = MediaType.served(image.image.mediaType)
        let suffix = type == MediaType.bytes ? "bin" : type == "image/jpeg" ? "jpg" : type.split(separator: "/")[1]
        return FileName("\(image.id).\(suffix)", fallback: "image")
    }

    static func name(of file: FileView) -> FileName {
        FileName(file.file.name, fallback: "\(file.id).bin")
    }
}
