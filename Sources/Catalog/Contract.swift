public import Moderation

// Stands in for queries that are being written elsewhere; to be dropped when they are merged.

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
}
