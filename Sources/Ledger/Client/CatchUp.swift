public import Digests
import WaggleProtocol

/// What an authority that is behind needs before it can vote, and in which order it can take it.
///
/// Authorities read each other's logs; but a final that only its owner was told is in none of them, so whoever is refused
/// pushes what it has.
public enum CatchUp {
    public enum Need: Hashable, Sendable {
        /// Places of an account's chain, from one up to but without another.
        case chain(AccountID, from: UInt64, before: UInt64)
        /// The order that opened a hold, and what comes before it in its payer's chain.
        case hold(Hash32)
        /// Whatever was paid to the account.
        case income(AccountID)
    }

    /// Where finals are looked up.
    public struct Source {
        let final: (Slot) throws -> Final?
        let opening: (Hash32) throws -> Final?
        let income: (AccountID) throws -> [Final]

        /// - Parameters:
        ///   - final: of a slot.
        ///   - opening: the final that opened a hold.
        ///   - income: finals that paid an account, the newest ones at least.
        public init(
            final: @escaping (Slot) throws -> Final?, opening: @escaping (Hash32) throws -> Final?,
            income: @escaping (AccountID) throws -> [Final]
        ) {
            (self.final, self.opening, self.income) = (final, opening, income)
        }
    }

    /// What a refusal of an order, or of an unlock for its slot, says to be missing.
    public static func needs(after refusal: Refusal, for order: Order) -> [Need] {
        switch (refusal.code, order.slot) {
        case (.missingEarlier, .hold(let name)), (.notReady, .hold(let name)): [.hold(name)]
        case (.missingEarlier, .account(let id, let seq)), (.notReady, .account(let id, let seq)):
            // What it says of its place is not signed: it costs pushes at most.
            refusal.nextSeq < seq ? [.chain(id, from: max(1, refusal.nextSeq), before: seq)] : []
        case (.insufficient, .account(let id, let seq)):
            [.chain(id, from: max(1, refusal.nextSeq), before: seq), .income(id)]
        default: []
        }
    }

    /// Finals that meet the needs, each after what it can only be applied after. Of a chain that an authority says nothing
    /// about, the last `depth` places are taken.
    ///
    /// - Parameter limit: finals at most; nil: as many as one request takes.
    public static func finals(
        for needs: [Need], from source: Source, depth: UInt64 = 64, limit: Int? = nil
    ) throws -> [Final] {
        var collection = Collection(source: source, depth: depth, limit: limit ?? Limits.Ledger.ordersPerRequest)
        for need in needs { try collection.add(need) }
        return collection.finals
    }

    private struct Collection {
        let source: Source
        let depth: UInt64
        let limit: Int
        var finals: [Final] = []
        var seen: Set<Hash32> = []

        mutating func add(_ need: Need) throws {
            switch need {
            case .chain(let id, let from, let before):
                guard from < before else { return }
                for seq in max(from, before - min(before, UInt64(limit)))..<before where seq > 0 {
                    if let final = try source.final(.account(id, seq: seq)) { try add(final) }
                }
            case .hold(let name):
                if let final = try source.opening(name) { try addWithChain(final) }
            case .income(let id):
                for final in try source.income(id).suffix(limit) { try addWithChain(final) }
            }
        }

        private mutating func addWithChain(_ final: Final) throws {
            if case .account(let id, let seq) = final.order.order.slot, seq > 1, !seen.contains(final.slotID) {
                try add(.chain(id, from: seq > depth ? seq - depth : 1, before: seq))
            }
            try add(final)
        }

        private mutating func add(_ final: Final) throws {
            guard finals.count < limit, seen.insert(final.slotID).inserted else { return }
            // A hold is paid out after it was opened.
            if case .hold(let name) = final.order.order.slot, let opening = try source.opening(name) {
                try addWithChain(opening)
            }
            finals.append(final)
        }
    }
}
