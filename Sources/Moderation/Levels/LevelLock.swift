public import Digests

/// A moderator's word on a level, until it is lifted.
public struct LevelLock: Sendable, Hashable {
    public let id: Int64
    public let subject: LevelSubject
    public let level: Level
    /// The post that was looked at, of a thing with versions; nil for things without, and where nobody kept it.
    public let version: Hash32?
    public let reason: String
    /// Who decided: an account's handle.
    public let by: String
    /// Unix seconds.
    public let when: UInt64

    public init(
        id: Int64, subject: LevelSubject, level: Level, version: Hash32? = nil, reason: String, by: String, when: UInt64
    ) {
        self.id = id
        self.subject = subject
        self.level = level
        self.version = version
        self.reason = reason
        self.by = by
        self.when = when
    }

    /// What it comes to, beside what people agree on.
    ///
    /// Without the version that was looked at, a lock on a thing with versions makes none of them milder.
    func rule(agreed: Level?) -> LevelRule {
        guard case .work = subject else { return .exactly(level) }
        let others = max(level, agreed ?? .pg)
        return version.map { .judged(level, version: $0, others: others) } ?? .atLeast(others)
    }

    /// Whether a vote counts beside the lock: it speaks of another version than the one that was looked at, and is no older.
    public func leavesOpen(_ vote: LevelVote) -> Bool {
        guard case .work = subject else { return false }
        return vote.created >= when && vote.subject.hash != version
    }

    /// "L-7": how the public log of decisions names it.
    public var number: String { "L-\(id)" }
}

/// Somebody asks a moderator to look at the level of something of their own.
public struct LevelReview: Sendable, Hashable {
    public let subject: LevelSubject
    /// An account's handle.
    public let by: String
    public let text: String
    /// Unix seconds.
    public let when: UInt64

    public init(subject: LevelSubject, by: String, text: String, when: UInt64) {
        self.subject = subject
        self.by = by
        self.text = text
        self.when = when
    }
}
