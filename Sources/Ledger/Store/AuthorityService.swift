public import Digests
import Dispatch
import FoundationEssentials
import GRDB
public import Identity
import Statements
import Synchronization
import WaggleProtocol

/// An authority on disk: requests in, replies out once everything they promise is stored.
///
/// Client signatures are checked on all cores but one, whose writer then takes all requests that wait into one transaction, so
/// many small requests cost one `fsync`. A caller is waited for once, from its entry into the line to its replies.
public final class AuthorityService: Sendable {
    private typealias Caller = CheckedContinuation<Result<[AuthorityReply], LedgerError>, Never>

    private struct Live {
        var authority: Authority
        var tree: LogTree
        var policy: OrderPolicy
        /// Signed last.
        var note: SignedNote?
        /// Made with the first checkpoint.
        var states: StateTree?
        /// What was decided here is not on disk yet, or was lost on the way there.
        var isUnstored = false
        /// The database failed and the state could not be read back: nothing is known, and nothing is signed any more.
        var failure: LedgerError?
    }

    public let charter: Charter
    private let store: LedgerStore
    private let index: Int
    private let key: SigningKey
    private let now: @Sendable () -> UInt64
    /// Held during a transaction.
    private let live: Mutex<Live>
    private let policy: OrderPolicy
    /// What requests showed of other authorities, until somebody takes it: who does so must not wait for a transaction.
    private let evidence = Mutex<[LedgerEvidence]>([])
    /// Threads that may wait for the disk: a task that is handed from thread to thread on its way costs a lone order more than
    /// all that is written of it. Not of the usual class: its few threads are those that all tasks run on, and a node whose
    /// writer waits for the disk on one of them takes in no orders meanwhile.
    private let threads = DispatchQueue(label: "authority", qos: .userInitiated, attributes: .concurrent)
    private let line = Mutex(
        RequestLine<Caller>(
            most: Limits.Ledger.waitingRequests, checks: max(1, ProcessInfo.processInfo.activeProcessorCount - 1),
            perTransaction: Limits.Ledger.transactionRequests))

    /// Starts an authority, once a process.
    ///
    /// - Parameters:
    ///   - generation: how often the key's file says it was started, this time included. A database that was started less
    ///     often is refused: it came back from a backup.
    ///   - now: unix seconds.
    public convenience init(
        store: LedgerStore, charter: Charter, key: SigningKey, generation: Int64, now: @escaping @Sendable () -> UInt64
    ) async throws(LedgerError) {
        try await self.init(
            store: store, charter: charter, key: key, generation: generation, breaking: nil, now: now)
    }

    /// - Parameter rule: one that a test takes away.
    init(
        store: LedgerStore, charter: Charter, key: SigningKey, generation: Int64, breaking rule: LedgerRule?,
        now: @escaping @Sendable () -> UInt64
    ) async throws(LedgerError) {
        guard let index = charter.authorities.firstIndex(where: { $0.key == key.publicKey }) else {
            throw .wrongKey("the key \(key.publicKey.hex) is none of the charter's authorities")
        }
        (self.store, self.charter, self.key, self.index, self.now) = (store, charter, key, index, now)
        policy = OrderPolicy(charter)
        try await store.add(charter)
        let path = store.path
        live = Mutex(
            try await store.write { db in
                let rows = try LedgerStore.rows(charter.currency, db)
                let before =
                    try Int64.fetchOne(
                        db, sql: "SELECT generation FROM currency WHERE n = ?", arguments: [rows.currency]) ?? 0
                guard before + 1 >= generation else {
                    throw LedgerError.olderThanKey(path: path, generation: before, key: generation - 1)
                }
                try rows.db.run("UPDATE currency SET generation = ? WHERE n = ?", [generation, rows.currency])
                return try Self.load(charter, index, key, rows, breaking: rule)
            })
    }

    private static func load(
        _ charter: Charter, _ index: Int, _ key: SigningKey, _ rows: CurrencyRows, breaking rule: LedgerRule?
    ) throws -> Live {
        guard var authority = Authority(charter, index: index, key: key) else {
            throw LedgerError.wrongKey("the key \(key.publicKey.hex) is not the charter's authority \(index)")
        }
        authority.ledger = try rows.state()
        _ = authority.ledger.takeChanges()
        let head = try Row.fetchOne(
            rows.db, sql: "SELECT epoch, size FROM currency WHERE n = ?", arguments: [rows.currency])
        authority.epoch = head?[0] ?? 0
        authority.broken = rule
        for record in try rows.records() { authority.restore(record) }
        return Live(authority: authority, tree: try rows.tree(size: head?[1] ?? 0), policy: OrderPolicy(charter))
    }

    /// The epoch by the clock.
    public var epoch: Int64 { charter.epoch(at: now()) }

    /// Whether finals wait here for what comes before them.
    var hasWaiting: Bool { live.withLock { !$0.authority.waiting.isEmpty } }

