import Digests
import FoundationEssentials
import GRDB
import Moderation
import WaggleProtocol

/// Finds the models of a query.
///
/// Two ways: *walk* an index in the order asked for and test each model, or *sort* a set that another index names.
/// A set is sorted when it is small (a search, a creator, a rare tag); else the walk meets matches soon. So neither
/// costs more as the catalog grows.
struct ModelListing {
    private let database: Database
    private let filter: ViewerFilter
    private let query: ModelQuery
    private var range: PageRange
    private var arguments: [String: any DatabaseValueConvertible] = [:]
    /// Conditions on `models m`, besides shelf and place.
    private var conditions: [String] = []
    /// Filters by term that one value decides, with their folded values.
    private var single: [(kind: TermKind, value: String)] = []
    private var multiple: [(kind: TermKind, values: [String])] = []
    /// The size up to which a set is sorted.
    private let sortedSet: Int
    /// Whether filters that `FacetRows` can tell are left to it, but for their marks; and those that were left.
    private var leavesFilters = false
    private var left: [(kind: TermKind, values: [String])] = []

    static func page(
        _ database: Database, _ query: ModelQuery, _ filter: ViewerFilter,
        sortedSet: Int = Limits.Catalog.sortedSet
    ) throws -> Page<Int32> {
        guard let listing = try ModelListing(database, query, filter, sortedSet) else {
            return Page(items: [], next: nil)
        }
        let (keys, next) = listing.range.page(
            try listing.keys().keys, key: { $0 }, letter: Self.letter(query.sort))
        return Page(items: keys.map(OrderedList.id), next: next)
    }

    /// The newest models of a query, whatever its order and page. Filters are looked up in `rows`: a thousand models lie
    /// far apart in the terms' own table.
    static func newest(
        _ limit: Int, _ database: Database, _ query: ModelQuery, _ filter: ViewerFilter, rows: inout FacetRows
    ) throws -> [Int32] {
        var query = query
        (query.sort, query.position, query.limit) = (.newest, .start, 1)
        guard var listing = try ModelListing(database, query, filter, Limits.Catalog.sortedSet) else { return [] }
        listing.leavesFilters = true
        var found: [Int32] = []
        var place: OrderKey?
        repeat {
            listing.range = PageRange(first: limit, after: place, keyCount: Self.columns(query.sort).count)
            let (keys, left) = try listing.keys()
            guard let matches = try rows.matches(keys.map(OrderedList.id), left) else { return [] }
            found += matches
            // Those that only the marks let through leave room for further ones.
            place = keys.count > limit ? keys.last : nil
        } while found.count < limit && place != nil
        return Array(found.prefix(limit))
    }

    private static func letter(_ sort: ModelQuery.Sort) -> Character {
        switch sort {
        case .newest: "n"
        case .oldest: "o"
        case .updated: "u"
        case .mostDownloaded: "d"
        case .highestRated: "r"
        case .mostDiscussed: "m"
        case .trending: "t"
        }
    }

    private static func columns(_ sort: ModelQuery.Sort) -> [String] {
        switch sort {
        case .newest, .oldest: ["published", "tie", "id"]
        case .updated: ["updated", "tie", "id"]
        case .mostDownloaded: ["downloads", "published", "tie", "id"]
        case .highestRated: ["score", "published", "tie", "id"]
        case .mostDiscussed: ["comments", "published", "tie", "id"]
        case .trending: ["trending", "published", "tie", "id"]
        }
    }

    private var isByPublication: Bool { query.sort == .newest || query.sort == .oldest }

    /// Nil when the viewer sees no shelf.
    private init?(_ database: Database, _ query: ModelQuery, _ filter: ViewerFilter, _ sortedSet: Int) throws {
        self.sortedSet = sortedSet
        self.database = database
        self.query = query
        self.filter = filter.narrowed(to: query.levels)
        range = try PageRange(
            query.position, limit: query.limit, letter: Self.letter(query.sort),
            keyCount: Self.columns(query.sort).count, descending: query.sort != .oldest)
        for count in query.valueCounts where count > Limits.Catalog.valuesPerFilter {
            throw CatalogError.limit("\(count) values of one filter, at most \(Limits.Catalog.valuesPerFilter)")
        }
        if self.filter.shelves.isEmpty { return nil }
        for tag in query.tags { single.append((.tag, TermTable.folded(tag))) }
        if query.hasRelease { single.append((.released, "")) }
        if query.isFromHere { single.append((.here, "")) }
        for permission in query.permissions { single.append((.permission, TermTable.folded(permission.rawValue))) }
        var choices: [(TermKind, [String])] = [
            (.type, query.types), (.licence, query.licences),
            (.permission, query.anyPermissions.map(\.rawValue).sorted()),
        ]
        if query.baseModels.isEmpty || query.formats.isEmpty {
            choices += [(.baseModel, query.baseModels), (.format, query.formats)]
        } else {
            // Both must hold for one release.
            choices.append(
                (
                    .baseFormat,
                    query.baseModels.flatMap { base in query.formats.map { Term.joint(base: base, format: $0) } }
                )
            )
        }
        for (kind, names) in choices where !names.isEmpty {
            let values = ReleaseChoice.folded(names)
            if values.count == 1 { single.append((kind, values[0])) } else { multiple.append((kind, values)) }
        }
        if let since = query.since {
            conditions.append("published >= :since")
            arguments["since"] = Int64(clamping: since)
        }
        if let until = query.until {
            conditions.append("published < :until")
            arguments["until"] = Int64(clamping: until)
        }
    }

