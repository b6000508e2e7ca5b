public import BlobStore
public import Digests
import FoundationEssentials
import Identity
import Logging
import NIOCore
import Synchronization
import WaggleProtocol

/// A blob as a signed post names it.
public struct WantedBlob: Sendable, Hashable {
    public let sha256: Hash32
    public let piecesRoot: Hash32
    /// Bytes.
    public let size: UInt64

    public init(sha256: Hash32, piecesRoot: Hash32, size: UInt64) {
        self.sha256 = sha256
        self.piecesRoot = piecesRoot
        self.size = size
    }
}

/// Why a blob could not be fetched. What was verified stays, and the next try goes on from there.
public enum FetchError: Error, Sendable {
    /// Nobody who was asked has it.
    case noSource(Hash32, asked: Int)
    /// Every source failed before the blob was whole; the last failure in words.
    case sourcesFailed(Hash32, missingUnits: Int, last: String)
    /// The bytes have the signed SHA-256 and not the signed pieces root: whoever signed both was wrong.
    case contradiction(Hash32)
    case store(BlobError)

    public var message: String {
        switch self {
        case .noSource(let hash, let asked):
            "none of the \(asked) peers has \(hash.hex.prefix(12))…; add a peer that does, or try again later"
        case .sourcesFailed(let hash, let missing, let last):
            "\(hash.hex.prefix(12))… still lacks \(missing) MiB and no source is left (\(last)); it goes on when tried again"
        case .contradiction(let hash):
            "the post that names \(hash.hex.prefix(12))… signs a pieces root that its bytes do not have; it is not kept"
        case .store(let error): error.description
        }
    }
}

/// Fetches blobs from peers in verified 1 MiB units, from several at once, and goes on where it stopped.
public struct BlobFetcher: Sendable {
    let store: BlobStore
    let logger: Logger
    /// The peers that may be asked: one node, or all.
    let peers: @Sendable (Hash32?) async -> [BlobPeer]
    /// The mirrors that signed releases name for a file; the caller closes them.
    let mirrors: @Sendable (WantedBlob) async -> [HTTPMirror]
    /// What a signed release says of a file's tensors.
    let weights: @Sendable (WantedBlob) async -> SignedWeights?
    let culprits = Culprits()
    let leases = FetchLeases()
    let underWay = FetchesUnderWay()

    /// Told of bytes that a peer sent and that are right.
    let brought: @Sendable (Hash32, Int) -> Void

    init(
        store: BlobStore, logger: Logger, brought: @escaping @Sendable (Hash32, Int) -> Void,
        peers: @escaping @Sendable (Hash32?) async -> [BlobPeer],
        mirrors: @escaping @Sendable (WantedBlob) async -> [HTTPMirror],
        weights: @escaping @Sendable (WantedBlob) async -> SignedWeights?
    ) {
        (self.store, self.logger, self.peers, self.mirrors, self.weights) = (store, logger, peers, mirrors, weights)
        self.brought = brought
    }

