import Digests
import FoundationEssentials
import GRDB
import Synchronization
import WaggleProtocol

/// What is final in a currency of several authorities, at a node that is none of them.
///
/// A final needs nobody's word: a quorum signed it. So finals are taken from anybody and in any order; one whose
/// predecessors are missing waits. The order in which they are applied here is this node's own.
public final class FinalCopy: Sendable {
    private struct Live {
        var finals: FoldedFinals
        var tree: LogTree
        /// What an authority here has seen, which may not run now. It stays what it is.
        var epoch: Int64 = 0
        /// Made for the first comparison.
        var states: StateTree?
        var failure: LedgerError?
    }

    public let charter: Charter
    private let store: LedgerStore
    private let now: @Sendable () -> UInt64
    /// Held during a transaction.
    private let live: Mutex<Live>

    public init(store: LedgerStore, charter: Charter, now: @escaping @Sendable () -> UInt64) async throws(LedgerError) {
        (self.store, self.charter, self.now) = (store, charter, now)
        try await store.add(charter)
        live = Mutex(
            try await store.read { db in try Self.load(charter, try LedgerStore.rows(charter.currency, db)) })
    }

    private static func load(_ charter: Charter, _ rows: CurrencyRows) throws -> Live {
        var finals = FoldedFinals(charter, try rows.state())
        _ = finals.ledger.takeChanges()
        for record in try rows.records() {
            if case .final(let final) = record { _ = finals.take(final) }
        }
        let head = try Row.fetchOne(
            rows.db, sql: "SELECT epoch, size FROM currency WHERE n = ?", arguments: [rows.currency])
        return Live(finals: finals, tree: try rows.tree(size: head?[1] ?? 0), epoch: head?[0] ?? 0)
    }

    func state() -> (ledger: LedgerState, size: UInt64) { live.withLock { ($0.finals.ledger, $0.tree.size) } }

    /// Looks at the state where it is, without a copy of it.
    func look<Value: Sendable>(_ body: (LedgerState) -> Value) -> Value { live.withLock { body($0.finals.ledger) } }

    var failure: LedgerError? { live.withLock { $0.failure } }

    var hasWaiting: Bool { live.withLock { !$0.finals.waiting.isEmpty } }

    func sum() -> FinalBook.Sum {
        live.withLock { live in
            let ledger = live.finals.ledger
            if live.states == nil { live.states = StateTree(ledger) }
            return FinalBook.Sum(
                size: live.tree.size, stateRoot: live.states?.root() ?? .zero, issued: ledger.issued,
                burned: ledger.burned, held: ledger.held)
        }
    }

    /// Takes finals whose quorums were checked.
    ///
    /// - Returns: pairs of finals of one slot with different values: more than f authorities are liars.
    func take(_ finals: [Final]) async throws(LedgerError) -> [LedgerEvidence] {
        if let failure { throw failure }
        let (currency, time) = (charter.currency, now())
        do throws(LedgerError) {
            return try await store.write { [self] db in
                let rows = try LedgerStore.rows(currency, db)
                return try live.withLock { live in try Self.take(finals, &live, rows, time) }
            }
        } catch {
            // What was folded in memory is not on disk: it is forgotten.
            do throws(LedgerError) {
                try await store.read { [self] db in
                    let rows = try LedgerStore.rows(currency, db)
                    try live.withLock { $0 = try Self.load(charter, rows) }
                }
            } catch {
                live.withLock { $0.failure = error }
            }
            throw error
        }
    }

    private static func take(
        _ finals: [Final], _ live: inout Live, _ rows: CurrencyRows, _ time: UInt64
    ) throws -> [LedgerEvidence] {
        var evidence: [LedgerEvidence] = []
        let before = live.tree.size
        for final in finals where final.justification.isEmpty || final.bytes.count <= Limits.Ledger.entryBytes {
            if let known = try rows.final(final.slotID) ?? live.finals.waiting[final.slotID] {
                if known.value != final.value { evidence.append(.finals(known, final)) }
                // One that waits may lack its client's signatures: the next one takes its place.
                guard live.finals.waiting[final.slotID] == known, known.value == final.value, known != final else {
                    continue
                }
                try rows.decide(final.slotID)
            }
            let applied = live.finals.take(final)
            if applied.isEmpty, live.finals.waiting[final.slotID] != nil { try rows.wait(final) }
            for final in applied {
                try rows.append(final, to: &live.tree)
                try rows.decide(final.slotID)
            }
        }
        let changes = live.finals.ledger.takeChanges()
        try rows.put(changes, of: live.finals.ledger)
        live.states?.update(changes, from: live.finals.ledger)
        try rows.putHead(size: Int64(live.tree.size), epoch: live.epoch, live.finals.ledger)
        if live.tree.size > before { try rows.note(time: time, from: before) }
        return evidence
    }
}

/// The fold over finals that may come in any order.
struct FoldedFinals: Sendable {
    private let charter: Charter
    var ledger: LedgerState
    /// Those whose predecessors are not applied yet.
    private(set) var waiting: [Hash32: Final] = [:]

    init(_ charter: Charter, _ ledger: LedgerState) {
        (self.charter, self.ledger) = (charter, ledger)
    }

    /// Takes a final of a slot that has none; what was applied because of it, in this order.
    mutating func take(_ final: Final) -> [Final] {
        waiting[final.slotID] = final
        var applied: [Final] = []
        var candidates = [final.order.order.slot]
        while let slot = candidates.popLast() {
            guard ledger.isReady(slot), let next = waiting.removeValue(forKey: slot.id),
                // Anybody can hand a final on without the signatures of its order: a whole one will come.
                next.round > 0 || Admission(charter: charter, state: ledger, epoch: 0).isAuthorised(next.order)
            else { continue }
            ledger.apply(next.order.order)
            applied.append(next)
            guard case .account(let account, let seq) = slot else { continue }
            candidates.append(.account(account, seq: seq &+ 1))
            if case .hold = next.order.order.operation { candidates.append(.hold(next.value)) }
        }
        return applied
    }
}
