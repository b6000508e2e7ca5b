import Digests
import FoundationEssentials
import GRDB
import Moderation
import PostLog
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Collections, articles and workflows: one row for each (author, kind, slug) that has a post in force.
enum WorkTable {
    static let schema = """
        CREATE TABLE works (
            id INTEGER PRIMARY KEY,            -- number of (author, kind, slug)
            kind INTEGER NOT NULL,             -- of the post
            post BLOB NOT NULL UNIQUE,
            author_id INTEGER NOT NULL,
            slug TEXT NOT NULL,
            created INTEGER NOT NULL,
            tie INTEGER NOT NULL,              -- of (author, kind, slug)
            level INTEGER NOT NULL,
            shelf INTEGER NOT NULL,
            body BLOB NOT NULL
        );
        CREATE INDEX works_slug ON works (author_id, kind, slug);
        CREATE INDEX works_newest ON works (kind, shelf, created, tie, id);
        CREATE INDEX works_author ON works (author_id, kind, shelf, created, tie, id);
        CREATE INDEX works_graphs ON works (id) WHERE kind = 16;
        CREATE TABLE collection_items (
            collection_id INTEGER NOT NULL,
            position INTEGER NOT NULL,
            subject_id INTEGER NOT NULL,
            shelf INTEGER NOT NULL,            -- the collection's
            created INTEGER NOT NULL,          -- and so are these
            tie INTEGER NOT NULL,
            PRIMARY KEY (collection_id, position)
        ) WITHOUT ROWID;
        -- By the work's number. Kind and shelf are words like the others, so that what is hidden takes no place.
        CREATE VIRTUAL TABLE works_text USING fts5(
            kind, shelf, name, tags, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3'
        );
        """

    static let indexes = [
        LateIndex("collection_items_newest", on: "collection_items (subject_id, shelf, created, tie, collection_id)")
    ]
}

/// What the rows of collections, articles and workflows are made from.
enum Work {
    case collection(WireCollection)
    case article(WireArticle)
    case workflow(WireWorkflow)

    /// Nil for posts of other kinds.
    init?(_ post: LoggedPost) {
        switch post.post.body {
        case .collection(let body): self = .collection(body)
        case .article(let body): self = .article(body)
        case .workflow(let body): self = .workflow(body)
        default: return nil
        }
    }

    /// Nil for other kinds.
    fileprivate init?(_ kind: PostKind, _ body: Data) throws {
        switch kind {
        case .collection: self = .collection(try WireCollection(serializedBytes: body))
        case .article: self = .article(try WireArticle(serializedBytes: body))
        case .workflow: self = .workflow(try WireWorkflow(serializedBytes: body))
        default: return nil
        }
    }

    /// The name of a collection, article or workflow whatever its post in force: a model's name is made from a slug
    /// alone, and no slug has a stroke.
    static func name(_ author: Hash32, _ kind: PostKind, slug: String) -> Hash32 {
        SHA256.hash(author.bytes + Array("\(kind.rawValue)/\(slug)".utf8))
    }

    fileprivate var body: any SwiftProtobuf.Message {
        switch self {
        case .collection(let body): body
        case .article(let body): body
        case .workflow(let body): body
        }
    }

    fileprivate var level: Level {
        switch self {
        case .collection(let body): Level(declared: body.level)
        case .article(let body): Level(declared: body.level)
        case .workflow(let body): Level(declared: body.level)
        }
    }

    /// What it is found by.
    fileprivate var name: String {
        switch self {
        case .collection(let body): body.name
        case .article(let body): body.title
        case .workflow(let body): body.name
        }
    }

    fileprivate var tags: [String] {
        switch self {
        case .collection: []
        case .article(let body): body.tags
        case .workflow(let body): body.tags
        }
    }

    /// The blob that it shows; empty when there is none.
    fileprivate var blob: Data {
        switch self {
        case .collection: Data()
        case .article(let body): body.cover
        case .workflow(let body): body.graph.sha256
        }
    }
}

