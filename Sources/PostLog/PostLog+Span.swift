public import Digests
import GRDB
import WaggleProtocol

extension PostLog {
    /// Posts in force of some authors that were made in a span of time, in the order (created, id).
    ///
    /// - Parameters:
    ///   - span: unix seconds.
    ///   - place: of the last post of the part before; nil begins.
    ///   - limit: posts of anybody that are looked at.
    /// - Returns: the place to go on with; nil at the end.
    public func posts(
        created span: Range<UInt64>, by authors: Set<Hash32>, after place: (created: UInt64, id: Hash32)? = nil,
        limit: Int
    ) async throws(PostLogError) -> (posts: [LoggedPost], next: (created: UInt64, id: Hash32)?) {
        let from = place ?? (span.lowerBound, .zero)
        return try await read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT p.id, a.id, p.created, p.kind, p.slot, p.envelope
                        FROM post p JOIN author a ON a.n = p.author
                        WHERE p.state = 0 AND (p.created, p.id) > (?, ?) AND p.created < ?
                        ORDER BY p.created, p.id LIMIT ?
                        """),
                arguments: [
                    Int64(clamping: from.created), from.id.data, Int64(clamping: span.upperBound), limit,
                ])
            var posts: [LoggedPost] = []
            for row in rows where authors.contains(try PostTable.hash(row, 1)) {
                posts.append(try Self.loggedPost(row, from: 0))
            }
            guard rows.count == limit, let last = rows.last else { return (posts, nil) }
            return (posts, (try PostTable.time(last, 2), try PostTable.hash(last, 0)))
        }
    }
}
