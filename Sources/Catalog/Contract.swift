public import Digests
public import Moderation
public import PostLog
public import WaggleProtocol

// Stands in for queries that are being written elsewhere; to be dropped when they are merged.

extension SubjectCounts {
    public var reactions: [ReactionCount] { [] }
    public var reactionTotal: Int { 0 }
    public var images: Int { 0 }
    public var collections: Int { 0 }
}

public struct ReactionCount: Sendable, Hashable {
    public let emoji: String
    public let count: Int
}

extension CreatorView {
    public var about: String { "" }
    public var avatar: Hash32? { nil }
    public var links: [String] { [] }
    public var followers: Int { 0 }
    public var following: Int { 0 }
    public var imageCount: Int { 0 }
    public var isFromHere: Bool { true }
}

public struct ChannelView: Sendable, Hashable {
    public let release: Hash32
    public let number: UInt64
    public let expires: UInt64
    public let isHere: Bool
}

extension ModelView {
    public var channel: ChannelView? { nil }
}

extension ImageView {
    public var counts: SubjectCounts { SubjectCounts() }
}

extension ReviewView {
    public var version: String { "" }
    public var counts: SubjectCounts { SubjectCounts() }
}

extension CommentView {
    public var depth: Int { 0 }
    public var counts: SubjectCounts { SubjectCounts() }
    public var replyCount: Int { 0 }
}

extension ModelQuery.Sort {
    public static var mostDiscussed: Self { .updated }
    public static var trending: Self { .updated }
}

public enum Permission: Sendable, Hashable {
    case noCredit, derivatives, differentLicence, sellImages, rent, sell
}

extension ModelQuery {
    public var levels: Set<Level> {
        get { [] }
        set {}
    }
    public var formats: [String] {
        get { [] }
        set {}
    }
    public var licences: [String] {
        get { [] }
        set {}
    }
    public var permissions: Set<Permission> {
        get { [] }
        set {}
    }
    public var excludedTypes: [String] {
        get { [] }
        set {}
    }
    public var until: UInt64? {
        get { nil }
        set {}
    }
    public var isFromHere: Bool {
        get { false }
        set {}
    }
}

extension ImageQuery.Sort {
    public static var mostReactions: Self { .newest }
}

extension ImageQuery {
    public var levels: Set<Level> {
        get { [] }
        set {}
    }
    public var baseModels: [String] {
        get { [] }
        set {}
    }
    public var hasRecipe: Bool {
        get { false }
        set {}
    }
    public var excludedCreator: CreatorReference? {
        get { nil }
        set {}
    }
    public var isFromHere: Bool {
        get { false }
        set {}
    }
}

extension FacetKind {
    public static var format: Self { .tag }
    public static var licence: Self { .tag }
    public static var level: Self { .tag }
}

public struct SearchPage: Sendable {
    public let page: Page<ModelView>
    public let corrected: String?
}

public struct FacetGroup: Sendable, Hashable {
    public let kind: FacetKind
    public let values: [FacetView]
    public let isExact: Bool
}

public struct ModelCount: Sendable, Hashable {
    public let count: Int
    public let isExact: Bool
}

public struct RankingExplanation: Sendable, Hashable {
    public struct Fact: Sendable, Hashable {
        public let name: String
        public let value: String
    }
    public let sort: ModelQuery.Sort
    public let rule: String
    public let facts: [Fact]
    public let score: String
}

