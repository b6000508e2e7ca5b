public import Digests
public import Ledger

/// Somebody's answer to a bounty.
public struct BountyEntry: Hashable, Sendable {
    /// The kind 24 post.
    public let post: Hash32
    public let author: Hash32
    /// Who is paid; nil while no account of the author is known.
    public let account: AccountID?
    /// Unix seconds, by its author's word.
    public let created: UInt64
    /// Unix seconds: when it came to be at the arbiter. Elsewhere nobody knows, and the author's word stands for it.
    public let arrived: UInt64

    public init(post: Hash32, author: Hash32, account: AccountID?, created: UInt64, arrived: UInt64? = nil) {
        (self.post, self.author, self.account) = (post, author, account)
        (self.created, self.arrived) = (created, arrived ?? created)
    }
}

/// What a backer does with what the backer set aside.
public struct BountyAward: Hashable, Sendable {
    public struct Share: Hashable, Sendable {
        /// A kind 24 post.
        public let entry: Hash32
        public let weight: UInt32

        public init(entry: Hash32, weight: UInt32) {
            (self.entry, self.weight) = (entry, weight)
        }
    }

    /// The kind 25 post.
    public let post: Hash32
    public let author: Hash32
    /// Whose holds it is about; nil while no account of the author is known.
    public let account: AccountID?
    public let created: UInt64
    /// None: all of it back.
    public let shares: [Share]

    public init(post: Hash32, author: Hash32, account: AccountID?, created: UInt64, shares: [Share]) {
        (self.post, self.author, self.account) = (post, author, account)
        (self.created, self.shares) = (created, shares)
    }
}

/// A hold whose reference is the bounty.
public struct BountyBacking: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case open
        /// What is not in the outputs went back to the payer.
        case paid([Output])
        case returned
    }

    public let hold: Hash32
    public let payer: AccountID
    public let amount: Int64
    public let resolver: Hash32
    /// Whether it may be paid to anybody.
    public let isForAnybody: Bool
    /// Epoch through which it can be paid out.
    public let expiry: Int64
    public var state: State

    public init(
        hold: Hash32, payer: AccountID, amount: Int64, resolver: Hash32, isForAnybody: Bool = true, expiry: Int64,
        state: State = .open
    ) {
        (self.hold, self.payer, self.amount) = (hold, payer, amount)
        (self.resolver, self.isForAnybody, self.expiry, self.state) = (resolver, isForAnybody, expiry, state)
    }

    /// What was paid to winners.
    public var paid: Int64 {
        if case .paid(let outputs) = state { outputs.reduce(0) { $0 &+ $1.amount } } else { 0 }
    }

    /// What went back.
    public var returned: Int64 { state == .open ? 0 : amount - paid }

    /// The holds about a post, in the order in which they were opened, with what became of them.
    ///
    /// - Parameter orders: finals of the currency in the order of its log: all that mention the post.
    public static func all(about post: Hash32, in orders: [Order]) -> [BountyBacking] {
        var backings: [BountyBacking] = []
        var places: [Hash32: Int] = [:]
        for order in orders {
            switch (order.slot, order.operation) {
            case (.account(let payer, _), .hold(let amount, let resolver, let payees, let expiry))
            where order.reference == post:
                places[order.id] = backings.count
                backings.append(
                    BountyBacking(
                        hold: order.id, payer: payer, amount: amount, resolver: resolver,
                        isForAnybody: payees.isEmpty, expiry: expiry))
            case (.hold(let hold), let operation):
                guard let place = places[hold] else { continue }
                if case .resolve(let outputs) = operation, !outputs.isEmpty {
                    backings[place].state = .paid(outputs)
                } else {
                    backings[place].state = .returned
                }
            default: continue
            }
        }
        return backings
    }
}
