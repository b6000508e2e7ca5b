import Administration
import Moderation

/// A case in the queue.
public struct CaseLine: Codable, Sendable {
    /// "R-7" of reports, "T-7" of requests.
    public let number: String
    /// "report" or "takedown".
    public let kind: String
    public let reason: String
    /// What it is about: the first thing that was named, as people read it.
    public let subject: String
    /// Where it is shown on this node; empty when it is not.
    public let page: String
    /// Unix seconds.
    public let opened: UInt64
    /// Unix seconds; nil for what has no deadline.
    public let deadline: UInt64?
    /// "none", "soon", "urgent" or "overdue".
    public let urgency: String
    public let reports: Int
    /// Empty: nobody.
    public let assigned: String
    /// "open", "hidden" or "decided".
    public let state: String
    /// Decided: "keep", "block" or "purge"; nil before, and when it was taken back.
    public let decision: String?
    public let hasOpenAppeal: Bool

    init(_ item: ModerationCase, subject: String, page: String, now: UInt64) {
        number = item.number
        kind = item.kind.rawValue
        reason = item.reason
        self.subject = subject
        self.page = page
        opened = item.opened
        deadline = CaseClock.deadline(item)
        urgency = CaseClock(now: now).urgency(item).rawValue
        reports = item.reports
        assigned = item.assigned
        state = item.state.rawValue
        decision = item.decision.flatMap { $0.undone == nil ? $0.action.rawValue : nil }
        hasOpenAppeal = item.appeal.map { $0.outcome == nil } ?? false
    }
}

/// The queue of a node.
public struct CaseQueue: Codable, Sendable {
    /// The most urgent first.
    public let cases: [CaseLine]
    public let counts: Counts

    public struct Counts: Codable, Sendable {
        public let open: Int
        public let unassigned: Int
        public let overdue: Int
        public let appeals: Int
        /// Open cases by reason.
        public let reasons: [String: Int]
    }
}

/// All that a moderator sees of a case.
public struct CaseDetails: Codable, Sendable {
    public let line: CaseLine
    public let subjects: [String]
    public let reports: [Report]
    /// How far it reaches; nothing for what nobody here may look at.
    public let spread: [SpreadSet]
    /// Base URLs of nodes that say they hold copies.
    public let holders: [String]
    public let decision: Decision?
    public let appeal: Appeal?
    /// What other nodes say became of it there.
    public let acks: [Ack]
    /// What was done, the newest first.
    public let audit: [AuditLine]
    /// Earlier cases about the same.
    public let earlier: [String]
    /// Strikes of whoever made it, in a year.
    public let strikes: Int
    public let maker: String
    public let canUndo: Bool
    /// Words to begin letters with.
    public let letters: [String: String]
    /// Files that came with a request; nothing of what is under lock.
    public let files: [File]

    public struct File: Codable, Sendable {
        /// From 0, as `ShowAttachment` asks for it.
        public let index: Int
        public let name: String
        public let bytes: Int
        public let sha256: String
    }

    public struct Report: Codable, Sendable {
        public let reporter: String
        public let reason: String
        public let text: String
        public let contact: String
        /// Unix seconds.
        public let at: UInt64
    }

    public struct Decision: Codable, Sendable {
        public let action: String
        public let reason: String
        public let by: String
        public let at: UInt64
        public let letter: String
        public let undone: UInt64?

        init(_ decision: ModerationCase.Decision) {
            action = decision.action.rawValue
            reason = decision.reason
            by = decision.by
            at = decision.at
            letter = decision.letter
            undone = decision.undone
        }
    }

    public struct Appeal: Codable, Sendable {
        public let by: String
        public let text: String
        public let at: UInt64
        public let outcome: String?
        public let answer: String?

        init(_ appeal: ModerationCase.Appeal) {
            by = appeal.by
            text = appeal.text
            at = appeal.at
            outcome = appeal.outcome
            answer = appeal.answer
        }
    }

    public struct Ack: Codable, Sendable {
        /// Its author id.
        public let node: String
        /// "waiting", "applied", "rejected" or "reversed".
        public let outcome: String
        public let at: UInt64
    }
}

/// What somebody did with a case.
public struct AuditLine: Codable, Sendable {
    public let actor: String
    /// The name of the operation: "mod decide".
    public let action: String
    public let detail: String
    /// Unix seconds.
    public let at: UInt64

    private static let linesSearched = 2000

    /// The newest first, of the last lines of the log.
    static func all(of item: ModerationCase, in context: OperationContext) async throws(OperationError) -> [AuditLine] {
        do {
            return try await context.administration.audit(limit: linesSearched).filter { $0.subject == item.number }.map
            {
                AuditLine(actor: $0.actor, action: $0.action, detail: $0.detail, at: $0.time)
            }
        } catch {
            throw OperationError(error)
        }
    }
}

/// Things that belong together in how far a case reaches; a decision is made for each set.
public struct SpreadSet: Codable, Sendable {
    /// "named", "tensors", "pictures", "made-with" or "descendants".
    public let name: String
    public let title: String
    /// As lists name them.
    public let subjects: [String]
}

/// What whoever asked for a takedown sees.
public struct CaseStatus: Codable, Sendable {
    public let number: String
    /// "open", "hidden" or "decided".
    public let state: String
    public let opened: UInt64
    public let deadline: UInt64?
    public let decision: String?
    public let decidedAt: UInt64?
    public let letter: String
    public let canAppeal: Bool
    public let appeal: String?
}

/// What somebody gets who reported something or asked for a takedown.
public struct CaseReceipt: Codable, Sendable {
    public let number: String
    /// What the status page is asked by, once; empty for reports.
    public let secret: String
    public let deadline: UInt64?
    /// False when the same person said so before.
    public let isNew: Bool
}
