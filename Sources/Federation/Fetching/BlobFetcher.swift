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
    /// Clients of the peers that may be asked: of one node, or of all.
    let sources: @Sendable (Hash32?) async -> [NodeClient]

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
            let clients = await sources(node)
            let holders = await holders(of: wanted.sha256, among: clients)
            guard !holders.isEmpty else { throw FetchError.noSource(wanted.sha256, asked: clients.count) }
            if wanted.size <= UInt64(Limits.Blob.smallBytes) {
                try await fetchSmall(wanted, from: holders)
            } else {
                try await fetchUnits(wanted, from: holders, progress: progress)
            }
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
    private func holders(of hash: Hash32, among clients: [NodeClient]) async -> [NodeClient] {
        let answers = await earlyAnswers(of: clients, patience: Self.patience, isOfUse: { $0.presence == .whole }) {
            client in
            (client: client, presence: (try? await client.have([hash]).first) ?? .none)
        }
        let holders = answers.filter { $0.presence == .whole || $0.presence == .partial }
        return holders.sorted { $0.presence.rawValue > $1.presence.rawValue }.map(\.client)
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
        _ wanted: WantedBlob, from holders: [NodeClient], progress: @escaping @Sendable (UInt64) -> Void
    ) async throws {
        let (partial, holdings) = try await begin(wanted, from: holders)
        let run = FetchRun(missing: await partial.missingUnits.flatMap { Array($0) })
        for (index, units) in holdings { await run.add(index, holding: units) }
        await withTaskGroup(of: Void.self) { group in
            for (index, _) in holdings {
                let client = holders[index]
                group.addTask {
                    await work(index, client, partial, run) { remaining in
                        progress(wanted.size - min(wanted.size, UInt64(remaining) * UInt64(Limits.Blob.unitBytes)))
                    }
                }
            }
            // A complete blob must not wait for a source that stalls with a unit that another has brought.
            await run.waitUntilSettled()
            group.cancelAll()
        }
        if let failure = await run.storeFailure { throw failure }
        guard await run.isComplete else {
            try await partial.pause()
            throw FetchError.sourcesFailed(
                wanted.sha256, missingUnits: await run.remaining, last: await run.lastFailure)
        }
        _ = try await partial.commit()
    }

    /// Opens the download with the first unit hashes that match the signed root, and learns who holds which units.
    private func begin(_ wanted: WantedBlob, from holders: [NodeClient]) async throws
        -> (PartialBlob, [(index: Int, units: Set<Int>?)])
    {
        var partial = try await store.partial(wanted.sha256)
        var holdings: [(index: Int, units: Set<Int>?)] = []
        var last = ""
        let answers = await earlyAnswers(
            of: Array(holders.indices), patience: Self.patience,
            isOfUse: { answer in (try? answer.pieces.get()) != nil }
        ) { index in
            (index: index, pieces: await pieces(of: wanted, from: holders[index]))
        }
        for answer in answers.sorted(by: { $0.index < $1.index }) {
            do {
                let pieces = try answer.pieces.get()
                if partial == nil {
                    partial = try await store.beginPartial(
                        sha256: wanted.sha256, size: wanted.size, piecesRoot: wanted.piecesRoot, layer: pieces.layer)
                }
                holdings.append((answer.index, pieces.held))
            } catch let error as PeerError {
                last = error.message
            } catch BlobError.rootMismatch {
                last = "\(holders[answer.index].url) sent unit hashes that do not belong to the signed root"
            }
        }
        guard let partial, !holdings.isEmpty else {
            throw FetchError.sourcesFailed(wanted.sha256, missingUnits: 0, last: last)
        }
        return (partial, holdings)
    }

    /// The unit hashes that a holder gives, and the units that it has; nil for all.
    private func pieces(of wanted: WantedBlob, from holder: NodeClient) async -> Result<
        (layer: [Hash32], held: Set<Int>?), PeerError
    > {
        do throws(PeerError) {
            let pieces = try await holder.pieces(wanted.sha256)
            let layer = pieces.units.compactMap { Hash32($0) }
            guard pieces.size == wanted.size, pieces.piecesRoot == wanted.piecesRoot.data,
                layer.count == pieces.units.count
            else {
                throw .malformed(url: holder.url.description, detail: "unit hashes of another blob")
            }
            return .success((layer, pieces.have.isEmpty ? nil : Self.units(pieces.have)))
        } catch {
            return .failure(error)
        }
    }

    private static func units(_ bitmap: Data) -> Set<Int> {
        var units: Set<Int> = []
        for (at, byte) in bitmap.enumerated() {
            for bit in 0..<8 where byte >> UInt8(bit) & 1 == 1 { units.insert(at * 8 + bit) }
        }
        return units
    }

    /// One source's work until nothing is left for it.
    private func work(
        _ index: Int, _ client: NodeClient, _ partial: PartialBlob, _ run: FetchRun,
        progress: @escaping @Sendable (_ remainingUnits: Int) -> Void
    ) async {
        while let units = await run.next(for: index) {
            do {
                try await fetch(units, client, partial) { unit in
                    progress(await run.stored(unit))
                }
                await run.finished(index)
            } catch let error as BlobError {
                if case .badUnit(let unit, _) = error {
                    let source = "\(client.url)"
                    logger.warning("a source sent a bad unit", metadata: ["source": "\(source)", "unit": "\(unit)"])
                    await run.drop(index, because: "\(client.url) sent wrong bytes for MiB \(unit)")
                } else if case .alreadyHeld = error {
                    await run.drop(index, because: "")
                } else {
                    await run.fail(error)
                }
            } catch {
                await run.drop(index, because: (error as? PeerError)?.message ?? "\(error)")
            }
        }
    }

    /// Units of one source that are verified and written while the next are received.
    private static let writesAtOnce = 4

    private func fetch(
        _ units: Range<Int>, _ client: NodeClient, _ partial: PartialBlob, stored: (Int) async -> Void
    ) async throws {
        let unitBytes = UInt64(Limits.Blob.unitBytes)
        let range = UInt64(units.lowerBound) * unitBytes..<min(partial.size, UInt64(units.upperBound) * unitBytes)
        try await withThrowingTaskGroup(of: (unit: Int, buffer: ByteBuffer).self) { writes in
            var cutter = UnitCutter(units: units, byteCount: range.count)
            var underWay = 0
            try await client.blob(partial.sha256, range: range) { chunk in
                cutter.append(chunk)
                while let (unit, buffer) = cutter.next() {
                    if underWay == Self.writesAtOnce, let written = try await writes.next() {
                        await stored(written.unit)
                        cutter.reuse(written.buffer)
                        underWay -= 1
                    }
                    writes.addTask {
                        try await partial.write(unit: unit, bytes: buffer.readableBytesView)
                        return (unit, buffer)
                    }
                    underWay += 1
                }
            }
            while let written = try await writes.next() { await stored(written.unit) }
        }
    }
}

