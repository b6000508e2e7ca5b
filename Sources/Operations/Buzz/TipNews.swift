import Accounts
import Digests
import Identity
import Ledger
import PostLog
import WaggleProtocol

/// Follows the logs of currencies and tells people at home here of tips that they got, on whichever node these were given.
///
/// A tip is a transfer that says what it is about: a post of whoever gets it, or the person. What was given here is told by
/// `TipSubject` too, under the same key and with who gave it: a log names accounts, not people.
public struct TipNews: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    private static let finalsAtOnce = 200

    /// Reads what the logs have got since.
    ///
    /// - Throws: `LedgerError`, `AccountsError`, `PostLogError`.
    public func catchUp() async throws {
        for view in try await context.currencies.all() { try await read(view) }
    }

    private func read(_ view: CurrencyView) async throws {
        let currency = view.charter.currency
        let name = "buzz \(currency.hex)"
        let known = try await context.accounts.notifiedSeq(of: name)
        // The copy of a log that was joined has the time of its coming here for all of its past: nobody is told of that.
        // Of what is decided here the times are right, and tell what is old.
        var position = known ?? (view.isFollowed ? view.size : 0)
        guard known != nil || position < view.size, position <= view.size else {
            return try await context.accounts.tell([], upTo: view.size, of: name)
        }
        while position < view.size, !Task.isCancelled {
            let finals = try await context.currencies.store.finals(
                from: position, limit: Self.finalsAtOnce, in: currency)
            guard let last = finals.last else { return }
            var news: [NewNotification] = []
            for final in finals {
                if let tip = try await tip(final, view.charter) { news.append(tip) }
            }
            position = last.position + 1
            try await context.accounts.tell(news, upTo: position, of: name)
        }
    }

    /// Nil for what is no tip, is for nobody here, or is old.
    private func tip(_ logged: LoggedFinal, _ charter: Charter) async throws -> NewNotification? {
        let order = logged.final.order.order
        guard case .transfer(let outputs) = order.operation, case .account(let payer, _) = order.slot,
            let about = order.reference, logged.time + Limits.Accounts.newsSeconds > context.now()
        else { return nil }
        let author = try await context.log.posts(ids: [about])[about]?.author ?? about
        guard let account = try await context.accounts.account(author: author), account.state == .active,
            let own = try await context.log.keyChain(of: author)?.ledgerAccount, own != payer
        else { return nil }
        let amount = outputs.reduce(Int64(0)) { $1.account == own ? $0 &+ $1.amount : $0 }
        guard amount > 0 else { return nil }
        return NewNotification(
            for: author, .tip, key: order.slotID.hex, subject: about == author ? nil : about,
            detail: "\(amount) \(charter.symbol)", created: logged.time)
    }
}
