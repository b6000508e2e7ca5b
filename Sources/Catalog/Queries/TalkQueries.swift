public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// What one person says of one release. Images of a review are among the images of its release.
public struct ReviewView: Sendable, Hashable {
    public let post: Hash32
    public let releaseID: Int32
    public let author: CreatorView
    public let created: UInt64
    /// Of the release.
    public let version: String
    public let isRecommended: Bool
    public let text: String
    public let counts: SubjectCounts
}

/// What somebody says of something, or answers to that.
public struct CommentView: Sendable, Hashable {
    public let post: Hash32
    public let subject: Hash32
    public let replyTo: Hash32?
    public let author: CreatorView
    public let created: UInt64
    public let text: String
    /// How many comments it hangs below: 0 for a top comment, at most 8.
    public let depth: Int
    public let counts: SubjectCounts
    /// Comments that hang on it directly; 1000 stands for more.
    public let replyCount: Int
}

extension Catalog {
    /// The reviews of a release, newest first; none when the viewer may not see the release.
    public func reviews(
        ofRelease id: Int32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<ReviewView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let talk = try Talk(reader, table: "reviews", letter: "v", limit: limit, position: position)
            let subject = try database.integer(
                "SELECT subject_id FROM releases WHERE id = ? AND shelf IN \(reader.shelves)", [id])
            return try talk.page(subject.map { [$0] } ?? []) { try reader.review($0) }
        }
    }

    /// The reviews of all releases of a model, newest first; those of its newest 100 releases that the viewer may see.
    public func reviews(
        ofModel id: Int32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<ReviewView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let talk = try Talk(reader, table: "reviews", letter: "z", limit: limit, position: position)
            let subjects = try database.rows(
                """
                SELECT subject_id FROM releases WHERE model_id = ? AND shelf IN \(reader.shelves)
                ORDER BY created DESC, tie DESC, id DESC LIMIT \(Limits.Catalog.releasesPerModel)
                """, [id])
            return try talk.page(subjects.map { $0[0] }) { try reader.review($0) }
        }
    }

    /// The comments on any post that people talk about, newest first; none when the viewer may not see it.
    /// - Parameter subject: the post; any version of a model, collection, article or workflow finds the comments on all
    ///   of its versions.
    public func comments(
        on subject: Hash32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CommentView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let talk = try Talk(reader, table: "comments", letter: "w", limit: limit, position: position)
            return try talk.page(try reader.visibleSubjects(subject)) { id in
                try reader.comment(id, depth: try reader.depth(ofComment: id))
            }
        }
    }

    /// The reactions of one person on a post, or on any version of what it is a version of; at most 64.
    public func reaction(of author: Hash32, on subject: Hash32) async throws(CatalogError) -> [String] {
        try await read { database in
            let subjects = try ViewReader(database, ViewerFilter(mask: 0)).subjects(subject)
            let rows = try database.rows(
                """
                SELECT DISTINCT emoji FROM reactions
                WHERE subject_id IN (SELECT value FROM json_each(?))
                    AND author_id = (SELECT id FROM authors WHERE author = ?)
                ORDER BY emoji LIMIT \(Limits.Catalog.ownReactions)
                """, [subjects.json, author.data])
            return rows.map { String(decoding: $0[0] as Data, as: UTF8.self) }
        }
    }
}

/// One page of what was said of one post.
struct Talk {
    let reader: ViewReader
    let table: String
    let letter: Character
    let range: PageRange
    /// Further conditions on the table's rows.
    var conditions: [String] = []

    init(_ reader: ViewReader, table: String, letter: Character, limit: Int, position: PagePosition)
        throws(CatalogError)
    {
        self.reader = reader
        self.table = table
        self.letter = letter
        range = try PageRange(position, limit: limit, letter: letter, keyCount: 3)
    }

    func page<Item>(_ subjects: [Int64], item: (Int64) throws -> Item?) throws -> Page<Item> {
        let list = OrderedList(
            columns: ["created", "tie", "id"], table: table,
            conditions: ["hidden \(reader.hiddenValues)"] + conditions, merged: "subject_id")
        let keys = try list.rows(
            reader.database, over: subjects, from: range.from, limit: range.limit + 1, offset: range.offset)
        let (page, next) = range.page(keys, key: { $0 }, letter: letter)
        return Page(items: try page.compactMap { try item($0.values[2]) }, next: next)
    }
}

extension ViewReader {
    fileprivate func review(_ id: Int64) throws -> ReviewView? {
        guard
            let row = try database.row(
                """
                SELECT v.post, v.author_id, v.created, v.recommended, v.text, r.id, r.version
                FROM reviews v JOIN subjects s ON s.id = v.subject_id JOIN releases r ON r.id = s.release_id
                WHERE v.id = ?
                """, [id]),
            let author = try creator(row[1])
        else { return nil }
        return ReviewView(
            post: row.hash(0), releaseID: row[5], author: author, created: UInt64(row[2] as Int64), version: row[6],
            isRecommended: row[3], text: row[4], counts: try counts(ofPost: row.hash(0)))
    }

    func comment(_ id: Int64, depth: Int) throws -> CommentView? {
        guard
            let row = try database.row(
                """
                SELECT c.post, c.author_id, c.created, c.reply_to, c.text, s.post
                FROM comments c JOIN subjects s ON s.id = c.subject_id WHERE c.id = ?
                """, [id]),
            let author = try creator(row[1])
        else { return nil }
        let replies = try database.integer(
            """
            SELECT COUNT(*) FROM (
                SELECT 1 FROM comments WHERE parent_id = ? AND hidden \(hiddenValues)
                LIMIT \(Limits.Catalog.countedMentions))
            """, [id])
        return CommentView(
            post: row.hash(0), subject: row.hash(5), replyTo: (row[3] as Data?).flatMap { Hash32($0) },
            author: author, created: UInt64(row[2] as Int64), text: row[4], depth: depth,
            counts: try counts(ofPost: row.hash(0)), replyCount: Int(replies ?? 0))
    }

    /// How many comments a comment hangs below, as far as that is shown.
    fileprivate func depth(ofComment id: Int64) throws -> Int {
        var (current, depth) = (id, 0)
        while depth < Limits.Catalog.replyDepth,
            let parent = try database.integer("SELECT parent_id FROM comments WHERE id = ?", [current])
        {
            (current, depth) = (parent, depth + 1)
        }
        return depth
    }

    /// What the viewer sees of talk that moderation may have hidden, as a condition on a column.
    var hiddenValues: String { filter.seesHidden ? "IN (0, 1)" : "= 0" }
}
