import WaggleProtocol

/// Something that somebody here has to decide: reports about one subject, or a request to take something down.
public struct ModerationCase: Sendable, Hashable, Codable {
    public enum Kind: String, Sendable, Codable {
        /// People who saw it reported it.
        case report
        /// Somebody whose likeness or rights it touches asks for it; it has a deadline.
        case takedown
    }

    public enum State: String, Sendable, Codable {
        case open
        /// Hidden until somebody decides.
        case hidden
        case decided
    }

    public let id: Int64
    public let kind: Kind
    /// What it is about, as `ListSubject.text`; of a takedown all that was named.
    public let subjects: [String]
    /// The gravest reason that was given.
    public var reason: String
    /// Unix seconds.
    public let opened: UInt64
    /// Whoever works on it; empty: nobody.
    public var assigned: String
    public var state: State
    /// Of reports: how many people said so.
    public var reports: Int
    public var decision: Decision?
    public var appeal: Appeal?

    /// What was decided, and how long it can be taken back.
    public struct Decision: Sendable, Hashable, Codable {
        public let action: CaseAction
        public let reason: String
        public let by: String
        /// Unix seconds.
        public let at: UInt64
        /// Words for whoever asked.
        public let letter: String
        /// Words for whoever made it; nil in decisions of before there were any.
        public let makerLetter: String?
        /// Taken back; nil while it stands.
        public var undone: UInt64?

        public init(
            action: CaseAction, reason: String, by: String, at: UInt64, letter: String, makerLetter: String? = nil,
            undone: UInt64? = nil
        ) {
            self.action = action
            self.reason = reason
            self.by = by
            self.at = at
            self.letter = letter
            self.makerLetter = makerLetter
            self.undone = undone
        }
    }

    /// The one appeal against a decision.
    public struct Appeal: Sendable, Hashable, Codable {
        public let by: String
        public let text: String
        /// Unix seconds.
        public let at: UInt64
        /// "upheld" or "rejected"; nil while nobody has answered.
        public var outcome: String?
        public var answer: String?
        public var answeredBy: String?
        public var answeredAt: UInt64?
        /// Of one that is signed: its post, in hexadecimal.
        public let post: String?
        /// Of one against what was said without a case: the post of the entry or the label in hexadecimal, or the number of
        /// the lock.
        public let action: String?

        public init(by: String, text: String, at: UInt64, post: String? = nil, action: String? = nil) {
            self.by = by
            self.text = text
            self.at = at
            self.post = post
            self.action = action
        }
    }

    public init(
        id: Int64, kind: Kind, subjects: [String], reason: String, opened: UInt64, assigned: String = "",
        state: State = .open, reports: Int = 0, decision: Decision? = nil, appeal: Appeal? = nil
    ) {
        self.id = id
        self.kind = kind
        self.subjects = subjects
        self.reason = reason
        self.opened = opened
        self.assigned = assigned
        self.state = state
        self.reports = reports
        self.decision = decision
        self.appeal = appeal
    }

    /// The number that people and 451 answers name: "R-7" of reports, "T-7" of requests.
    public var number: String { "\(kind == .takedown ? "T" : "R")-\(id)" }

    /// Reads a case number.
    public static func id(_ number: String) -> Int64? {
        guard let letter = number.first, "RTrt".contains(letter), number.dropFirst().first == "-" else { return nil }
        return Int64(number.dropFirst(2)).flatMap { $0 > 0 ? $0 : nil }
    }
}

/// What is done about a case.
public enum CaseAction: String, Sendable, Codable {
    /// Nothing is wrong with it.
    case keep
    /// Listed nowhere, shown to nobody; 451. Can be taken back.
    case block
    /// Deleted for good.
    case purge
    /// Said of it without a case: a label that somebody here signed, or a level that a moderator locked.
    case label

    /// What a moderator decides about a case.
    public static let decisions: [CaseAction] = [.keep, .block, .purge]
}

/// The times of cases. A value: the clock is handed in.
public struct CaseClock: Sendable {
    public let now: UInt64

    public init(now: UInt64) {
        self.now = now
    }

    /// How urgent a case is.
    public enum Urgency: String, Sendable, Comparable, CaseIterable {
        case none
        /// A day has gone.
        case soon
        /// Eight hours are left.
        case urgent
        case overdue

        public static func < (left: Urgency, right: Urgency) -> Bool { left.order < right.order }

        private var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    }

    /// When a case must be decided, in unix seconds; nil for what has no deadline.
    public static func deadline(_ item: ModerationCase) -> UInt64? {
        guard
            item.kind == .takedown || ReasonCode.likeness.contains(item.reason)
                || ReasonCode.sealed.contains(item.reason)
        else { return nil }
        return item.opened + Limits.Cases.deadlineSeconds
    }

    public func urgency(_ item: ModerationCase) -> Urgency {
        guard item.state != .decided, let deadline = Self.deadline(item) else { return .none }
        if now >= deadline { return .overdue }
        if now >= item.opened + Limits.Cases.urgentSeconds { return .urgent }
        return now >= item.opened + Limits.Cases.soonSeconds ? .soon : .none
    }

    /// The order of the queue: what is overdue or urgent first, then requests, then what most people reported, then the oldest.
    public func sorted(_ cases: [ModerationCase]) -> [ModerationCase] {
        cases.sorted { left, right in
            let (one, other) = (urgency(left), urgency(right))
            if one != other { return one > other }
            if left.kind != right.kind { return left.kind == .takedown }
            if left.reports != right.reports { return left.reports > right.reports }
            return (left.opened, left.id) < (right.opened, right.id)
        }
    }

    /// Whether a decision can still be taken back.
    public func canUndo(_ decision: ModerationCase.Decision) -> Bool {
        decision.undone == nil && [.keep, .block].contains(decision.action)
            && now < decision.at + Limits.Cases.undoSeconds
    }

    /// Whether files that came with a case may go: nobody took it up in all that time, or it was decided so long ago that nothing
    /// of it can be taken back or appealed against.
    public func canForgetFiles(_ item: ModerationCase) -> Bool {
        guard let decision = item.decision else {
            return item.state == .open && item.assigned.isEmpty && now > item.opened + Limits.Cases.unattendedSeconds
        }
        // What the law wants kept stays until somebody hands it over; that it is such is for whoever decides to say.
        if ReasonCode.sealed.contains(item.reason), decision.action != .keep { return false }
        return now > decision.at + Limits.Cases.undoSeconds && (item.appeal.map { $0.outcome != nil } ?? true)
    }

    /// Whether somebody may still appeal, once.
    public func canAppeal(_ item: ModerationCase) -> Bool {
        guard let decision = item.decision, decision.undone == nil, decision.action != .keep, item.appeal == nil else {
            return false
        }
        return now < decision.at + Limits.Cases.appealSeconds
    }
}

/// A report that came in about something.
public struct CaseReport: Sendable, Hashable {
    /// An account, "node w1…" of a peer, or empty for somebody without an account.
    public let reporter: String
    public let reason: String
    /// Unix seconds.
    public let at: UInt64
    /// The words and the contact, sealed by whoever keeps them.
    public let sealed: [UInt8]

    public init(reporter: String, reason: String, at: UInt64, sealed: [UInt8]) {
        self.reporter = reporter
        self.reason = reason
        self.at = at
        self.sealed = sealed
    }
}
