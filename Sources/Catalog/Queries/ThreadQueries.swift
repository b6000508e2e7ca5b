public import Digests
import GRDB
public import Moderation
import Statements
import WaggleProtocol

extension Catalog {
    /// Conversations on a post: top comments newest first, each followed by what hangs on it, a reply before the next
    /// one of the same depth, oldest first. At most 50 replies follow one top comment, and 1000 all of a page.
    ///
    /// A comment that answers one that is unknown, hidden, or on another subject, is a top comment.
    /// - Parameters:
    ///   - subject: as for `comments`.
    ///   - limit: top comments of the page.
    public func threads(
        on subject: Hash32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CommentView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            var talk = try Talk(reader, table: "comments", letter: "t", limit: limit, position: position)
            talk.conditions = ["parent_id IS NULL"]
            var room = Limits.Catalog.repliesPerPage
            let page = try talk.page(try reader.visibleSubjects(subject)) { id -> [CommentView]? in
                guard let top = try reader.comment(id, depth: 0) else { return nil }
                let replies = try reader.replies(to: id, top, limit: min(room, Limits.Catalog.repliesPerThread))
                room -= replies.count
                return [top] + replies
            }
            return Page(items: page.items.flatMap { $0 }, next: page.next)
        }
    }
}

extension ViewReader {
    /// What hangs on a comment, each reply followed by what hangs on it.
    fileprivate func replies(to id: Int64, _ top: CommentView, limit: Int) throws -> [CommentView] {
        var waiting = try directReplies(to: id, top, limit: limit).map { (id: $0, depth: 1) }
        var found: [CommentView] = []
        while found.count < limit, let next = waiting.popLast() {
            guard let reply = try comment(next.id, depth: min(next.depth, Limits.Catalog.replyDepth)) else { continue }
            found.append(reply)
            waiting += try directReplies(to: next.id, reply, limit: limit - found.count).map { ($0, next.depth + 1) }
        }
        return found
    }

    /// The oldest replies, newest of them first: the last one is taken first.
    private func directReplies(to id: Int64, _ comment: CommentView, limit: Int) throws -> [Int64] {
        guard comment.replyCount > 0, limit > 0 else { return [] }
        return try database.rows(
            """
            SELECT id FROM comments WHERE parent_id = ? AND hidden \(hiddenValues) ORDER BY created, tie, id LIMIT ?
            """, [id, limit]
        ).reversed().map { $0[0] }
    }
}
