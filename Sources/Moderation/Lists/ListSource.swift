public import Digests

/// How the entries of a source come to act here.
public enum ListMode: String, Sendable, Codable, CaseIterable {
    /// Each waits for a person.
    case draft
    /// Those that people decided act at once, as far as they were granted to.
    case automatic
}

/// A list that this node subscribed to, or a consensus of several, and how far it is trusted.
public struct ListSource: Sendable, Hashable, Codable {
    public let id: ListID
    public var mode: ListMode
    /// The gravest that it may do by itself.
    public var grant: Severity
    /// Codes that may act by themselves; empty = all.
    public var reasons: [String]
    /// What it has no say in.
    public var excluded: Set<ListSubject>
    /// It does nothing and says what it would do.
    public var isShadow: Bool
    /// Of a consensus alone: what it counts, and how many have to agree.
    public var consensus: Consensus?

    public struct Consensus: Sendable, Hashable, Codable {
        public var lists: [ListID]
        public var needed: Int

        public init(lists: [ListID], needed: Int) {
            self.lists = lists
            self.needed = needed
        }
    }

    public init(
        id: ListID, mode: ListMode = .draft, grant: Severity = .hide, reasons: [String] = [],
        excluded: Set<ListSubject> = [], isShadow: Bool = false, consensus: Consensus? = nil
    ) {
        self.id = id
        self.mode = mode
        self.grant = grant
        self.reasons = reasons
        self.excluded = excluded
        self.isShadow = isShadow
        self.consensus = consensus
    }
}

/// That an entry acts here: what it said when that was decided.
public struct Approval: Sendable, Hashable, Codable {
    /// What may be done.
    public let action: Severity
    /// How grave the entry was then. One that becomes graver, or has another reason, waits again.
    public let severity: Severity
    public let reason: String
    /// Nobody here looked at it.
    public let isAutomatic: Bool

    public init(action: Severity, severity: Severity, reason: String, isAutomatic: Bool) {
        self.action = action
        self.severity = severity
        self.reason = reason
        self.isAutomatic = isAutomatic
    }

    /// What was approved without a person goes on only while a person stands behind the entry.
    func covers(_ entry: ListEntry) -> Bool {
        entry.severity <= severity && entry.reason == reason && (!isAutomatic || entry.basis == .human)
    }
}

/// One decision about lists, with all that is needed to take it back.
public struct PolicyStep: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable {
        case subscribe
        case change
        case unsubscribe
        case approve
        case reject
        case automatic
    }

    public let number: Int
    /// Unix seconds.
    public let at: UInt64
    public let by: String
    public let kind: Kind
    public let source: ListID
    /// The source as it was, and its place; nil where there was none.
    let sourceBefore: ListSource?
    let placeBefore: Int
    /// What was decided before about the entries that it is about.
    let before: [Before]

    struct Before: Sendable, Hashable, Codable {
        let subject: ListSubject
        let approval: Approval?
        /// The post of an entry that waited for a person, in hexadecimal.
        let held: String?
    }

    init(
        number: Int, at: UInt64, by: String, kind: Kind, source: ListID, sourceBefore: ListSource?, placeBefore: Int,
        before: [Before]
    ) {
        self.number = number
        self.at = at
        self.by = by
        self.kind = kind
        self.source = source
        self.sourceBefore = sourceBefore
        self.placeBefore = placeBefore
        self.before = before
    }

    /// How many entries it was about.
    public var entries: Int { before.count }
}

/// What was decided and has to be kept: the policy makes these, and the store carries them out in one transaction.
public enum PolicyChange: Sendable, Hashable {
    /// All sources in their order.
    case sources([ListSource])
    case approval(ListID, ListSubject, Approval?)
    /// An entry, by its post, that waits for a person though its list is trusted.
    case held(ListID, ListSubject, Hash32?)
    /// What no list has a say in.
    case allowed(ListSubject, Bool)
    case step(PolicyStep)
    case undone(Int)
    /// Items that a list took from the catalog by itself.
    case spent(ListID, BrakeUse)
}

/// Items that a list newly hit by itself at a time.
public struct BrakeUse: Sendable, Hashable, Codable {
    /// Unix seconds.
    public let at: UInt64
    public let items: Int

    public init(at: UInt64, items: Int) {
        self.at = at
        self.items = items
    }
}

/// What acts here because of a list.
public struct ListEffect: Sendable, Hashable {
    public let action: Severity
    public let source: ListID
    public let entry: ListEntry

    public init(action: Severity, source: ListID, entry: ListEntry) {
        self.action = action
        self.source = source
        self.entry = entry
    }
}

/// How many things here a subject is about.
public struct Reach: Sendable, Hashable {
    public var items: Int
    /// Of those, by people of this node.
    public var local: Int

    public init(items: Int, local: Int) {
        self.items = items
        self.local = local
    }

    public static let none = Reach(items: 0, local: 0)

    public static func += (left: inout Reach, right: Reach) {
        left.items += right.items
        left.local += right.local
    }
}

/// Why a decision about lists was not taken.
public enum PolicyError: Error, Sendable, Hashable {
    case notSubscribed
    case alreadySubscribed
    case tooMany(String)
    case badConsensus(String)
    case nothingToUndo

    public var message: String {
        switch self {
        case .notSubscribed: "this node does not subscribe to that list; `waggle list ls` shows to which it does"
        case .alreadySubscribed: "this node subscribes to that list already; `waggle list show` says how"
        case .tooMany(let what): "over a limit: \(what)"
        case .badConsensus(let why): "no consensus: \(why)"
        case .nothingToUndo: "there is nothing to take back"
        }
    }
}
