import Digests

@testable import Ledger

/// Watches finals and says when one must not be. It knows the rules from the specification, not from `Admission`.
struct LedgerOracle {
    struct Violation: Error, CustomStringConvertible {
        let description: String
    }

    /// What is known of the clocks of those who decided.
    enum Clock {
        /// One authority, at this epoch.
        case exactly(Int64)
        /// Several, at different times, none of them in a later epoch.
        case atMost(Int64)
    }

    private(set) var decided: [Hash32: Final] = [:]
    private(set) var history: [Final] = []
    private(set) var balances: [AccountID: Int64] = [:]
    private(set) var keys: [AccountID: Hash32] = [:]
    private(set) var nextSeq: [AccountID: UInt64] = [:]
    private var frozen: [AccountID: Int64] = [:]
    private(set) var holds: [Hash32: LedgerState.Hold] = [:]
    private var granted: [AccountID: [Int64: Int64]] = [:]
    private var issued: Int64 = 0
    private var burned: Int64 = 0

    private func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        guard holds else { throw Violation(description: what()) }
    }

    /// A final that somebody was told, by one authority alone at `epoch`.
    mutating func saw(_ final: Final, _ charter: Charter, epoch: Int64, signers: Set<Hash32>) throws {
        if let known = decided[final.slotID] {
            try require(known.value == final.value, "two finals for one slot")
            return
        }
        decided[final.slotID] = final
        history.append(final)
        try book(final.order.order, charter, .exactly(epoch), signers)
    }

    /// Whether what comes before the order in its slot's history is booked.
    func isReady(_ order: Order) -> Bool {
        switch order.slot {
        case .account(let id, let seq): seq == nextSeq[id, default: 1]
        case .hold(let name): holds[name] != nil
        }
    }

    /// Books an order that is final.
    mutating func book(_ order: Order, _ charter: Charter, _ clock: Clock, _ signers: Set<Hash32>) throws {
        switch order.slot {
        case .account(let id, let seq):
            try require(seq == nextSeq[id, default: 1], "a chain has a gap")
            nextSeq[id] = seq + 1
            try account(order, id, charter, clock, signers)
        case .hold(let name):
            guard let hold = holds.removeValue(forKey: name) else {
                throw Violation(description: "a hold that is not open is resolved")
            }
            var paid: Int64 = 0
            if case .resolve(let outputs) = order.operation {
                try require(signers.contains(hold.resolver), "a capture that the resolver did not sign")
                for output in outputs {
                    paid += output.amount
                    balances[output.account, default: 0] += output.amount
                }
                try require(paid <= hold.amount, "a capture above the hold")
            }
            balances[hold.payer, default: 0] += hold.amount - paid
        }
        try require(balances.values.allSatisfy { $0 >= 0 }, "a balance below zero")
        let held = holds.values.reduce(0) { $0 + $1.amount }
        try require(balances.values.reduce(0, +) + held == issued - burned, "what is there is not what was issued")
    }

    private mutating func account(
        _ order: Order, _ id: AccountID, _ charter: Charter, _ clock: Clock, _ signers: Set<Hash32>
    ) throws {
        if case .atMost = clock, order.operation == .default { return }
        if case .clawback(let to, let amount) = order.operation {
            try require(signers.intersection(charter.wardens).count >= charter.wardenThreshold, "a seizure")
            switch clock {
            case .exactly(let epoch):
                try require(frozen[id, default: -1] >= epoch, "a clawback of what is not frozen")
            case .atMost: try require(frozen[id] != nil, "a clawback of what was never frozen")
            }
            move(amount, from: id, to: to)
            return
        }
        try require(signers.contains(keys[id, default: id]), "an order that its payer did not sign")
        let newest: Int64
        switch clock {
        case .exactly(let epoch):
            newest = epoch
            try require(frozen[id, default: -1] < epoch, "a frozen account spent")
        case .atMost(let epoch): newest = epoch
        }
        switch order.operation {
        case .transfer(let outputs): for output in outputs { move(output.amount, from: id, to: output.account) }
        case .grant(let grantEpoch, let outputs):
            try require(grantEpoch <= newest, "a grant from the future")
            for output in outputs {
                balances[output.account, default: 0] += output.amount
                issued += output.amount
                granted[id, default: [:]][grantEpoch, default: 0] += output.amount
            }
            let cap = charter.granters[id]?.capPerEpoch ?? 0
            try require(granted[id]?[grantEpoch] ?? 0 <= cap, "a granter over its cap")
            let total = granted[id]?.values.reduce(0, +) ?? 0
            try require(total <= cap * (newest + 2), "more issued than all epochs allow")
            if case .exactly(let epoch) = clock {
                try require(grantEpoch >= epoch - 1, "a grant for an epoch that is over")
            }
        case .burn(let amount):
            balances[id, default: 0] -= amount
            burned += amount
        case .hold(let amount, let resolver, let payees, let expiry):
            balances[id, default: 0] -= amount
            holds[order.id] = .init(payer: id, amount: amount, resolver: resolver, payees: payees, expiry: expiry)
        case .rotate(let key): keys[id] = key
        case .freeze(let other, let until): frozen[other] = max(frozen[other, default: -1], until)
        default: throw Violation(description: "\(order.operation) in an account's chain")
        }
    }

    private mutating func move(_ amount: Int64, from: AccountID, to: AccountID) {
        balances[from, default: 0] -= amount
        balances[to, default: 0] += amount
    }
}
