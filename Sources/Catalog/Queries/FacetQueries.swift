import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// What models can be filtered by.
public enum FacetKind: String, Sendable, Hashable, CaseIterable {
    case type
    case baseModel
    case tag
    /// Of files.
    case format
    case licence
    case level

    /// Nil for levels, which are where models stand.
    var term: TermKind? {
        switch self {
        case .tag: .tag
        case .type: .type
        case .baseModel: .baseModel
        case .format: .format
        case .licence: .licence
        case .level: nil
        }
    }
}

/// A tag, type, base model or the like, with the number of models that the viewer may see.
public struct FacetView: Sendable, Hashable {
    public let name: String
    public let count: Int

    /// Most first, then by name.
    static func sorted(_ views: [FacetView], limit: Int) -> [FacetView] {
        let sorted = views.sorted {
            $0.count == $1.count ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) : $0.count > $1.count
        }
        return Array(sorted.prefix(limit))
    }
}

/// Names in their own order.
public struct FacetQuery: Sendable, Hashable {
    /// The start of the name as it is written; empty = all.
    public var prefix = ""
    public var limit = 20
    /// The `next` of the page before; nil = from the start.
    public var cursor: String?
    /// Names to leave out, for pages that are counted.
    public var offset = 0

    public init() {}
}

/// What is here for one viewer.
public struct CatalogCounts: Sendable, Hashable {
    public var models = 0
    public var releases = 0
    public var images = 0

    public init() {}
}

extension Catalog {
    /// Names of one kind in alphabetical order; those that no visible model has are not there. Of levels there is one
    /// page, mildest first.
    public func facets(_ kind: FacetKind, _ query: FacetQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> Page<FacetView>
    {
        try await read { database in
            let limit = try PageRange.checked(limit: query.limit)
            if let cursor = query.cursor, cursor.first != "f" {
                throw CatalogError.badCursor(String(cursor.prefix(128)))
            }
            guard let term = kind.term else { return Page(items: try Self.levels(filter, database), next: nil) }
            let after = query.cursor.map { String($0.dropFirst()) } ?? ""
            let offset = query.offset
            guard (0...Limits.Catalog.pageOffset).contains(offset) else {
                throw CatalogError.limit("\(offset) names to leave out, at most \(Limits.Catalog.pageOffset)")
            }
            // The first names of the merged shelves are among the first names of each.
            var names: Set<String> = []
            for shelf in filter.shelves {
                let rows = try database.rows(
                    """
                    SELECT label FROM facets WHERE kind = ? AND shelf = ? AND label > ? AND label >= ? AND label < ?
                    ORDER BY label LIMIT ?
                    """,
                    [term.rawValue, shelf, after, query.prefix, query.prefix + "\u{10FFFF}", offset + limit + 1])
                names.formUnion(rows.map { $0[0] as String })
            }
            // The order of SQLite: by the bytes of UTF-8.
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            let page = sorted.dropFirst(offset)
            let items = try page.prefix(limit).map { try Self.facet(term, $0, filter, database) }
            return Page(items: items, next: page.count > limit ? items.last.map { "f" + $0.name } : nil)
        }
    }

    /// The names that most visible models have, most first.
    public func topFacets(_ kind: FacetKind, limit: Int, _ filter: ViewerFilter) async throws(CatalogError)
        -> [FacetView]
    {
        try await read { database in
            try Self.topFacets(kind, limit: try PageRange.checked(limit: limit), filter, database)
        }
    }

    static func topFacets(_ kind: FacetKind, limit: Int, _ filter: ViewerFilter, _ database: Database) throws
        -> [FacetView]
    {
        guard let term = kind.term else { return try levels(filter, database) }
        // Candidates are the leaders of each shelf; their counts are exact.
        var names: Set<String> = []
        for shelf in filter.shelves {
            let rows = try database.rows(
                "SELECT label FROM facets WHERE kind = ? AND shelf = ? ORDER BY n DESC, label DESC LIMIT ?",
                [term.rawValue, shelf, 4 * limit])
            names.formUnion(rows.map { $0[0] as String })
        }
        return FacetView.sorted(try names.map { try facet(term, $0, filter, database) }, limit: limit)
    }

    /// Levels with a model, mildest first.
    static func levels(_ filter: ViewerFilter, _ database: Database) throws -> [FacetView] {
        let counts = try filter.shelves.reduce(into: [Level: Int]()) { counts, shelf in
            let count = try database.integer(
                "SELECT n FROM facets WHERE kind = ? AND shelf = ? AND label = ''", [TermKind.all.rawValue, shelf])
            counts[Shelf.level(shelf), default: 0] += Int(count ?? 0)
        }
        return counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
            .map { FacetView(name: $0.key.word, count: $0.value) }
    }

    /// How much the viewer may see.
    public func counts(_ filter: ViewerFilter) async throws(CatalogError) -> CatalogCounts {
        try await read { database in
            var counts = CatalogCounts()
            counts.models = try Self.count(.all, "", filter, database)
            counts.releases = try Self.count(.releases, "", filter, database)
            counts.images = try Self.count(.images, "", filter, database)
            return counts
        }
    }

    private static func facet(_ kind: TermKind, _ name: String, _ filter: ViewerFilter, _ database: Database) throws
        -> FacetView
    {
        FacetView(name: name, count: try count(kind, name, filter, database))
    }

    private static func count(_ kind: TermKind, _ label: String, _ filter: ViewerFilter, _ database: Database) throws
        -> Int
    {
        try filter.shelves.reduce(0) { sum, shelf in
            let count = try database.integer(
                "SELECT n FROM facets WHERE kind = ? AND shelf = ? AND label = ?", [kind.rawValue, shelf, label])
            return sum + Int(count ?? 0)
        }
    }
}
