/// A bounty in a list.
public struct BountyLine: Codable, Sendable {
    /// Id of its post: 64 hexadecimal digits.
    public let bounty: String
    /// Empty when its post was taken back: its terms hold all the same.
    public let title: String
    public let poster: String
    public let handle: String
    public let name: String
    public let wanted: String
    public let level: String
    public let created: UInt64
    public let currency: String
    /// Empty when the currency is not known here.
    public let symbol: String
    /// "open", "judging", "settling" or "closed".
    public let phase: String
    /// Unix seconds: entries until then.
    public let deadline: UInt64
    /// Unix seconds: awards until then, and after it the rule.
    public let decided: UInt64
    /// "refund", "first", "split" or "most-awarded".
    public let rule: String
    /// In the arbiter's hand.
    public let escrowed: Int64
    /// Promised by backers who can take it back.
    public let pledged: Int64
    public let paid: Int64
    public let returned: Int64
    public let backers: Int
    public let entries: Int
}

/// A page of bounties.
public struct BountyPage: Codable, Sendable {
    public let items: [BountyLine]
    public let next: String?
}

/// A bounty with its backers, entries and awards.
public struct BountyReport: Codable, Sendable {
    public struct Backing: Codable, Sendable {
        /// The name of the hold, for `waggle buzz explain`.
        public let hold: String
        public let account: String
        /// Nil for a backer who neither entered nor awarded.
        public let name: String?
        public let amount: Int64
        /// It is in the backer's own hand, who can withdraw it.
        public let isPledge: Bool
        /// "open", "to be paid", "to be returned", "expired", "paid" or "returned"; empty where the currency is unknown.
        public let state: String
        public let paid: Int64
        public let returned: Int64
        /// Epoch through which it can be paid out; after it and the charter's grace anybody can give it back.
        public let expiry: Int64
        /// Unix seconds: when something happens by itself, at the latest.
        public let next: UInt64?
    }

    public struct Entry: Codable, Sendable {
        public let post: String
        public let author: String
        public let handle: String
        public let name: String
        public let created: UInt64
        public let text: String
        /// Ids of posts.
        public let works: [String]
        /// False for one that came too late, or whose author has no account.
        public let counts: Bool
        /// What its author was paid in this bounty.
        public let won: Int64
    }

    public struct Share: Codable, Sendable {
        public let entry: String
        public let weight: UInt32
    }

    public struct Award: Codable, Sendable {
        public let post: String
        public let author: String
        public let name: String
        public let created: UInt64
        public let text: String
        public let shares: [Share]
    }

    public let summary: BountyLine
    /// Markdown.
    public let text: String
    public let tags: [String]
    /// Key that resolves the holds.
    public let arbiter: String
    /// Author id of the node that has it.
    public let arbiterNode: String
    /// False when no key document of that node lists the key: then nobody knows who holds the money.
    public let isArbiterKnown: Bool
    public let symbol: String
    public let backings: [Backing]
    public let entries: [Entry]
    public let awards: [Award]
    /// Why the currency cannot be used here for now; empty when it can.
    public let stopped: String
    /// Unix seconds: when the currency's authority last answered.
    public let answered: UInt64
    public let trust: String
}