/// Cuts what arrives for a run into units.
private struct UnitCutter {
    /// The unit that comes next, and the bytes of the run that no unit was made of.
    private var unit: Int
    private var left: Int
    private var arrived = ByteBuffer()
    private var current = ByteBuffer()
    private var spare: [ByteBuffer] = []

    init(units: Range<Int>, byteCount: Int) {
        unit = units.lowerBound
        left = byteCount
    }

    /// Adds a chunk, of which `next` must leave nothing before another comes.
    mutating func append(_ chunk: ByteBuffer) {
        arrived = chunk
    }

    /// The next whole unit; nil when more bytes are needed.
    mutating func next() -> (unit: Int, bytes: ByteBuffer)? {
        guard left > 0 else { return nil }
        let length = min(Limits.Blob.unitBytes, left)
        if current.capacity == 0 { current = spare.popLast() ?? ByteBufferAllocator().buffer(capacity: length) }
        if var part = arrived.readSlice(length: min(length - current.readableBytes, arrived.readableBytes)) {
            current.writeBuffer(&part)
        }
        guard current.readableBytes == length else { return nil }
        defer {
            current = ByteBuffer()
            unit += 1
            left -= length
        }
        return (unit, current)
    }

    /// Takes a unit's memory back. New pages for every unit would cost as much as copying it.
    mutating func reuse(_ buffer: ByteBuffer) {
        var buffer = buffer
        // Not `clear`, which makes new memory while the caller still holds this one.
        buffer.moveReaderIndex(to: 0)
        buffer.moveWriterIndex(to: 0)
        spare.append(buffer)
    }
}

/// The plan of one blob, shared by its sources' tasks.
private actor FetchRun {
    private var plan: FetchPlan<Int>
    private var waiting: [CheckedContinuation<Void, Never>] = []
    private var active: Set<Int> = []
    private(set) var lastFailure = ""
    private(set) var storeFailure: BlobError?

    init(missing: [Int]) {
        plan = FetchPlan(missing: missing)
    }

    var isComplete: Bool { plan.isComplete }
    var remaining: Int { plan.remaining }

    func add(_ source: Int, holding units: Set<Int>?) {
        plan.add(source, holding: units)
        active.insert(source)
    }

    /// The next run for a source; nil when there is nothing more for it.
    func next(for source: Int) async -> Range<Int>? {
        while storeFailure == nil, !Task.isCancelled {
            switch plan.next(for: source) {
            case .fetch(let units): return units
            case .stop:
                leave(source)
                return nil
            case .wait: await withCheckedContinuation { waiting.append($0) }
            }
        }
        leave(source)
        return nil
    }

    /// Returns the units that are still missing.
    func stored(_ unit: Int) -> Int {
        plan.stored(unit)
        if plan.isComplete { wake() }
        return plan.remaining
    }

    func finished(_ source: Int) {
        plan.finished(source)
        wake()
    }

    func drop(_ source: Int, because reason: String) {
        plan.drop(source)
        lastFailure = reason
        leave(source)
    }

    func fail(_ error: BlobError) {
        storeFailure = error
        wake()
    }

    /// Returns when the blob is complete, no source is left, or the store refused.
    func waitUntilSettled() async {
        while !plan.isComplete, !active.isEmpty, storeFailure == nil {
            await withCheckedContinuation { waiting.append($0) }
        }
        wake()
    }

    private func leave(_ source: Int) {
        active.remove(source)
        wake()
    }

    private func wake() {
        let all = waiting
        waiting = []
        all.forEach { $0.resume() }
    }
}
