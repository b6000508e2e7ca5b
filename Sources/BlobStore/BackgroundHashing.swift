import CWaggleSystem
import Digests
import Formats
import Glibc
import NIOCore
import NIOPosix
import Synchronization
import WaggleProtocol

/// The pass that gives every blob its extra hashes: BLAKE3, AutoV3 and the tensor digest, from one sequential read.
///
/// The same read verifies each unit, so that no name is ever written down for bytes that are not the blob; a copy that
/// turns out to be damaged goes out of service. Nothing is kept of a file that was broken off: it is read again.
struct BackgroundHashing: Sendable {
    let store: BlobStore
    /// Where the reading and hashing runs, one file at a time.
    let threads: NIOThreadPool
    /// Told of copies that turn out to be damaged.
    var onDamage: @Sendable (BlobError) -> Void = { _ in }
    /// Told of each blob that was done.
    var onNamed: @Sendable (Hash32, ExtraHashes) async -> Void = { _, _ in }
    /// Whether others go first: whoever asks for blobs, and library files that wait to be hashed, which are out of service
    /// until then.
    var isBackground = false
    /// Files that could not be read, and when to try them again, in milliseconds since 1970.
    private var notBefore: [Hash32: Int64] = [:]

    init(store: BlobStore, threads: NIOThreadPool) {
        self.store = store
        self.threads = threads
    }

    /// Puts the pool's thread behind everything else. A system that refuses has it work at the usual share.
    func becomeIdle() async {
        _ = await threads.result { () throws(BlobError) in _ = waggle_become_idle() }
    }

    /// Hashes what waits; how many blobs were done.
    ///
    /// - Throws: `cancelled`, and failures of the index.
    mutating func round() async throws(BlobError) -> Int {
        var done = 0
        var last: Int64 = 0
        while true {
            let after = last
            let waiting = try await store.index.read { try ExtraHashesTable.toDo($0, after: after, limit: 64) }
            guard let end = waiting.last else { return done }
            last = end.id
            let ready = waiting.map(\.hash).filter { notBefore[$0].map { $0 <= store.options.now() } ?? true }
            var named: [(hash: Hash32, names: ExtraHashes)] = []
            var small: Set<Hash32> = []
            if mayGoOn {
                if isBackground { await store.giveWay() }
                named = try await computeSmall(ready)
                small = Set(named.map(\.hash))
            }
            for hash in ready where !small.contains(hash) {
                if Task.isCancelled { throw .cancelled }
                guard mayGoOn else { return done + (try await keep(named)) }
                do throws(BlobError) {
                    let (names, size) = try await compute(hash)
                    named.append((hash, names))
                    notBefore[hash] = nil
                    // Small ones are written together; what took long to read is not read again for a crash.
                    if size > UInt64(Limits.Blob.smallBytes) {
                        done += try await keep(named)
                        named = []
                    }
                } catch {
                    switch error {
                    case .cancelled, .closed, .database, .diskFull: throw error
                    // Gone, changed, taken down or unreadable: that is for others to say.
                    default:
                        if case .damaged = error { onDamage(error) }
                        notBefore[hash] = store.options.now() + Limits.BlobStore.backgroundRetryMilliseconds
                    }
                }
            }
            done += try await keep(named)
        }
    }

    private var mayGoOn: Bool { !isBackground || store.libraryWork.isQuiet(at: store.options.now()) }

    /// Writes names down; how many.
    private func keep(_ named: [(hash: Hash32, names: ExtraHashes)]) async throws(BlobError) -> Int {
        guard !named.isEmpty else { return 0 }
        try await store.index.write { db in
            for one in named { try ExtraHashesTable.put(db, one.hash, one.names) }
        }
        for one in named { await onNamed(one.hash, one.names) }
        return named.count
    }

    /// The names of those of these blobs that are small and sound, read and hashed together. What is wrong with another is
    /// found when it is looked at by itself.
    private func computeSmall(_ hashes: [Hash32]) async throws(BlobError) -> [(hash: Hash32, names: ExtraHashes)] {
        let readers = try await store.openSmall(hashes)
        return try await threads.result { () throws(BlobError) in
            var named: [(hash: Hash32, names: ExtraHashes)] = []
            for hash in hashes {
                guard let reader = readers[hash], case .bytes(let bytes) = reader.content else { continue }
                let unit = bytes.withUnsafeReadableBytes { MerkleTree.unitHash($0, size: reader.size) }
                guard MerkleTree.root(layer: [unit], size: reader.size) == reader.facts.piecesRoot else { continue }
                let naming = FileNaming(reader: reader, layer: [unit], isStopped: StopFlag())
                named.append((hash, try naming.run()))
            }
            return named
        }.get()
    }