    /// The places of one more model than the page has, and the filters that were left.
    private func keys() throws -> (keys: [OrderKey], left: [(kind: TermKind, values: [String])]) {
        var plan = self
        if let set = try plan.set() {
            plan.addTermConditions(except: nil, table: "models", id: "id")
            return (try plan.sorted(set), plan.left)
        }
        if isByPublication {
            let driver = try plan.rarestSingle()
            plan.addTermConditions(except: driver, table: "model_terms", id: "model_id")
            return (try plan.walkTerms(driver.map { single[$0] } ?? (.all, "")), plan.left)
        }
        plan.addTermConditions(except: nil, table: "models", id: "id")
        return (try plan.walk(), plan.left)
    }

    // MARK: Sets

    /// A condition that names a small set of models, when the query has one. What else the query names becomes one more
    /// condition.
    private mutating func set() throws -> String? {
        var sets: [String] = []
        if !query.ids.isEmpty {
            arguments["ids"] = query.ids.json
            sets.append("id IN (SELECT value FROM json_each(:ids))")
        }
        if !query.text.isEmpty {
            guard let expression = SearchExpression(query.text).query(filter) else { return "0" }
            arguments["text"] = expression
            sets.append(
                """
                id IN (SELECT rowid FROM models_text WHERE models_text MATCH :text
                    ORDER BY rowid DESC LIMIT \(Limits.Catalog.searchMatches))
                """)
        }
        if let creator = query.creator {
            guard let id = try CreatorListing.id(creator, database) else { return "0" }
            arguments["creator"] = id
            sets.append("author_id = :creator")
        }
        guard let first = sets.first else { return try smallTermSet() }
        conditions += sets.dropFirst()
        return first
    }

    /// The term filter that fewest models match, if these are few enough to sort and the order is not the terms' own.
    private mutating func smallTermSet() throws -> String? {
        var best: (size: Int, kind: TermKind, values: [String])?
        for (kind, values) in multiple + (isByPublication ? [] : single.map { ($0.kind, [$0.value]) }) {
            let size = try size(kind, values)
            if size <= sortedSet, size < best?.size ?? .max { best = (size, kind, values) }
        }
        guard let best else { return nil }
        arguments["setKind"] = best.kind.rawValue
        arguments["setValues"] = best.values.json
        return """
            id IN (SELECT model_id FROM model_terms
                WHERE kind = :setKind AND value IN (SELECT value FROM json_each(:setValues)))
            """
    }

    private func rarestSingle() throws -> Int? {
        guard single.count > 1 else { return single.isEmpty ? nil : 0 }
        let sizes = try single.map { try size($0.kind, [$0.value]) }
        return sizes.indices.min { sizes[$0] < sizes[$1] }
    }

    /// How many models have a term, counted up to one more than a set that is sorted.
    private func size(_ kind: TermKind, _ values: [String]) throws -> Int {
        let count = try database.integer(
            """
            SELECT COUNT(*) FROM (SELECT 1 FROM model_terms
                WHERE kind = ? AND value IN (SELECT value FROM json_each(?)) LIMIT ?)
            """, [kind.rawValue, values.json, sortedSet + 1])
        return Int(count ?? 0)
    }

    // MARK: Conditions

