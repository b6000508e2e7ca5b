import Digests
import FoundationEssentials

/// A log of finals as a journal of plain-text accounting (hledger, ledger, beancount's relatives): every final a
/// transaction that adds up to nothing, and in the end an assertion for every balance. A second program, written by others,
/// can then say whether the books balance.
public struct HledgerJournal: Sendable {
    private let charter: Charter
    private var ledger = LedgerState()
    private var position: UInt64 = 0
    private var epoch: Int64 = 0

    public init(_ charter: Charter) {
        self.charter = charter
    }

    /// The journal's head.
    public var head: String {
        """
        ; \(Self.plain(charter.name)), currency \(charter.currency.hex)
        ; The log has no times: a transaction has the day on which the earliest epoch began that it can be of.
        commodity 1000. \(commodity)

        """ + "\n"
    }

    /// The next final as a transaction; finals that move nothing are comments.
    public mutating func add(_ final: Final) -> String {
        let order = final.order.order
        var hold: LedgerState.Hold?
        if case .hold(let name) = order.slot { hold = ledger.holds[name] }
        switch order.operation {
        case .grant(let granted, _): epoch = max(epoch, granted)
        case .expire: epoch = max(epoch, (hold?.expiry ?? 0) &+ charter.holdGraceEpochs)
        default: break
        }
        let postings = LedgerPosting.of(order, hold: hold)
        ledger.apply(order)
        defer { position += 1 }
        let title = "\(order.operation.word) \(position)  ; order:\(order.id.hex)"
        guard !postings.isEmpty else { return "; \(day) \(title)\n\n" }
        var text = "\(day) \(title)\n"
        if let reference = order.reference { text += "    ; reference:\(reference.hex)\n" }
        for posting in postings { text += "    \(Self.name(posting.place))  \(posting.amount) \(commodity)\n" }
        return text + "\n"
    }

    /// Assertions of every balance, every open hold and the supply.
    public var tail: String {
        var text = "\(day) balances after \(position) finals\n"
        for (id, account) in ledger.accounts.sorted(by: { $0.key < $1.key }) {
            text += assertion(.account(id), account.balance)
        }
        for (name, hold) in ledger.holds.sorted(by: { $0.key < $1.key }) { text += assertion(.hold(name), hold.amount) }
        return text + assertion(.burned, ledger.burned)
    }

    private func assertion(_ place: LedgerPosting.Place, _ amount: Int64) -> String {
        "    \(Self.name(place))  0 \(commodity) = \(amount) \(commodity)\n"
    }

    private var day: String {
        let seconds = charter.genesis &+ UInt64(max(0, epoch)) &* charter.epochSeconds
        let date = Date(timeIntervalSince1970: TimeInterval(min(seconds, 253_402_300_799)))
        return date.formatted(.iso8601.year().month().day())
    }

    private var commodity: String { "\"\(Self.plain(charter.symbol))\"" }

    private static func name(_ place: LedgerPosting.Place) -> String {
        switch place {
        case .account(let id): "assets:\(id.hex)"
        case .hold(let name): "holds:\(name.hex)"
        case .issued(let granter): "issued:\(granter.hex)"
        case .burned: "burned"
        }
    }

    /// A charter's text within a line and between quotation marks.
    private static func plain(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { $0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == " " }))
    }
}
