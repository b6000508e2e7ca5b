import FoundationEssentials
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// Finds the images of a query: walks the index of the narrowest thing that it names and tests the rest, or, for an
/// order that this index does not have, sorts what it names where that is little.
struct ImageListing {
    private let reader: ViewReader
    private let query: ImageQuery
    /// The shelves that the viewer may see and the query asks for.
    private let shelves: [Int64]
    private let range: PageRange
    /// What is walked: a table with a shelf and the order of publication, its image column, and a test that names it.
    private var driver = Driver(table: "images", id: "id")
    /// Tests of a row of what is walked, `l`, given its image column.
    private var conditions: [(String) -> String] = []
    private var arguments: [String: any DatabaseValueConvertible] = [:]

    private struct Driver {
        var table: String
        var id: String
        var test: String?
    }

    /// The size up to which a set is sorted.
    private let sortedSet: Int

    static func page(_ query: ImageQuery, _ reader: ViewReader, sortedSet: Int = Limits.Catalog.sortedSet) throws
        -> Page<Int32>
    {
        guard let listing = try ImageListing(query, reader, sortedSet) else { return Page(items: [], next: nil) }
        let (keys, next) = listing.range.page(
            try listing.keys(), key: { $0 }, letter: letter(query.sort))
        return Page(items: keys.map(OrderedList.id), next: next)
    }

    private static func letter(_ sort: ImageQuery.Sort) -> Character {
        switch sort {
        case .newest: "N"
        case .oldest: "O"
        case .mostReactions: "R"
        }
    }

    /// Nil when nothing can match.
    private init?(_ query: ImageQuery, _ reader: ViewReader, _ sortedSet: Int) throws {
        self.query = query
        self.reader = reader
        self.sortedSet = sortedSet
        shelves = reader.filter.narrowed(to: query.levels).shelves
        range = try PageRange(
            query.position, limit: query.limit, letter: Self.letter(query.sort),
            keyCount: query.sort == .mostReactions ? 4 : 3, descending: query.sort != .oldest)
        guard query.baseModels.count <= Limits.Catalog.valuesPerFilter else {
            throw CatalogError.limit(
                "\(query.baseModels.count) values of one filter, at most \(Limits.Catalog.valuesPerFilter)")
        }
        if shelves.isEmpty { return nil }
        guard try drive(), try addTerms() else { return nil }
        try addConditions()
    }

    // MARK: What is walked

    /// False when nothing can match.
    private mutating func drive() throws -> Bool {
        let visible = "r.shelf IN \(reader.shelves)"
        if let releaseID = query.releaseID {
            let row = try reader.database.row(
                "SELECT r.subject_id, r.model_id FROM releases r WHERE r.id = ? AND \(visible)", [releaseID])
            guard let row, query.modelID == nil || query.modelID == row[1] else { return false }
            drive("image_links", "subject_id", row[0] as Int64)
        } else if let modelID = query.modelID {
            guard try reader.database.exists("SELECT 1 FROM models r WHERE r.id = ? AND \(visible)", [modelID]) else {
                return false
            }
            drive("model_images", "model_id", Int64(modelID))
        }
        if let creator = query.creator {
            guard let id = try CreatorListing.id(creator, reader.database) else { return false }
            arguments["creator"] = id
            switch driver.table {
            case "images": driver.test = "author_id = :creator"
            default:
                conditions.append { "EXISTS (SELECT 1 FROM images a WHERE a.id = \($0) AND a.author_id = :creator)" }
            }
        }
        return true
    }

    private mutating func drive(_ table: String, _ column: String, _ id: Int64) {
        driver = Driver(table: table, id: "image_id", test: "\(column) = :listed")
        arguments["listed"] = id
    }

    /// Adds the filters by term, and walks the rarest of them when nothing narrower is walked. False when nothing can
    /// match.
    private mutating func addTerms() throws -> Bool {
        var terms: [Int64] = []
        if query.hasRecipe { terms.append(ImageTerm.recipe.rawValue) }
        if query.isFromHere { terms.append(ImageTerm.here.rawValue) }
        if !query.baseModels.isEmpty {
            let keys = ReleaseChoice.folded(query.baseModels)
            let bases = try keys.compactMap { try ImageTermTable.base($0, reader.database) }
            if bases.isEmpty { return false }
            if bases.count == 1 { terms.append(bases[0]) }
            arguments["bases"] = keys.json
        }
        if driver.test == nil {
            let sizes = try terms.map { ($0, try size(of: $0)) }
            if let rarest = sizes.min(by: { $0.1 < $1.1 }) {
                terms.removeAll { $0 == rarest.0 }
                drive("image_terms", "term", rarest.0)
            }
        }
        for term in terms {
            conditions.append { id in
                """
                EXISTS (SELECT 1 FROM image_terms t WHERE t.term = \(term) AND t.shelf = l.shelf
                    AND t.created = l.created AND t.tie = l.tie AND t.image_id = \(id))
                """
            }
        }
        return true
    }

    private func size(of term: Int64) throws -> Int64 {
        try reader.database.integer(
            "SELECT COUNT(*) FROM (SELECT 1 FROM image_terms WHERE term = ? LIMIT ?)", [term, sortedSet + 1]) ?? 0
    }

