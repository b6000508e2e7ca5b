import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// What became final though no quorum with an honest majority lets it pass: more than f authorities are faulty, and nobody of
/// them is shown by it alone.
extension QuorumService {
    /// Holds of these finals that pay out what they may not. Asked before they are taken: then the holds are closed.
    func overpaid(_ finals: [Final]) -> [Hash32] {
        finals.compactMap { final in
            guard case .hold(let name) = final.order.order.slot,
                case .resolve(let outputs) = final.order.order.operation
            else { return nil }
            let hold = book.look { $0.holds[name] }
            var (amount, payees) = (hold?.amount, hold?.payees ?? [])
            if amount == nil, let opening = finals.first(where: { $0.value == name }),
                case .hold(let sum, _, let named, _) = opening.order.order.operation
            {
                (amount, payees) = (sum, named)
            }
            guard let amount else { return nil }
            let isForPayees = payees.isEmpty || outputs.allSatisfy { payees.contains($0.account) }
            return outputs.total ?? .max > amount || !isForPayees ? name : nil
        }
    }

    /// Proofs of what finals that were taken show.
    ///
    /// - Parameter paid: holds that pay out what they may not.
    func overspending(_ finals: [Final], _ paid: [Hash32]) async throws(LedgerError) -> [FraudProof] {
        noteOverdrawn(finals)
        var proofs = try await overIssues(finals)
        for hold in paid {
            let currency = charter.currency
            let opening = try await store.read { db in try LedgerStore.rows(currency, db).opening(of: hold)?.final }
            if let opening, let payment = finals.first(where: { $0.order.order.slot == .hold(hold) }) {
                proofs.append(.grants([opening, payment]))
            }
        }
        return proofs
    }

    /// Grants that became final though the charter forbids them: a quorum let a granter issue too much.
    private func overIssues(_ finals: [Final]) async throws(LedgerError) -> [FraudProof] {
        var granted: Set<AccountID> = []
        for final in finals {
            guard case .account(let granter, _) = final.order.order.slot, case .grant = final.order.order.operation
            else { continue }
            guard charter.granters[granter] != nil else { return [.grants([final])] }
            granted.insert(granter)
        }
        for granter in granted {
            guard let rule = charter.granters[granter] else { continue }
            let broken = book.look { ledger -> Int64? in
                guard let window = ledger.grants[granter] else { return nil }
                let isOver = rule.perRecipientPerEpoch.map { most in
                    window.recipients.values.contains { $0 > most }
                }
                return window.total > rule.capPerEpoch || isOver == true ? window.epoch : nil
            }
            guard let broken else { continue }
            let own = try await store.mentions(
                of: granter, in: charter.currency, limit: Limits.Ledger.ordersPerRequest)
            if let proof = FraudProof.overIssue(own.map(\.final), of: granter, in: broken, charter) {
                return [proof]
            }
        }
        return []
    }

    /// An account may be below nothing for a while: what came to it may become known later than what it spent.
    private func noteOverdrawn(_ finals: [Final]) {
        var touched: Set<AccountID> = []
        for final in finals {
            if case .account(let account, _) = final.order.order.slot { touched.insert(account) }
            guard !overdrawn.isEmpty else { continue }
            touched.formUnion(final.order.order.operation.outputs.map(\.account))
            if case .hold = final.order.order.slot { touched.formUnion(overdrawn.keys) }
        }
        guard !touched.isEmpty else { return }
        // One look: each may have to wait for a transaction.
        let below = book.look { ledger in touched.filter { ledger.account($0).balance < 0 } }
        for account in touched {
            if !below.contains(account) {
                overdrawn[account] = nil
            } else if overdrawn[account] == nil {
                overdrawn[account] = now()
            }
        }
    }

    /// Accounts of which nothing came that explains what they spent, for so long that it should have: an alarm and no proof,
    /// for what is missing may be missing here alone.
    func overspent() -> [AccountID] {
        let due = now() - min(now(), Limits.Ledger.doubtSeconds)
        return overdrawn.filter { $0.value <= due }.keys.sorted()
    }
}
