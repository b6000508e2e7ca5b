public import BlobStore
import Catalog
import Digests
import Identity
import Logging
import Moderation

/// Works the mirror rules: what they want and is not here is fetched, pinned to its rule, within the rule's budget.
public struct MirrorRunner: Sendable {
    let peers: PeerStore
    let catalog: Catalog
    let blobs: BlobStore
    let moderation: Moderation
    let fetcher: BlobFetcher
    let logger: Logger

    /// What one pass did.
    public struct Result: Sendable {
        public var blobs = 0
        /// Bytes.
        public var bytes: UInt64 = 0
        /// In words, at most 100.
        public var failures: [String] = []

        mutating func fail(_ words: String) {
            if failures.count < 100 { failures.append(words) }
        }
    }

    private static let candidatesAtOnce = 200

    /// One pass over everything that the catalog knows.
    ///
    /// - Parameter progress: name, bytes here, bytes in all of the blob under way.
    public func run(progress: @escaping @Sendable (String, UInt64, UInt64) -> Void) async throws -> Result {
        var result = Result()
        var room: [MirrorRule: UInt64] = [:]
        let rules = try await peers.mirrorRules()
        guard !rules.isEmpty else { return result }
        for rule in rules { room[rule] = rule.budget - min(rule.budget, try await usedBytes(rule)) }
        let filter = moderation.filter(for: .peer)
        var cursor: String?
        repeat {
            let page = try await catalog.mirrorCandidates(after: cursor, limit: Self.candidatesAtOnce, filter)
            let presence = try await blobs.presence(page.items.map(\.sha256))
            for (candidate, presence) in zip(page.items, presence) where presence != .whole {
                try Task.checkCancellation()
                let matching = rules.filter {
                    $0.matches(type: candidate.modelType, base: candidate.baseModel, level: candidate.level)
                }
                guard !matching.isEmpty else { continue }
                guard let rule = matching.first(where: { room[$0, default: 0] >= candidate.size }) else {
                    result.fail("\(name(candidate)): no rule has room for its \(candidate.size) bytes")
                    continue
                }
                if await fetch(candidate, for: rule, &result, progress: progress) {
                    room[rule, default: 0] -= candidate.size
                }
            }
            cursor = page.next
        } while cursor != nil
        return result
    }

    private func fetch(
        _ candidate: MirrorCandidate, for rule: MirrorRule, _ result: inout Result,
        progress: @escaping @Sendable (String, UInt64, UInt64) -> Void
    ) async -> Bool {
        let wanted = WantedBlob(sha256: candidate.sha256, piecesRoot: candidate.piecesRoot, size: candidate.size)
        let name = name(candidate)
        do {
            try await fetcher.fetch(wanted, from: rule.node) { progress(name, $0, candidate.size) }
            try await blobs.pin(candidate.sha256, .mirrorRule("\(rule.n)"))
            result.blobs += 1
            result.bytes += candidate.size
            logger.info("mirrored", metadata: ["blob": "\(candidate.sha256)", "bytes": "\(candidate.size)"])
            return true
        } catch {
            let words = (error as? FetchError)?.message ?? "\(error)"
            logger.info("not mirrored", metadata: ["blob": "\(candidate.sha256)", "why": "\(words)"])
            result.fail("\(name): \(words)")
            return false
        }
    }

    private func name(_ candidate: MirrorCandidate) -> String {
        candidate.name.isEmpty ? "image \(candidate.sha256.hex.prefix(12))" : candidate.name
    }

    /// Bytes that a rule holds here.
    public func usedBytes(_ rule: MirrorRule) async throws(BlobError) -> UInt64 {
        try await blobs.pinnedBytes(.mirrorRule("\(rule.n)"))
    }
}

extension Federation {
    /// The runner of this node's rules.
    public var mirrorRunner: MirrorRunner {
        MirrorRunner(
            peers: peers, catalog: catalog, blobs: blobs, moderation: moderation, fetcher: fetcher, logger: logger)
    }
}
