import Catalog
import Digests
import WaggleProtocol

/// Files of a mirror plan that one task fetches: a single one, or small ones that one request brings.
struct FetchLoad: Sendable {
    private(set) var fetches: [MirrorPlan.Fetch]
    /// The peer that a batch is asked of first.
    private let first: Hash32?
    private var bytes: UInt64

    /// How much may be under way at a time, in weights: a large file comes from several peers and goes alone.
    static let room = 16

    private init(_ fetch: MirrorPlan.Fetch, from first: Hash32?) {
        (fetches, self.first, bytes) = ([fetch], first, fetch.candidate.size)
    }

    var isBatch: Bool { first != nil }

    var weight: Int {
        if isBatch { return 2 }
        return fetches[0].candidate.size > UInt64(Limits.Blob.unitBytes) ? Self.room : 1
    }

    /// The peers that a batch is asked of, in order.
    var holders: [Hash32] {
        guard let first else { return [] }
        return [first] + Set(fetches.flatMap(\.holders)).subtracting([first]).sorted()
    }

    /// Loads that follow each other and are pinned in one step: several batches, or a single other one.
    static func together(_ loads: [FetchLoad], from start: Int) -> Range<Int> {
        var (end, count) = (start + 1, loads[start].fetches.count)
        while end < loads.count, loads[start].isBatch, loads[end].isBatch, count < Limits.Wire.hashesPerHave {
            count += loads[end].fetches.count
            end += 1
        }
        return start..<end
    }

    /// The plan's files in about its order. Batches go to the holders in turn, so that each has as much to do.
    static func loads(of fetches: [MirrorPlan.Fetch]) -> [FetchLoad] {
        var loads: [FetchLoad] = []
        /// Where the batch of each holder that is not full stands.
        var open: [Hash32: Int] = [:]
        var given: [Hash32: UInt64] = [:]
        for fetch in fetches {
            let size = fetch.candidate.size
            guard size > 0, size <= UInt64(Limits.Blob.smallBytes),
                let holder = fetch.holders.min(by: { (given[$0, default: 0], $0) < (given[$1, default: 0], $1) })
            else {
                loads.append(FetchLoad(fetch, from: nil))
                continue
            }
            given[holder, default: 0] += size
            if let at = open[holder], loads[at].fetches.count < Limits.Wire.blobsPerGet,
                loads[at].bytes + size <= Limits.Wire.blobsPerGetBytes
            {
                loads[at].fetches.append(fetch)
                loads[at].bytes += size
            } else {
                open[holder] = loads.count
                loads.append(FetchLoad(fetch, from: holder))
            }
        }
        return loads
    }
}
