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

    private static let finalsAtOnce = 1000

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
            let news = try await tips(among: finals, view.charter)
            position = last.position + 1
            try await context.accounts.tell(news, upTo: position, of: name)
        }
    }

    /// What is news to people at home here. Looked up for all finals together: most of a log is about people elsewhere, and a
    /// currency that is decided here gets thousands of finals a second.
    private func tips(among finals: [LoggedFinal], _ charter: Charter) async throws -> [NewNotification] {
        let now = context.now()
        let tips = finals.filter { $0.time + Limits.Accounts.newsSeconds > now }.compactMap(Tip.init)
        let authors = try await context.log.authors(ofPosts: Set(tips.map(\.about)))
        let people = try await context.accounts.accounts(ofAuthors: Set(tips.map { authors[$0.about] ?? $0.about }))
        var wallets: [Hash32: AccountID] = [:]
        for person in people where person.state == .active {
            wallets[person.author] = try await context.log.keyChain(of: person.author)?.ledgerAccount
        }
        return tips.compactMap { tip in
            let author = authors[tip.about] ?? tip.about
            guard let own = wallets[author], own != tip.payer else { return nil }
            let amount = tip.outputs.reduce(Int64(0)) { $1.account == own ? $0 &+ $1.amount : $0 }
            guard amount > 0 else { return nil }
            return NewNotification(
                for: author, .tip, key: tip.slotID.hex, subject: tip.about == author ? nil : tip.about,
                detail: "\(amount) \(charter.symbol)", created: tip.time)
        }
    }
}

/// A transfer that says what it is about.
private struct Tip {
    /// A post, or a person.
    let about: Hash32
    let payer: AccountID
    let outputs: [Output]
    let slotID: Hash32
    /// Unix seconds.
    let time: UInt64

    /// Nil for what is something else.
    init?(_ logged: LoggedFinal) {
        let order = logged.final.order.order
        guard case .transfer(let outputs) = order.operation, case .account(let payer, _) = order.slot,
            let about = order.reference
        else { return nil }
        (self.about, self.payer, self.outputs) = (about, payer, outputs)
        (slotID, time) = (order.slotID, logged.time)
    }
}
