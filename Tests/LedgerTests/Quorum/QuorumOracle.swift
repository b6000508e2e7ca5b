import Digests

@testable import Ledger

/// Watches what honest authorities sign, and says when it must not be.
///
/// A value counts as final as soon as its honest commits and all liars make a quorum, whether or not anybody put the final
/// together: so it needs no luck to see a violation.
struct QuorumOracle {
    private struct Place: Hashable {
        let slot: Hash32
        let round: UInt32
    }

    private struct Value: Hashable {
        let slot: Hash32
        let round: UInt32
        let value: Hash32
    }

    private let charter: Charter
    private let liars: Int
    private(set) var ledger = LedgerOracle()
    /// By slot: the value that is final.
    private(set) var decided: [Hash32: Hash32] = [:]
    private var votes: [Int: [Place: Hash32]] = [:]
    private var commits: [Value: Set<Int>] = [:]
    private var claims: [Int: [Place: UInt32?]] = [:]
    private var promised: [Int: [Hash32: UInt32]] = [:]
    private var waiting: [(order: Order, signers: Set<Hash32>)] = []
    /// By value, with everybody who signed some copy.
    private var orders: [Hash32: (order: Order, signers: Set<Hash32>)] = [:]

    /// Holds whose resolver asked for an unlock.
    var askedByResolver: Set<Hash32> = []
    /// Accounts that all honest authorities knew to be frozen, on their disks: since which step, through which epoch.
    var frozen: [AccountID: (since: Int, until: Int64)] = [:]
    /// By value: when an attacker made the order.
    var born: [Hash32: Int] = [:]

    init(_ charter: Charter, liars: Int) {
        (self.charter, self.liars) = (charter, liars)
    }

    private func require(_ holds: Bool, _ what: @autoclosure () -> String) throws {
        guard holds else { throw LedgerOracle.Violation(description: what()) }
    }

    mutating func note(_ order: Order, signers: Set<Hash32>) {
        orders[order.id, default: (order, [])].signers.formUnion(signers)
    }

    func order(_ value: Hash32) -> Order? { orders[value]?.order }

    /// - Parameter newest: the latest epoch that any clock shows.
    mutating func saw(_ ballot: Ballot, newest: Int64) throws {
        let authority = ballot.by.authority
        let place = Place(slot: ballot.slot, round: ballot.round)
        switch ballot.phase {
        case .vote:
            let known = votes[authority]?[place]
            try require(known == nil || known == ballot.value, "an honest authority voted twice in a round")
            votes[authority, default: [:]][place] = ballot.value
        case .commit:
            let key = Value(slot: ballot.slot, round: ballot.round, value: ballot.value)
            commits[key, default: []].insert(authority)
            for (other, highest) in claims[authority] ?? [:] where other.slot == ballot.slot {
                try require(
                    other.round <= ballot.round || highest.map { $0 >= ballot.round } ?? false,
                    "an honest authority committed in round \(ballot.round) after it stated \(other.round)")
            }
            if (commits[key]?.count ?? 0) + liars >= charter.quorum { try decide(key, newest) }
        }
        if ballot.phase == .vote, ballot.round > 0 { promise(authority, ballot.slot, ballot.round) }
    }

    mutating func saw(_ statement: Statement) throws {
        let authority = statement.by.authority
        let highest = statement.highest?.round
        claims[authority, default: [:]][Place(slot: statement.slot, round: statement.round)] = .some(highest)
        for (key, signers) in commits
        where key.slot == statement.slot && key.round < statement.round && signers.contains(authority) {
            try require(highest.map { $0 >= key.round } ?? false, "an honest authority hid its commit")
        }
        promise(authority, statement.slot, statement.round)
    }

    private mutating func promise(_ authority: Int, _ slot: Hash32, _ round: UInt32) {
        let before = promised[authority]?[slot] ?? 0
        promised[authority, default: [:]][slot] = max(before, round)
    }

    /// The round that an authority told somebody it would not act below.
    func promise(of authority: Int, in slot: Hash32) -> UInt32 { promised[authority]?[slot] ?? 0 }

    private mutating func decide(_ key: Value, _ newest: Int64) throws {
        if let known = decided[key.slot] {
            try require(known == key.value, "two finals for one slot")
            return
        }
        decided[key.slot] = key.value
        guard let entry = orders[key.value] else {
            throw LedgerOracle.Violation(description: "an order that nobody gave is final")
        }
        waiting.append(entry)
        while let next = waiting.firstIndex(where: { ledger.isReady($0.order) }) {
            let (order, signers) = waiting.remove(at: next)
            try check(order, newest)
            try ledger.book(order, charter, .atMost(newest), signers)
        }
        try require(waiting.isEmpty, "a final without what comes before it")
    }

    private func check(_ order: Order, _ newest: Int64) throws {
        switch (order.slot, order.operation) {
        case (.hold(let name), .default):
            guard let hold = ledger.holds[name] else { return }
            try require(
                newest >= hold.expiry + charter.holdGraceEpochs || askedByResolver.contains(name),
                "a hold went back before its end, and its resolver did not ask")
        case (.account, .default), (.account, .clawback), (.hold, _): break
        case (.account(let id, _), _):
            guard let freeze = frozen[id], let made = born[order.id] else { return }
            try require(made <= freeze.since || newest > freeze.until, "a frozen account spent")
        }
    }
}