extension Projection {
    func show(work: Work, _ post: LoggedPost) throws {
        let name = Work.name(post.author, post.kind, slug: post.slot)
        let id = try number(name)
        let authorID = try authorID(post.author)
        if let old = try database.row("SELECT post FROM works WHERE id = ?", [id]) {
            if old.hash(0) == post.id { return }
            try removeWork(id, old.hash(0))
        }
        let level = levels.level(
            work.level, of: .work(author: post.author, kind: post.kind, slug: post.slot), version: post.id)
        let shelf = shelf(ofWork: post.id, post.kind, level: level, blob: Hash32(work.blob))
        try database.run(
            """
            INSERT INTO works (id, kind, post, author_id, slug, created, tie, level, shelf, body)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                id, Int64(post.kind.rawValue), post.id.data, authorID, post.slot, Int64(post.created), name.tie,
                Int64(level.rawValue), shelf, try work.body.serializedData() as Data,
            ])
        if !isFilling { try addText(of: work, post.kind, id: Int64(id), shelf: shelf) }
        try setShownBlob(work.blob, of: post, authorID: authorID, level: level)
        try database.run("UPDATE subjects SET work_id = ? WHERE id = ?", [id, try subjectID(post.id)])
        guard case .collection(let collection) = work else { return }
        var seen: Set<Hash32> = []
        for item in collection.items.compactMap({ Hash32($0) }) where seen.insert(item).inserted {
            try database.run(
                """
                INSERT INTO collection_items (collection_id, position, subject_id, shelf, created, tie)
                VALUES (?, ?, ?, ?, ?, ?)
                """, [id, seen.count - 1, try subjectID(item), shelf, Int64(post.created), name.tie])
        }
    }

    private func addText(of work: Work, _ kind: PostKind, id: Int64, shelf: Int64) throws {
        try database.run(
            "INSERT INTO works_text (rowid, kind, shelf, name, tags) VALUES (?, ?, ?, ?, ?)",
            [
                id, SearchExpression.word(kind), SearchExpression.word(shelf: shelf), SearchTable.plain(work.name),
                SearchTable.plain(work.tags.joined(separator: "\n")),
            ])
    }

    /// The texts of all works, where a catalog is filled: between other statements each would be a tree of its own.
    func addTextsOfWorks() throws {
        try database.scan("SELECT id, kind, shelf, body FROM works ORDER BY id", []) { row in
            let kind = PostKind(rawValue: UInt32(truncatingIfNeeded: row.integer(1)))
            guard let work = try Work(kind, Data(row.bytes(3))) else { return }
            try addText(of: work, kind, id: row.integer(0), shelf: row.integer(2))
        }
    }

    /// As with models: what was said of an older version is said of the work, what was said of a deleted one is not.
    func hideWork(_ post: LoggedPost, isSuperseded: Bool) throws {
        let version = isSuperseded ? try number(Work.name(post.author, post.kind, slug: post.slot)) : nil
        try database.run("UPDATE subjects SET work_id = ? WHERE id = ?", [version, try subjectID(post.id)])
        if let id = try database.integer("SELECT id FROM works WHERE post = ?", [post.id.data]) {
            try removeWork(Int32(truncatingIfNeeded: id), post.id)
        }
    }

    private func removeWork(_ id: Int32, _ post: Hash32) throws {
        try database.run("DELETE FROM works WHERE id = ?", [id])
        try database.run("DELETE FROM works_text WHERE rowid = ?", [id])
        try database.run("DELETE FROM collection_items WHERE collection_id = ?", [id])
        try removeShownBlob(of: post)
    }

    /// A workflow without its graph is nothing; an article without its cover is still an article.
    private func shelf(ofWork post: Hash32, _ kind: PostKind, level: Level, blob: Hash32?) -> Int64 {
        Shelf.number(level, isHidden: isHidden(blob: kind == .workflow ? blob : nil, of: post))
    }

    func refreshLevel(ofWorkBy author: Hash32, _ kind: PostKind, slug: String) throws {
        let row = try database.row(
            """
            SELECT w.post, w.body FROM works w JOIN authors a ON a.id = w.author_id
            WHERE a.author = ? AND w.kind = ? AND w.slug = ?
            """, [author.data, Int64(kind.rawValue), slug])
        guard let row else { return }
        guard let work = try Work(kind, row[1]) else { return }
        let post = row.hash(0)
        let level = levels.level(work.level, of: .work(author: author, kind: kind, slug: slug), version: post)
        for table in ["works", "shown_blobs"] {
            try database.run("UPDATE \(table) SET level = ? WHERE post = ?", [Int64(level.rawValue), post.data])
        }
        try refreshHiddenShownBlob(post: post)
        try refreshHiddenWork(post)
    }

    func refreshHiddenWork(_ post: Hash32) throws {
        guard
            let row = try database.row(
                """
                SELECT w.id, w.kind, w.level, b.sha256 FROM works w LEFT JOIN shown_blobs b ON b.post = w.post
                WHERE w.post = ?
                """, [post.data])
        else { return }
        let shelf = shelf(
            ofWork: post, PostKind(rawValue: row[1]), level: Level(declared: row[2]),
            blob: (row[3] as Data?).flatMap { Hash32($0) })
        try database.run("UPDATE works SET shelf = ? WHERE id = ?", [shelf, row[0] as Int64])
        try database.run(
            "UPDATE works_text SET shelf = ? WHERE rowid = ?", [SearchExpression.word(shelf: shelf), row[0] as Int64])
        try database.run("UPDATE collection_items SET shelf = ? WHERE collection_id = ?", [shelf, row[0] as Int64])
    }
}
