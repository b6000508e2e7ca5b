import Digests
import FoundationEssentials
import Synchronization
import WaggleProtocol

/// A currency of several authorities at one node: what is final in it, the logs of its authorities as far as they were read,
/// how each of them answers, and what shows that one lies.
public actor QuorumService {
    public nonisolated let charter: Charter
    /// This node's own place among the authorities; nil for a node that is none.
    nonisolated let own: Int?
    nonisolated let book: FinalBook
    let store: LedgerStore
    let transport: any LedgerTransport
    let now: @Sendable () -> UInt64
    let patience: QuorumPatience
    /// Told when a proof is new here.
    private let onFraud: @Sendable () -> Void
    var readings: [LogReading]
    var health: [AuthorityHealth]
    var running: [Int: Task<Bool, Never>] = [:]
    /// Requests that wait for those under way, and how many are under way, by authority.
    var outbox: [[Outgoing]]
    var inFlight: [Int]
    /// When all of a log was read anew because something of it was missing here, in unix seconds.
    var begunAnew: UInt64 = 0
    /// When a log was read because of a post, in unix seconds.
    private var logRead: UInt64 = 0
    /// When two orders of one payer were kept, in unix seconds.
    private var doubleOrderKept: UInt64 = 0
    /// Accounts that spent more than is known to have come to them, and since when, in unix seconds.
    var overdrawn: [AccountID: UInt64]
    private var watch: FraudWatch

    init(
        store: LedgerStore, charter: Charter, book: FinalBook, transport: any LedgerTransport, patience: QuorumPatience,
        now: @escaping @Sendable () -> UInt64, onFraud: @escaping @Sendable () -> Void
    ) async throws(LedgerError) {
        (self.store, self.charter, self.book) = (store, charter, book)
        (self.transport, self.patience, self.now, self.onFraud) = (transport, patience, now, onFraud)
        if case .authority(let authority) = book {
            own = charter.authorities.firstIndex { $0.key == authority.publicKey }
        } else {
            own = nil
        }
        readings = try await store.readings(of: charter)
        health = charter.authorities.indices.map { AuthorityHealth(authority: $0) }
        outbox = Array(repeating: [], count: charter.authorities.count)
        inFlight = Array(repeating: 0, count: charter.authorities.count)
        watch = FraudWatch(charter)
        overdrawn = book.look { $0.accounts.filter { $0.value.balance < 0 } }.mapValues { _ in now() }
    }

    nonisolated func state() -> (ledger: LedgerState, size: UInt64) { book.state() }

    /// How each authority answered lately, in the order of the charter. This node's own always does.
    func authorityHealth() -> [AuthorityHealth] {
        var all = health
        if let own {
            all[own].answered = now()
            all[own].isOwn = true
            all[own].size = book.state().size
        }
        return all
    }

    // MARK: Asking and answering

    /// Asks an authority, this node's own too; one reply for each request, in order.
    func ask(_ requests: [AuthorityRequest], of index: Int) async throws(LedgerError) -> [AuthorityReply] {
        if index == own { return try await answer(requests) }
        let (url, currency, transport) = (charter.authorities[index].url, charter.currency, transport)
        let replies = try await timed(index) { () async throws(LedgerError) -> [AuthorityReply] in
            var replies: [AuthorityReply] = []
            for part in RequestBatch.parts(requests) {
                replies += try await transport.ask(part, in: currency, at: url)
            }
            return replies
        }
        try await note(replies.flatMap { watch.see($0) })
        return replies
    }

    /// Answers as the authority that this node is. What others show it of each other is looked at, too.
    func answer(_ requests: [AuthorityRequest]) async throws(LedgerError) -> [AuthorityReply] {
        guard case .authority(let authority) = book else {
            throw .stopped("this node does not decide in \(charter.symbol)")
        }
        let finals = requests.compactMap { if case .final(let final) = $0 { final } else { nil } }
        let paid = overpaid(finals)
        let replies = try await authority.submit(requests)
        try await note(
            requests.flatMap { watch.see($0) } + evidence(authority.takeEvidence())
                + (try await overspending(finals, paid)))
        return replies
    }

    private func evidence(_ found: [LedgerEvidence]) -> [FraudProof] {
        found.flatMap { evidence in
            switch evidence {
            case .certificates(let first, let second): watch.see(first) + watch.see(second)
            case .finals(let first, let second): [FraudProof.finals(first, second)]
            }
        }
    }

    func timed<Value: Sendable>(
        _ index: Int, _ body: @Sendable () async throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
        let clock = ContinuousClock()
        let start = clock.now
        do throws(LedgerError) {
            let value = try await body()
            let taken = clock.now - start
            health[index].note(taken, at: now())
            return value
        } catch {
            health[index].noteFailure(error.message, at: now())
            throw error
        }
    }

    /// Takes finals whose quorums were checked, and keeps what they show.
    func take(_ finals: [Final]) async throws(LedgerError) {
        for start in stride(from: 0, to: finals.count, by: Limits.Ledger.ordersPerRequest) {
            let part = Array(finals[start..<min(start + Limits.Ledger.ordersPerRequest, finals.count)])
            let paid = overpaid(part)
            let conflicts = try await book.take(part)
            try await note(
                part.flatMap { watch.see($0) } + evidence(conflicts) + (try await overspending(part, paid)))
        }
    }

    // MARK: Proofs

    /// Keeps what proves something. Two orders of one payer are usually two devices: they are nobody's fraud, and shown to
    /// whoever looks at the account.
    func note(_ proofs: [FraudProof]) async throws(LedgerError) {
        for proof in proofs {
            guard let verdict = proof.verdict(in: charter) else { continue }
            if verdict.payer != nil {
                try await keepDoubleOrder(proof, verdict)
                continue
            }
            let isNew = try await keep(proof, verdict, isPosted: false)
            if isNew, case .finals(let first, let second) = proof {
                // Who is to blame is found out beside: the currency has stopped already.
                Task { try? await inquire(first, second) }
            }
        }
    }

    /// Takes a proof of others.
    ///
    /// - Returns: false for one that proves nothing.
    func take(_ proof: FraudProof, isPosted: Bool) async throws(LedgerError) -> Bool {
        var verdict = proof.verdict(in: charter)
        if verdict == nil, case .checkpoint(let note) = proof {
            // Whoever posts a checkpoint that is right makes everybody read a log for nothing, though not all the time.
            if isPosted {
                guard now() >= logRead + Limits.Ledger.logCheckSeconds else { throw .busy }
                logRead = now()
            }
            verdict = proof.verdict(in: charter, log: try await log(of: note))
        }
        guard let verdict, verdict.payer == nil else { return false }
        _ = try await keep(proof, verdict, isPosted: isPosted)
        return true
    }

    /// Anybody can sign two orders in the name of an account: only those that its own key signed count, and one a second is
    /// kept.
    private func keepDoubleOrder(_ proof: FraudProof, _ verdict: FraudVerdict) async throws(LedgerError) {
        guard case .orders(let order, _) = proof, case .account(let account, _) = order.order.slot,
            verdict.payer == book.look({ $0.account(account).key }), now() > doubleOrderKept
        else { return }
        doubleOrderKept = now()
        _ = try await store.keep(proof, verdict, isPosted: true, at: now(), in: charter.currency)
    }

    /// False when it is known.
    private func keep(_ proof: FraudProof, _ verdict: FraudVerdict, isPosted: Bool) async throws(LedgerError) -> Bool {
        guard try await store.keep(proof, verdict, isPosted: isPosted, at: now(), in: charter.currency) else {
            return false
        }
        onFraud()
        return true
    }

    /// Two finals of one slot: asks authorities for what shows whose fault it is.
    private func inquire(_ first: Final, _ second: Final) async throws(LedgerError) {
        guard var inquiry = ConflictInquiry(first, second, in: charter) else { return }
        for _ in 0..<Limits.Ledger.roundsKept {
            guard let question = inquiry.question else { break }
            for authority in charter.authorities {
                do throws(LedgerError) {
                    switch question {
                    case .certificate(let slot, let round, let value):
                        inquiry.take(
                            try await transport.certificate(
                                slot, round: round, value: value, in: charter.currency, at: authority.url))
                    case .justification(let slot, let round, let value):
                        inquiry.take(
                            try await transport.statements(
                                slot, round: round, value: value, in: charter.currency, at: authority.url))
                    }
                } catch {
                    // Who does not answer, or has nothing, is passed over.
                    continue
                }
                if inquiry.question != question { break }
            }
            if inquiry.question == question { break }
        }
        for proof in inquiry.proofs {
            if let verdict = proof.verdict(in: charter) { _ = try await keep(proof, verdict, isPosted: false) }
        }
    }

    /// The entries under a checkpoint, for whoever checks what it says of them.
    private func log(of note: SignedNote) async throws(LedgerError) -> [Data] {
        guard let checkpoint = LedgerCheckpoint(text: note.text), checkpoint.size <= Limits.Ledger.proofEntries,
            let index = charter.authorities.firstIndex(where: {
                LedgerCheckpoint.origin(currency: charter.currency, authority: $0.key) == checkpoint.origin
            })
        else { return [] }
        var entries: [Data] = []
        while UInt64(entries.count) < checkpoint.size {
            entries += try await bundle(UInt64(entries.count), of: checkpoint.size, index)
        }
        return entries
    }
}

