public import Digests

/// One side of what an order did, as double-entry book-keeping has it: the sides of an order add up to nothing.
public struct LedgerPosting: Hashable, Sendable {
    /// Where Buzz can be, or come from, or go to.
    public enum Place: Hashable, Sendable {
        case account(AccountID)
        /// Set aside by the order of this name.
        case hold(Hash32)
        /// Not there yet: what a granter issued is this far below nothing.
        case issued(AccountID)
        case burned
    }

    public let place: Place
    public let amount: Int64

    /// The sides of a final order.
    ///
    /// - Parameter hold: the hold that it resolves, as it was.
    public static func of(_ order: Order, hold: LedgerState.Hold? = nil) -> [LedgerPosting] {
        func paid(_ outputs: [Output], from place: Place) -> [LedgerPosting] {
            [LedgerPosting(place: place, amount: 0 &- outputs.reduce(0) { $0 &+ $1.amount })]
                + outputs.map { LedgerPosting(place: .account($0.account), amount: $0.amount) }
        }
        switch (order.slot, order.operation) {
        case (.account(let id, _), .transfer(let outputs)): return paid(outputs, from: .account(id))
        case (.account(let id, _), .grant(_, let outputs)): return paid(outputs, from: .issued(id))
        case (.account(let id, _), .burn(let amount)):
            return [
                LedgerPosting(place: .account(id), amount: 0 &- amount), LedgerPosting(place: .burned, amount: amount),
            ]
        case (.account(let id, _), .hold(let amount, _, _, _)):
            return [
                LedgerPosting(place: .account(id), amount: 0 &- amount),
                LedgerPosting(place: .hold(order.id), amount: amount),
            ]
        case (.account(let id, _), .clawback(let to, let amount)):
            return paid([Output(account: to, amount: amount)], from: .account(id))
        case (.account, _): return []
        case (.hold(let name), let operation):
            guard let hold else { return [] }
            let outputs = operation.outputs
            let rest = hold.amount &- outputs.reduce(0) { $0 &+ $1.amount }
            return [LedgerPosting(place: .hold(name), amount: 0 &- hold.amount)]
                + outputs.map { LedgerPosting(place: .account($0.account), amount: $0.amount) }
                + (rest == 0 ? [] : [LedgerPosting(place: .account(hold.payer), amount: rest)])
        }
    }
}

extension OrderOperation {
    /// The operation's name in the protocol.
    public var word: String {
        switch self {
        case .transfer: "transfer"
        case .grant: "grant"
        case .burn: "burn"
        case .hold: "hold"
        case .rotate: "rotate"
        case .freeze: "freeze"
        case .clawback: "clawback"
        case .resolve(let outputs): outputs.isEmpty ? "void" : "resolve"
        case .expire: "expire"
        case .default: "default"
        }
    }
}

extension LedgerState.Hold {
    /// The hold that an order opens.
    init?(opening order: Order) {
        guard case .account(let payer, _) = order.slot,
            case .hold(let amount, let resolver, let payees, let expiry) = order.operation
        else { return nil }
        self.init(payer: payer, amount: amount, resolver: resolver, payees: payees, expiry: expiry)
    }
}
