public import Digests
public import Identity
import WaggleProtocol

/// An account of which nothing is voted for.
public struct FrozenAccount: Sendable {
    public let account: AccountID
    /// Through which epoch.
    public let until: Int64
    public let balance: Int64
    /// What froze it so long, where that is among the latest that happened to the account; it may name a reason.
    public let freeze: LoggedFinal?
    /// What wardens took of it lately, the newest first.
    public let taken: [LoggedFinal]
}

/// What wardens do: freezing, and taking back what a frozen account has.
extension Currencies {
    /// Accounts that are frozen now, as it is known here: those that are for longest.
    public func frozen(in currency: Hash32, limit: Int) async throws(LedgerError) -> [FrozenAccount] {
        let epoch = try await charter(currency).epoch(at: now())
        var accounts: [FrozenAccount] = []
        for (id, until) in try await store.frozen(through: epoch, in: currency, limit: limit) {
            let latest = try await store.mentions(of: id, in: currency, limit: Limits.Ledger.historyPage)
            accounts.append(
                FrozenAccount(
                    account: id, until: until, balance: state(currency)?.ledger.account(id).balance ?? 0,
                    freeze: latest.first { $0.final.order.order.operation == .freeze(id, until: until) },
                    taken: latest.filter { $0.final.order.order.operation.isClawback && $0.change(of: id) < 0 }))
        }
        return accounts
    }

    /// Freezes an account on a warden's own chain: nothing of it is voted for through an epoch. What is final stays, and so do
    /// its open holds. A freeze ends by itself; it cannot be lifted.
    ///
    /// - Parameters:
    ///   - warden: whose chain, and the key that signs for it; nil for this node's own account.
    ///   - reference: the post that says why.
    public func freeze(
        _ account: AccountID, until epoch: Int64, by warden: (account: AccountID, key: SigningKey)?,
        reference: Hash32? = nil, in currency: Hash32
    ) async throws(LedgerError) -> Final {
        guard let key = warden?.key ?? ownKey else { throw .stopped("this node has no ledger key") }
        return try await perform(
            .freeze(account, until: epoch), of: warden?.account ?? key.publicKey, by: key, reference: reference,
            in: currency)
    }

    /// Begins to take back what a frozen account has.
    ///
    /// - Throws: `refused` where the charter has no such rule, the account is not frozen, or has not so much.
    public func draftClawback(
        of account: AccountID, to: AccountID, amount: Int64, reference: Hash32? = nil, in currency: Hash32
    ) async throws(LedgerError) -> ClawbackDraft {
        let charter = try await charter(currency)
        guard charter.hasClawback else {
            throw .refused(.notWarden, "the charter of \(charter.symbol) lets nobody take anything back")
        }
        let standing = try await standing(account, in: currency)
        guard standing.frozenUntil >= standing.epoch else {
            throw .refused(.notFrozen, "the account is not frozen; `waggle buzz freeze` comes first")
        }
        guard amount > 0, amount <= standing.balance else {
            throw .refused(
                .insufficient,
                "there is not enough: \(amount) \(charter.symbol) are wanted and \(standing.balance) are there")
        }
        do throws(MalformedMessage) {
            return ClawbackDraft(
                try Order(
                    currency: currency, slot: .account(account, seq: standing.nextSeq),
                    .clawback(to: to, amount: amount), reference: reference))
        } catch {
            throw .malformed(error.what)
        }
    }

    /// Signs with this node's own key, where that is a warden's.
    public func sign(_ draft: ClawbackDraft, _ charter: Charter) throws(LedgerError) -> ClawbackDraft {
        guard let key = ownKey, charter.wardens.contains(key.publicKey) else { return draft }
        var signed = draft
        try signed.sign(key)
        return signed
    }

    /// Gives the order that enough wardens signed.
    ///
    /// An order of before the freeze may have votes in the same place, too few to become final and too many for another one.
    /// Then the place is unlocked with what the wardens signed for it (a frozen account's place is theirs to unlock), and is
    /// decided: for the order of before where a certificate shows it, else for nothing. Both ways this order has lost its place.
    ///
    /// - Throws: `refused(.slotUsed)` when the place went to another order: wardens begin again, and the next place of a
    ///   frozen account is nobody else's.
    public func clawBack(_ draft: ClawbackDraft) async throws(LedgerError) -> Final {
        let wish = try draft.wish()
        let charter = try await charter(wish.currency)
        let signed = try draft.signed(charter)
        guard signed.signatures.count >= charter.wardenThreshold else {
            throw .refused(
                .unauthorized,
                "\(charter.wardenThreshold) of \(charter.wardens.count) wardens have to sign, and "
                    + "\(signed.signatures.count) did")
        }
        let rounds = try draft.unlocks(charter)
        return try await inTurn(wish.account) { () async throws(LedgerError) -> Final in
            try await give(signed, unlock: .signed(rounds))
        }
    }
}
