import Digests
import Moderation

/// A list as it stands here.
public struct ListReport: Codable, Sendable {
    /// As people type it: "@me/takedowns".
    public let list: String
    /// The keeper's author id; empty for a consensus.
    public let keeper: String
    public let name: String
    public let purpose: String
    public let version: UInt64
    /// Entries that stand.
    public let entries: Int
    public let isOwn: Bool
    /// How this node listens to it; nil when it does not.
    public let subscription: Subscription?

    public struct Subscription: Codable, Sendable {
        /// 1 is asked first.
        public let place: Int
        /// "draft" or "automatic".
        public let mode: String
        /// The gravest that it may do by itself.
        public let grant: String
        /// Codes that may act by themselves; empty = all.
        public let reasons: [String]
        public let isShadow: Bool
        public let excluded: [String]
        /// Entries that act here, and those that wait for a person.
        public let acting: Int
        public let waiting: Int
        /// Of those, what the brake or a person held back.
        public let held: Int
        /// Of a consensus: what it counts, and how many have to agree.
        public let lists: [String]?
        public let needed: Int?
    }
}

/// One entry as it stands here.
public struct ListEntryReport: Codable, Sendable {
    public let subject: String
    /// "note", "warn", "hide", "block" or "purge".
    public let severity: String
    public let reason: String
    /// "human", "auto" or "imported".
    public let basis: String
    public let label: String
    /// Unix seconds; 0 = for good.
    public let until: UInt64
    public let caseNumber: String
    /// The post that says it.
    public let post: String
    /// Unix seconds.
    public let created: UInt64
    /// "acting", "waiting", "held", "withdrawn", "expired" or "listed".
    public let state: String
    /// What it does here; nil when nothing.
    public let action: String?

    init(_ entry: ListEntry, state: String, action: Severity? = nil) {
        subject = entry.subject.text
        severity = entry.severity.word
        reason = entry.reason
        basis = entry.basis.rawValue
        label = entry.label
        until = entry.until
        caseNumber = entry.shownCase
        post = entry.post.hex
        created = entry.created
        self.state = state
        self.action = action?.word
    }
}

/// A list with its entries.
public struct ListDetails: Codable, Sendable {
    public let list: ListReport
    public let entries: [ListEntryReport]
    /// What would happen if everything that waits acted; nil for a list that nobody here listens to.
    public let preview: ListPreview?
    /// What can be taken back, the newest first.
    public let steps: [ListStepReport]
}

/// "Would hide 41 items here, 3 by people of this node."
public struct ListPreview: Codable, Sendable {
    public let entries: Int
    /// Entries that are about something here.
    public let hitting: Int
    public let items: Int
    public let local: Int
    /// Entries that no person decided.
    public let undecided: Int
    public let isBraked: Bool

    init(_ preview: ListPolicy.Preview) {
        entries = preview.entries
        hitting = preview.hitting
        items = preview.items
        local = preview.local
        undecided = preview.undecided
        isBraked = preview.isBraked
    }
}

/// A decision about a list that can be taken back.
public struct ListStepReport: Codable, Sendable {
    public let number: Int
    /// "subscribe", "change", "unsubscribe", "approve", "reject" or "automatic".
    public let kind: String
    public let by: String
    /// Unix seconds.
    public let at: UInt64
    public let entries: Int

    init(_ step: PolicyStep) {
        number = step.number
        kind = step.kind.rawValue
        by = step.by
        at = step.at
        entries = step.entries
    }
}

/// What a change of a list of one's own came to.
public struct ListChangeReply: Codable, Sendable {
    public let list: String
    /// Entries that were signed.
    public let signed: Int
    /// Said already.
    public let unchanged: Int
}

/// What a decision about somebody's list came to.
public struct ListDecisionReply: Codable, Sendable {
    public let list: String
    /// Entries that it was about.
    public let entries: Int
    /// Entries that act now, of this list.
    public let acting: Int
    /// Entries that wait.
    public let waiting: Int
}