    // MARK: What is tested

    private mutating func addConditions() throws {
        if !query.baseModels.isEmpty {
            let shelves = reader.shelves
            // The terms hold the base models of all releases; only those that the viewer may see count.
            conditions.append { id in
                """
                EXISTS (SELECT 1 FROM image_links k JOIN subjects s ON s.id = k.subject_id
                    JOIN releases r ON r.id = s.release_id
                    WHERE k.image_id = \(id) AND r.shelf IN \(shelves)
                        AND r.base_key IN (SELECT value FROM json_each(:bases)))
                """
            }
        }
        if let excluded = query.excludedCreator, let creator = try CreatorListing.id(excluded, reader.database) {
            conditions.append { "NOT EXISTS (SELECT 1 FROM images x WHERE x.id = \($0) AND x.author_id = :excluded)" }
            arguments["excluded"] = creator
        }
        if let imageID = query.imageID {
            conditions.append { "\($0) = :image" }
            arguments["image"] = imageID
        }
        if let postID = query.postID {
            // A post's images have the numbers after its own.
            conditions.append { "\($0) BETWEEN :firstOfPost AND :lastOfPost" }
            arguments["firstOfPost"] = Int64(postID) + 1
            arguments["lastOfPost"] =
                try reader.database.integer("SELECT MAX(id) FROM images WHERE post_id = ?", [postID]) ?? 0
        }
        if let since = query.since {
            conditions.append { _ in "l.created >= :since" }
            arguments["since"] = Int64(clamping: since)
        }
    }

    // MARK: Statements

    /// Whether nothing is tested beside what is walked: such statements are few.
    private var isPlain: Bool { conditions.isEmpty }

    private func keys() throws -> [OrderKey] {
        if query.sort == .mostReactions { return try byReactions() }
        let tests = [driver.test].compactMap { $0 } + conditions.map { $0("l.\(driver.id)") }
        return try rows(
            OrderedList(
                columns: ["created", "tie", driver.id], table: driver.table + " AS l", conditions: tests,
                isDescending: query.sort == .newest, isKept: isPlain))
    }

    private func rows(_ list: OrderedList) throws -> [OrderKey] {
        try list.rows(
            reader.database, over: shelves, from: range.from, limit: range.limit + 1, offset: range.offset,
            arguments: arguments)
    }

    private static let byReactions = ["reactions", "created", "tie", "id"]

    private func byReactions() throws -> [OrderKey] {
        let tests = conditions.map { $0("l.id") }
        guard let test = driver.test else {
            return try rows(
                OrderedList(
                    columns: Self.byReactions, table: "images AS l INDEXED BY images_reactions", conditions: tests,
                    isKept: isPlain))
        }
        let set = "SELECT \(driver.id) FROM \(driver.table) WHERE \(test) AND shelf IN \(shelfList)"
        var counted: [String: (any DatabaseValueConvertible)?] = arguments.filter { test.contains(":" + $0.key) }
        counted["most"] = sortedSet + 1
        let size = try Int.fetchOne(
            reader.database, sql: "SELECT COUNT(*) FROM (\(set) LIMIT :most)", arguments: StatementArguments(counted))
        guard size ?? 0 <= sortedSet else {
            // By the whole key of what lists it, and before the tests that cost more.
            let isOfSet = """
                EXISTS (SELECT 1 FROM \(driver.table) d WHERE d.\(test) AND d.shelf = l.shelf
                    AND d.created = l.created AND d.tie = l.tie AND d.\(driver.id) = l.id)
                """
            return try rows(
                OrderedList(
                    columns: Self.byReactions, table: "images AS l INDEXED BY images_reactions",
                    conditions: [isOfSet] + tests, isKept: false))
        }
        return try sorted(set, tests)
    }

    private var shelfList: String { "(" + shelves.map(String.init).joined(separator: ", ") + ")" }

    private func sorted(_ set: String, _ tests: [String]) throws -> [OrderKey] {
        let columns = Self.byReactions
        let place = columns.indices.map { ":at\($0)" }.joined(separator: ", ")
        // The plus signs keep SQLite from walking a shelf instead of reading the set.
        let all =
            ["l.id IN (\(set))", "(\(columns.map { "+l." + $0 }.joined(separator: ", "))) < (\(place))"] + tests
        let sql = """
            SELECT \(columns.map { "l." + $0 }.joined(separator: ", ")) FROM images l
            WHERE \(all.joined(separator: " AND "))
            ORDER BY \(columns.map { "+l.\($0) DESC" }.joined(separator: ", ")) LIMIT :limit OFFSET :offset
            """
        var named: [String: (any DatabaseValueConvertible)?] = arguments.mapValues { $0 }
        named["limit"] = range.limit + 1
        named["offset"] = range.offset
        for (index, value) in range.from.values.enumerated() { named["at\(index)"] = value }
        return try Row.fetchAll(reader.database, sql: sql, arguments: StatementArguments(named)).map { row in
            OrderKey(columns.indices.map { row[$0] })
        }
    }
}