    /// What requests since the last call showed of other authorities.
    func takeEvidence() -> [LedgerEvidence] {
        evidence.withLock { evidence in
            defer { evidence = [] }
            return evidence
        }
    }

    /// The key that signs.
    public var publicKey: Hash32 { key.publicKey }

    /// Why nothing can be asked of it any more before its node is started again; nil while it can.
    public var failure: LedgerError? { live.withLock { $0.failure } }

    /// How an account stands.
    public func account(_ id: AccountID) -> LedgerState.Account {
        live.withLock { $0.authority.ledger.account(id) }
    }

    /// The whole state and how many finals made it.
    public func state() -> (ledger: LedgerState, size: UInt64) {
        live.withLock { ($0.authority.ledger, $0.tree.size) }
    }

    /// Looks at the state where it is: a copy that lives on while an order is applied makes that copy all accounts.
    func look<Value: Sendable>(_ body: (LedgerState) -> Value) -> Value {
        live.withLock { body($0.authority.ledger) }
    }

    /// Signs what the log is now: what is on disk, never what a transaction under way may still lose.
    public func checkpoint() async throws(LedgerError) -> SignedNote {
        try await store.write { [self] _ in
            try live.withLock { live in
                if let failure = live.failure { throw failure }
                // A transaction failed a moment ago, and what it decided is still to be forgotten.
                guard !live.isUnstored else { throw LedgerError.busy }
                if let note = live.note { return note }
                let note = sign(&live)
                live.note = note
                return note
            }
        }
    }

    private func sign(_ live: inout Live) -> SignedNote {
        let ledger = live.authority.ledger
        if live.states == nil { live.states = StateTree(ledger) }
        let checkpoint = LedgerCheckpoint(
            currency: charter.currency, authority: key.publicKey, size: live.tree.size, root: live.tree.root,
            epoch: live.authority.epoch, stateRoot: live.states?.root() ?? .zero, issued: ledger.issued,
            burned: ledger.burned, held: ledger.held)
        var note = SignedNote(text: checkpoint.text)
        note.sign(as: checkpoint.origin, key)
        return note
    }

    /// One reply for each request, in order, when what they say is on disk.
    public func submit(_ requests: [AuthorityRequest]) async throws(LedgerError) -> [AuthorityReply] {
        guard !requests.isEmpty else { return [] }
        let result = await withCheckedContinuation { (caller: Caller) in
            switch line.withLock({ $0.enter(requests, caller) }) {
            case .begins: threads.async { [self] in check() }
            case .waits: break
            case .refused: caller.resume(returning: .failure(.busy))
            }
        }
        return try result.get()
    }

    /// Looks at signatures while there are any to look at.
    private func check() {
        while true {
            switch line.withLock({ $0.takeUnchecked() }) {
            case .look(var pieces):
                for index in pieces.indices { pieces[index].requests = pieces[index].requests.map(checked) }
                switch line.withLock({ [pieces] in $0.put(pieces) }) {
                case .looks: continue
                case .looksBesideWriter: threads.async { [self] in write() }
                case .writes: return write()
                }
            case .write: return write()
            case .leave: return
            }
        }
    }

    private func checked(_ request: AuthorityRequest) -> AuthorityRequest {
        switch request {
        case .order(let signed) where !policy.isOversigned(signed): .order(signed.checkingSignatures())
        case .certificate(let certificate): .certificate(charter.lookingAt(certificate, but: index))
        case .final(let final): .final(charter.lookingAt(final, but: index))
        default: request
        }
    }

    // MARK: The one writer

    private func write() {
        while let visits = line.withLock({ $0.takeReady() }) {
            let result: Result<[AuthorityReply], LedgerError>
            do throws(LedgerError) {
                result = .success(try commit(visits.flatMap(\.requests)))
            } catch {
                result = .failure(error)
            }
            line.withLock { $0.answered(visits) }
            var first = 0
            for visit in visits {
                let own = first..<first + visit.requests.count
                visit.caller.resume(returning: result.map { Array($0[own]) })
                first = own.upperBound
            }
        }
    }

