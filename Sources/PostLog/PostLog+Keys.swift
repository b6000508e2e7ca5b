public import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// A checkpoint post that is here.
public struct LoggedCheckpoint: Sendable, Hashable {
    public let id: Hash32
    public let author: Hash32
    public let device: Hash32
    /// SHA-256 of the sorted ids.
    public let blob: Hash32
}

extension PostLog {
    /// Every checkpoint post of an author, or of all, in the order in which they came.
    public func checkpoints(of author: Hash32? = nil) async throws(PostLogError) -> [LoggedCheckpoint] {
        try await read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT p.id, a.id, p.envelope FROM post p JOIN author a ON a.n = p.author
                    WHERE p.kind = 2 AND (?1 IS NULL OR a.id = ?1) ORDER BY p.n
                    """, arguments: [author?.data])
            var found: [LoggedCheckpoint] = []
            while let row = try rows.next() {
                guard let body = PostTable.decode(try row.decode(atIndex: 2))?.checkpoint,
                    let device = Hash32(field: body.device), let blob = Hash32(field: body.blob)
                else { continue }
                found.append(
                    LoggedCheckpoint(
                        id: try PostTable.hash(row, 0), author: try PostTable.hash(row, 1), device: device, blob: blob))
            }
            return found
        }
    }

    /// Ids of the posts of a device that are here and that its author's keys let stand, in order: what a checkpoint names.
    ///
    /// - Parameter until: unix seconds; later posts are left out.
    public func ids(ofDevice key: Hash32, author: Hash32, until: UInt64) async throws(PostLogError) -> [Hash32] {
        try await read { db in
            let rows = try Row.fetchCursor(
                db,
                sql: """
                    SELECT p.id FROM post p JOIN device d ON d.n = p.device JOIN author a ON a.n = d.author
                    WHERE a.id = ? AND d.key = ? AND p.created <= ? AND p.state <> \(HiddenReason.unauthorised.rawValue)
                    ORDER BY p.id
                    """, arguments: [author.data, key.data, Int64(clamping: until)])
            var ids: [Hash32] = []
            while let row = try rows.next() { ids.append(try PostTable.hash(row, 0)) }
            return ids
        }
    }
}

extension PostLog {
    /// Gives the log of a restored home a new id, before it is opened: cursors into the old one, which may have been longer,
    /// mean nothing in it. Blocks.
    ///
    /// - Parameter path: `db/posts.db`.
    public static func renewID(path: String) throws(PostLogError) {
        do {
            let queue = try DatabaseQueue(path: path)
            try queue.write { db in try db.execute(sql: "DELETE FROM meta WHERE key = 'log id'") }
            try queue.close()
        } catch {
            throw PostLogError(error, path: path)
        }
    }
}

extension PostLog {
    /// The newest channel post of each model of an author that runs out before a time or has run out.
    ///
    /// - Parameter before: unix seconds.
    public func channels(of author: Hash32, expiringBefore before: UInt64) async throws(PostLogError) -> [LoggedPost] {
        let slots = try await read { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT p.slot FROM post p JOIN author a ON a.n = p.author
                    WHERE a.id = ? AND p.kind = 12 AND p.state IN (0, \(HiddenReason.expired.rawValue)) ORDER BY p.slot
                    """, arguments: [author.data])
        }
        var found: [LoggedPost] = []
        for slot in slots {
            guard let channel = try await newestChannel(of: author, slug: slot) else { continue }
            if channel.post.expires > 0, channel.post.expires < before { found.append(channel) }
        }
        return found
    }

    /// The newest channel post of a model that its author let stand, run out or not.
    public func newestChannel(of author: Hash32, slug: String) async throws(PostLogError) -> LoggedPost? {
        let envelope = try await read { db in
            try Data.fetchOne(
                db,
                sql: """
                    SELECT p.envelope FROM post p JOIN author a ON a.n = p.author
                    WHERE a.id = ? AND p.kind = 12 AND p.slot = ? AND p.state IN (0, \(HiddenReason.expired.rawValue))
                    ORDER BY p.created DESC, p.id LIMIT 1
                    """, arguments: [author.data, slug])
        }
        guard let envelope, let post = try? SignedPost(stored: envelope) else { return nil }
        return LoggedPost(
            id: post.id, author: post.author, created: post.post.created, kind: post.kind, slot: post.post.slot,
            post: post.post, envelope: envelope)
    }
}
