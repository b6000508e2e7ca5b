public import Digests
import Glibc
public import NIOCore
import NIOPosix
import WaggleProtocol

extension BlobStore {
    /// Begins to receive a blob of which only names are known, so that nothing can be checked before all of it is here. Its
    /// room is reserved; what was received is gone with the object unless it is committed.
    ///
    /// - Throws: `alreadyHeld`, `purged`, `tooLarge`, `overBudget`, `diskFull`, `readOnly`, `database`.
    public func receive(
        sha256: Hash32, size: UInt64, piecesRoot: Hash32
    ) async throws(BlobError) -> UnverifiedBlob {
        try purges.check(sha256)
        guard size <= Limits.Blob.bytes else { throw .tooLarge(bytes: size, limit: Limits.Blob.bytes) }
        if try await restoreIfHeld(sha256) { throw .alreadyHeld(sha256) }
        let reservation = try await reserve(size)
        let incoming = try await threads.run { () throws(BlobError) in
            try Incoming(path: self.layout.incoming(), reservation: reservation)
        }
        return UnverifiedBlob(store: self, incoming: incoming, sha256: sha256, size: size, piecesRoot: piecesRoot)
    }
}

/// A blob that is received in order and checked as a whole at the end; until then nobody can read it.
public actor UnverifiedBlob {
    private let store: BlobStore
    private let incoming: Incoming
    private let sha256: Hash32
    private let size: UInt64
    private let piecesRoot: Hash32
    private var hasher = FileHasher()

    init(store: BlobStore, incoming: Incoming, sha256: Hash32, size: UInt64, piecesRoot: Hash32) {
        self.store = store
        self.incoming = incoming
        self.sha256 = sha256
        self.size = size
        self.piecesRoot = piecesRoot
    }

    /// Bytes that are here.
    public var byteCount: UInt64 { hasher.byteCount }

    /// Takes the next bytes. One call at a time.
    ///
    /// - Throws: `outOfRange` when there are more than the blob has, `diskFull`, `readOnly`.
    public func append(_ bytes: ByteBuffer) async throws(BlobError) {
        let before = hasher
        guard UInt64(bytes.readableBytes) <= size - before.byteCount else { throw .outOfRange(sha256, size: size) }
        let file = incoming.file
        hasher = try await store.threads.run { () throws(BlobError) in
            var after = before
            var failure: BlobError?
            bytes.withUnsafeReadableBytes { buffer in
                after.update(buffer)
                do throws(BlobError) {
                    try file.write(buffer, at: before.byteCount)
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            return after
        }
    }

    /// Makes it a blob when it is the one that was named: durable when it returns.
    ///
    /// - Throws: `incomplete`, `hashMismatch`, `rootMismatch` for bytes of the right SHA-256 and another pieces root,
    ///   `purged`, `diskFull`, `database`.
    public func commit() async throws(BlobError) -> BlobFacts {
        let hasher = hasher
        guard hasher.byteCount == size else {
            throw .incomplete(sha256, missing: Int((size - hasher.byteCount + (1 << 20) - 1) >> 20))
        }
        let digests = try await store.threads.run { () throws(BlobError) in hasher.finalize() }
        guard digests.sha256 == sha256 else { throw .hashMismatch(expected: sha256, actual: digests.sha256) }
        guard digests.piecesRoot == piecesRoot else { throw .rootMismatch(sha256) }
        return try await store.commit(incoming, digests)
    }
}
