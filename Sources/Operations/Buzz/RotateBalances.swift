import Digests
import FoundationEssentials
import Identity
import Ledger
import PostLog
import WaggleProtocol

/// What became of an account in one currency when its owner came to sign with another key.
public struct RotatedBalance: Codable, Sendable {
    public let currency: String
    /// Empty when the currency is not known here.
    public let symbol: String
    public let balance: Int64
    /// "rotated", "nothing there", "already", or why not.
    public let outcome: String
    /// True when it must be asked for again.
    public let isOpen: Bool
    /// Operators that did not answer, by their addresses: they hear of it from the others.
    public var silent: [String]?
}

extension OperationContext {
    /// Gives a person's account in every currency to the key that signs here now, in the name of the key that the words make.
    ///
    /// A balance moves in no other sense: the account keeps its name. Whoever held the key before can spend nothing any more.
    /// - Returns: one line for each currency that is known here or that the person's profile lists.
    func rotateBalances(
        of author: Hash32, to device: SigningKey, by secret: RecoverySecret
    ) async throws(OperationError) -> [RotatedBalance] {
        let desk = BuzzDesk(self)
        guard let account = try? await desk.account(of: author) else { return [] }
        var lines: [RotatedBalance] = []
        let views = try await desk.asking { () throws(LedgerError) in try await currencies.all() }
        for view in views {
            let (outcome, balance, isOpen) = await rotate(account, view, device, secret)
            lines.append(
                RotatedBalance(
                    currency: view.charter.currency.hex, symbol: view.charter.symbol, balance: balance,
                    outcome: outcome, isOpen: isOpen, silent: await silent(view.charter)))
        }
        let known = Set(views.map(\.charter.currency.hex))
        let listed = (try? await log.post(author: author, kind: .profile, slot: ""))?.post.profile.currencies ?? []
        for currency in listed where !known.contains(currency) {
            lines.append(
                RotatedBalance(
                    currency: currency, symbol: "", balance: 0,
                    outcome: "not known here: `waggle buzz join` it, then move again", isOpen: true))
        }
        return lines
    }

    /// The operators of a currency of several that did not answer last. One that decides alone is told of in the outcome.
    private func silent(_ charter: Charter) async -> [String]? {
        guard charter.authorities.count > 1,
            let health = await currencies.health().first(where: { $0.charter.currency == charter.currency })
        else { return nil }
        let silent = health.authorities.filter { !$0.isOwn && !$0.isAnswering }
        return silent.isEmpty ? nil : silent.map { charter.authorities[$0.authority].url }
    }

    private func rotate(
        _ account: AccountID, _ view: CurrencyView, _ device: SigningKey, _ secret: RecoverySecret
    ) async -> (outcome: String, balance: Int64, isOpen: Bool) {
        let currency = view.charter.currency
        do throws(LedgerError) {
            let standing = try await currencies.standing(account, in: currency)
            if standing.key == device.publicKey { return ("already", standing.balance, false) }
            guard let key = secret.ledgerKey(standing.key) else {
                return ("controlled by a key that these words do not make", standing.balance, true)
            }
            // An account that nothing happened to is rotated too: what comes to it later is for whoever signs here.
            _ = try await currencies.perform(
                .rotate(device.publicKey), of: account, by: key, newKey: device, in: currency)
            return ("rotated", standing.balance, false)
        } catch {
            return (error.message, 0, true)
        }
    }
}

extension RecoverySecret {
    /// The key for currencies that these words make and that is this one; nil when none is.
    func ledgerKey(_ key: Hash32) -> SigningKey? {
        for number in 0..<UInt64(Limits.Ledger.derivedKeys) {
            if let made = SigningKey(seed: ledgerSeed(number)), made.publicKey == key { return made }
        }
        return nil
    }

    /// The first of those keys that an author has not listed yet.
    ///
    /// Every device that is made from words is one of them, so that the words can always sign for the account, whichever
    /// home had it last.
    func nextDevice(of chain: KeyChain) -> SigningKey {
        for number in 0..<UInt64(Limits.Ledger.derivedKeys) {
            if let made = SigningKey(seed: ledgerSeed(number)), chain.devices[made.publicKey] == nil { return made }
        }
        return .random()
    }
}
