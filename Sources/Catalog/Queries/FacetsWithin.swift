import FoundationEssentials
import GRDB
public import Moderation
import WaggleProtocol

/// The values of one filter beside a list, with how many models each leaves.
public struct FacetGroup: Sendable, Hashable {
    public let kind: FacetKind
    /// Most models first; levels mildest first.
    public let values: [FacetView]
    /// False when more models match than are counted; the counts are then those of the newest ones.
    public let isExact: Bool
}

extension Catalog {
    /// What a filter column shows: for each kind of filter the counts among the models that match the query without
    /// what it chooses of that kind. Exclusions stay. At most `Limits.Catalog.facetValues` of a kind.
    public func facets(within query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> [FacetGroup] {
        try await read { database in
            var sets: [ModelQuery: [Int32]] = [:]
            return try FacetKind.allCases.map { kind in
                let rest = query.without(kind)
                let visible = filter.narrowed(to: rest.levels)
                if rest.choosesNothing {
                    let values = try Self.topValues(kind, limit: Limits.Catalog.facetValues, visible, database)
                    return FacetGroup(kind: kind, values: values, isExact: true)
                }
                let limit = Limits.Catalog.countedModels
                let models = try sets[rest] ?? ModelListing.newest(limit + 1, database, rest, filter)
                sets[rest] = models
                let count = FacetCount(database: database, models: Array(models.prefix(limit)), query: rest)
                return FacetGroup(kind: kind, values: try count.values(kind), isExact: models.count <= limit)
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

/// Counts over a set of models.
private struct FacetCount {
    let database: Database
    let models: [Int32]
    let query: ModelQuery

    func values(_ kind: FacetKind) throws -> [FacetView] {
        let choice = ReleaseChoice(query)
        switch kind {
        case .level: return try levels()
        // A base model counts where one release has both, and so does a format.
        case .baseModel where !choice.formats.isEmpty:
            return try values(
                """
                SELECT MIN(r.base_model), COUNT(DISTINCT r.model_id) FROM json_each(:models) m
                CROSS JOIN releases r ON r.model_id = m.value
                WHERE r.shelf < \(Shelf.hidden) AND r.base_key <> '' AND \(choice.condition) GROUP BY r.base_key
                """, choice.arguments)
        case .format where !choice.baseModels.isEmpty:
            return try values(
                """
                SELECT MIN(g.format), COUNT(DISTINCT r.model_id) FROM json_each(:models) m
                CROSS JOIN releases r ON r.model_id = m.value
                CROSS JOIN files g ON g.release_id = r.id AND g.shelf = r.shelf
                WHERE r.shelf < \(Shelf.hidden) AND g.format_key <> '' AND \(choice.condition) GROUP BY g.format_key
                """, choice.arguments)
        default:
            return try values(
                """
                SELECT MIN(t.label), COUNT(*) FROM json_each(:models) m
                CROSS JOIN model_terms t ON t.model_id = m.value AND t.kind = :kind GROUP BY t.value
                """, ["kind": (kind.term ?? .all).rawValue])
        }
    }

    /// The statements name the set first: a CROSS JOIN keeps SQLite from walking a whole index instead.
    private func values(_ sql: String, _ arguments: [String: any DatabaseValueConvertible]) throws -> [FacetView] {
        var arguments = arguments
        arguments["models"] = models.json
        let rows = try database.rows(sql, StatementArguments(arguments))
        return FacetView.sorted(
            rows.map { FacetView(name: $0[0], count: $0[1]) }, limit: Limits.Catalog.facetValues)
    }

    private func levels() throws -> [FacetView] {
        let rows = try database.rows(
            """
            SELECT m.shelf, COUNT(*) FROM json_each(?) i CROSS JOIN models m INDEXED BY models_narrow ON m.id = i.value
            GROUP BY m.shelf
            """, [models.json])
        let counts = rows.reduce(into: [Level: Int]()) { $0[Shelf.level($1[0]), default: 0] += $1[1] }
        return counts.sorted { $0.key < $1.key }.map { FacetView(name: $0.key.word, count: $0.value) }
    }
}
