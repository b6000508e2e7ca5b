public import Digests
import GRDB

extension PostLog {
    /// Of these posts those that were here before another came, and what they were then: of a post with versions the older
    /// ones, the newest 100.
    ///
    /// Arrival here decides, because `created` is what an author says. What is said again in a slot came when it was said first.
    public func posts(_ ids: [Hash32], before id: Hash32) async throws(PostLogError) -> [LoggedPost] {
        try await read { db in
            let came = try Int64.fetchOne(
                db,
                sql: """
                    SELECT min(p.n) FROM post said
                    JOIN post p ON p.author = said.author AND p.kind = said.kind AND p.slot = said.slot
                    WHERE said.id = ? AND (p.n = said.n OR said.slot <> '')
                    """, arguments: [id.data])
            guard let came else { return [] }
            let statement = try db.cachedStatement(
                sql: """
                    SELECT p.id, a.id, p.created, p.kind, p.slot, p.envelope, p.n
                    FROM post p JOIN author a ON a.n = p.author WHERE p.id = ?1 AND p.n < ?2
                    UNION ALL
                    SELECT p.id, a.id, p.created, p.kind, p.slot, p.envelope, p.n FROM post newest
                    JOIN post p ON p.author = newest.author AND p.kind = newest.kind AND p.slot = newest.slot
                        AND p.state = ?3
                    JOIN author a ON a.n = p.author
                    WHERE newest.id = ?1 AND newest.slot <> '' AND p.n < ?2 ORDER BY 7 DESC LIMIT 100
                    """)
            return try ids.flatMap { id in
                try Row.fetchAll(statement, arguments: [id.data, came, HiddenReason.superseded.rawValue]).map {
                    try Self.loggedPost($0, from: 0)
                }
            }
        }
    }
}
