public import Digests

/// What has happened in a currency: the fold over its finals.
///
/// The order of finals matters inside one account's chain only, so the same set gives the same state wherever it is folded
/// (Guerraoui et al., "The consensus number of a cryptocurrency"). A balance may be below zero for a while on a replica
/// that has not seen a credit yet, never in the whole set.
public struct LedgerState: Equatable, Sendable {
    public struct Account: Equatable, Sendable {
        /// The key that signs now.
        public internal(set) var key: Hash32
        /// The next place in its chain, from 1.
        public internal(set) var nextSeq: UInt64 = 1
        public internal(set) var balance: Int64 = 0
        /// No votes for its orders through this epoch.
        public internal(set) var frozenUntil: Int64 = -1
    }

    public struct Hold: Equatable, Sendable {
        public let payer: AccountID
        public let amount: Int64
        public let resolver: Hash32
        public let payees: [AccountID]
        public let expiry: Int64

        package init(payer: AccountID, amount: Int64, resolver: Hash32, payees: [AccountID], expiry: Int64) {
            self.payer = payer
            self.amount = amount
            self.resolver = resolver
            self.payees = payees
            self.expiry = expiry
        }
    }

    /// What a granter issued in the newest epoch that it issued for. Earlier ones are closed: grants go forward only.
    struct GrantWindow: Equatable, Sendable {
        var epoch: Int64
        var total: Int64 = 0
        var recipients: [AccountID: Int64] = [:]
    }

    public internal(set) var accounts: [AccountID: Account] = [:]
    public internal(set) var holds: [Hash32: Hold] = [:]
    var grants: [AccountID: GrantWindow] = [:]
    /// What changed since somebody began to ask; nil while nobody does.
    private(set) var changes: Changes?
    public internal(set) var issued: Int64 = 0
    public internal(set) var burned: Int64 = 0

    /// Names of what changed, for whoever stores the state.
    struct Changes: Equatable, Sendable {
        var accounts: Set<AccountID> = []
        var holds: Set<Hash32> = []
        var granters: Set<AccountID> = []
    }

    public init() {}

    public static func == (left: LedgerState, right: LedgerState) -> Bool {
        left.accounts == right.accounts && left.holds == right.holds && left.grants == right.grants
            && left.issued == right.issued && left.burned == right.burned
    }

    /// What changed since the last call, or nothing at the first, which begins to note it.
    mutating func takeChanges() -> Changes {
        defer { changes = Changes() }
        return changes ?? Changes()
    }

    /// The account as it stands; one that nothing happened to is controlled by the key it is named by.
    public func account(_ id: AccountID) -> Account {
        accounts[id] ?? Account(key: id)
    }

    /// All that is set aside.
    public var held: Int64 { holds.values.reduce(0) { $0 &+ $1.amount } }

    /// Whether the slot is the next of its account, or an open hold.
    func isReady(_ slot: Slot) -> Bool {
        switch slot {
        case .account(let id, let seq): account(id).nextSeq == seq
        case .hold(let hold): holds[hold] != nil
        }
    }

    /// Whether the place is behind the account's next. Of holds only the open ones are kept: whoever keeps the finals knows
    /// which are closed.
    func isDone(_ slot: Slot) -> Bool {
        switch slot {
        case .account(let id, let seq): account(id).nextSeq > seq
        case .hold: false
        }
    }

    /// Applies a final order whose slot is ready. Nothing is refused here: that it is final is the reason.
    ///
    /// Sums wrap: with more than f faulty authorities a sum may leave 63 bits, which an audit reports and no replica dies of.
    mutating func apply(_ order: Order) {
        switch order.slot {
        case .account(let id, _):
            accounts[id, default: Account(key: id)].nextSeq += 1
            changes?.accounts.insert(id)
            apply(order.operation, of: id, order.id)
        case .hold(let name):
            guard let hold = holds.removeValue(forKey: name) else { return }
            changes?.holds.insert(name)
            var paid: Int64 = 0
            if case .resolve(let outputs) = order.operation {
                for output in outputs {
                    credit(output.account, output.amount)
                    paid &+= output.amount
                }
            }
            credit(hold.payer, hold.amount &- paid)
        }
    }

    private mutating func apply(_ operation: OrderOperation, of id: AccountID, _ name: Hash32) {
        switch operation {
        case .transfer(let outputs):
            for output in outputs {
                credit(id, 0 &- output.amount)
                credit(output.account, output.amount)
            }
        case .grant(let epoch, let outputs):
            // Taken out meanwhile: changed beside the one that is kept, its recipients would all be copied.
            var window = grants.removeValue(forKey: id) ?? GrantWindow(epoch: epoch)
            if window.epoch < epoch { window = GrantWindow(epoch: epoch) }
            for output in outputs {
                credit(output.account, output.amount)
                issued &+= output.amount
                window.total &+= output.amount
                window.recipients[output.account, default: 0] &+= output.amount
            }
            grants[id] = window
            changes?.granters.insert(id)
        case .burn(let amount):
            credit(id, 0 &- amount)
            burned &+= amount
        case .hold(let amount, let resolver, let payees, let expiry):
            credit(id, 0 &- amount)
            holds[name] = Hold(payer: id, amount: amount, resolver: resolver, payees: payees, expiry: expiry)
            changes?.holds.insert(name)
        case .rotate(let key):
            accounts[id, default: Account(key: id)].key = key
        case .freeze(let other, let until):
            let frozen = max(account(other).frozenUntil, until)
            accounts[other, default: Account(key: other)].frozenUntil = frozen
            changes?.accounts.insert(other)
        case .clawback(let to, let amount):
            credit(id, 0 &- amount)
            credit(to, amount)
        case .default, .resolve, .expire:
            break
        }
    }

    private mutating func credit(_ id: AccountID, _ amount: Int64) {
        accounts[id, default: Account(key: id)].balance &+= amount
        changes?.accounts.insert(id)
    }
}
