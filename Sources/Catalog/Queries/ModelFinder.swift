import FoundationEssentials
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// Finds which models a query names, each of its conditions once however many queries share it.
struct ModelFinder {
    /// The models of a query, whether the viewer may see them or not.
    struct Found {
        let models: ModelSet
        /// False when more models match the text than a search looks at.
        var isComplete = true

        func intersection(_ other: Found) -> Found {
            Found(models: models.intersection(other.models), isComplete: isComplete && other.isComplete)
        }
    }

    private enum Condition: Hashable {
        case ids([Int32])
        /// Texts by their bytes, as SQLite compares them.
        case terms(TermKind, [[UInt8]])
        /// The shelves, too: what stands elsewhere costs no place among the matches.
        case text(SearchExpression.Match, ViewerFilter)
        case creator(CreatorReference)
        case period(UInt64?, UInt64?)

        static func terms(_ kind: TermKind, _ values: [String]) -> Condition {
            .terms(kind, values.map { Array($0.utf8) })
        }

        static func shelves(_ filter: ViewerFilter) -> Condition {
            .terms(.shelf, filter.shelves.map(String.init))
        }
    }

    private let database: Database
    private var known: [Condition: Found] = [:]

    init(_ database: Database) {
        self.database = database
    }

    // MARK: Queries

    /// The models of a query that the viewer may see.
    mutating func visible(_ query: ModelQuery, _ filter: ViewerFilter) throws -> Found {
        let shelves = Condition.shelves(filter.narrowed(to: query.levels))
        guard let found = try models(query, filter, isPeriodLeft: false) else {
            return try self.found(shelves)
        }
        // What a text finds is visible.
        return query.text.isEmpty ? try found.intersection(self.found(shelves)) : found
    }

    /// The models of a query; nil when it names none, but an order of all.
    /// - Parameter isPeriodLeft: the time of publication is left to the caller.
    mutating func models(_ query: ModelQuery, _ filter: ViewerFilter, isPeriodLeft: Bool) throws -> Found? {
        let filter = filter.narrowed(to: query.levels)
        var conditions = Self.conditions(query)
        if !isPeriodLeft, query.since != nil || query.until != nil {
            conditions.append(.period(query.since, query.until))
        }
        if !query.text.isEmpty {
            guard let match = SearchExpression(query.text).match else { return Found(models: ModelSet()) }
            conditions.append(.text(match, filter))
        }
        var result: Found?
        for condition in conditions {
            let found = try found(condition)
            result = result?.intersection(found) ?? found
            if found.models.isEmpty { return found }
        }
        let excluded = [
            (TermKind.tag, query.excludedTags), (.type, query.excludedTypes), (.baseModel, query.excludedBaseModels),
            (.permission, query.excludedPermissions.map(\.rawValue)),
        ]
        for (kind, names) in excluded where !names.isEmpty {
            let models = try result ?? found(.shelves(filter))
            let unwanted = try found(.terms(kind, ReleaseChoice.folded(names)))
            result = Found(models: models.models.subtracting(unwanted.models), isComplete: models.isComplete)
        }
        return result
    }

    private static func conditions(_ query: ModelQuery) -> [Condition] {
        var conditions: [Condition] = query.tags.map { .terms(.tag, [TermTable.folded($0)]) }
        if !query.ids.isEmpty { conditions.append(.ids(query.ids)) }
        if let creator = query.creator { conditions.append(.creator(creator)) }
        let (bases, formats) = (ReleaseChoice.folded(query.baseModels), ReleaseChoice.folded(query.formats))
        var choices: [(kind: TermKind, values: [String])] = [
            (.type, ReleaseChoice.folded(query.types)), (.licence, ReleaseChoice.folded(query.licences)),
            (.permission, ReleaseChoice.folded(query.anyPermissions.map(\.rawValue))),
        ]
        if bases.isEmpty || formats.isEmpty {
            choices += [(.baseModel, bases), (.format, formats)]
        } else {
            // Both must hold for one release.
            choices.append((.baseFormat, bases.flatMap { base in formats.map { Term.joint(base: base, format: $0) } }))
        }
        conditions += choices.filter { !$0.values.isEmpty }.map { .terms($0.kind, $0.values) }
        conditions += query.permissions.map { .terms(.permission, [TermTable.folded($0.rawValue)]) }
        if query.hasRelease { conditions.append(.terms(.released, [""])) }
        if query.isFromHere { conditions.append(.terms(.here, [""])) }
        return conditions
    }

