import FoundationEssentials
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// Puts the models of a query in order.
///
/// Two ways: *walk* an index in the order asked for and test each model for the set of the query, or *sort* the set. The
/// smaller the set, the longer the walk to its next member; so either way costs little as the catalog grows.
struct ModelListing {
    private let database: Database
    private let filter: ViewerFilter
    private let query: ModelQuery
    private let range: PageRange
    private let way: Way

    /// Which way is taken; tests choose.
    enum Way {
        case cheaper
        case walk
        case sort
    }

    static func page(_ database: Database, _ query: ModelQuery, _ filter: ViewerFilter, way: Way = .cheaper) throws
        -> Page<Int32>
    {
        let range = try PageRange(
            query.position, limit: query.limit, letter: Self.letter(query.sort),
            keyCount: Self.columns(query.sort).count, descending: query.sort != .oldest)
        let keys = try keys(database, query, filter, range, way: way)
        let (page, next) = range.page(keys, key: { $0 }, letter: Self.letter(query.sort))
        return Page(items: page.map(OrderedList.id), next: next)
    }

    /// The places of one model more than the page has.
    static func keys(
        _ database: Database, _ query: ModelQuery, _ filter: ViewerFilter, _ range: PageRange, way: Way = .cheaper
    ) throws -> [OrderKey] {
        for count in query.valueCounts where count > Limits.Catalog.valuesPerFilter {
            throw CatalogError.limit("\(count) values of one filter, at most \(Limits.Catalog.valuesPerFilter)")
        }
        let filter = filter.narrowed(to: query.levels)
        if filter.shelves.isEmpty { return [] }
        let listing = ModelListing(database: database, filter: filter, query: query, range: range, way: way)
        return try listing.keys()
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

    private static func index(_ sort: ModelQuery.Sort) -> String {
        switch sort {
        case .newest, .oldest: "models_published"
        case .updated: "models_updated"
        case .mostDownloaded: "models_downloads"
        case .highestRated: "models_score"
        case .mostDiscussed: "models_comments"
        case .trending: "models_trending"
        }
    }

    private var isByPublication: Bool { query.sort == .newest || query.sort == .oldest }

    private func keys() throws -> [OrderKey] {
        var finder = ModelFinder(database)
        // In the order of publication a period is a range of the walk.
        let found = try finder.models(query, filter, isPeriodLeft: isByPublication)
        guard let set = found?.models else { return try walk { _ in true } ?? [] }
        let size = set.count
        if size == 0 { return [] }
        // Models that do not stand where the query's do may all come first: a walk that is longer than sorting ends.
        let limit = Self.walkedPerSorted * size
        let isWalked =
            switch way {
            case .walk: true
            case .sort: false
            case .cheaper: try expectedWalk(to: size) < limit
            }
        if isWalked, let keys = try walk(atMost: way == .walk ? .max : limit, set.contains) { return keys }
        return try sorted(set)
    }

    /// Steps of a walk that cost as much as sorting one model.
    private static let walkedPerSorted = 2

    /// Steps of a walk to the end of the page when the set's models are spread evenly.
    private func expectedWalk(to size: Int) throws -> Int {
        let all = try filter.shelves.reduce(0) { sum, shelf in
            let count = try database.integer(
                "SELECT n FROM facets WHERE kind = ? AND shelf = ? AND label = ''", [TermKind.all.rawValue, shelf])
            return sum + Int(count ?? 0)
        }
        return (range.limit + 1 + range.offset) * (all / size + 1)
    }

    // MARK: Ways

    /// Nil when the steps do not suffice.
    private func walk(atMost steps: Int = .max, _ isMember: (Int32) -> Bool) throws -> [OrderKey]? {
        let columns = Self.columns(query.sort)
        let list = OrderedList(
            columns: columns, table: "models INDEXED BY \(Self.index(query.sort))", isDescending: query.sort != .oldest,
            beside: ["place"])
        var (left, skipped, isCut) = (steps, 0, false)
        var keys: [OrderKey] = []
        try list.walk(database, over: filter.shelves, from: start) { row in
            isCut = left == 0
            if isCut || isByPublication && isPastPeriod(row.integer(0)) { return false }
            left -= 1
            guard isMember(Int32(truncatingIfNeeded: row.integer(CInt(columns.count)))) else { return true }
            if skipped < range.offset {
                skipped += 1
                return true
            }
            keys.append(list.key(row))
            return keys.count <= range.limit
        }
        return isCut ? nil : keys
    }

    /// The page's start, or that of the period where it comes later in the order of publication.
    private var start: OrderKey {
        func isBefore(_ left: OrderKey, _ right: OrderKey) -> Bool {
            left.values.lexicographicallyPrecedes(right.values)
        }
        if query.sort == .newest, let until = query.until {
            let start = OrderKey([Int64(clamping: until), .min, .min])
            return isBefore(start, range.from) ? start : range.from
        }
        if query.sort == .oldest, let since = query.since, since > 0 {
            let start = OrderKey([Int64(clamping: since - 1), .max, .max])
            return isBefore(range.from, start) ? start : range.from
        }
        return range.from
    }

    private func isPastPeriod(_ published: Int64) -> Bool {
        query.sort == .newest
            ? published < Int64(clamping: query.since ?? 0) : published >= Int64(clamping: query.until ?? .max)
    }

    private func sorted(_ set: ModelSet) throws -> [OrderKey] {
        let columns = Self.columns(query.sort)
        let (comparison, direction) = query.sort == .oldest ? (">", "ASC") : ("<", "DESC")
        let place = columns.indices.map { ":at\($0)" }.joined(separator: ", ")
        // The narrow index has all that is sorted by; the plus signs keep SQLite from walking a shelf instead.
        let sql = """
            SELECT \(columns.joined(separator: ", ")) FROM (SELECT value FROM json_each(:set)) j
            CROSS JOIN models INDEXED BY models_narrow ON place = j.value
            WHERE +shelf IN \(filter.shelfList) AND +published >= :since AND +published < :until
                AND (\(columns.map { "+" + $0 }.joined(separator: ", "))) \(comparison) (\(place))
            ORDER BY \(columns.map { "+\($0) \(direction)" }.joined(separator: ", ")) LIMIT :limit OFFSET :offset
            """
        var arguments: [String: (any DatabaseValueConvertible)?] = [
            "set": set.last().json, "limit": range.limit + 1, "offset": range.offset,
            "since": Int64(clamping: query.since ?? 0), "until": Int64(clamping: query.until ?? .max),
        ]
        for (index, value) in range.from.values.enumerated() { arguments["at\(index)"] = value }
        return try Row.fetchAll(
            database.cachedStatement(sql: sql), arguments: StatementArguments(arguments)
        ).map { row in OrderKey(columns.indices.map { row[$0] }) }
    }
}
