import Moderation

/// The level of one thing: what its author says, what people say, and what it is here.
public struct LevelReport: Codable, Sendable {
    /// As `waggle level` takes it: "file:…" or "post:…".
    public let subject: String
    /// What it is called, and where it is shown here; empty when it is not.
    public let title: String
    public let page: String
    /// What its author says: "PG".
    public let declared: String
    /// What it is on this node.
    public let level: String
    /// People who count, by level.
    public let votes: [String: Int]
    /// How many have to agree.
    public let needed: Int
    /// What whoever asks said of it; nil when nothing.
    public let own: String?
    /// Whether people find it milder than it is shown here: for a moderator to look at.
    public let isFoundMilder: Bool
    /// Whether whoever asks made it.
    public let isOwn: Bool
    public let lock: Lock?
    /// What its maker wrote to the moderators and nobody has answered; for moderators and for its maker.
    public let review: Review?

    /// A moderator's word.
    public struct Lock: Codable, Sendable {
        /// "L-7".
        public let number: String
        public let reason: String
        /// Empty for whoever is no moderator.
        public let by: String
        /// Unix seconds.
        public let at: UInt64
        /// Whether the maker has replaced what was looked at. Then it is no milder than this, than its maker says, and than
        /// people agreed since.
        public let isOfOlderVersion: Bool
    }

    public struct Review: Codable, Sendable {
        public let by: String
        public let text: String
        /// Unix seconds.
        public let at: UInt64
    }
}

/// What moderators are to look at.
public struct LevelDisputes: Codable, Sendable {
    /// What makers ask about first, the earliest first; then what people spoke of, most voices first.
    public let disputes: [LevelReport]
    /// Locks in force, the newest first.
    public let locked: [LevelReport]
}