    /// Blocks.
    private func commit(_ requests: [AuthorityRequest]) throws(LedgerError) -> [AuthorityReply] {
        if let failure { throw failure }
        let (charter, index, key) = (charter, index, key)
        let time = now()
        let epoch = charter.epoch(at: time)
        do throws(LedgerError) {
            let (replies, shown) = try store.writeBlocking { db in
                db.afterNextTransaction(onCommit: { [self] _ in stored() })
                return try live.withLock { live in
                    live.isUnstored = true
                    let rows = try LedgerStore.rows(charter.currency, db)
                    let before = live.tree.size
                    let outcome = try Self.carryOut(requests, epoch, &live, rows)
                    if live.tree.size > before {
                        live.note = nil
                        try rows.note(time: time, from: before)
                    }
                    return outcome
                }
            }
            evidence.withLock { $0 += shown.prefix(max(0, Limits.Ledger.evidence - $0.count)) }
            return replies
        } catch {
            // What was decided in memory is not on disk: it is forgotten, and nobody was told.
            do throws(LedgerError) {
                try store.readBlocking { db in
                    try live.withLock { live in
                        let policy = live.policy
                        let rule = live.authority.broken
                        live = try Self.load(
                            charter, index, key, try LedgerStore.rows(charter.currency, db), breaking: rule)
                        live.policy = policy
                    }
                }
            } catch {
                live.withLock { $0.failure = error }
            }
            throw error
        }
    }

    /// The last transaction is on disk. Called where the next one has not begun.
    private func stored() { live.withLock { $0.isUnstored = false } }

    /// Why the authority, by its own policy, does not take an order that has no vote yet. A reason that the rules have comes
    /// first.
    private static func refusal(_ signed: SignedOrder, _ epoch: Int64, _ live: Live) -> Refusal? {
        let order = signed.order
        guard live.authority.slots[order.slotID] == nil else { return nil }
        let ledger = live.authority.ledger
        let now = max(epoch, live.authority.epoch)
        let isOversigned = live.policy.isOversigned(signed)
        guard isOversigned || live.policy.isTooMany(order, ledger, epoch: now) else { return nil }
        let admission = Admission(charter: live.authority.charter, state: ledger, epoch: now)
        var refusal: Refusal
        if isOversigned {
            // Without the signatures: none of them is worth a look.
            let rule = admission.refusal(SignedOrder(order))
            let comesFirst: [RefusalCode?] = [.malformed, .slotUsed, .missingEarlier]
            refusal = Refusal(
                slot: order.slotID, code: comesFirst.contains(rule) ? rule ?? .unauthorized : .unauthorized)
        } else {
            guard admission.refusal(signed) == nil else { return nil }
            refusal = Refusal(slot: order.slotID, code: .rate)
        }
        if case .account(let id, _) = order.slot {
            let account = ledger.account(id)
            (refusal.nextSeq, refusal.balance) = (account.nextSeq, account.balance)
        }
        return refusal
    }

    private static func carryOut(
        _ requests: [AuthorityRequest], _ epoch: Int64, _ live: inout Live, _ rows: CurrencyRows
    ) throws -> ([AuthorityReply], [LedgerEvidence]) {
        var (replies, evidence) = ([AuthorityReply](), [LedgerEvidence]())
        replies.reserveCapacity(requests.count)
        let oldEpoch = live.authority.epoch
        for request in requests {
            // The state knows without a look at the disk that a slot is open.
            let decided = live.authority.ledger.isReady(request.slot) ? nil : try rows.final(request.slot.id)
            if decided == nil, case .order(let signed) = request, let refusal = refusal(signed, epoch, live) {
                replies.append(.refusal(refusal))
                continue
            }
            // A log has no room for it: whoever drew up such a charter let orders name too many.
            if case .final(let final) = request, !final.justification.isEmpty,
                final.bytes.count > Limits.Ledger.entryBytes
            {
                replies.append(.refusal(Refusal(slot: final.slotID, code: .malformed)))
                continue
            }
            let isOpen = decided == nil && live.authority.slots[request.slot.id] == nil
            let outcome = live.authority.handle(request, decided: decided, now: epoch)
            if isOpen, case .order(let signed) = request, !outcome.records.isEmpty {
                live.policy.note(signed.order, epoch: live.authority.epoch)
            }
            for record in outcome.records {
                if case .final(let final) = record {
                    if !outcome.applied.contains(where: { $0.slotID == final.slotID }) { try rows.wait(final) }
                } else {
                    try rows.append(record)
                }
                if case .vote(let signed, _, let statements) = record, !statements.isEmpty {
                    try rows.keep(statements, of: signed.order.slotID)
                }
            }
            for final in outcome.applied {
                try rows.append(final, to: &live.tree)
                // A lone authority keeps nothing of a slot before it is decided.
                guard live.authority.charter.authorities.count > 1 else { continue }
                try rows.decide(final.slotID)
                try rows.keepBlame(of: final.slotID, until: live.authority.epoch.plus(Limits.Ledger.blameEpochs))
            }
            if let found = outcome.evidence { evidence.append(found) }
            replies.append(outcome.reply)
        }
        let changes = live.authority.ledger.takeChanges()
        try rows.put(changes, of: live.authority.ledger)
        live.states?.update(changes, from: live.authority.ledger)
        try rows.putHead(size: Int64(live.tree.size), epoch: live.authority.epoch, live.authority.ledger)
        if live.authority.epoch > oldEpoch { try rows.forgetBlame(before: live.authority.epoch) }
        return (replies, evidence)
    }
}
