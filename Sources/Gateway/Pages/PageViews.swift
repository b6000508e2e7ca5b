import Catalog
import Digests
import Media
import Moderation
import Synchronization
import WaggleProtocol

// What templates are filled with. A name must be unique on the way from the innermost value to the page: mustache looks
// for what is nil further out.

/// The pages that this program has: a link stands where its page does.
final class SiteMap: Sendable {
    private let paths = Mutex<Set<String>>([])

    func note(_ routes: [DeclaredRoute]) {
        paths.withLock { $0.formUnion(routes.filter { $0.method == "GET" && $0.face == .page }.map(\.path)) }
    }

    func has(_ path: String) -> Bool { paths.withLock { $0.contains(path) } }
}

/// The parts of a node's site, as the navigation lists them.
enum SitePart: String, CaseIterable {
    case models
    case images
    case collections
    case creators
    case generate

    var path: String { "/\(rawValue)" }
    var title: String {
        switch self {
        case .models: say("models")
        case .images: say("images")
        case .collections: say("collections")
        case .creators: say("creators")
        case .generate: say("generate")
        }
    }
}

/// What the frame of a page needs.
struct PageFrame {
    var pageTitle: String
    var summary: String?
    var canonical: String?
    /// Absolute URL of a picture for link previews.
    var preview: String?
    var isHome = false
    /// Where in the site the page stands.
    var part: SitePart?
    /// What was searched for.
    var searched = ""
}

/// What a picture in a page is made from.
protocol Pictured {
    var id: Int32 { get }
    var author: CreatorView { get }
    var image: WireImage { get }
    /// The level that it has here, which need not be the one that its author gave it.
    var level: Level { get }
    var title: String { get }
}

extension ImageView: Pictured {}
extension CoverView: Pictured {}

/// A picture in a page.
struct PictureView: PageRecord {
    /// The picture as it is.
    let source: String
    /// Small copies, for a card and for half a page.
    let smallSource: String
    let largeSource: String
    /// The larger copy for programs that read no WebP: link previews.
    let previewSource: String
    /// Without its metadata, to be saved; nil for a format that nothing is taken out of here.
    let bareSource: String?
    let width: UInt32
    let height: UInt32
    let alt: String
    let blob: Hash32
    let level: Level
    let levelWord: String
    /// The mean colour, where it is known.
    var tint: String?
    /// The viewer wants pictures of its level blurred: what stands in for it is shown.
    var isBlurred = false

    /// - Parameter caption: text that stands beside the picture; an alternative that only repeats it would be read twice.
    init?(_ image: some Pictured, caption: String = "") {
        guard let blob = Hash32(image.image.blob) else { return nil }
        self.blob = blob
        level = image.level
        levelWord = level.word
        source = BlobAddress.path(blob, name: BlobAddress.name(of: image))
        smallSource = ThumbnailAddress.path(blob, .small)
        largeSource = ThumbnailAddress.path(blob, .large)
        previewSource = ThumbnailAddress.path(blob, .large, .jpeg)
        bareSource = image.image.mediaType == "image/avif" ? nil : "/pictures/\(blob.hex)"
        // A page that knows the size does not move when the picture comes.
        width = image.image.width
        height = image.image.height
        let alternative = Wording.alternative(image)
        alt = alternative == caption ? say("image-by", "\(image.author.name)") : alternative
    }

    func field(_ name: String) -> Any? {
        switch name {
        case "source": source
        case "smallSource": smallSource
        case "largeSource": largeSource
        case "previewSource": previewSource
        case "bareSource": bareSource
        case "width": width
        case "height": height
        case "alt": alt
        case "blob": blob
        case "level": level
        case "levelWord": levelWord
        case "tint": tint
        case "isBlurred": isBlurred
        default: nil
        }
    }
}

/// An item of a grid.
struct CardView: PageRecord {
    let href: String
    var picture: PictureView?
    let cardTitle: String
    let isModel: Bool
    let cardAuthor: String
    let cardAuthorHref: String
    /// The host of the author's home, when it is another node.
    let cardOrigin: String?
    let badges: [String]
    /// A few words below.
    let cardNote: String?
    /// Explains the place in a ranking.
    var whyHref: String?

    init(_ model: ModelCard, note: String? = nil) {
        isModel = true
        href = PageAddress.model(model)
        picture = model.cover.flatMap { PictureView($0) }
        cardTitle = model.name
        cardAuthor = model.author.name
        cardAuthorHref = PageAddress.creator(model.author)
        cardOrigin = Wording.origin(model.author)
        badges = [model.type, model.release?.baseModel ?? ""].filter { !$0.isEmpty }
        cardNote = note
    }

    /// - Parameter isUnderModel: among images of one model, whose name would say nothing.
    init(_ image: ImageView, isUnderModel: Bool = false) {
        isModel = false
        href = PageAddress.image(image.id)
        cardTitle = isUnderModel ? Wording.heading(image) : Wording.caption(image)
        picture = PictureView(image, caption: cardTitle)
        cardAuthor = image.author.name
        cardAuthorHref = PageAddress.creator(image.author)
        cardOrigin = Wording.origin(image.author)
        badges = []
        cardNote =
            image.counts.reactionTotal == 0
            ? nil : Wording.count(image.counts.reactionTotal, say("reaction"), say("reactions-2"))
    }

    init(_ collection: CollectionView) {
        isModel = true
        href = PageAddress.collection(collection)
        picture = collection.cover.flatMap { PictureView($0) }
        cardTitle = collection.name
        cardAuthor = collection.author.name
        cardAuthorHref = PageAddress.creator(collection.author)
        cardOrigin = Wording.origin(collection.author)
        badges = []
        cardNote = Wording.count(collection.itemCount, say("item"), say("items"))
    }

    func field(_ name: String) -> Any? {
        switch name {
        case "href": href
        case "picture": picture
        case "cardTitle": cardTitle
        case "isModel": isModel
        case "cardAuthor": cardAuthor
        case "cardAuthorHref": cardAuthorHref
        case "cardOrigin": cardOrigin
        case "badges": badges
        case "cardNote": cardNote
        case "whyHref": whyHref
        default: nil
        }
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

/// A link in a row of links of which one is the present place.
struct TabView {
    let tabName: String
    let tabHref: String
    let isCurrent: Bool
}

/// A row of links with a name.
struct TabsView {
    let tabsLabel: String
    let tabs: [TabView]
}

/// A link with a text.
struct LinkView {
    let linkText: String
    let linkHref: String
}

struct ReactionView {
    let emoji: String
    let emojiCount: String

    static func all(_ counts: SubjectCounts) -> [ReactionView] {
        counts.reactions.map { ReactionView(emoji: $0.emoji, emojiCount: Wording.count($0.count)) }
    }
}

/// A link to a picture's page.
struct SampleView {
    let sampleHref: String
    let smallSource: String
    let largeSource: String
    let previewSource: String
    let width: UInt32
    let height: UInt32
    let alt: String
    let tint: String?
    let levelWord: String
    let isBlurred: Bool

    init?(_ image: ImageView, _ looks: PictureLooks) {
        guard let picture = PictureView(image) else { return nil }
        sampleHref = PageAddress.image(image.id)
        smallSource = picture.smallSource
        largeSource = picture.largeSource
        previewSource = picture.previewSource
        width = picture.width
        height = picture.height
        alt = picture.alt
        tint = looks[picture.blob]?.meanColour.shortColour
        levelWord = picture.levelWord
        isBlurred = looks.isBlurred(picture.level)
    }
}
