import FoundationEssentials
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// The values of one filter beside a list, with how many models each leaves.
public struct FacetGroup: Sendable, Hashable {
    public let kind: FacetKind
    /// Most models first; levels mildest first.
    public let values: [FacetView]
    /// False when more models match than are counted; the counts are then of those that came here last.
    public let isExact: Bool
}

extension Catalog {
    /// What a filter column shows: for each kind of filter the counts among the models that match the query without
    /// what it chooses of that kind. Exclusions stay. At most `Limits.Catalog.facetValues` of a kind.
    public func facets(within query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> [FacetGroup] {
        try await read { database in
            let limit = Limits.Catalog.countedModels
            // The sets have conditions and most models in common.
            var finder = ModelFinder(database)
            var sets: [ModelQuery: [Int32]] = [:]
            var cut: Set<ModelQuery> = []
            for kind in FacetKind.allCases {
                let rest = query.without(kind)
                if rest.choosesNothing || sets[rest] != nil { continue }
                let found = try finder.visible(rest, filter)
                sets[rest] = found.models.last(limit)
                if !found.isComplete || found.models.count > limit { cut.insert(rest) }
            }
            var rows = FacetRows(database)
            try rows.load(sets.values.joined())
            let count = FacetCount(rows)
            return try FacetKind.allCases.map { kind in
                let rest = query.without(kind)
                guard let models = sets[rest] else {
                    let visible = filter.narrowed(to: rest.levels)
                    let values = try Self.topValues(kind, limit: Limits.Catalog.facetValues, visible, database)
                    return FacetGroup(kind: kind, values: values, isExact: true)
                }
                let values = try count.values(kind, of: models, ReleaseChoice(rest))
                return FacetGroup(kind: kind, values: values, isExact: !cut.contains(rest))
            }
        }
    }

    /// The values that most visible models have, in whatever spelling.
    private static func topValues(_ kind: FacetKind, limit: Int, _ filter: ViewerFilter, _ database: Database) throws
        -> [FacetView]
    {
        guard let term = kind.term else { return try levels(filter, database) }
        let leaders = try topFacets(kind, limit: 2 * limit, filter, database)
        let values = try ReleaseChoice.folded(leaders.map(\.name)).map { value in
            let row = try database.row(
                """
                SELECT MIN(label), SUM(n) FROM facets WHERE kind = ? AND value = ? AND shelf IN \(filter.shelfList)
                """, [term.rawValue, value])
            return FacetView(name: row?[0] ?? value, count: row?[1] ?? 0)
        }
        return FacetView.sorted(values, limit: limit)
    }
}

extension ModelQuery {
    /// The query without what it chooses of one kind; order and page do not matter.
    fileprivate func without(_ kind: FacetKind) -> ModelQuery {
        var query = self
        (query.sort, query.limit, query.position, query.detail) = (.newest, 1, .start, .brief)
        switch kind {
        case .type: query.types = []
        case .baseModel: query.baseModels = []
        case .tag: query.tags = []
        case .format: query.formats = []
        case .licence: query.licences = []
        case .level: query.levels = []
        }
        return query
    }

    /// Whether every model that stands at its levels matches.
    fileprivate var choosesNothing: Bool {
        var everything = ModelQuery()
        everything.levels = levels
        (everything.sort, everything.limit, everything.position, everything.detail) = (sort, limit, position, detail)
        return self == everything
    }
}
