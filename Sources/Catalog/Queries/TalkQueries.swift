public import Digests
import FoundationEssentials
import GRDB
public import Moderation

/// What one person says of one release. Images of a review are among the images of its release.
public struct ReviewView: Sendable, Hashable {
    public let post: Hash32
    public let releaseID: Int32
    public let author: CreatorView
    public let created: UInt64
    public let isRecommended: Bool
    public let text: String
}

public struct CommentView: Sendable, Hashable {
    public let post: Hash32
    public let subject: Hash32
    public let replyTo: Hash32?
    public let author: CreatorView
    public let created: UInt64
    public let text: String
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
            guard let subject else { return Page(items: [], next: nil) }
            return try talk.page([subject]) { key in
                guard
                    let row = try database.row(
                        "SELECT post, author_id, created, recommended, text FROM reviews WHERE id = ?", [key]),
                    let author = try reader.creator(row[1])
                else { return nil }
                return ReviewView(
                    post: row.hash(0), releaseID: id, author: author, created: UInt64(row[2] as Int64),
                    isRecommended: row[3], text: row[4])
            }
        }
    }

    /// The comments on a model, release, image post or review, newest first; none when the viewer may not see it.
    /// - Parameter subject: the post; any version of a model finds the comments on all of its versions.
    public func comments(
        on subject: Hash32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CommentView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let talk = try Talk(reader, table: "comments", letter: "w", limit: limit, position: position)
            return try talk.page(try reader.visibleSubjects(subject)) { key in
                guard
                    let row = try database.row(
                        """
                        SELECT c.post, c.author_id, c.created, c.reply_to, c.text, s.post
                        FROM comments c JOIN subjects s ON s.id = c.subject_id WHERE c.id = ?
                        """, [key]),
                    let author = try reader.creator(row[1])
                else { return nil }
                return CommentView(
                    post: row.hash(0), subject: row.hash(5), replyTo: (row[3] as Data?).flatMap { Hash32($0) },
                    author: author, created: UInt64(row[2] as Int64), text: row[4])
            }
        }
    }
}

/// One page of what was said of one post.
private struct Talk {
    let reader: ViewReader
    let table: String
    let letter: Character
    let range: PageRange

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
            conditions: reader.filter.seesHidden ? ["hidden IN (0, 1)"] : ["hidden = 0"], merged: "subject_id")
        let keys = try list.rows(
            reader.database, over: subjects, from: range.from, limit: range.limit + 1, offset: range.offset)
        let (page, next) = range.page(keys, key: { $0 }, letter: letter)
        return Page(items: try page.compactMap { try item($0.values[2]) }, next: next)
    }
}

extension ViewReader {
    /// Versions of one model whose comments are shown together, the newest known ones.
    private static let versions = 100

    /// The rows of counts of a post, when the post itself stands on one of the viewer's shelves.
    fileprivate func visibleSubjects(_ post: Hash32) throws -> [Int64] {
        guard
            let row = try database.row("SELECT id, release_id, model_id FROM subjects WHERE post = ?", [post.data]),
            let id = row[0] as Int64?
        else { return [] }
        if let releaseID = row[1] as Int64? {
            return try database.exists("SELECT 1 FROM releases WHERE id = ? AND shelf IN \(shelves)", [releaseID])
                ? [id] : []
        }
        if let modelID = row[2] as Int64? {
            guard try database.exists("SELECT 1 FROM models WHERE id = ? AND shelf IN \(shelves)", [modelID]) else {
                return []
            }
            return try database.rows(
                """
                SELECT id FROM subjects WHERE model_id = ? AND release_id IS NULL
                ORDER BY id DESC LIMIT \(Self.versions)
                """, [modelID]
            ).map { $0[0] }
        }
        let isShownImage = try database.exists(
            """
            SELECT 1 FROM image_posts p JOIN images i ON i.post_id = p.id
            WHERE p.post = ? AND i.shelf IN \(shelves)
            """, [post.data])
        if isShownImage { return [id] }
        let isShownReview = try database.exists(
            """
            SELECT 1 FROM reviews v JOIN subjects s ON s.id = v.subject_id JOIN releases r ON r.id = s.release_id
            WHERE v.post = ? AND v.hidden = 0 AND r.shelf IN \(shelves)
            """, [post.data])
        return isShownReview ? [id] : []
    }
}