    /// Fetches a blob that is not here yet; returns when it is durable. One that is here costs one look-up.
    ///
    /// - Parameters:
    ///   - node: asks this peer only.
    ///   - holders: peers that said a moment ago that they have it whole or in part; they are not asked again.
    ///   - progress: gets the bytes that are here.
    /// - Returns: bytes that were not fetched, because another file here has the same tensors.
    @discardableResult
    public func fetch(
        _ wanted: WantedBlob, from node: Hash32? = nil, heldBy known: [Hash32] = [],
        progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws(FetchError) -> UInt64 {
        do {
            if case .whole? = try await store.presence([wanted.sha256]).first { return 0 }
            let peers = await peers(node).filter { !culprits.isBanned($0.node.hex) }
            var holders = peers.filter { known.contains($0.node) }
            let isOneUnit = wanted.size <= UInt64(Limits.Blob.unitBytes)
            // Large ones are worth the question who has which part.
            if holders.isEmpty || !isOneUnit { holders = await self.holders(of: wanted.sha256, among: peers) }
            if wanted.size <= UInt64(Limits.Blob.smallBytes), !holders.isEmpty {
                try await fetchSmall(wanted, from: holders)
                return 0
            }
            let open = OpenMirrors()
            underWay.begin(wanted)
            let lease = leases.next()
            if node == nil, holders.isEmpty || !isOneUnit { await open.add(await mirrors(wanted)) }
            let result: Result<UInt64, any Error>
            do {
                let kept = open.all.filter { !culprits.isBanned($0.culprit) }
                guard !holders.isEmpty || !kept.isEmpty else {
                    throw FetchError.noSource(wanted.sha256, asked: peers.count)
                }
                if !isOneUnit { try await store.lease(wanted.sha256, holder: lease, until: leaseEnd) }
                result = .success(
                    try await fetchUnits(
                        wanted, from: holders, kept, node: node, open, lease: lease, progress: progress))
            } catch {
                result = .failure(error)
            }
            await open.close()
            underWay.end(wanted)
            if !isOneUnit { try? await store.release(wanted.sha256, holder: lease) }
            return try result.get()
        } catch let error as FetchError {
            throw error
        } catch let error as BlobError {
            if case .alreadyHeld = error { return 0 }
            throw .store(error)
        } catch {
            throw .sourcesFailed(wanted.sha256, missingUnits: 0, last: "\(error)")
        }
    }

    private var leaseEnd: Int64 { StoreOptions.systemTime() + Int64(FetchLimits.leaseSeconds * 1000) }

    /// How long peers that stall are waited for when another one can serve.
    private static let patience: Duration = .seconds(2)

    /// Whole holders first, then partial ones.
    private func holders(of hash: Hash32, among peers: [BlobPeer]) async -> [BlobPeer] {
        let answers = await earlyAnswers(of: peers, patience: Self.patience, isOfUse: { $0.presence == .whole }) {
            peer in
            (peer: peer, presence: (try? await peer.client.have([hash]).first) ?? .none)
        }
        let holders = answers.filter { $0.presence == .whole || $0.presence == .partial }
        return holders.sorted { $0.presence.rawValue > $1.presence.rawValue }.map(\.peer)
    }

    /// How many peers say now that they have a blob, whole or in part. Those that do not answer at once do not count.
    public func holderCount(of hash: Hash32) async -> Int {
        await holders(of: hash, among: await peers(nil).filter { !culprits.isBanned($0.node.hex) }).count
    }

    private func fetchSmall(_ wanted: WantedBlob, from holders: [BlobPeer]) async throws {
        var last = ""
        for holder in holders {
            do {
                var bytes: [UInt8] = []
                bytes.reserveCapacity(Int(wanted.size))
                try await holder.client.blob(wanted.sha256, range: 0..<wanted.size, of: wanted.size) { chunk in
                    bytes.append(contentsOf: chunk.readableBytesView)
                }
                guard SHA256.hash(bytes) == wanted.sha256 else {
                    throw PeerError.malformed(url: holder.client.url.description, detail: "the bytes are not that blob")
                }
                brought(holder.node, bytes.count)
                // The holder is right and the post is not: no other holder can help.
                let unit = bytes.withUnsafeBytes { MerkleTree.unitHash($0, size: wanted.size) }
                guard MerkleTree.root(layer: [unit], size: wanted.size) == wanted.piecesRoot else {
                    throw FetchError.contradiction(wanted.sha256)
                }
                _ = try await store.add(bytes: bytes)
                return
            } catch let error as PeerError {
                last = error.message
            }
        }
        throw FetchError.sourcesFailed(wanted.sha256, missingUnits: 1, last: last)
    }

    // MARK: Units

    private func fetchUnits(
        _ wanted: WantedBlob, from holders: [BlobPeer], _ mirrors: [HTTPMirror], node: Hash32?, _ open: OpenMirrors,
        lease: String, progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> UInt64 {
        guard let (partial, found) = try await begin(wanted, from: holders, orMirrors: !mirrors.isEmpty) else {
            try await WholeFetch(store: store, culprits: culprits, logger: logger).run(
                wanted, from: mirrors, progress: progress)
            return 0
        }
        let sources = found + mirrors.map { FetchSource(BlobSource(mirror: $0), holding: nil, roundTrip: 0.2) }
        var saved: UInt64 = 0
        if partial.layer.count > 1, let weights = await weights(wanted) {
            saved = await SameWeights(store: store, partial: partial, logger: logger).take(weights) { units in
                await fetch(units, of: wanted, partial, from: sources)
            }
        }
        let remains = { @Sendable (units: Int) in
            progress(wanted.size - min(wanted.size, UInt64(units) * UInt64(Limits.Blob.unitBytes)))
        }
        let transfer = BlobTransfer(
            partial: partial, culprits: culprits, logger: logger,
            refresh: { source in
                guard case .peer(let client) = source.kind else { return nil }
                return try? await pieces(of: wanted, from: client).get().held
            },
            look: { known in
                try? await store.lease(wanted.sha256, holder: lease, until: leaseEnd)
                return await newSources(of: wanted, from: node, besides: known, open)
            },
            progress: remains, brought: brought)
        let outcome = await transfer.run(joining: sources, held: await partial.heldUnits)
        switch outcome {
        case .complete: _ = try await partial.commit()
        case .contradiction: throw try await contradiction(partial)
        case .store(let error): throw error
        case .noSource(let missing, let last):
            let whole = WholeFetch(store: store, culprits: culprits, logger: logger)
            do {
                if try await whole.fill(partial, from: open.all, progress: remains) {
                    _ = try await partial.commit()
                    return saved
                }
            } catch is Contradiction {
                throw try await contradiction(partial)
            }
            try await partial.pause()
            throw FetchError.sourcesFailed(wanted.sha256, missingUnits: missing, last: last)
        }
        return saved
    }

    /// The error for a download whose root is not that of the bytes with its name, which nobody can bring.
    private func contradiction(_ partial: PartialBlob) async throws -> FetchError {
        try await partial.abandon()
        return .contradiction(partial.sha256)
    }

    /// Fetches some of the units; false when nobody brought them.
    private func fetch(
        _ units: Range<Int>, of wanted: WantedBlob, _ partial: PartialBlob, from sources: [FetchSource]
    ) async -> Bool {
        // The others need not come now: to the transfer they are here.
        var held = await partial.heldUnits
        for unit in 0..<held.capacity where !units.contains(unit) { held.insert(unit) }
        guard !held.isFull else { return true }
        let transfer = BlobTransfer(
            partial: partial, culprits: culprits, logger: logger, refresh: { _ in nil }, progress: { _ in },
            brought: brought)
        guard case .complete = await transfer.run(joining: sources, held: held) else { return false }
        return await partial.heldUnits.contains(units)
    }

    /// Peers and web servers that have the blob, whole or in part, and are not among those that are known.
    private func newSources(
        of wanted: WantedBlob, from node: Hash32?, besides known: Set<String>, _ open: OpenMirrors
    ) async -> [FetchSource] {
        let others = await peers(node).filter { !known.contains($0.node.hex) && !culprits.isBanned($0.node.hex) }
        var found: [FetchSource] = []
        for holder in await holders(of: wanted.sha256, among: others) {
            guard let pieces = try? await pieces(of: wanted, from: holder.client).get() else { continue }
            let source = BlobSource(peer: holder.client, node: holder.node)
            found.append(FetchSource(source, holding: pieces.held, roundTrip: 0.2))
        }
        guard node == nil else { return found }
        for mirror in await open.add(await mirrors(wanted)) where !culprits.isBanned(mirror.culprit) {
            found.append(FetchSource(BlobSource(mirror: mirror), holding: nil, roundTrip: 0.2))
        }
        return found
    }

    /// Opens the download with the first unit hashes that match the signed root, and learns who holds which units. Nil when
    /// nobody knows the unit hashes and only mirrors are left.
    private func begin(_ wanted: WantedBlob, from holders: [BlobPeer], orMirrors hasMirrors: Bool) async throws
        -> (PartialBlob, [FetchSource])?
    {
        var partial = try await kept(wanted)
        if partial == nil, let layer = try? await store.unitHashes(wanted.sha256),
            MerkleTree.root(layer: layer, size: wanted.size) == wanted.piecesRoot
        {
            // It was here before, or an own copy is damaged.
            partial = try await store.beginPartial(
                sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot, layer: layer)
        }
        if partial == nil, wanted.size <= UInt64(Limits.Blob.unitBytes) {
            // The root of one unit is its hash.
            partial = try await store.beginPartial(
                sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot, layer: [])
        }
        var sources: [(index: Int, source: FetchSource)] = []
        var last = "none of them tells its unit hashes"
        if wanted.size <= UInt64(Limits.Blob.unitBytes), let partial {
            // Who has its one unit has all of it, and the root is that unit's hash.
            let whole = holders.map {
                FetchSource(BlobSource(peer: $0.client, node: $0.node), holding: nil, roundTrip: 0.1)
            }
            if !whole.isEmpty { return (partial, whole) }
        }
        let clock = ContinuousClock()
        let began = clock.now
        let answers = await earlyAnswers(
            of: Array(holders.indices), patience: Self.patience,
            isOfUse: { answer in (try? answer.pieces.get()) != nil }
        ) { index in
            let pieces = await pieces(of: wanted, from: holders[index].client)
            return (index: index, pieces: pieces, seconds: (clock.now - began) / .seconds(1))
        }
        for answer in answers.sorted(by: { $0.index < $1.index }) {
            let holder = holders[answer.index]
            do {
                let pieces = try answer.pieces.get()
                if partial == nil {
                    partial = try await store.beginPartial(
                        sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot, layer: pieces.layer)
                }
                let source = BlobSource(peer: holder.client, node: holder.node)
                sources.append(
                    (answer.index, FetchSource(source, holding: pieces.held, roundTrip: min(answer.seconds, 2))))
            } catch let error as PeerError {
                last = error.message
            } catch BlobError.rootMismatch {
                last = "\(holder.client.url) sent unit hashes that do not belong to the signed root"
            }
        }
        guard let partial else {
            if hasMirrors { return nil }
            throw FetchError.sourcesFailed(
                wanted.sha256, missingUnits: MerkleTree.unitCount(size: wanted.size), last: last)
        }
        guard !sources.isEmpty || hasMirrors else {
            throw FetchError.sourcesFailed(wanted.sha256, missingUnits: 0, last: last)
        }
        return (partial, sources.map(\.source))
    }

    /// The download of the blob that was begun before. One that was begun for another post, which signs other bytes under
    /// the same SHA-256, is given up: whoever invents a root must not keep the file away from those who want it.
    ///
    /// - Throws: `FetchError.store(.conflict)` while such a one is being fetched.
    private func kept(_ wanted: WantedBlob) async throws -> PartialBlob? {
        guard let partial = try await store.partial(wanted.sha256) else { return nil }
        let begun = WantedBlob(sha256: partial.sha256, piecesRoot: partial.piecesRoot, size: partial.size)
        guard begun != wanted else { return partial }
        guard !underWay.contains(begun) else { throw FetchError.store(.conflict(wanted.sha256)) }
        logger.notice(
            "a download begun for another post's size or root is given up", metadata: ["blob": "\(wanted.sha256)"])
        try await partial.abandon()
        return nil
    }

    /// The unit hashes that a holder gives, and the units that it has; nil for all.
    private func pieces(of wanted: WantedBlob, from holder: NodeClient) async -> Result<
        (layer: [Hash32], held: UnitSet?), PeerError
    > {
        do throws(PeerError) {
            let pieces = try await holder.pieces(wanted.sha256)
            let layer = pieces.units.compactMap { Hash32($0) }
            guard pieces.size == wanted.size, pieces.piecesRoot == wanted.piecesRoot.data,
                layer.count == pieces.units.count
            else {
                throw .malformed(url: holder.url.description, detail: "unit hashes of another blob")
            }
            let count = MerkleTree.unitCount(size: wanted.size)
            return .success((layer, pieces.have.isEmpty ? nil : UnitSet(pieces.have, count: count)))
        } catch {
            return .failure(error)
        }
    }
}

/// Names for the leases that keep downloads under way from eviction: one for each fetch, since two may fetch the same blob,
/// and the first to end must not give up the other's.
final class FetchLeases: Sendable {
    private let count = Mutex(0)

    func next() -> String {
        let number = count.withLock { count in
            count += 1
            return count
        }
        return "fetch \(number)"
    }
}

/// The blobs that are being fetched, as their posts sign them.
final class FetchesUnderWay: Sendable {
    private let counts = Mutex<[WantedBlob: Int]>([:])

    func begin(_ wanted: WantedBlob) {
        counts.withLock { $0[wanted, default: 0] += 1 }
    }

    func end(_ wanted: WantedBlob) {
        counts.withLock { counts in
            counts[wanted] = counts[wanted].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }

    func contains(_ wanted: WantedBlob) -> Bool {
        counts.withLock { $0[wanted] != nil }
    }
}

/// The web servers that one fetch has opened, closed with it.
final class OpenMirrors: Sendable {
    private let mirrors = Mutex<[HTTPMirror]>([])

    var all: [HTTPMirror] { mirrors.withLock { $0 } }

    /// Keeps those that are new, and closes the others; the new ones.
    @discardableResult
    func add(_ found: [HTTPMirror]) async -> [HTTPMirror] {
        var (fresh, known): ([HTTPMirror], [HTTPMirror]) = ([], [])
        mirrors.withLock { mirrors in
            for mirror in found {
                if mirrors.contains(where: { $0.url == mirror.url }) {
                    known.append(mirror)
                } else {
                    mirrors.append(mirror)
                    fresh.append(mirror)
                }
            }
        }
        for mirror in known { await mirror.close() }
        return fresh
    }

    func close() async {
        for mirror in all { await mirror.close() }
    }
}

/// A source as a fetch begins with it.
struct FetchSource: Sendable {
    let source: BlobSource
    /// Nil for all units.
    let holding: UnitSet?
    /// Seconds.
    let roundTrip: Double

    init(_ source: BlobSource, holding: UnitSet?, roundTrip: Double) {
        (self.source, self.holding, self.roundTrip) = (source, holding, roundTrip)
    }
}
