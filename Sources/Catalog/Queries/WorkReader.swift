import Digests
import FoundationEssentials
import GRDB
import Moderation
import WaggleProtocol

/// A collection, article or workflow on one of the viewer's shelves.
struct WorkRow {
    let id: Int32
    let post: Hash32
    let author: CreatorView
    let slug: String
    let level: Level
    let created: UInt64
    let body: Data
    let counts: SubjectCounts
}

/// Collections, articles or workflows in one order: newest version first.
struct WorkListing {
    let kind: PostKind
    /// Says in a cursor which list it is of.
    let letter: Character
    let range: PageRange

    init(_ kind: PostKind, letter: Character, limit: Int, position: PagePosition) throws(CatalogError) {
        self.kind = kind
        self.letter = letter
        range = try PageRange(position, limit: limit, letter: letter, keyCount: 3)
    }

    func page(_ reader: ViewReader, creator: CreatorReference?) throws -> Page<WorkRow> {
        var list = OrderedList(
            columns: ["created", "tie", "id"], table: "works", conditions: ["kind = \(kind.rawValue)"])
        var arguments: [String: any DatabaseValueConvertible] = [:]
        if let creator {
            guard let id = try CreatorListing.id(creator, reader.database) else { return Page(items: [], next: nil) }
            list.conditions.append("author_id = :creator")
            arguments["creator"] = id
        }
        let keys = try list.rows(
            reader.database, over: reader.filter.shelves, from: range.from, limit: range.limit + 1,
            offset: range.offset, arguments: arguments)
        return try page(keys, reader)
    }

    /// - Parameter keys: one more than the limit, when there are so many.
    func page(_ keys: [OrderKey], _ reader: ViewReader) throws -> Page<WorkRow> {
        let (page, next) = range.page(keys, key: { $0 }, letter: letter)
        return Page(items: try page.compactMap { try reader.work(OrderedList.id($0), kind) }, next: next)
    }
}

extension Page {
    /// The page with other items.
    func map<Other>(_ transform: (Item) throws -> Other) rethrows -> Page<Other> {
        Page<Other>(items: try items.map(transform), next: next)
    }
}

extension ViewReader {
    func work(_ id: Int32, _ kind: PostKind) throws -> WorkRow? {
        guard
            let row = try database.row(
                """
                SELECT post, author_id, slug, level, created, body FROM works
                WHERE id = ? AND kind = ? AND shelf IN \(shelves)
                """, [id, Int64(kind.rawValue)]),
            let author = try creator(row[1])
        else { return nil }
        return WorkRow(
            id: id, post: row.hash(0), author: author, slug: row[2], level: Level(declared: row[3]),
            created: UInt64(row[4] as Int64), body: row[5], counts: try counts(ofWork: id))
    }

    func work(author: Hash32, slug: String, _ kind: PostKind) throws -> WorkRow? {
        let row = try database.row(
            """
            SELECT w.id FROM works w JOIN authors a ON a.id = w.author_id
            WHERE a.author = ? AND w.kind = ? AND w.slug = ?
            """, [author.data, Int64(kind.rawValue), slug])
        return try (row?[0] as Int32?).flatMap { try work($0, kind) }
    }
}
