public import BlobStore
public import Digests
import FoundationEssentials
import Identity
import Logging
import NIOCore
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
    let mirrors: @Sendable (Hash32) async -> [HTTPMirror]
    private let culprits = Culprits()

    init(
        store: BlobStore, logger: Logger, peers: @escaping @Sendable (Hash32?) async -> [BlobPeer],
        mirrors: @escaping @Sendable (Hash32) async -> [HTTPMirror]
    ) {
        (self.store, self.logger, self.peers, self.mirrors) = (store, logger, peers, mirrors)
    }

    /// Fetches a blob that is not here yet; returns when it is durable. One that is here costs one look-up.
    ///
    /// - Parameters:
    ///   - node: asks this peer only.
    ///   - progress: gets the bytes that are here.
    public func fetch(
        _ wanted: WantedBlob, from node: Hash32? = nil, progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws(FetchError) {
        do {
            if case .whole? = try await store.presence([wanted.sha256]).first { return }
            let peers = await peers(node).filter { !culprits.isBanned($0.node.hex) }
            let holders = await holders(of: wanted.sha256, among: peers)
            if wanted.size <= UInt64(Limits.Blob.smallBytes), !holders.isEmpty {
                return try await fetchSmall(wanted, from: holders.map(\.client))
            }
            let mirrors = node == nil ? await mirrors(wanted.sha256) : []
            let result: Result<Void, any Error>
            do {
                guard !holders.isEmpty || !mirrors.isEmpty else {
                    throw FetchError.noSource(wanted.sha256, asked: peers.count)
                }
                let kept = mirrors.filter { !culprits.isBanned($0.host) }
                result = .success(
                    try await fetchUnits(wanted, from: holders, kept, progress: progress))
            } catch {
                result = .failure(error)
            }
            for mirror in mirrors { await mirror.close() }
            try result.get()
        } catch let error as FetchError {
            throw error
        } catch let error as BlobError {
            if case .alreadyHeld = error { return }
            throw .store(error)
        } catch {
            throw .sourcesFailed(wanted.sha256, missingUnits: 0, last: "\(error)")
        }
    }

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

    private func fetchSmall(_ wanted: WantedBlob, from holders: [NodeClient]) async throws {
        var last = ""
        for holder in holders {
            do {
                var bytes: [UInt8] = []
                bytes.reserveCapacity(Int(wanted.size))
                try await holder.blob(wanted.sha256, range: 0..<wanted.size) { chunk in
                    bytes.append(contentsOf: chunk.readableBytesView)
                }
                guard SHA256.hash(bytes) == wanted.sha256 else {
                    throw PeerError.malformed(url: holder.url.description, detail: "the bytes are not that blob")
                }
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
        _ wanted: WantedBlob, from holders: [BlobPeer], _ mirrors: [HTTPMirror],
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        let (partial, found) = try await begin(wanted, from: holders, orMirrors: !mirrors.isEmpty)
        let sources = found + mirrors.map { FetchSource(BlobSource(mirror: $0), holding: nil, roundTrip: 0.2) }
        let transfer = BlobTransfer(
            partial: partial, sources: sources.map(\.source), culprits: culprits, logger: logger,
            refresh: { source in
                guard case .peer(let client) = source.kind else { return nil }
                return try? await pieces(of: wanted, from: client).get().held
            },
            progress: { remaining in
                progress(wanted.size - min(wanted.size, UInt64(remaining) * UInt64(Limits.Blob.unitBytes)))
            })
        let outcome = await transfer.run(joining: sources, held: await partial.heldUnits)
        switch outcome {
        case .complete: _ = try await partial.commit()
        case .store(let error): throw error
        case .noSource(let missing, let last):
            try await partial.pause()
            throw FetchError.sourcesFailed(wanted.sha256, missingUnits: missing, last: last)
        }
    }

    /// Opens the download with the first unit hashes that match the signed root, and learns who holds which units.
    private func begin(_ wanted: WantedBlob, from holders: [BlobPeer], orMirrors hasMirrors: Bool) async throws
        -> (PartialBlob, [FetchSource])
    {
        var partial = try await store.partial(wanted.sha256)
        if partial == nil, wanted.size <= UInt64(Limits.Blob.unitBytes) {
            // The root of one unit is its hash.
            partial = try await store.beginPartial(
                sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot, layer: [])
        }
        var sources: [(index: Int, source: FetchSource)] = []
        var last = "no peer knows its unit hashes, without which mirrors cannot be checked"
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
        guard let partial, !sources.isEmpty || hasMirrors else {
            throw FetchError.sourcesFailed(wanted.sha256, missingUnits: 0, last: last)
        }
        return (partial, sources.map(\.source))
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