    /// Adds a look-up for every term filter but the one that is walked, and before it the test of the term's mark.
    private mutating func addTermConditions(except driver: Int?, table: String, id: String) {
        func term(_ test: String, _ kind: TermKind, _ comparison: String) -> String {
            """
            \(test) (SELECT 1 FROM model_terms f
                WHERE f.model_id = \(table).\(id) AND f.kind = \(kind.rawValue) AND f.value \(comparison))
            """
        }
        func marks(_ kind: TermKind, _ values: [String]) -> Int64 {
            values.reduce(0) { $0 | TermMarks.bit(kind, $1) }
        }
        var needed: Int64 = 0
        for (index, filter) in single.enumerated() where index != driver {
            needed |= TermMarks.bit(filter.kind, filter.value)
            if isLeft(filter.kind) {
                left.append((filter.kind, [filter.value]))
                continue
            }
            arguments["single\(index)"] = filter.value
            conditions.append(term("EXISTS", filter.kind, "= :single\(index)"))
        }
        if needed != 0 {
            arguments["marks"] = needed
            conditions.append("\(table).marks & :marks = :marks")
        }
        for (index, filter) in multiple.enumerated() {
            arguments["anyMark\(index)"] = marks(filter.kind, filter.values)
            conditions.append("\(table).marks & :anyMark\(index) <> 0")
            if isLeft(filter.kind) {
                left.append(filter)
                continue
            }
            arguments["multiple\(index)"] = filter.values.json
            conditions.append(term("EXISTS", filter.kind, "IN (SELECT value FROM json_each(:multiple\(index)))"))
        }
        for (name, kind, values) in [
            ("notTags", TermKind.tag, query.excludedTags), ("notTypes", .type, query.excludedTypes),
            ("notBases", .baseModel, query.excludedBaseModels),
            ("notPermissions", .permission, query.excludedPermissions.map(\.rawValue).sorted()),
        ] where !values.isEmpty {
            let folded = values.map(TermTable.folded)
            arguments[name] = folded.json
            arguments[name + "Marks"] = marks(kind, folded)
            let look = term("NOT EXISTS", kind, "IN (SELECT value FROM json_each(:\(name)))")
            conditions.append("(\(table).marks & :\(name)Marks = 0 OR \(look))")
        }
    }

    private func isLeft(_ kind: TermKind) -> Bool { leavesFilters && FacetRowTable.kinds.contains(kind) }

    // MARK: Statements

    private func walkTerms(_ term: (kind: TermKind, value: String)) throws -> [OrderKey] {
        let list = OrderedList(
            columns: ["published", "tie", "model_id"], table: "model_terms INDEXED BY model_terms_walk",
            conditions: ["kind = \(term.kind.rawValue)", "value = :walked"] + conditions,
            isDescending: query.sort == .newest, isKept: false)
        var arguments = arguments
        arguments["walked"] = term.value
        return try list.rows(
            database, over: filter.shelves, from: range.from, limit: range.limit + 1, offset: range.offset,
            arguments: arguments)
    }

    private func walk() throws -> [OrderKey] {
        let index =
            switch query.sort {
            case .updated: "models_updated"
            case .highestRated: "models_score"
            case .mostDiscussed: "models_comments"
            case .trending: "models_trending"
            case .mostDownloaded, .newest, .oldest: "models_downloads"
            }
        let list = OrderedList(
            columns: Self.columns(query.sort), table: "models INDEXED BY \(index)", conditions: conditions,
            isKept: false)
        return try list.rows(
            database, over: filter.shelves, from: range.from, limit: range.limit + 1, offset: range.offset,
            arguments: arguments)
    }

    private func sorted(_ set: String) throws -> [OrderKey] {
        let columns = Self.columns(query.sort)
        let (comparison, direction) = query.sort == .oldest ? (">", "ASC") : ("<", "DESC")
        let place = columns.indices.map { ":at\($0)" }.joined(separator: ", ")
        // A creator's models have an index of their own; of any other set the narrow index has all that is sorted by.
        let index = set.hasPrefix("id IN") ? "INDEXED BY models_narrow " : ""
        // The plus signs keep SQLite from walking a shelf instead of reading the set.
        let tests =
            [
                set, "+shelf IN \(filter.shelfList)",
                "(\(columns.map { "+" + $0 }.joined(separator: ", "))) \(comparison) (\(place))",
            ] + conditions
        let sql = """
            SELECT \(columns.joined(separator: ", ")) FROM models \(index)WHERE \(tests.joined(separator: " AND "))
            ORDER BY \(columns.map { "+\($0) \(direction)" }.joined(separator: ", ")) LIMIT :limit OFFSET :offset
            """
        var named: [String: (any DatabaseValueConvertible)?] = arguments.mapValues { $0 }
        named["limit"] = range.limit + 1
        named["offset"] = range.offset
        for (index, value) in range.from.values.enumerated() { named["at\(index)"] = value }
        return try Row.fetchAll(database, sql: sql, arguments: StatementArguments(named)).map { row in
            OrderKey(columns.indices.map { row[$0] })
        }
    }
}