extension Catalog {
    public func search(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> SearchPage {
        SearchPage(page: try await models(query, filter), corrected: nil)
    }

    public func facets(within query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> [FacetGroup] {
        var groups: [FacetGroup] = []
        for kind in [FacetKind.type, .baseModel, .tag] {
            groups.append(
                FacetGroup(kind: kind, values: try await topFacets(kind, limit: 12, filter), isExact: true))
        }
        return groups
    }

    public func count(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> ModelCount {
        ModelCount(count: try await counts(filter).models, isExact: true)
    }

    public func explanation(ofModel id: Int32, sort: ModelQuery.Sort, _ filter: ViewerFilter)
        async throws(CatalogError) -> RankingExplanation?
    {
        guard let model = try await model(id: id, filter) else { return nil }
        return RankingExplanation(
            sort: sort, rule: "More downloads counted on this node come first.",
            facts: [.init(name: "Downloads", value: "\(model.counts.downloads)")],
            score: "\(model.counts.downloads)")
    }

    public func feed(
        limit: Int, cursor: String? = nil, isFromHere: Bool, _ filter: ViewerFilter, detail: ViewDetail = .card
    ) async throws(CatalogError) -> Page<FeedItem> {
        try await feed(limit: limit, cursor: cursor, filter, detail: detail)
    }

    public func reviews(
        ofModel id: Int32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<ReviewView> {
        guard let release = try await model(id: id, filter)?.releases.first else { return Page(items: [], next: nil) }
        return try await reviews(ofRelease: release.id, limit: limit, position: position, filter)
    }

    public func threads(
        on subject: Hash32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CommentView> {
        try await comments(on: subject, limit: limit, position: position, filter)
    }
}

public struct CollectionView: Sendable {
    public let id: Int32
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let name: String
    public let description: String
    public let level: Level
    public let created: UInt64
    public let updated: UInt64
    public let itemCount: Int
    public let counts: SubjectCounts
    public let cover: ImageView?
}

public enum CollectionItem: Sendable {
    case model(ModelView)
    case release(ReleaseView, model: ModelView)
    case images(ImagePostView)
}

public struct CollectionQuery: Sendable, Hashable {
    public var creator: CreatorReference?
    public var containing: Hash32?
    public var limit = 20
    public var position = PagePosition.start
    public init() {}
}

public struct ArticleView: Sendable {
    public let id: Int32
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let title: String
    public let text: String
    public let cover: Hash32?
    public let tags: [String]
    public let level: Level
    public let created: UInt64
    public let updated: UInt64
    public let counts: SubjectCounts
}

public struct ArticleQuery: Sendable, Hashable {
    public var creator: CreatorReference?
    public var limit = 20
    public var position = PagePosition.start
    public init() {}
}

public enum MatchState: String, Sendable {
    case verified, matched, claimed, unknown
}

public struct ResourceMatch: Sendable {
    public let resource: WireResource
    public let state: MatchState
    public let release: ReleaseLink?
    public let fileName: String?
}

public struct RecipeView: Sendable {
    public let recipe: WireRecipe
    public let resources: [ResourceMatch]
    public let isVerified: Bool
}

public struct LineageLink: Sendable {
    public let role: String
    public let post: Hash32
    public let release: ReleaseLink?
    public let model: ModelView?
    public let image: ImageView?
    public let creator: CreatorView?
    public let depth: Int
}

public struct LineageView: Sendable {
    public let ancestors: [LineageLink]
    public let descendants: [LineageLink]
    public let descendantCount: Int
    public let remixes: [ImageView]
}

extension Catalog {
    public func collections(_ query: CollectionQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> Page<CollectionView>
    {
        Page(items: [], next: nil)
    }

    public func collection(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> CollectionView? { nil }

    public func collection(author: Hash32, slug: String, _ filter: ViewerFilter) async throws(CatalogError)
        -> CollectionView?
    { nil }

    public func items(
        ofCollection id: Int32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CollectionItem> {
        Page(items: [], next: nil)
    }

    public func articles(_ query: ArticleQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> Page<ArticleView>
    {
        Page(items: [], next: nil)
    }

    public func article(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> ArticleView? { nil }

    public func article(author: Hash32, slug: String, _ filter: ViewerFilter) async throws(CatalogError)
        -> ArticleView?
    { nil }

    public func recipe(ofImage id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> RecipeView? {
        guard let image = try await image(id: id, filter) else { return nil }
        let recipe = image.image.recipe
        var matches: [ResourceMatch] = []
        for resource in recipe.resources {
            let release =
                if let hash = Hash32(resource.sha256) { try await releases(bySHA256: [hash], filter).first } else {
                    nil as ReleaseView?
                }
            let model =
                if let release { try await model(id: release.modelID, filter, detail: .card) } else {
                    nil as ModelView?
                }
            matches.append(
                ResourceMatch(
                    resource: resource,
                    state: release != nil ? .verified : resource.claimedHash.isEmpty ? .unknown : .claimed,
                    release: release.map {
                        ReleaseLink(
                            releaseID: $0.id, modelID: $0.modelID, modelName: model?.body.name ?? "",
                            version: $0.body.version, baseModel: $0.body.baseModel)
                    }, fileName: release?.files.first?.file.name))
        }
        return RecipeView(
            recipe: recipe, resources: matches,
            isVerified: !matches.isEmpty && matches.allSatisfy { $0.state == .verified })
    }

    public func lineage(ofRelease id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> LineageView {
        LineageView(ancestors: [], descendants: [], descendantCount: 0, remixes: [])
    }

    public func lineage(ofImage id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> LineageView {
        LineageView(ancestors: [], descendants: [], descendantCount: 0, remixes: [])
    }
}

/// What became of a post of a model.
public enum HistoryState: Sendable, Hashable {
    case inForce
    case superseded
    case deleted(by: Hash32)
    case expired
}

public struct HistoryEntry: Sendable, Hashable {
    public let id: Hash32
    public let kind: PostKind
    public let created: UInt64
    public let device: Hash32
    public let state: HistoryState
    public let version: String
}

extension PostLog {
    public func history(author: Hash32, slug: String) async throws(PostLogError) -> [HistoryEntry] {
        guard let model = try await post(author: author, kind: .model, slot: slug) else { return [] }
        return [
            HistoryEntry(
                id: model.id, kind: .model, created: model.created, device: Hash32(model.post.device) ?? .zero,
                state: .inForce, version: "")
        ]
    }
}
