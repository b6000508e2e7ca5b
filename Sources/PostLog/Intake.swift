public import Digests
public import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// The one way into the log: verify → admit → append.
///
/// Batches are idempotent. Signatures are verified on all cores; what is valid queues for the one writer, which takes
/// everything that waits into one transaction (group commit), so many small batches cost one `fsync`. A result is given
/// only after the commit.
public actor Intake {
    private struct Job {
        let posts: [(post: SignedPost, source: IntakeSource)]
        let done: CheckedContinuation<Result<[IntakeResult], PostLogError>, Never>
    }

    private let pool: DatabasePool
    private let path: String
    private let admission: any Admission
    private let checkpoints: any CheckpointSource
    private let now: @Sendable () -> UInt64
    private let committed: @Sendable (Written) -> Void

    private var queue: [Job] = []
    private var isWriting = false
    private var parking = Parking()
    private var chains: [Hash32: KeyChain] = [:]

    /// Chains kept in memory; beyond this the memory starts afresh.
    private static let chainsKept = 4096
    /// Posts of one transaction.
    private static let transactionPosts = 4096
    /// Posts that one task verifies before it lets others run.
    private static let verifyChunk = 64

    init(
        pool: DatabasePool, path: String, admission: any Admission, checkpoints: any CheckpointSource,
        now: @escaping @Sendable () -> UInt64, committed: @escaping @Sendable (Written) -> Void
    ) {
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
        var results = [IntakeResult?](repeating: nil, count: envelopes.count)
        var fresh: [(index: Int, post: UnverifiedPost)] = []
        var firstIndex: [Hash32: Int] = [:]
        var repeats: [(index: Int, of: Int)] = []
        for (index, parsed) in await Self.parse(envelopes).enumerated() {
            switch parsed {
            case .failure(let error):
                results[index] = .invalid(reason: error.message)
            case .success(let post):
                if post.post.created > time + Limits.Post.clockSkew {
                    let wait = post.post.created - time - Limits.Post.clockSkew
                    results[index] = .future(retryAfter: UInt32(clamping: wait))
                } else if let first = firstIndex[post.id] {
                    repeats.append((index, first))
                } else {
                    firstIndex[post.id] = index
                    fresh.append((index, post))
                }
            }
        }
        let known = try await knownIDs(fresh.map(\.post.id))
        for (index, post) in fresh where known.contains(post.id) { results[index] = .have }
        fresh.removeAll { known.contains($0.post.id) }

        var valid: [(index: Int, post: SignedPost)] = []
        for ((index, _), verified) in zip(fresh, await Self.verify(fresh.map(\.post))) {
            switch verified {
            case .success(let post): valid.append((index, post))
            case .failure(let error): results[index] = .invalid(reason: error.message)
            }
        }
        // Keys first: the rest of the batch may be signed by them.
        let ordered =
            valid.filter { $0.post.kind.isSignedByRoots }.sorted {
                ($0.post.post.keyDocument.version, $0.post.post.created)
                    < ($1.post.post.keyDocument.version, $1.post.post.created)
            } + valid.filter { !$0.post.kind.isSignedByRoots }
        var start = 0
        while start < ordered.count {
            let chunk = ordered[start..<min(start + Self.transactionPosts, ordered.count)]
            start = chunk.endIndex
            let written = try await write(chunk.map { ($0.post, source) })
            for ((index, post), result) in zip(chunk, written) {
                results[index] = park(post, result, from: source, now: time)
            }
        }
        for (index, first) in repeats {
            results[index] = results[first].map { $0 == .new ? .have : $0 }
        }
        return results.map { $0 ?? .invalid(reason: "not judged") }
    }

    /// Posts that wait for key documents.
    public var parkedCount: Int { parking.count }

    private func park(_ post: SignedPost, _ result: IntakeResult, from source: IntakeSource, now: UInt64)
        -> IntakeResult
    {
        guard case .parked(let author) = result else { return result }
        let isParked = parking.park(post.id, author: author, envelope: post.envelope, from: source, now: now)
        return isParked ? result : .rate(retryAfter: UInt32(Limits.Parking.seconds))
    }

    private func knownIDs(_ ids: [Hash32]) async throws(PostLogError) -> Set<Hash32> {
        do {
            return try await pool.read { db in try PostLog.known(ids, db) }
        } catch {
            throw PostLogError(error, path: path)
        }
    }

    // MARK: All cores

    private static func parse(_ envelopes: [Data]) async -> [Result<UnverifiedPost, PostError>] {
        await inChunks(envelopes) { envelope throws(PostError) in try UnverifiedPost(envelope: envelope) }
    }

    private static func verify(_ posts: [UnverifiedPost]) async -> [Result<SignedPost, PostError>] {
        await inChunks(posts) { post throws(PostError) in try SignedPost(unverified: post) }
    }

    private static func inChunks<Input: Sendable, Output: Sendable>(
        _ inputs: [Input], _ body: @escaping @Sendable (Input) throws(PostError) -> Output
    ) async -> [Result<Output, PostError>] {
        @Sendable func work(_ chunk: ArraySlice<Input>) -> [Result<Output, PostError>] {
            chunk.map { input in Result { () throws(PostError) in try body(input) } }
        }
        guard inputs.count > verifyChunk else { return work(inputs[...]) }
        return await withTaskGroup(of: (Int, [Result<Output, PostError>]).self) { group in
            for start in stride(from: 0, to: inputs.count, by: verifyChunk) {
                let chunk = inputs[start..<min(start + verifyChunk, inputs.count)]
                group.addTask { (start, work(chunk)) }
            }
            var parts: [(Int, [Result<Output, PostError>])] = []
            for await part in group { parts.append(part) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }

    // MARK: The one writer

    private func write(_ posts: [(post: SignedPost, source: IntakeSource)]) async throws(PostLogError)
        -> [IntakeResult]
    {
        let result = await withCheckedContinuation { done in
            queue.append(Job(posts: posts, done: done))
            if !isWriting {
                isWriting = true
                Task { await drain() }
            }
        }
        return try result.get()
    }

    /// Writes until nobody waits. Jobs that arrive during a transaction go together into the next one.
    private func drain() async {
        while !queue.isEmpty {
            var jobs: [Job] = []
            var count = 0
            while let job = queue.first, jobs.isEmpty || count + job.posts.count <= Self.transactionPosts {
                jobs.append(queue.removeFirst())
                count += job.posts.count
            }
            do {
                let results = try await commit(jobs.flatMap(\.posts))
                var start = 0
                for job in jobs {
                    job.done.resume(returning: .success(Array(results[start..<start + job.posts.count])))
                    start += job.posts.count
                }
            } catch {
                jobs.forEach { $0.done.resume(returning: .failure(error)) }
            }
        }
        isWriting = false
    }

    private func commit(_ posts: [(post: SignedPost, source: IntakeSource)]) async throws(PostLogError)
        -> [IntakeResult]
    {
        let written = try await transaction { writer in
            for (post, source) in posts {
                writer.written.results.append(try writer.insert(post, from: source))
            }
        }
        let waiting = written.authorsKnown.flatMap { parking.release(author: $0) }
        if !waiting.isEmpty {
            Task {
                for (source, parked) in Dictionary(grouping: waiting, by: \.source) {
                    // A full disk parks nothing and loses nothing: the sender offers it again.
                    _ = try? await submit(parked.map(\.envelope), from: source)
                }
            }
        }
        return written.results
    }

    private func transaction(_ body: @escaping @Sendable (inout LogWriter) throws -> Void) async throws(PostLogError)
        -> Written
    {
        let (admission, checkpoints, time, known) = (admission, checkpoints, now(), chains)
        let written: Written
        do {
            written = try await pool.write { db in
                var writer = LogWriter(
                    db: db, admission: admission, checkpoints: checkpoints, now: time, knownChains: known)
                try body(&writer)
                return writer.written
            }
        } catch {
            throw PostLogError(error, path: path)
        }
        if chains.count + written.chains.count > Self.chainsKept { chains = [:] }
        chains.merge(written.chains) { _, new in new }
        committed(written)
        return written
    }

    // MARK: Housekeeping

    /// Takes expired posts out of force and drops old deleted payloads.
    public func tidy() async throws(PostLogError) {
        parking.expire(now: now())
        _ = try await transaction { writer in
            while try writer.tidy() {}
        }
    }

    /// Asks the key chain of an author again, because the blob of a checkpoint arrived.
    public func reevaluate(author: Hash32) async throws(PostLogError) {
        _ = try await transaction { writer in
            if let number = try Int64.fetchOne(
                writer.db, sql: "SELECT n FROM author WHERE id = ?", arguments: [author.data])
            {
                try writer.reevaluate(author: author, number: number)
            }
        }
    }
}
