public import BlobStore
public import Digests
import Identity
import Logging
import WaggleProtocol

/// Keeps the store sound while the node runs: evicts, reads everything again within 30 days, and has peers repair what is
/// bad. All of it can be asked for by hand, too.
public struct StoreKeeper: Sendable {
    let blobs: BlobStore
    let fetcher: BlobFetcher
    let logger: Logger

    /// What became of a blob that was read again.
    public struct Outcome: Sendable {
        public let finding: ScrubFinding
        /// Whether the bad units were fetched and are right.
        public let isRepaired: Bool
        /// Why they were not, in words; empty when they were or nothing was bad.
        public let failure: String
    }

    /// Reads a blob again, and fetches its bad units.
    ///
    /// - Parameters:
    ///   - idly: reads in the idle I/O class.
    ///   - progress: gets the bytes of the blob that were read.
    public func scrub(
        _ hash: Hash32, idly: Bool, progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws(BlobError) -> Outcome {
        let finding = try await blobs.scrub(hash, idly: idly, progress: progress)
        guard !finding.isGood else { return Outcome(finding: finding, isRepaired: false, failure: "") }
        logger.warning(
            "a blob has bad units; they are out of service",
            metadata: ["blob": "\(hash)", "units": "\(finding.badUnits.prefix(16))"])
        guard let facts = try await blobs.facts(hash) else { throw .notFound(hash) }
        let failure = await repair(facts)
        return Outcome(finding: finding, isRepaired: failure == nil, failure: failure ?? "")
    }

    /// Fetches what a damaged blob lacks; nil when it is whole again, else why not, in words.
    public func repair(_ facts: BlobFacts) async -> String? {
        let hash = facts.sha256
        do throws(FetchError) {
            try await restoreTouched(hash)
            try await fetcher.fetch(
                WantedBlob(sha256: hash, piecesRoot: facts.piecesRoot, size: facts.size))
            logger.notice("a blob was repaired", metadata: ["blob": "\(hash)"])
            return nil
        } catch {
            logger.error(
                "a damaged blob cannot be repaired now", metadata: ["blob": "\(hash)", "why": "\(error.message)"])
            return error.message
        }
    }

    /// A damaged copy becomes a download of its bad units; without any, it was only touched and is whole at once.
    private func restoreTouched(_ hash: Hash32) async throws(FetchError) {
        do throws(BlobError) {
            guard let partial = try await blobs.beginRepair(hash), await partial.missingUnits.isEmpty else { return }
            _ = try await partial.commit()
        } catch {
            throw .store(error)
        }
    }

    // MARK: In the background

    /// Works until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.keepRoom() }
            group.addTask { await self.keepReading() }
            await group.waitForAll()
        }
    }

    /// Once a minute: evicts, and tries to repair what is damaged.
    private func keepRoom() async {
        repeat {
            do {
                let done = try await blobs.evict()
                if !done.trashed.isEmpty || !done.unlinked.isEmpty {
                    logger.info(
                        "evicted", metadata: ["trashed": "\(done.trashed.count)", "unlinked": "\(done.unlinked.count)"])
                }
                for facts in try await blobs.damaged() {
                    if Task.isCancelled { return }
                    _ = await TransferClass.$current.withValue(.model) { await repair(facts) }
                }
            } catch {
                logger.error("keeping the store", metadata: ["why": "\(error)"])
            }
        } while (try? await Task.sleep(for: .seconds(60))) != nil
    }

    /// Reads everything again in a round of 30 days, idly and at a slow pace.
    private func keepReading() async {
        let round = Limits.BlobStore.scrubRoundMilliseconds
        while (try? await Task.sleep(for: .seconds(60))) != nil {
            do {
                let pace = ScrubPace(
                    bytes: try await blobs.scrubRound().bytes, roundSeconds: UInt64(round / 1000),
                    least: Limits.BlobStore.scrubRate)
                for hash in try await blobs.dueForScrub(before: StoreOptions.systemTime() - round, limit: 64) {
                    let began = ContinuousClock.now
                    let outcome = try await scrubQuietly(hash)
                    let rest = pace.rest(after: outcome, taking: ContinuousClock.now - began)
                    guard (try? await Task.sleep(for: rest)) != nil else { return }
                }
            } catch {
                if Task.isCancelled { return }
                logger.error("scrubbing the store", metadata: ["why": "\(error)"])
            }
        }
    }

    /// Scrubs one blob of the round; its size. One that went meanwhile is no failure.
    private func scrubQuietly(_ hash: Hash32) async throws(BlobError) -> UInt64 {
        do throws(BlobError) {
            return try await scrub(hash, idly: true).finding.size
        } catch .notFound, .purged {
            return 0
        } catch {
            throw error
        }
    }
}

extension Federation {
    /// Keeps this node's store sound.
    public var storeKeeper: StoreKeeper { StoreKeeper(blobs: blobs, fetcher: fetcher, logger: logger) }

    /// Of these blobs, those that some peer says it has whole. A peer that does not answer soon counts for nothing.
    public func heldElsewhere(_ hashes: [Hash32]) async -> Set<Hash32> {
        let known = (try? await peers.unblockedPeers()) ?? []
        let clients = known.compactMap { peer in (try? PeerURL(peer.url)).map { client(for: $0) } }
        let answers = await earlyAnswers(of: clients, patience: .seconds(3), isOfUse: { _ in true }) { client in
            (try? await client.have(hashes)) ?? []
        }
        var held: Set<Hash32> = []
        for answer in answers {
            for (hash, presence) in zip(hashes, answer) where presence == .whole { held.insert(hash) }
        }
        return held
    }
}
