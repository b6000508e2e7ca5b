public import Digests
public import WaggleProtocol

/// What became of an entry of a list of ours on another node.
public struct ActionAck: Sendable, Hashable {
    public let action: Hash32
    public let node: Hash32
    /// The number on the wire: 1 waiting, 2 applied, 3 rejected, 4 reversed.
    public let outcome: Int
    /// Unix seconds.
    public let at: UInt64

    public var word: String {
        switch outcome {
        case 1: "waiting"
        case 2: "applied"
        case 3: "rejected"
        case 4: "reversed"
        default: "unknown"
        }
    }
}

/// One line of the public log of decisions: nothing in it tells who asked.
public struct DecisionLine: Sendable, Hashable {
    public internal(set) var number: UInt64
    /// Unix seconds.
    public let at: UInt64
    /// "keep", "block", "purge", "undo", "appeal-upheld", "appeal-rejected".
    public let action: String
    public let reason: String
    /// The case, and no hash: the log is no index to what was taken down.
    public let subject: String
    /// From the opening of the case; nil where there was none. Not in the log's text.
    public let seconds: UInt64?

    public init(number: UInt64 = 0, at: UInt64, action: String, reason: String, subject: String, seconds: UInt64?) {
        self.number = number
        self.at = at
        self.action = action
        self.reason = reason
        self.subject = subject
        self.seconds = seconds
    }

    /// The leaf of the Merkle log.
    public var text: String { "\(number) \(at) \(action) \(reason) \(subject)" }
}

extension Moderation {
    /// Opens a case, or finds the open one about the same thing, and adds a report to it.
    ///
    /// - Parameter secret: the hash of what the status page is asked by.
    /// - Returns: the case, and whether the report is a new one.
    public func open(
        _ kind: ModerationCase.Kind, _ subjects: [ListSubject], _ report: CaseReport, secret: Hash32? = nil
    ) async throws(ModerationError) -> (item: ModerationCase, isNew: Bool) {
        // A request may name what nobody here knows yet.
        guard subjects.count <= Limits.Cases.subjects, kind == .takedown || !subjects.isEmpty,
            report.sealed.count <= Limits.Cases.sealedBytes
        else {
            throw .limit("a case is about 1 to \(Limits.Cases.subjects) things")
        }
        return try await store.write { database in
            if !report.reporter.isEmpty {
                let since = report.at - min(report.at, Limits.Cases.reporterSeconds)
                guard
                    try CaseTables.count(database, by: report.reporter, since: since) < Limits.Cases.reportsPerReporter
                else { throw ModerationError.limit("\(Limits.Cases.reportsPerReporter) reports a day by one person") }
            }
            var item = try CaseTables.open(
                database, kind, subjects.map(\.text), reason: report.reason, at: report.at, secret: secret)
            let isNew = try CaseTables.add(database, report, to: item.id)
            if isNew {
                item.reports += 1
                // What has a deadline stands above what has none.
                if ReasonCode.sealed.contains(report.reason)
                    || ReasonCode.likeness.contains(report.reason) && !ReasonCode.sealed.contains(item.reason)
                {
                    item.reason = report.reason
                }
                try CaseTables.update(database, item)
            }
            return (item, isNew)
        }
    }

    /// Opens a case about what was decided without one, because somebody appeals against it.
    public func open(
        decided decision: ModerationCase.Decision, about subjects: [ListSubject], appeal: ModerationCase.Appeal
    ) async throws(ModerationError) -> ModerationCase {
        guard (1...Limits.Cases.subjects).contains(subjects.count) else {
            throw .limit("a case is about 1 to \(Limits.Cases.subjects) things")
        }
        return try await store.write { database in
            var item = try CaseTables.open(
                database, .report, subjects.map(\.text), reason: decision.reason, at: decision.at, secret: nil,
                merges: false)
            item.state = .decided
            item.decision = decision
            item.appeal = appeal
            try CaseTables.update(database, item)
            return item
        }
    }

    public func openCases(limit: Int = Limits.Cases.queue) async throws(ModerationError) -> [ModerationCase] {
        try await store.read { try CaseTables.open($0, limit: min(limit, Limits.Cases.queue)) }
    }

    /// The newest first.
    public func decidedCases(limit: Int = 100) async throws(ModerationError) -> [ModerationCase] {
        try await store.read { try CaseTables.decided($0, limit: min(limit, Limits.Cases.queue)) }
    }

    public func moderationCase(_ id: Int64) async throws(ModerationError) -> ModerationCase? {
        try await store.read { try CaseTables.find($0, id: id) }
    }

    /// The case whose status page is asked by what has this hash.
    public func moderationCase(secret: Hash32) async throws(ModerationError) -> ModerationCase? {
        try await store.read { try CaseTables.find($0, secret: secret) }
    }

    public func cases(about subject: ListSubject) async throws(ModerationError) -> [ModerationCase] {
        try await store.read { try CaseTables.about($0, subject.text) }
    }

    /// - Parameter action: the post of an entry or a label in hexadecimal, or the number of a lock.
    public func cases(appealing action: String) async throws(ModerationError) -> [ModerationCase] {
        try await store.read { try CaseTables.appealed($0, action) }
    }

    public func reports(of id: Int64) async throws(ModerationError) -> [CaseReport] {
        try await store.read { try CaseTables.reports($0, of: id, limit: Limits.Cases.reportsShown) }
    }

    /// Changes a case as it stands on the disk; nil when there is none.
    public func change(
        _ id: Int64, _ body: @escaping @Sendable (inout ModerationCase) throws -> Void
    ) async throws(ModerationError) -> ModerationCase? {
        try await store.write { database in
            guard var item = try CaseTables.find(database, id: id) else { return nil }
            try body(&item)
            try CaseTables.update(database, item)
            return item
        }
    }

    // MARK: Strikes

    /// Notes that an author's work was taken down.
    public func strike(_ author: Hash32, case id: Int64, at now: UInt64) async throws(ModerationError) {
        try await store.write { try CaseTables.strike($0, author, id, at: now) }
    }

    public func liftStrikes(ofCase id: Int64) async throws(ModerationError) {
        try await store.write { try CaseTables.liftStrikes($0, of: id) }
    }

    /// Strikes of the last year.
    public func strikes(of author: Hash32, now: UInt64) async throws(ModerationError) -> Int {
        try await store.read {
            try CaseTables.strikes($0, of: author, since: now - min(now, Limits.Cases.strikeSeconds))
        }
    }

    // MARK: What others say

    public func acknowledge(
        _ action: Hash32, by node: Hash32, outcome: Int, at now: UInt64
    ) async throws(ModerationError) {
        try await store.write { try CaseTables.acknowledge($0, action, by: node, outcome: outcome, at: now) }
    }

    public func acks(of actions: [Hash32]) async throws(ModerationError) -> [ActionAck] {
        try await store.read { try CaseTables.acks($0, of: actions) }
    }

    // MARK: The public log

    @discardableResult
    public func log(_ line: DecisionLine) async throws(ModerationError) -> DecisionLine {
        try await store.write { try CaseTables.decide($0, line) }
    }

    /// All decisions, the earliest first.
    public func decisions() async throws(ModerationError) -> [DecisionLine] {
        try await store.read(CaseTables.decisions)
    }
}
