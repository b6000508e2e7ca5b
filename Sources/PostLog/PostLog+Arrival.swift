public import Digests
import GRDB

extension PostLog {
    /// These posts in the order in which they came here, and what they were before: of a post with versions the older ones,
    /// the newest 100.
    ///
    /// Arrival here decides, because `created` is what an author says.
    ///
    /// - Parameter id: what came after another post is left out. What is said again in a slot came when it was said first.
    public func posts(_ ids: [Hash32], before id: Hash32? = nil) async throws(PostLogError) -> [LoggedPost] {
        try await read { db in
            var end = Int64.max
            if let id {
                let came = try Int64.fetchOne(
                    db,
                    sql: """
                        SELECT min(p.n) FROM post said
                        JOIN post p ON p.author = said.author AND p.kind = said.kind AND p.slot = said.slot
                        WHERE said.id = ? AND (p.n = said.n OR said.slot <> '')
                        """, arguments: [id.data])
                guard let came else { return [] }
                end = came
            }
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
            let rows = try ids.flatMap { id in
                try Row.fetchAll(statement, arguments: [id.data, end, HiddenReason.superseded.rawValue])
            }
            return try rows.sorted { ($0[6] as Int64) < ($1[6] as Int64) }.map { try Self.loggedPost($0, from: 0) }
        }
    }
}
