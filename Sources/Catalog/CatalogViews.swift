public import Digests
public import Moderation
public import WaggleProtocol

// What queries return: values, already filtered for the viewer who asked.

/// A person or node that published something that is known here.
public struct CreatorView: Sendable, Hashable {
    /// Positive 32-bit integer of this node's allocator; never reused, different on every node.
    public let id: Int32
    public let author: Hash32
    /// The name of the newest profile; the short author id while there is none.
    public let name: String
    /// A handle for addresses: `a-z0-9-_.`; unique on this node (a clash gets a suffix from the author id).
    public let handle: String
    /// URL of the home instance; empty when unknown.
    public let home: String
    // What follows is told by `creator` and `creators`, and by who follows whom; elsewhere it is empty.

    /// Markdown; empty when there is no profile.
    public internal(set) var about = ""
    /// A picture that the viewer may see.
    public internal(set) var avatar: Hash32?
    public internal(set) var links: [String] = []
    /// People known here whose list in force names this one.
    public internal(set) var followers = 0
    /// People on this one's list in force.
    public internal(set) var following = 0
    /// Models that the viewer may see.
    public internal(set) var modelCount = 0
    /// Images that the viewer may see.
    public internal(set) var imageCount = 0
    /// At home on this node.
    public internal(set) var isFromHere = false
}

/// A model with its releases, newest first.
public struct ModelView: Sendable {
    public let id: Int32
    /// The kind 10 post in force.
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let body: WireModel
    public let level: Level
    /// OR of the levels of the model, its releases' files and its visible images.
    public let levelBits: UInt32
    public let created: UInt64
    /// Created of the newest visible release, else of the model.
    public let updated: UInt64
    public let releases: [ReleaseView]
    /// Of the model and its releases together.
    public let counts: SubjectCounts
    /// What the author says is the newest release; nil when the author says nothing.
    public let channel: ChannelView?
}

/// What a list shows of a model.
public struct ModelCard: Sendable {
    public let id: Int32
    /// The kind 10 post in force.
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let name: String
    public let type: String
    public let level: Level
    /// Created of the newest open release, else of the model.
    public let updated: UInt64
    /// The newest that the viewer may see and that the query asks for; nil when there is none.
    public let release: CardRelease?
    /// An image that the viewer may see: the author's newest of that release, else anybody's, else one of the model's
    /// other releases.
    public let cover: CoverView?
    /// Downloads, reviews, comments and reactions in all.
    public let counts: SubjectCounts
}

/// The release that a card names.
public struct CardRelease: Sendable, Hashable {
    public let id: Int32
    public let baseModel: String
}

/// An image that stands for something.
public struct CoverView: Sendable {
    public let id: Int32
    /// The kind 13 post.
    public let post: Hash32
    /// Position in the post.
    public let index: Int
    public let author: CreatorView
    public let image: WireImage
    /// The level that it has here, which need not be the one that its author gave it.
    public let level: Level
    /// Of its post.
    public let title: String
}

extension CoverView {
    init(_ image: ImageView) {
        self.init(
            id: image.id, post: image.post, index: image.index, author: image.author, image: image.image,
            level: image.level, title: image.title)
    }
}

/// What the author of a model signed about its newest release, so that nobody can hold a reader back at an older one.
public struct ChannelView: Sendable, Hashable {
    public let release: Hash32
    /// Grows with each release.
    public let number: UInt64
    /// Unix seconds.
    public let expires: UInt64
    /// That release is here, and is the newest one that the viewer sees.
    public let isHere: Bool
}

/// How often one reaction was given.
public struct ReactionCount: Sendable, Hashable {
    /// At most 32 bytes of text; meant to be one emoji, which nothing guarantees.
    public let emoji: String
    public let count: Int

    public init(emoji: String, count: Int) {
        self.emoji = emoji
        self.count = count
    }
}

/// Counts over sets of signed facts that are in force here.
public struct SubjectCounts: Sendable, Hashable {
    public var downloads = 0
    public var recommended = 0
    public var notRecommended = 0
    public var comments = 0
    /// Most given first, at most 8.
    public var reactions: [ReactionCount] = []
    /// All of them together.
    public var reactionTotal = 0
    /// Images shown under a model or release.
    public var images = 0
    /// Collections that the viewer may see and that name it; 1000 stands for more.
    public var collections = 0
    /// People who drew with it and said whether it was good; 1000 stands for more.
    public var drawnBy = 0

    public init() {}
}

/// One signed release.
public struct ReleaseView: Sendable {
    public let id: Int32
    /// The kind 11 post.
    public let post: Hash32
    public let modelID: Int32
    public let modelPost: Hash32
    public let author: CreatorView
    public let body: WireRelease
    public let created: UInt64
    public let levelBits: UInt32
    public let files: [FileView]
    /// Images of posts that refer to this release, the author's own first, then newest first; only those that the
    /// viewer may see. At most 20.
    public let images: [ImageView]
    /// Position among the model's releases, newest = 0.
    public let index: Int
    public let counts: SubjectCounts
}

/// A file of a release. The first file of a release is the primary one.
public struct FileView: Sendable {
    public let id: Int32
    public let releaseID: Int32
    public let file: WireFile
    public let isPrimary: Bool
}

/// An image of an image post.
public struct ImageView: Sendable {
    public let id: Int32
    /// The kind 13 post.
    public let post: Hash32
    /// Integer id of the image post.
    public let postID: Int32
    /// Position in the post.
    public let index: Int
    public let author: CreatorView
    public let created: UInt64
    public let image: WireImage
    public let level: Level
    /// Of the image's post.
    public let counts: SubjectCounts
    public let title: String
    /// Integer ids and names of visible releases that the post refers to.
    public let releases: [ReleaseLink]
}

public struct ReleaseLink: Sendable, Hashable {
    public let releaseID: Int32
    public let modelID: Int32
    public let modelName: String
    public let version: String
    public let baseModel: String

    public init(releaseID: Int32, modelID: Int32, modelName: String, version: String, baseModel: String) {
        self.releaseID = releaseID
        self.modelID = modelID
        self.modelName = modelName
        self.version = version
        self.baseModel = baseModel
    }
}

/// A page of a list, and where the next one starts.
public struct Page<Item: Sendable>: Sendable {
    public let items: [Item]
    /// Opaque; nil at the end. Stable while posts arrive: no item twice, none left out.
    public let next: String?

    public init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }
}
