public import Digests
public import Identity
import WaggleProtocol

/// What wardens do: freezing, and taking back what a frozen account has.
extension Currencies {
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
        return try await inTurn(wish.account) { () async throws(LedgerError) -> Final in try await give(signed, nil) }
    }
}
