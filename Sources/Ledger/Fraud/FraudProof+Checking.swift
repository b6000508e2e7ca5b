import Digests
public import FoundationEssentials
import Identity
import WaggleProtocol

extension FraudProof {
    /// What the proof shows by itself; nil when it shows nothing.
    ///
    /// Sound whoever else lies: what an honest authority signs never makes a proof against it, as long as its disk keeps
    /// what it was told to keep.
    public func verdict(in charter: Charter) -> FraudVerdict? {
        switch self {
        case .ballots(let first, let second): ballots(first, second, charter)
        case .statements(let first, let second): statements(first, second, charter)
        case .hiddenCommit(let commit, let claim): hidden(commit, claim, charter)
        case .finals(let first, let second): finals(first, second, charter)
        case .logs(let first, let second, let proof): logs(first, second, proof, charter)
        case .entry(let note, let position, let entry, let proof): self.entry(note, position, entry, proof, charter)
        case .checkpoint: nil
        case .grants(let finals): grants(finals, charter)
        case .orders(let first, let second): orders(first, second, charter)
        }
    }

    /// Whether the log of the checkpoint is needed: `verdict(in:log:)`.
    public var needsLog: Bool {
        if case .checkpoint = self { true } else { false }
    }

    private func ballots(_ first: Ballot, _ second: Ballot, _ charter: Charter) -> FraudVerdict? {
        guard first.phase == second.phase, first.slot == second.slot, first.round == second.round,
            first.value != second.value, first.by.authority == second.by.authority,
            charter.isSigned(first), charter.isSigned(second)
        else { return nil }
        return FraudVerdict(
            first.phase == .vote ? .doubleVote : .doubleCommit, [first.by.authority], in: charter, slot: first.slot)
    }

    private func statements(_ first: StatementClaim, _ second: StatementClaim, _ charter: Charter) -> FraudVerdict? {
        guard first.slot == second.slot, first.round == second.round, !first.agrees(with: second),
            first.by.authority == second.by.authority, first.isSigned(in: charter), second.isSigned(in: charter)
        else { return nil }
        return FraudVerdict(.doubleStatement, [first.by.authority], in: charter, slot: first.slot)
    }

    /// Whoever states promises to commit no more below the round, and shows the highest certificate that it committed to.
    private func hidden(_ commit: Ballot, _ claim: StatementClaim, _ charter: Charter) -> FraudVerdict? {
        guard commit.phase == .commit, commit.slot == claim.slot, commit.by.authority == claim.by.authority,
            claim.round > commit.round, claim.highestRound.map({ $0 < commit.round }) ?? true,
            charter.isSigned(commit), claim.isSigned(in: charter)
        else { return nil }
        return FraudVerdict(.hiddenCommit, [commit.by.authority], in: charter, slot: commit.slot)
    }

    private func finals(_ first: Final, _ second: Final, _ charter: Charter) -> FraudVerdict? {
        guard first.slotID == second.slotID, first.value != second.value, charter.isValid(first),
            charter.isValid(second)
        else { return nil }
        var watch = FraudWatch(charter)
        var culprits: Set<Int> = []
        for part in watch.see(first) + watch.see(second) {
            // The conflict itself is what is being looked at.
            if case .finals = part { continue }
            culprits.formUnion(part.verdict(in: charter)?.culprits ?? [])
        }
        return FraudVerdict(.conflictingFinals, culprits, in: charter, isOverload: true, slot: first.slotID)
    }

    private func grants(_ finals: [Final], _ charter: Charter) -> FraudVerdict? {
        if finals.count == 2, case .hold = finals[1].order.order.slot { return payment(finals[0], finals[1], charter) }
        guard let first = finals.first, case .account(let granter, _) = first.order.order.slot,
            case .grant(let epoch, _) = first.order.order.operation,
            Set(finals.map(\.slotID)).count == finals.count, finals.count <= Limits.Ledger.proofFinals
        else { return nil }
        var total: Int64 = 0
        var received: [AccountID: Int64] = [:]
        for final in finals {
            guard case .account(granter, _) = final.order.order.slot,
                case .grant(epoch, let outputs) = final.order.order.operation, charter.isValid(final)
            else { return nil }
            for output in outputs {
                total = total.plus(output.amount)
                received[output.account] = received[output.account, default: 0].plus(output.amount)
            }
        }
        if let rule = charter.granters[granter] {
            let isOverRecipient = rule.perRecipientPerEpoch.map { most in received.values.contains { $0 > most } }
            guard total > rule.capPerEpoch || isOverRecipient == true else { return nil }
        }
        return FraudVerdict(.overIssue, [], in: charter, isOverload: true, slot: first.slotID)
    }

    /// What a hold pays out is no more than it has, and goes to those whom it names.
    private func payment(_ opening: Final, _ paid: Final, _ charter: Charter) -> FraudVerdict? {
        guard case .hold(let amount, _, let payees, _) = opening.order.order.operation,
            case .resolve(let outputs) = paid.order.order.operation, paid.order.order.slot == .hold(opening.value),
            (outputs.total ?? .max) > amount
                || (!payees.isEmpty && !outputs.allSatisfy { payees.contains($0.account) }),
            charter.isValid(opening), charter.isValid(paid)
        else { return nil }
        return FraudVerdict(.overpaidHold, [], in: charter, isOverload: true, slot: paid.slotID)
    }

