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

    /// Small files that are fetched side by side; each is one round trip. Large ones come one after another, each from
    /// several peers.
    private static let smallAtOnce = 8

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
            for keep in plan.keeps { try await blobs.pin(keep.candidate.sha256, keep.rule.pin) }
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

    private func carryOut(
        _ fetches: [MirrorPlan.Fetch], progress: @escaping @Sendable (UInt64) -> Void
    ) async -> Result {
        await withTaskGroup(of: (fetch: MirrorPlan.Fetch, error: FetchError?).self) { group in
            var result = Result()
            var underWay = 0
            for fetch in fetches {
                let atOnce = fetch.candidate.size > UInt64(Limits.Blob.unitBytes) ? 1 : Self.smallAtOnce
                while underWay >= atOnce, let ended = await group.next() {
                    underWay -= 1
                    settle(ended.fetch, ended.error, &result)
                }
                if Task.isCancelled || result.isFull { break }
                group.addTask {
                    (
                        fetch,
                        await TransferClass.$current.withValue(.mirror) { await self.fetch(fetch, progress: progress) }
                    )
                }
                underWay += 1
            }
            for await ended in group { settle(ended.fetch, ended.error, &result) }
            return result
        }
    }

    private func fetch(
        _ fetch: MirrorPlan.Fetch, progress: @escaping @Sendable (UInt64) -> Void
    ) async -> FetchError? {
        let candidate = fetch.candidate
        let wanted = WantedBlob(sha256: candidate.sha256, piecesRoot: candidate.piecesRoot, size: candidate.size)
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
            // Pinned first, so that a download that is interrupted is not given up meanwhile.
            try await pin(fetch)
            try await fetcher.fetch(wanted, from: fetch.rule.terms.node, progress: came)
            came(candidate.size)
            return nil
        } catch {
            return error
        }
    }

    private func pin(_ fetch: MirrorPlan.Fetch) async throws(FetchError) {
        do throws(BlobError) {
            try await blobs.pin(fetch.candidate.sha256, fetch.rule.pin)
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
