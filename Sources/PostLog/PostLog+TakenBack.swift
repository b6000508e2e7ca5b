public import Digests
import GRDB
import WaggleProtocol

extension PostLog {
    /// Whether its author deleted a post, or, of a release in force, the model that it belongs to.
    ///
    /// Other reasons for not being shown (superseded, expired, purged) do not count.
    public func isTakenBack(_ id: Hash32) async throws(PostLogError) -> Bool {
        let release = try await posts(ids: [id])[id]
        guard let release else {
            return try await read { db in
                try Int.fetchOne(
                    db, sql: "SELECT 1 FROM post WHERE id = ? AND state = ?",
                    arguments: [id.data, HiddenReason.deleted.rawValue]) != nil
            }
        }
        guard case .release(let body)? = release.post.body,
            try await post(author: release.author, kind: .model, slot: body.modelSlug) == nil
        else { return false }
        return try await read { db in
            try Int.fetchOne(
                db,
                sql: """
                    SELECT 1 FROM slot_tombstone t JOIN author a ON a.n = t.author
                    WHERE a.id = ? AND t.kind = ? AND t.slot = ? AND t.scopes <> 0 LIMIT 1
                    """,
                arguments: [release.author.data, Int64(PostKind.model.rawValue), body.modelSlug]) != nil
        }
    }
}
