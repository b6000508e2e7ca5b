/// A moderator's word on a level, until it is lifted.
public struct LevelLock: Sendable, Hashable {
    public let id: Int64
    public let subject: LevelSubject
    public let level: Level
    public let reason: String
    /// Who decided: an account's handle.
    public let by: String
    /// Unix seconds.
    public let when: UInt64

    public init(id: Int64, subject: LevelSubject, level: Level, reason: String, by: String, when: UInt64) {
        self.id = id
        self.subject = subject
        self.level = level
        self.reason = reason
        self.by = by
        self.when = when
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
