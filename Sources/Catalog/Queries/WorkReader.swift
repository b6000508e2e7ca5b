public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
public import WaggleProtocol

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

    /// - Parameter text: words that all must have; empty for every one.
    func page(_ reader: ViewReader, creator: CreatorReference?, text: String) throws -> Page<WorkRow> {
        if !text.isEmpty { return try page(try found(reader, creator: creator, text: text), reader) }
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

    /// Those that were known here last are looked through, as with models.
    private func found(_ reader: ViewReader, creator: CreatorReference?, text: String) throws -> [OrderKey] {
        guard let query = SearchExpression(text).query(reader.filter, kind: kind) else { return [] }
        var author: Int64?
        if let creator {
            guard let id = try CreatorListing.id(creator, reader.database) else { return [] }
            author = Int64(id)
        }
        return try reader.database.rows(
            """
            SELECT w.created, w.tie, w.id FROM (
                SELECT rowid AS id FROM works_text WHERE works_text MATCH ?1 ORDER BY rowid DESC LIMIT ?2) t
            JOIN works w ON w.id = t.id
            WHERE (?3 IS NULL OR w.author_id = ?3) AND (w.created, w.tie, w.id) < (?4, ?5, ?6)
            ORDER BY w.created DESC, w.tie DESC, w.id DESC LIMIT ?7 OFFSET ?8
            """,
            [
                query, Limits.Catalog.searchMatches, author, range.from.values[0], range.from.values[1],
                range.from.values[2], range.limit + 1, range.offset,
            ]
        ).map { OrderKey([$0[0], $0[1], $0[2]]) }
    }

    /// - Parameter keys: one more than the limit, when there are so many.
    func page(_ keys: [OrderKey], _ reader: ViewReader) throws -> Page<WorkRow> {
        let (page, next) = range.page(keys, key: { $0 }, letter: letter)
        return Page(items: try page.compactMap { try reader.work(OrderedList.id($0), kind) }, next: next)
    }
}

extension Catalog {
    /// Kind and number of the collection, article or workflow of which a post is a version; nil when it is of none, or of
    /// one that the viewer may not see.
    public func work(ofPost post: Hash32, _ filter: ViewerFilter) async throws(CatalogError)
        -> (kind: PostKind, id: Int32)?
    {
        try await read { database in
            try database.row(
                """
                SELECT w.kind, w.id FROM subjects s JOIN works w ON w.id = s.work_id
                WHERE s.post = ? AND w.shelf IN \(filter.shelfList)
                """, [post.data]
            ).map { (PostKind(rawValue: $0[0]), $0[1]) }
        }
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
