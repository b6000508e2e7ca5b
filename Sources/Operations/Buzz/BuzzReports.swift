import Digests
import FoundationEssentials
import Identity
import Ledger

/// A currency as `waggle buzz ls` shows it.
public struct CurrencyReport: Codable, Sendable {
    /// 64 hexadecimal digits.
    public let currency: String
    public let name: String
    public let symbol: String
    /// "authority" or "member".
    public let role: String
    public let url: String
    public let finals: UInt64
    public let epoch: Int64
    public let issued: Int64
    public let burned: Int64
    public let held: Int64
    public let accounts: Int
    /// Nodes known here that signed a checkpoint of its log within a week.
    public let witnesses: Int
    /// Operators that decide, and how many of them have to agree.
    public let operators: Int
    public let quorum: Int
    /// How far it may be trusted, in words.
    public let trust: String
    /// Unix seconds: when its authority last answered; 0 for never.
    public let answered: UInt64
    /// Why it cannot be used for now; empty when it can.
    public let stopped: String
    /// That operators are proven to lie, or that this node is none of them any more, in words; empty where all is well.
    public let warning: String

    init(_ view: CurrencyView, witnesses: Int) {
        currency = view.charter.currency.hex
        (name, symbol) = (view.charter.name, view.charter.symbol)
        (role, url) = (view.role.rawValue, view.url)
        (finals, epoch) = (view.size, view.epoch)
        (issued, burned, held, accounts) = (view.issued, view.burned, view.held, view.accounts)
        self.witnesses = witnesses
        (operators, quorum) = (view.charter.authorities.count, view.charter.authorities.count - view.charter.f)
        trust = Self.trust(view.charter, witnesses: witnesses)
        answered = view.answered
        stopped = view.stopped ?? ""
        warning = Self.warning(view)
    }

    private static func warning(_ view: CurrencyView) -> String {
        var retired = view.retired.map { "This node does not decide any more: \($0). " } ?? ""
        if !view.overspent.isEmpty {
            retired +=
                "Accounts spent more than is known to have come to them (\(view.overspent.prefix(4).map(\.hex).joined(separator: ", "))): "
                + "more operators than \(view.charter.symbol) survives may lie, and nothing in it is safe. "
        }
        guard !view.liars.isEmpty else { return retired }
        let authorities = view.charter.authorities
        let named = view.liars.sorted().filter(authorities.indices.contains).map { authorities[$0].url }
        let count = "\(named.count) of \(authorities.count) operators \(named.count == 1 ? "is" : "are")"
        return retired + "\(count) proven to lie: " + named.joined(separator: ", ")
            + (view.liars.count > view.charter.f ? "." : ". The others decide without them; what is final stays final.")
    }

    static func trust(_ charter: Charter, witnesses: Int) -> String {
        let operators = charter.authorities.count
        return
            "trust: \(operators == 1 ? "1 operator" : "\(operators - charter.f) of \(operators) operators"), "
            + "\(witnesses) \(witnesses == 1 ? "witness" : "witnesses")"
    }
}

/// An account in a currency.
public struct BalanceReport: Codable, Sendable {
    public let currency: String
    public let symbol: String
    /// 64 hexadecimal digits.
    public let account: String
    public let balance: Int64
    /// Set aside by this account in open holds.
    public let held: Int64
    /// Orders of the account that are final.
    public let orders: UInt64
    /// Orders whose answer is not known yet.
    public let pending: Int
    /// Epoch through which it is frozen; nil when it is not.
    public let frozenUntil: Int64?
    /// Places in the account's chain for which its key signed two orders, as far as that was seen here: usually two devices.
    public let doubleOrders: [UInt64]?
    /// False when the authority was not asked or did not answer: then it is what the copy of its log here says.
    public let isCurrent: Bool
    public let trust: String
}

/// What became of an order.
public struct FinalReport: Codable, Sendable {
    public let currency: String
    public let symbol: String
    /// Its order's id.
    public let order: String
    public let slot: String
    /// "transfer", "grant", "hold", …
    public let operation: String
    /// Its place in the log; nil where the log here does not have it yet.
    public let position: UInt64?
    /// Unix seconds: when it came to be here.
    public let time: UInt64
    /// Who gave it: an account, or the hold that it resolves.
    public let from: String
    public let outputs: [Side]
    /// Post, job or evidence that it is about.
    public let reference: String?
    /// What it changed for the account that was asked for.
    public let change: Int64?

    public struct Side: Codable, Sendable {
        public let account: String
        public let amount: Int64
    }

    init(_ final: Final, _ charter: Charter, time: UInt64 = 0, logged: LoggedFinal? = nil, of account: AccountID? = nil)
    {
        let order = final.order.order
        (currency, symbol) = (charter.currency.hex, charter.symbol)
        (self.order, slot, operation) = (order.id.hex, order.slotID.hex, order.operation.word)
        position = logged?.position
        self.time = logged?.time ?? time
        switch order.slot {
        case .account(let id, _): from = id.hex
        case .hold(let hold): from = hold.hex
        }
        let postings = logged?.postings ?? LedgerPosting.of(order)
        outputs = postings.compactMap { posting in
            guard case .account(let id) = posting.place, posting.amount > 0 else { return nil }
            return Side(account: id.hex, amount: posting.amount)
        }
        reference = (logged?.reference ?? order.reference)?.hex
        change = account.flatMap { account in logged.map { $0.change(of: account) } }
    }
}

/// What an audit found.
public struct AuditReply: Codable, Sendable {
    public let currency: String
    public let symbol: String
    public let entries: UInt64
    public let signatures: Int
    public let accounts: Int
    public let issued: Int64
    public let burned: Int64
    public let held: Int64
    public let root: String
    public let stateRoot: String
    /// Entries that the signed checkpoint covers; nil when there was none.
    public let checkpoint: UInt64?
    public let seconds: Double
    public let trust: String
}
