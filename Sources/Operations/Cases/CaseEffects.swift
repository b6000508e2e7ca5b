import Digests
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// What decisions about cases do on this node.
struct CaseEffects {
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    /// Answers 451 with the case's number everywhere, at once.
    func block(_ subjects: [ListSubject], _ item: ModerationCase) async throws(OperationError) {
        let blocks = subjects.compactMap { subject -> BlockSubject? in
            switch subject {
            case .exact(let exact): .exact(exact)
            case .picture(let hash, let distance): .picture(hash, distance: distance)
            default: nil
            }
        }
        do {
            _ = try await context.moderation.block(
                blocks, caseNumber: item.number, reason: item.reason, by: context.decider, when: context.now())
        } catch {
            throw OperationError(error)
        }
        try await Takedowns(context).reconcile()
    }

    /// Shows again what was hidden under the case's number.
    func lift(_ item: ModerationCase) async throws(OperationError) {
        do {
            _ = try await context.moderation.unblock(
                caseNumber: item.number, by: context.decider, when: context.now())
        } catch {
            throw OperationError(error)
        }
        try await Takedowns(context).reconcile()
    }

    func purge(
        _ subjects: [ListSubject], _ item: ModerationCase, reason: String, deletesAdopted: Bool
    ) async throws(OperationError) {
        let exact = subjects.compactMap { subject -> ModerationSubject? in
            guard case .exact(let exact) = subject else { return nil }
            return exact
        }
        // Pictures that only look alike are hidden, and never deleted.
        try await block(subjects.filter { if case .picture = $0 { true } else { false } }, item)
        _ = try await Takedowns(context).purge(
            PurgeOrder(
                subjects: exact, caseNumber: item.number, reason: reason, by: context.decider, when: context.now()),
            deletesAdopted: deletesAdopted)
    }

    /// Takes a decision back: blocks, entries of lists, strikes.
    func undo(_ item: ModerationCase, reason: String) async throws(OperationError) -> CaseLine {
        let desk = CaseDesk(context)
        try await lift(item)
        try await FederatedDecision(context).withdraw(item)
        do {
            try await context.moderation.liftStrikes(ofCase: item.id)
            try await context.moderation.forgetAccepted(ofCase: item.id)
        } catch {
            throw OperationError(error)
        }
        let now = context.now()
        let changed = try await desk.change(item) { $0.decision?.undone = now }
        try await desk.log("undo", item, reason: item.reason)
        return await desk.line(changed)
    }
}

/// Tells other nodes of decisions, by hash alone, on a list that they may subscribe to.
struct FederatedDecision {
    static let list = "takedowns"
    /// The operator's own.
    static let account = "me"
    let context: OperationContext

    init(_ context: OperationContext) {
        self.context = context
    }

    private var account: String { Self.account }

    /// - Parameter list: nil = the usual one; empty = nobody is told.
    func publish(
        _ subjects: [ListSubject], _ item: ModerationCase, _ action: CaseAction, reason: String, list: String?
    ) async throws(OperationError) {
        // Hashes of such material go to nobody but through a list that was chosen for it.
        if list == nil, ReasonCode.sealed.contains(reason) { return }
        guard list != "", context.keyring.accounts[account] != nil else { return }
        let name = list ?? Self.list
        if list == nil, try await OwnList(context, name, account: account).head() == nil {
            _ = try await NewList(
                account: account, list: name, title: "Taken down here",
                purpose: "What this node took down, so that others can, too."
            ).run(in: context)
        }
        let own = try await OwnList(context, name, account: account)
        // What is deleted for good is said for good. Nothing is deleted anywhere because of how it looks.
        let purged = subjects.filter { if case .exact = $0 { action == .purge } else { false } }
        if !purged.isEmpty { _ = try await own.purge(purged, reason: reason, caseNumber: item.number) }
        let lines = subjects.compactMap { subject -> ListLine? in
            if case .author = subject { return nil }
            if purged.contains(subject) { return nil }
            return ListLine(
                subject: subject, severity: .block, reason: reason, basis: .human, caseNumber: item.number)
        }
        if !lines.isEmpty { _ = try await own.say(lines) }
    }

    /// Takes back every entry that names the case, on all lists of this account.
    func withdraw(_ item: ModerationCase) async throws(OperationError) {
        for (slug, entries) in try await entries(of: item) {
            let standing = entries.filter { !$0.isWithdrawn && !$0.isPurge }
            guard !standing.isEmpty else { continue }
            _ = try await OwnList(context, slug, account: account).say([], withdrawing: Set(standing.map(\.subject)))
        }
    }

    /// What other nodes say became of the case's entries there: one line a node, the least that it did.
    func acks(of item: ModerationCase) async throws(OperationError) -> [CaseDetails.Ack] {
        let actions = try await entries(of: item).values.flatMap { $0.map(\.post) }
        do {
            let acks = try await context.moderation.acks(of: actions)
            return Dictionary(grouping: acks, by: \.node).compactMap { node, acks in
                guard let newest = acks.max(by: { ($0.at, $0.outcome) < ($1.at, $1.outcome) }) else { return nil }
                return CaseDetails.Ack(node: AuthorID.text(node), outcome: newest.word, at: newest.at)
            }.sorted { $0.node < $1.node }
        } catch {
            throw OperationError(error)
        }
    }

    private func entries(of item: ModerationCase) async throws(OperationError) -> [String: [ListEntry]] {
        guard let author = context.keyring.accounts[account]?.author else { return [:] }
        var found: [String: [ListEntry]] = [:]
        for post in try await ListDesk(context).posts(of: author) {
            for case (let list, .entry(let entry)) in Said.all(post).map({ ($0.list, $0.what) })
            where entry.caseNumber == item.number { found[list.slug, default: []].append(entry) }
        }
        return found
    }
}

/// Words to begin letters with.
enum Letters {
    static func all(_ item: ModerationCase) -> [String: String] {
        [
            "asked-kept":
                "We looked at \(item.number) and found that it breaks no rule here, so it stays. You can answer once.",
            "asked-removed":
                "We removed what you named in \(item.number), and told the nodes that listen to us, by hash alone.",
            "maker-removed":
                "What you published was removed (\(item.number), \(item.reason)). You can appeal once, within 20 days.",
            "need-info": "To decide \(item.number) we need to know more: where exactly it is, and how you know it.",
        ]
    }
}