    /// The names of a blob, and its bytes.
    private func compute(_ hash: Hash32) async throws(BlobError) -> (names: ExtraHashes, size: UInt64) {
        let reader = try await store.open(hash, asUse: false)
        let layer = try await store.unitHashes(hash)
        let isStopped = StopFlag()
        let result = await withTaskCancellationHandler {
            await threads.result { () throws(BlobError) in
                try FileNaming(reader: reader, layer: layer, isStopped: isStopped).run()
            }
        } onCancel: {
            isStopped.set()
        }
        do throws(BlobError) {
            let names = try result.get()
            try await reader.revalidate()
            return (names, reader.size)
        } catch {
            if case .damaged = error { try await store.takeOutOfService(reader.facts) }
            throw error
        }
    }
}

/// Tells a thread that is at work that nobody wants its result any more.
final class StopFlag: Sendable {
    private let flag = Atomic(false)

    func set() { flag.store(true, ordering: .relaxed) }

    var isSet: Bool { flag.load(ordering: .relaxed) }
}

/// One blob on its way through the pass. Blocks.
private struct FileNaming {
    let reader: BlobReader
    let layer: [Hash32]
    let isStopped: StopFlag

    func run() throws(BlobError) -> ExtraHashes {
        let header = try header()
        let tensors = header.map { TensorStreamHasher($0) }
        let dataStart = header?.dataStart ?? .max
        var blake3 = BLAKE3()
        var isSound = true
        try chunks { (bytes, offset) throws(BlobError) in
            if let bad = firstBadUnit(in: bytes, from: Int(offset >> 20), layer: layer, size: reader.size) {
                throw .damaged(reader.facts.sha256, badUnits: [bad])
            }
            blake3.update(bytes)
            let end = offset + UInt64(bytes.count)
            if let tensors, isSound, end > dataStart {
                let start = Int(max(dataStart, offset) - offset)
                do throws(SafetensorsError) {
                    try tensors.update(UnsafeRawBufferPointer(rebasing: bytes[start...]))
                } catch {
                    isSound = false
                }
            }
        }
        let names = isSound ? try? tensors?.finalize() : nil
        return ExtraHashes(blake3: blake3.digest(), autoV3: names?.autoV3, tensorDigest: names?.digest)
    }

    /// Hands the bytes over in order, in portions of whole units but for the last.
    private func chunks(
        _ body: (_ bytes: UnsafeRawBufferPointer, _ offset: UInt64) throws(BlobError) -> Void
    ) throws(BlobError) {
        guard let file = reader.file else {
            let bytes = try bytes(0..<reader.size)
            let result: Result<Void, BlobError> = bytes.withUnsafeBytes { buffer in
                do throws(BlobError) {
                    return .success(try body(buffer, 0))
                } catch {
                    return .failure(error)
                }
            }
            return try result.get()
        }
        let buffer = ChunkBuffer(byteCount: HashingPass.chunkBytes)
        posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var offset: UInt64 = 0
        while offset < reader.size {
            if isStopped.isSet { throw .cancelled }
            let count = try buffer.fill(from: file, at: offset)
            guard count == min(UInt64(HashingPass.chunkBytes), reader.size - offset) else {
                throw .damaged(reader.facts.sha256, badUnits: [Int((offset + UInt64(count)) >> 20)])
            }
            try body(buffer.bytes(0..<count), offset)
            // What only this pass read is not to push out what others use.
            posix_fadvise(file.descriptor, off_t(offset), off_t(count), POSIX_FADV_DONTNEED)
            offset += UInt64(count)
        }
    }

    /// The header of a sound safetensors file; nil for any other file, and for one whose header is larger than any that is
    /// worth the memory.
    private func header() throws(BlobError) -> SafetensorsHeader? {
        guard reader.size > 8,
            let length = try? SafetensorsHeader.length(first8: try bytes(0..<8), fileSize: reader.size),
            length <= Limits.BlobStore.backgroundHeaderBytes
        else { return nil }
        let json = try bytes(8..<8 + UInt64(length))
        return try? SafetensorsHeader(json: json, fileSize: reader.size)
    }

    private func bytes(_ range: Range<UInt64>) throws(BlobError) -> [UInt8] {
        let buffer = try reader.bytes(range)
        guard buffer.readableBytes == range.count else {
            throw .damaged(reader.facts.sha256, badUnits: [Int(range.lowerBound >> 20)])
        }
        return Array(buffer.readableBytesView)
    }
}
