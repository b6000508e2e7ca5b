import Digests
import Federation
import Identity
import Moderation
import PostLog
import Synchronization
import WaggleProtocol

/// What this node takes in: nothing above its ceiling, nothing that was purged here, and of each source and author no more
/// than there is room for.
final class NodeAdmission: Admission {
    private struct State {
        var room = PostRoom()
        /// Authors at home here, those whom they follow, and the nodes that this one talks to.
        var known: Set<Hash32> = []
    }

    let guestBytes: Int
    private let moderation: Moderation
    private let now: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// - Parameter guestBytes: what authors whom nobody here knows may take together.
    init(moderation: Moderation, guestBytes: Int, now: @escaping @Sendable () -> UInt64) {
        self.moderation = moderation
        self.guestBytes = guestBytes
        self.now = now
    }

    /// Says who has earned room; returns who had not before.
    func setKnown(_ authors: Set<Hash32>) -> Set<Hash32> {
        state.withLock { state in
            defer { state.known = authors }
            return authors.subtracting(state.known)
        }
    }

    func postpone(bytes: Int, from source: IntakeSource) -> UInt32? {
        guard let node = source.node else { return nil }
        let second = now()
        return state.withLock { state in
            state.room.postpone(bytes: bytes, from: node, isTrusted: source == .trusted(node), now: second)
        }
    }

    /// What an edit replaces stays taken down: a new post in its place is not shown to be another thing.
    func refusal(of post: SignedPost, inPlaceOf versions: () throws -> [Hash32]) rethrows -> String? {
        guard moderation.hasTakedowns,
            case .work? = LevelSubject(post: post.id, author: post.author, kind: post.kind, slot: post.post.slot)
        else { return nil }
        for id in try versions() {
            if let row = moderation.takedown(of: .post(id)) {
                return "what it would replace was taken down here, case \(row.caseNumber)"
            }
        }
        return nil
    }

    func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
        if let row = moderation.takedown(of: .post(post.id)) {
            return .refuse(reason: "taken down here, case \(row.caseNumber)")
        }
        if let key = Hash32(post.post.device), let row = moderation.takedown(ofKey: key) {
            return .refuse(reason: "posts by this key are refused here, case \(row.caseNumber)")
        }
        if let level = PostLevel.highest(of: post.post), level > moderation.ceiling {
            return .refuse(
                reason: "its level \(level.word) is above this node's ceiling \(moderation.ceiling.word)")
        }
        guard let node = source.node else { return .admit }
        let second = now()
        return state.withLock { state in
            // A node's own posts come at the pace of known authors, and take up the room of strangers: node ids are free.
            let isKnown = state.known.contains(post.author)
            let seconds = state.room.postpone(
                author: post.author, isKnown: isKnown || post.author == node, isByRoots: post.kind.isSignedByRoots,
                isTrusted: source == .trusted(node), now: second)
            if let seconds { return .later(retryAfter: seconds) }
            return isKnown ? .admit : .admitGuest
        }
    }
}
