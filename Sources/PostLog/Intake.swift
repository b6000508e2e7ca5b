public import Digests
public import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// The one way into the log: verify → admit → append.
///
/// Batches are idempotent. Signatures are verified on all cores; what is valid queues for the one writer, which takes
/// everything that waits into one transaction (group commit), so many small batches cost one `fsync`. A result is given
/// only after the commit, and after posts that waited for one of the batch were judged too.
public actor Intake {
    private struct Incoming {
        let post: SignedPost
        let source: IntakeSource
        /// When it first came: parking does not begin anew.
        let since: UInt64
    }

    private enum Work {
        case posts([Incoming])
        case tidy
        case reevaluate(author: Hash32)
        case welcome(Set<Hash32>)
    }

    private struct Outcome {
        var results: [IntakeResult] = []
        /// Posts that waited for something that is here now; who gets this hands them in again.
        var released: [Parking.Car] = []
        var hasMore = false
    }

    private struct Job {
        let work: Work
        let done: CheckedContinuation<Result<Outcome, PostLogError>, Never>
    }

    private let pool: DatabasePool
    private let path: String
    private let admission: any Admission
    private let checkpoints: any CheckpointSource
    private let now: @Sendable () -> UInt64
    private let offered: OfferedSet
    private let committed: @Sendable (Written) -> Void

    private var queue: [Job] = []
    private var isWriting = false
    private var parking = Parking()
    private var authors: [Hash32: KnownAuthor] = [:]
    /// Versions of all chains in `authors`.
    private var versionsKept = 0
    /// Posts that a transaction left to the next; at first nobody knows what the last process left.
    private var hasUnjudged = true

    /// Versions of key chains kept in memory; beyond this the memory starts afresh.
    private static let versionsKeptAtMost = 8192
    /// Posts of one transaction.
    private static let transactionPosts = 4096

    init(
        pool: DatabasePool, path: String, admission: any Admission, checkpoints: any CheckpointSource,
        now: @escaping @Sendable () -> UInt64, offered: OfferedSet, committed: @escaping @Sendable (Written) -> Void
    ) {
        self.offered = offered
        self.committed = committed
        self.pool = pool
        self.path = path
        self.admission = admission
        self.checkpoints = checkpoints
        self.now = now
    }

    /// Takes serialized envelopes; returns one result for each, in order, when all that is new is on disk.
    public func submit(_ envelopes: [Data], from source: IntakeSource) async throws(PostLogError) -> [IntakeResult] {
        let time = now()
        var batch = await Reading.open(envelopes)
        batch.drop(known: offered.known(among: batch.fresh.compactMap(\.opened.statedRecord)))
        batch.drop(known: try await knownIDs(batch.fresh.map(\.opened.id)))
        batch.drop { admission.postpone(bytes: $0, from: source) }
        for ((index, _), read) in zip(batch.fresh, await Reading.verify(batch.fresh.map(\.opened), at: time)) {
            batch.results[index] = read.refusal
            if case .valid(let post) = read { batch.valid.append((index, post)) }
        }
        let ordered = Batch.keysFirst(batch.valid)
        var released: [Parking.Car] = []
        for start in stride(from: 0, to: ordered.count, by: Self.transactionPosts) {
            let chunk = ordered[start..<min(start + Self.transactionPosts, ordered.count)]
            let outcome = try await perform(
                .posts(chunk.map { Incoming(post: $0.post, source: source, since: time) }))
            for ((index, _), result) in zip(chunk, outcome.results) { batch.results[index] = result }
            released += outcome.released
        }
        await submitAgain(released)
        return batch.finished
    }

    /// Posts that wait for key documents.
    public var parkedCount: Int { parking.count }

    /// Hands in posts that waited, and those that waited for them, and so on. A failure loses nothing that anyone was
    /// told is here: the senders offer these posts again.
    private func submitAgain(_ cars: [Parking.Car]) async {
        var cars = cars
        while !cars.isEmpty {
            let waiting = cars.compactMap { car in (try? OpenedEnvelope(car.envelope)).map { (car: car, opened: $0) } }
            let read = await Reading.verify(waiting.map(\.opened), at: now())
            let valid = read.enumerated().compactMap { index, read -> (index: Int, post: SignedPost)? in
                if case .valid(let post) = read { (index, post) } else { nil }
            }
            let incoming = Batch.keysFirst(valid).map { index, post in
                Incoming(post: post, source: waiting[index].car.source, since: waiting[index].car.since)
            }
            cars = []
            for start in stride(from: 0, to: incoming.count, by: Self.transactionPosts) {
                let chunk = incoming[start..<min(start + Self.transactionPosts, incoming.count)]
                cars += (try? await perform(.posts(Array(chunk))))?.released ?? []
            }
        }
    }

    /// Those that are in the log, in force or not.
    private func knownIDs(_ ids: [Hash32]) async throws(PostLogError) -> Set<Hash32> {
        guard !ids.isEmpty else { return [] }
        do {
            return try await pool.read { db in try PostLog.known(ids, db) }
        } catch {
            throw PostLogError(error, path: path)
        }
    }

    // MARK: The one writer

    private func perform(_ work: Work) async throws(PostLogError) -> Outcome {
        let result = await withCheckedContinuation { done in
            queue.append(Job(work: work, done: done))
            if !isWriting {
                isWriting = true
                Task { await drain() }
            }
        }
        return try result.get()
    }

    /// Writes until nobody waits, one transaction after the other. Batches that arrive during a transaction go together
    /// into the next one.
    private func drain() async {
        var canGoOn = true
        while !queue.isEmpty || (hasUnjudged && canGoOn) {
            let jobs = nextJobs()
            do {
                var outcomes = try await commit(jobs.map(\.work))
                for job in jobs { job.done.resume(returning: .success(outcomes.removeFirst())) }
            } catch {
                jobs.forEach { $0.done.resume(returning: .failure(error)) }
                // What is left to be judged stays on its list until the database serves again.
                canGoOn = !jobs.isEmpty
            }
        }
        isWriting = false
    }

    /// The jobs of the next transaction: batches of posts together, anything else alone, nothing when only posts are
    /// left that have to be judged again.
    private func nextJobs() -> [Job] {
        var count = 0
        var jobs: [Job] = []
        for job in queue {
            guard case .posts(let posts) = job.work else {
                if jobs.isEmpty { jobs.append(job) }
                break
            }
            count += posts.count
            guard jobs.isEmpty || count <= Self.transactionPosts else { break }
            jobs.append(job)
        }
        queue.removeFirst(jobs.count)
        return jobs
    }

    private func commit(_ works: [Work]) async throws(PostLogError) -> [Outcome] {
        let (admission, checkpoints, time, known, hasUnjudged) = (admission, checkpoints, now(), authors, hasUnjudged)
        let written: Written
        let hasMore: Bool
        do {
            (written, hasMore) = try await pool.write { db in
                var writer = LogWriter(
                    db: db, admission: admission, checkpoints: checkpoints, now: time, knownAuthors: known)
                writer.written.hasUnjudged = hasUnjudged
                var hasMore = false
                for work in works { hasMore = try Self.carryOut(work, by: &writer) || hasMore }
                try writer.judgeQueued()
                return (writer.written, hasMore)
            }
        } catch {
            throw PostLogError(error, path: path)
        }
        remember(written)
        committed(written)
        return settle(works, written, hasMore: hasMore, now: time)
    }

    private static func carryOut(_ work: Work, by writer: inout LogWriter) throws -> Bool {
        switch work {
        case .posts(let posts):
            for incoming in posts {
                let judgement = try writer.insert(incoming.post, from: incoming.source)
                writer.written.judgements.append(judgement)
            }
        case .tidy:
            return try writer.tidy()
        case .reevaluate(let author):
            try writer.requeue(devicesWithCheckpointsOf: author)
        case .welcome(let authors):
            try writer.welcome(authors)
        }
        return false
    }

    private func remember(_ written: Written) {
        hasUnjudged = written.hasUnjudged
        for id in written.evicted { authors[id] = nil }
        for (id, author) in written.authors where !written.evicted.contains(id) {
            versionsKept += author.chain.count - (authors[id]?.chain.count ?? 0)
            authors[id] = author
        }
        if versionsKept > Self.versionsKeptAtMost { (authors, versionsKept) = ([:], 0) }
    }

    /// Parks what has to wait, then lets go what waited for a chain that grew. Both before the next transaction, so
    /// that no post waits for what came in between.
    private func settle(_ works: [Work], _ written: Written, hasMore: Bool, now: UInt64) -> [Outcome] {
        var judgements = written.judgements[...]
        var outcomes = works.map { work in
            guard case .posts(let posts) = work else { return Outcome(hasMore: hasMore || written.hasUnjudged) }
            return Outcome(
                results: posts.map { incoming in
                    switch judgements.removeFirst() {
                    case .done(let result): result
                    case .waits(let need): park(incoming, need, now: now)
                    }
                })
        }
        let released = written.grown.sorted().flatMap { id in
            written.authors[id].map { parking.release($0.chain) } ?? []
        }
        if !released.isEmpty { outcomes[0].released = released }
        return outcomes
    }

    private func park(_ incoming: Incoming, _ need: Parking.Need, now: UInt64) -> IntakeResult {
        let isParked = parking.park(
            incoming.post, from: incoming.source, need: need, since: incoming.since, now: now)
        return isParked
            ? .parked(author: incoming.post.author) : .rate(retryAfter: UInt32(Limits.Parking.seconds))
    }

    // MARK: Housekeeping

    /// Takes expired posts out of force, drops old deleted payloads, and judges what earlier transactions left to be
    /// judged.
    public func tidy() async throws(PostLogError) {
        parking.expire(now: now())
        while try await perform(.tidy).hasMore {}
    }

    /// The posts of these authors are no guests any longer: somebody here knows them.
    public func welcome(_ authors: Set<Hash32>) async throws(PostLogError) {
        guard !authors.isEmpty else { return }
        _ = try await perform(.welcome(authors))
    }

    /// Judges the posts of an author again, because the blob of a checkpoint arrived.
    public func reevaluate(author: Hash32) async throws(PostLogError) {
        let outcome = try await perform(.reevaluate(author: author))
        await submitAgain(outcome.released)
    }
}