/// How long a node waits for those who decide together.
struct QuorumPatience: Sendable {
    /// For the logs of a quorum, by whoever asks.
    let follow: Duration
    /// For the end of an order.
    let order: Duration
    /// How fast the time of rounds passes: below 1 where many nodes share a busy process.
    let pace: Double

    static let usual = QuorumPatience(
        follow: .seconds(Limits.Ledger.followPatience), order: .seconds(Limits.Ledger.driveSeconds), pace: 1)
}

/// How an authority answers.
public struct AuthorityHealth: Sendable {
    /// Its place in the charter.
    public let authority: Int
    /// Whether it is this node's own.
    public var isOwn = false
    /// Unix seconds of the last answer and of the last failure; 0 for none.
    public var answered: UInt64 = 0
    public var failed: UInt64 = 0
    /// Whether the last answer came after the last failure.
    public var isAnswering = false
    /// Of the last failure.
    public var error = ""
    /// Milliseconds until it answers, lately; nil before the first answer.
    public var latency: Double?
    /// Entries of its log, by its own word.
    public var size: UInt64 = 0

    init(authority: Int) {
        self.authority = authority
    }

    /// Notes an answer: the latest count most.
    mutating func note(_ taken: Duration, at time: UInt64) {
        let (seconds, part) = taken.components
        let milliseconds = Double(seconds) * 1e3 + Double(part) / 1e15
        latency = latency.map { $0 * 0.7 + milliseconds * 0.3 } ?? milliseconds
        (answered, isAnswering) = (time, true)
    }

    mutating func noteFailure(_ why: String, at time: UInt64) {
        (failed, error, isAnswering) = (time, why, false)
    }
}
