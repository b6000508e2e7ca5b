public import Digests
import FoundationEssentials
import GRDB
public import WaggleProtocol

/// A line in the signed history of a model: a post that is stored here, in force or not.
public struct HistoryEntry: Sendable, Hashable {
    public let id: Hash32
    public let kind: PostKind
    /// Unix seconds.
    public let created: UInt64
    /// The key that signed it.
    public let device: Hash32?
    public let state: State
    /// Of a release: its version. Of a channel post: its number. Of a model post: the model's name then.
    public let label: String

    public enum State: Sendable, Hashable {
        case inForce
        /// A newer post of the same slot stands.
        case superseded
        /// Nil when the delete itself is no longer here.
        case deleted(by: Hash32?)
        case expired
        /// No document in force lets its key sign it.
        case unauthorised
        case purged
        /// It made way for newer posts: nobody here knows its author.
        case evicted
    }
}

extension PostLog {
    /// Every version of a model's post, its channel posts and its releases that are stored here, newest first; at most
    /// `Limits.Post.historyEntries`. Posts whose payload was dropped are not told apart from those of other models, so
    /// releases among them are left out.
    public func history(author: Hash32, slug: String) async throws(PostLogError) -> [HistoryEntry] {
        try await read { db in
            // Releases have no slot: of one author they are few, and their bodies say to which model they belong.
            let rows = try Row.fetchAll(
                db.cachedStatement(
                    sql: """
                        SELECT p.id, p.kind, p.created, d.key, p.state, p.envelope,
                            (SELECT b.id FROM tombstone t JOIN post b ON b.n = t.by_post WHERE t.id = p.id AND t.scopes <> 0
                             UNION ALL
                             SELECT b.id FROM slot_tombstone t JOIN post b ON b.n = t.by_post
                             WHERE t.author = p.author AND t.kind = p.kind AND t.slot = p.slot AND t.scopes <> 0
                                AND t.created >= p.created LIMIT 1)
                        FROM post p JOIN author a ON a.n = p.author LEFT JOIN device d ON d.n = p.device
                        WHERE a.id = ?1 AND ((p.kind IN (10, 12) AND p.slot = ?2) OR p.kind = 11)
                        ORDER BY p.created DESC, p.id DESC LIMIT ?3
                        """),
                arguments: [author.data, slug, Limits.Post.historyEntries])
            return try rows.compactMap { row in
                let kind = try PostTable.kind(row, 1)
                let post = PostTable.decode(try row.decode(atIndex: 5)) ?? WirePost()
                if kind == .release, !post.release.modelSlug.utf8.elementsEqual(slug.utf8) { return nil }
                let label =
                    switch kind {
                    case .release: post.release.version
                    case .channel: String(post.channel.number)
                    default: post.model.name
                    }
                let deletedBy = try row.decode(Data?.self, atIndex: 6).flatMap { Hash32($0) }
                return HistoryEntry(
                    id: try PostTable.hash(row, 0), kind: kind, created: try PostTable.time(row, 2),
                    device: try row.decode(Data?.self, atIndex: 3).flatMap { Hash32($0) },
                    state: HistoryEntry.State(HiddenReason(rawValue: try row.decode(atIndex: 4)), deletedBy: deletedBy),
                    label: label)
            }
        }
    }
}

extension HistoryEntry.State {
    fileprivate init(_ reason: HiddenReason?, deletedBy: Hash32?) {
        self =
            switch reason {
            case nil: .inForce
            case .superseded: .superseded
            case .deleted: .deleted(by: deletedBy)
            case .expired: .expired
            case .unauthorised: .unauthorised
            case .purged: .purged
            case .evicted: .evicted
            }
    }
}