    private func orders(_ first: SignedOrder, _ second: SignedOrder, _ charter: Charter) -> FraudVerdict? {
        guard first.order.slotID == second.order.slotID, first.order != second.order,
            first.order.currency == charter.currency, second.order.currency == charter.currency,
            let payer = first.signatures.map(\.key).first(where: { key in
                first.isSigned(by: key) && second.isSigned(by: key)
            })
        else { return nil }
        return FraudVerdict(.doubleOrder, [], in: charter, payer: payer, slot: first.order.slotID)
    }
}

extension FraudProof {
    /// The fewest grants of an epoch that break the charter together; nil where they do not.
    ///
    /// - Parameter finals: of the granter, and perhaps others.
    static func overIssue(
        _ finals: [Final], of granter: AccountID, in epoch: Int64, _ charter: Charter
    ) -> FraudProof? {
        guard let rule = charter.granters[granter] else { return nil }
        let grants = finals.compactMap { final -> (final: Final, outputs: [Output])? in
            guard case .account(granter, _) = final.order.order.slot,
                case .grant(epoch, let outputs) = final.order.order.operation
            else { return nil }
            return (final, outputs)
        }
        func fewest(_ most: Int64, _ amount: ([Output]) -> Int64) -> FraudProof? {
            var (chosen, sum): ([Final], Int64) = ([], 0)
            for (final, outputs) in grants.sorted(by: { amount($0.outputs) > amount($1.outputs) }) {
                guard sum <= most, chosen.count < Limits.Ledger.proofFinals else { break }
                chosen.append(final)
                sum = sum.plus(amount(outputs))
            }
            return sum > most ? .grants(chosen) : nil
        }
        if let proof = fewest(rule.capPerEpoch, { $0.total ?? .max }) { return proof }
        guard let most = rule.perRecipientPerEpoch else { return nil }
        for recipient in Set(grants.flatMap { $0.outputs.map(\.account) }) {
            let proof = fewest(most) { outputs in
                outputs.reduce(0) { $1.account == recipient ? $0.plus($1.amount) : $0 }
            }
            if let proof { return proof }
        }
        return nil
    }
}

// MARK: Logs

extension FraudProof {
    private static func open(_ note: SignedNote, _ charter: Charter) -> (checkpoint: LedgerCheckpoint, by: Int)? {
        guard let checkpoint = LedgerCheckpoint(text: note.text),
            let authority = charter.authorities.firstIndex(where: {
                LedgerCheckpoint.origin(currency: charter.currency, authority: $0.key) == checkpoint.origin
            }), note.isSigned(as: checkpoint.origin, by: charter.authorities[authority].key)
        else { return nil }
        return (checkpoint, authority)
    }

    private func logs(_ first: SignedNote, _ second: SignedNote, _ proof: [Hash32], _ charter: Charter)
        -> FraudVerdict?
    {
        guard let one = Self.open(first, charter), let two = Self.open(second, charter), one.by == two.by else {
            return nil
        }
        let (old, new) =
            one.checkpoint.size <= two.checkpoint.size
            ? (one.checkpoint, two.checkpoint) : (two.checkpoint, one.checkpoint)
        let isSplit: Bool
        if old.size == new.size {
            // The same log comes to the same accounts and the same supply.
            isSplit =
                old.root != new.root || old.stateRoot != new.stateRoot || old.issued != new.issued
                || old.burned != new.burned || old.held != new.held
        } else {
            let roots = LogProof.roots(prefix: old.size, size: new.size, proof)
            isSplit = roots.map { $0.whole == new.root && $0.prefix != old.root } ?? false
        }
        return isSplit ? FraudVerdict(.splitLog, [one.by], in: charter) : nil
    }

    private func entry(
        _ note: SignedNote, _ position: UInt64, _ entry: Data, _ proof: [Hash32], _ charter: Charter
    ) -> FraudVerdict? {
        guard let (checkpoint, authority) = Self.open(note, charter),
            LogProof.root(of: LogTree.leaf(entry), at: position, size: checkpoint.size, proof) == checkpoint.root
        else { return nil }
        do throws(AuditFailure) {
            _ = try LedgerAudit.read(entry, at: position, charter)
            return nil
        } catch {
            return FraudVerdict(.badEntry, [authority], in: charter)
        }
    }

    /// What a checkpoint shows beside the entries of its log; nil when it is right, when the entries are not those that it
    /// covers, and of another proof.
    public func verdict(in charter: Charter, log entries: [Data]) -> FraudVerdict? {
        guard case .checkpoint(let note) = self, let (checkpoint, authority) = Self.open(note, charter),
            checkpoint.size == UInt64(entries.count)
        else { return nil }
        var tree = LogTree()
        for entry in entries { _ = tree.append(LogTree.leaf(entry)) }
        guard tree.root == checkpoint.root else { return nil }
        var audit = LedgerAudit(charter)
        do throws(AuditFailure) {
            for (position, entry) in entries.enumerated() {
                _ = try audit.append(try LedgerAudit.read(entry, at: UInt64(position), charter))
            }
            var states = StateTree(audit.ledger)
            try audit.check(checkpoint, states: &states)
            return nil
        } catch {
            return error.isOverload ? nil : FraudVerdict(.badCheckpoint, [authority], in: charter)
        }
    }
}
