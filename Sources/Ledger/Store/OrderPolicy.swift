import Digests
import WaggleProtocol

/// What an authority keeps for whom. Every final stays for ever, here and with everybody who follows the log, so nobody gets
/// many of them for nothing.
///
/// This is the authority's own and no rule of the currency: an audit knows nothing of it, and a slot that is decided is
/// answered with its final whatever is said here. Counts are in memory alone; a start forgives.
struct OrderPolicy: Sendable {
    private let charter: Charter
    private var epoch: Int64 = -1
    /// Orders that an account had decided in the epoch.
    private var given: [AccountID: UInt64] = [:]

    init(_ charter: Charter) {
        self.charter = charter
    }

    /// Whether more signatures are on an order than can be needed. They would be kept and sent around for ever, so such an
    /// order is not looked at any further.
    func isOversigned(_ signed: SignedOrder) -> Bool {
        let most =
            switch (signed.order.slot, signed.order.operation) {
            case (.account, .clawback): charter.wardens.count
            case (.account, .rotate): 2
            case (.account, _), (.hold, .resolve): 1
            case (.hold, _): 0
            }
        return signed.signatures.count > most
    }

    /// Whether an order that the rules allow is one too many of its account.
    ///
    /// - Parameter epoch: the authority's own.
    func isTooMany(_ order: Order, _ state: LedgerState, epoch: Int64) -> Bool {
        guard case .account(let id, _) = order.slot, !order.operation.isClawback else { return false }
        // The charter names them, so they are not anybody.
        let isNamed = charter.granters[id] != nil || charter.wardens.contains(id)
        // It costs nothing, and would make an account out of any key.
        if order.operation.cost == 0, state.accounts[id] == nil, !isNamed { return true }
        guard let most = charter.ordersPerEpoch ?? (isNamed ? nil : Limits.Ledger.ordersPerEpoch) else { return false }
        return epoch <= self.epoch && given[id, default: 0] >= most
    }

    /// Counts an order that was decided, or voted for.
    mutating func note(_ order: Order, epoch: Int64) {
        guard case .account(let id, _) = order.slot, !order.operation.isClawback else { return }
        if epoch > self.epoch { (self.epoch, given) = (epoch, [:]) }
        given[id, default: 0] += 1
    }
}