    // MARK: Conditions

    private mutating func found(_ condition: Condition) throws -> Found {
        if let found = known[condition] { return found }
        let found = try find(condition)
        known[condition] = found
        return found
    }

    private mutating func find(_ condition: Condition) throws -> Found {
        switch condition {
        case .ids(let ids):
            Found(
                models: ModelSet(
                    try numbers("SELECT place FROM models WHERE id IN (SELECT value FROM json_each(?))", [ids.json])))
        case .terms(let kind, let values):
            Found(
                models: try values.reduce(into: ModelSet()) { models, value in
                    try models.formUnion(self.models(with: kind, String(decoding: value, as: UTF8.self)))
                })
        case .text(.having(let expression), let filter): try models(having: expression, filter)
        case .text(.lacking(let expression), let filter): try models(lacking: expression, filter)
        case .creator(let creator): Found(models: try models(of: creator))
        case .period(let since, let until): Found(models: try published(since: since, until: until))
        }
    }

    private func models(with kind: TermKind, _ value: String) throws -> ModelSet {
        // A value may be spelled in several ways.
        let rows = try database.rows(
            "SELECT id FROM term_names WHERE kind = ? AND value = ?", [kind.rawValue, value])
        return try rows.reduce(into: ModelSet()) { models, row in
            if let number = TermNumber(id: row[0], kind: kind) { try models.formUnion(postings(number)) }
        }
    }

    private func postings(_ term: TermNumber) throws -> ModelSet {
        var models = ModelSet()
        try database.scan(
            "SELECT block, models FROM postings WHERE term = ? ORDER BY block", [Int64(term.value)]
        ) { row in
            models.append(Int32(truncatingIfNeeded: row.integer(0))) { PostingBlock.read(row.bytes(1), into: $0) }
        }
        return models
    }

    /// What an expression matches: of more than a search looks at, those that came here last.
    private func models(having expression: String, _ filter: ViewerFilter) throws -> Found {
        var visible = VisibleModels(filter, database)
        let limit = Limits.Catalog.searchMatches
        let places = try visible.matches(expression, limit: limit)
        return Found(models: ModelSet(places), isComplete: places.count < limit)
    }

    /// What an expression does not match, likewise: looked for among those that came here last, then among those before.
    private mutating func models(lacking expression: String, _ filter: ViewerFilter) throws -> Found {
        let limit = Limits.Catalog.searchMatches
        let visible = try found(.shelves(filter)).models
        var (places, end): ([Int32], Int32) = ([], .max)
        while places.count < limit {
            let newest = visible.last(limit, below: end)
            guard let start = newest.last else { break }
            let unwanted = ModelSet(
                try numbers(
                    "SELECT rowid FROM models_text WHERE models_text MATCH ? AND rowid >= ? AND rowid < ?",
                    [expression, start, end]))
            places += newest.filter { !unwanted.contains($0) }
            end = start
        }
        return Found(models: ModelSet(places.prefix(limit)), isComplete: places.count < limit)
    }

    private func models(of creator: CreatorReference) throws -> ModelSet {
        guard let id = try CreatorListing.id(creator, database) else { return ModelSet() }
        return ModelSet(try numbers("SELECT place FROM models WHERE author_id = ?", [id]))
    }

    private func published(since: UInt64?, until: UInt64?) throws -> ModelSet {
        let shelves = Level.allCases.flatMap { level in
            [false, true].map { Shelf.number(level, isHidden: $0) }
        }
        return ModelSet(
            try shelves.flatMap { shelf in
                try numbers(
                    """
                    SELECT place FROM models INDEXED BY models_published
                    WHERE shelf = ? AND published >= ? AND published < ?
                    """, [shelf, Int64(clamping: since ?? 0), Int64(clamping: until ?? .max)])
            })
    }

    private func numbers(_ sql: String, _ arguments: Database.Arguments) throws -> [Int32] {
        var numbers: [Int32] = []
        try database.scan(sql, arguments) { numbers.append(Int32(truncatingIfNeeded: $0.integer(0))) }
        return numbers
    }
}
