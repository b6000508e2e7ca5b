import GRDB
import WaggleProtocol

extension PostLog {
    /// Posts in force in the order in which they came, for whoever reads all of them.
    ///
    /// - Parameter number: of the last post of the batch before; 0 begins.
    /// - Returns: at most `limit` posts, and the number to go on with; nil at the end.
    public func inForce(
        after number: Int64, limit: Int
    ) async throws(PostLogError) -> (posts: [LoggedPost], next: Int64?) {
        try await read { db in
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT p.n, p.id, a.id, p.created, p.kind, p.slot, p.envelope
                        FROM post p JOIN author a ON a.n = p.author
                        WHERE p.n > ? AND p.state = 0 ORDER BY p.n LIMIT ?
                        """), arguments: [number, limit])
            let posts = try rows.map { try Self.loggedPost($0, from: 1) }
            return (posts, rows.count == limit ? try rows.last?.decode(Int64.self, atIndex: 0) : nil)
        }
    }
}
