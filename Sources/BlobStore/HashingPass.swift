import CWaggleSystem
import Digests
import Glibc
import NIOPosix
import WaggleProtocol

/// Called with the bytes done so far.
public typealias BlobProgress = @Sendable (_ done: UInt64) -> Void

/// Gets the bytes of a file in order, in chunks, from the same read that hashes them. It runs on a thread that may
/// block, and the chunk is gone when it returns.
public typealias BlobSink = @Sendable (_ chunk: UnsafeRawBufferPointer) -> Void

/// Reads a file once and computes all its digests, shared between two threads: the whole-file SHA-256 and the tree,
/// interleaved, on one; CRC-32, the copy, the sink and the next read on the other.
struct HashingPass: Sendable {
    static let chunkBytes = 4 << 20

    let threads: NIOThreadPool
    /// Whether the threads are the pass's own and go behind everybody else.
    var isIdle = false
    let file: OpenFile
    /// Where the bytes are copied to.
    var copy: OpenFile?
    var sink: BlobSink?
    var progress: BlobProgress = { _ in }
    /// Called now and then with a state to go on from, and once more when the task is cancelled.
    var checkpoint: (@Sendable (FileHasher) async -> Void)?

    /// The digests of the file's bytes, going on from `start`, which stands at the end of a chunk.
    func run(from start: FileHasher = FileHasher()) async throws(BlobError) -> FileDigests {
        var hasher = start
        var marked = hasher.byteCount
        posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        var current = ChunkBuffer(byteCount: Self.chunkBytes)
        var next = ChunkBuffer(byteCount: Self.chunkBytes)
        var count = try await read(into: current, at: hasher.byteCount)
        while count > 0 {
            if Task.isCancelled {
                await checkpoint?(hasher)
                throw .cancelled
            }
            // Reads fill a chunk up to the end of the file, so a short one is the last.
            var following = 0
            if count == Self.chunkBytes {
                following = try await round(&hasher, current, next)
            } else {
                try await finish(&hasher, current, count)
            }
            progress(hasher.byteCount)
            if hasher.byteCount - marked >= Limits.BlobStore.hashingCheckpointBytes {
                await checkpoint?(hasher)
                marked = hasher.byteCount
            }
            swap(&current, &next)
            count = following
        }
        return hasher.finalize()
    }

    /// Digests a full chunk on two threads and reads the next meanwhile; the length of the next.
    private func round(
        _ hasher: inout FileHasher, _ chunk: ChunkBuffer, _ next: ChunkBuffer
    ) async throws(BlobError) -> Int {
        let offset = hasher.byteCount
        let bytes = 0..<Self.chunkBytes
        let digest = hasher.unitDigester()
        let check = hasher.checksDigester()
        async let digested = work { () throws(BlobError) in digest(chunk.bytes(bytes)) }
        async let others = work { () throws(BlobError) in
            try passOn(chunk.bytes(bytes), at: offset)
            let following = try next.fill(from: file, at: offset + UInt64(Self.chunkBytes))
            return (checks: check(chunk.bytes(bytes)), following: following)
        }
        let results = await (digested, others)
        let other = try results.1.get()
        hasher.append(try results.0.get(), other.checks)
        return other.following
    }

    /// Digests the last chunk of a file, which is the whole of a short one, on one thread.
    private func finish(_ hasher: inout FileHasher, _ chunk: ChunkBuffer, _ count: Int) async throws(BlobError) {
        let before = hasher
        hasher = try await work { () throws(BlobError) in
            try passOn(chunk.bytes(0..<count), at: before.byteCount)
            var after = before
            after.update(chunk.bytes(0..<count))
            return after
        }.get()
    }

    private func work<Value: Sendable>(
        _ body: @escaping @Sendable () throws(BlobError) -> Value
    ) async -> Result<Value, BlobError> {
        let isIdle = isIdle
        return await threads.result { () throws(BlobError) in
            // Two calls beside hashing 4 MiB; a system that refuses has it work at the usual share.
            if isIdle { _ = waggle_become_idle() }
            return try body()
        }
    }

    private func passOn(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(BlobError) {
        if let copy {
            try copy.write(bytes, at: offset)
            // So that the sync at the end finds little to do; where it cannot, that sync does it all.
            _ = waggle_start_writeback(copy.descriptor, Int64(offset), Int64(bytes.count))
        }
        sink?(bytes)
    }

    private func read(into buffer: ChunkBuffer, at offset: UInt64) async throws(BlobError) -> Int {
        try await work { () throws(BlobError) in try buffer.fill(from: file, at: offset) }.get()
    }
}
