import BlobStore
public import Catalog
import Digests
import Identity
import Logging
import Synchronization
import WaggleProtocol

/// Works the mirror rules: carries out their plan, and pins what it fetches to the rule that took it.
public struct MirrorRunner: Sendable {
    let survey: MirrorSurvey
    let fetcher: BlobFetcher
    let activity: MirrorActivity
    let logger: Logger
    let now: @Sendable () -> UInt64

    private var peers: PeerStore { survey.peers }
    private var blobs: BlobStore { survey.blobs }

    /// What one pass did.
    public struct Result: Sendable {
        public var blobs = 0
        /// Bytes that were fetched; what was here of a file before does not count.
        public var bytes: UInt64 = 0
        /// In words, at most 100.
        public var failures: [String] = []
        /// The first failure of each rule.
        var errors: [Int64: String] = [:]
        /// No room: the pass ended early and waits for some.
        var isFull = false

        mutating func fail(_ words: String, rules: [Int64]) {
            if failures.count < 100 { failures.append(words) }
            for rule in rules where errors[rule] == nil { errors[rule] = words }
        }
    }

    /// What a run would do now.
    ///
    /// - Parameter terms: of a rule that is thought to be there too.
    public func plan(adding terms: MirrorRule.Terms? = nil) async throws -> MirrorPlan {
        try await survey.plan(asking: true, adding: terms)
    }

    /// One pass over everything that the catalog knows. A second pass waits for the one under way.
    ///
    /// - Parameter progress: files of the pass, bytes that came, bytes that the plan fetches.
    public func run(progress: @escaping @Sendable (Int, UInt64, UInt64) -> Void) async throws -> Result {
        try await activity.turn {
            let plan = try await plan()
            activity.begin(plan)
            for (reason, keeps) in Dictionary(grouping: plan.keeps, by: \.rule.pin) {
                try await blobs.pin(keeps.map(\.candidate.sha256), reason)
            }
            let total = plan.fetchBytes
            var done = await activity.interruptible {
                await carryOut(plan.fetches) { progress(plan.fetches.count, $0, total) }
            }
            for unfit in plan.unfit {
                guard let first = unfit.obstacles.first, first.obstacle != .paused else { continue }
                done.fail("\(unfit.candidate.title): \(first.obstacle.message)", rules: unfit.obstacles.map(\.rule))
            }
            for part in plan.rules where !part.rule.isPaused {
                try await peers.noteMirrorRule(part.rule.n, error: done.errors[part.rule.n] ?? "", now: now())
            }
            if done.isFull {
                logger.notice("mirroring waits for room", metadata: ["why": "\(done.failures.last ?? "")"])
            }
            return done
        }
    }

    /// What became of one file.
    private typealias Ended = (fetch: MirrorPlan.Fetch, error: FetchError?)

    private func carryOut(
        _ fetches: [MirrorPlan.Fetch], progress: @escaping @Sendable (UInt64) -> Void
    ) async -> Result {
        await withTaskGroup(of: (load: FetchLoad, ended: [Ended]).self) { group in
            var result = Result()
            var weight = 0
            for load in FetchLoad.loads(of: fetches) {
                while weight > 0, weight + load.weight > FetchLoad.room, let done = await group.next() {
                    weight -= done.load.weight
                    for ended in done.ended { settle(ended.fetch, ended.error, &result) }
                }
                if Task.isCancelled || result.isFull { break }
                group.addTask {
                    (load, await TransferClass.$current.withValue(.mirror) { await self.fetch(load, progress) })
                }
                weight += load.weight
            }
            for await done in group {
                for ended in done.ended { settle(ended.fetch, ended.error, &result) }
            }
            return result
        }
    }

    /// Fetches the files of a load: small ones with one request, and one by one what that did not bring.
    private func fetch(_ load: FetchLoad, _ progress: @escaping @Sendable (UInt64) -> Void) async -> [Ended] {
        do throws(FetchError) {
            // Pinned first, so that a download that is interrupted is not given up meanwhile.
            try await pin(load.fetches)
        } catch {
            return load.fetches.map { ($0, error) }
        }
        var here: Set<Hash32> = []
        if load.isBatch {
            do throws(FetchError) {
                here = try await fetcher.fetchSmall(load.fetches.map { $0.candidate.wanted }, from: load.holders)
            } catch {
                // Nothing that single requests would do better.
                return load.fetches.map { ($0, error) }
            }
        }
        var ended: [Ended] = []
        for fetch in load.fetches {
            if here.contains(fetch.candidate.sha256) {
                progress(activity.came(fetch.bytes, for: fetch.rule.n, at: now()))
                ended.append((fetch, nil))
            } else {
                ended.append((fetch, await self.fetch(fetch, progress: progress)))
            }
        }
        return ended
    }

    private func fetch(
        _ fetch: MirrorPlan.Fetch, progress: @escaping @Sendable (UInt64) -> Void
    ) async -> FetchError? {
        let candidate = fetch.candidate
        let held = candidate.size - fetch.bytes
        let seen = Mutex(held)
        let came = { @Sendable (here: UInt64) in
            let more = seen.withLock { seen -> UInt64 in
                defer { seen = max(seen, here) }
                return here - min(here, seen)
            }
            progress(activity.came(more, for: fetch.rule.n, at: now()))
        }
        activity.began(fetch, name: candidate.title)
        defer { activity.ended(fetch) }
        do throws(FetchError) {
            try await fetcher.fetch(
                candidate.wanted, from: fetch.rule.terms.node, heldBy: fetch.holders, progress: came)
            came(candidate.size)
            return nil
        } catch {
            return error
        }
    }

    private func pin(_ fetches: [MirrorPlan.Fetch]) async throws(FetchError) {
        do throws(BlobError) {
            for (reason, pinned) in Dictionary(grouping: fetches, by: \.rule.pin) {
                try await blobs.pin(pinned.map(\.candidate.sha256), reason)
            }
        } catch {
            throw .store(error)
        }
    }

    private func settle(_ fetch: MirrorPlan.Fetch, _ error: FetchError?, _ result: inout Result) {
        let candidate = fetch.candidate
        guard let error else {
            result.blobs += 1
            result.bytes += fetch.bytes
            logger.info("mirrored", metadata: ["blob": "\(candidate.sha256)", "bytes": "\(fetch.bytes)"])
            return
        }
        // Stopped on purpose: that is no failure of the file.
        if Task.isCancelled { return }
        logger.info("not mirrored", metadata: ["blob": "\(candidate.sha256)", "why": "\(error.message)"])
        result.fail("\(candidate.title): \(error.message)", rules: [fetch.rule.n])
        result.isFull = result.isFull || error.isLackOfRoom
    }
}

extension MirrorCandidate {
    /// What a person calls the file.
    public var title: String { name.isEmpty ? "image \(sha256.hex.prefix(12))" : name }

    var wanted: WantedBlob { WantedBlob(sha256: sha256, piecesRoot: piecesRoot, size: size) }
}

extension FetchError {
    /// Whether the disk or the budget is full, so that the next file would fail too.
    fileprivate var isLackOfRoom: Bool {
        switch self {
        case .store(.diskFull), .store(.overBudget): true
        default: false
        }
    }
}
