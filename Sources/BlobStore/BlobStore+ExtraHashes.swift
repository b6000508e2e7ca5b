public import Digests
import NIOPosix
import WaggleProtocol

extension BlobStore {
    /// The names of a blob that were computed in the background; nil while it waits for its turn or is not known.
    public func extraHashes(of hash: Hash32) async throws(BlobError) -> ExtraHashes? {
        try await index.read { try ExtraHashesTable.find($0, hash)?.extra }
    }

    /// All other names of the blobs that are known here.
    public func hashes(of names: some Collection<Hash32> & Sendable) async throws(BlobError) -> [Hash32: BlobHashes] {
        try await index.read { db in
            var found: [Hash32: BlobHashes] = [:]
            for name in names { found[name] = try ExtraHashesTable.find(db, name) }
            return found
        }
    }

    /// Another number after each change of which blobs are here and what their names are; counted from 0 since the store
    /// was opened.
    public var namesRevision: UInt64 { names.value }

    /// The blobs here with this BLAKE3. Two could only be there after a collision.
    public func blobs(withBLAKE3 hash: Hash32) async throws(BlobError) -> [Hash32] {
        try await blobs(.blake3, hash)
    }

    /// The blobs here whose bytes after the safetensors header have this SHA-256: the same tensors in the same order.
    public func blobs(withAutoV3 hash: Hash32) async throws(BlobError) -> [Hash32] {
        try await blobs(.autoV3, hash)
    }

    /// The blobs here that hold these tensors, whatever their header says besides, and in whatever order.
    ///
    /// - Parameter blocked: those too that are refused, but not gone for good.
    public func blobs(withTensorDigest hash: Hash32, blocked: Bool = false) async throws(BlobError) -> [Hash32] {
        try await blobs(.tensorDigest, hash, blocked: blocked)
    }

    private func blobs(
        _ name: ExtraHashesTable.Name, _ hash: Hash32, blocked: Bool = false
    ) async throws(BlobError) -> [Hash32] {
        let found = try await index.read {
            try ExtraHashesTable.blobs($0, name, hash, limit: Limits.BlobStore.blobsPerName)
        }
        return found.filter { (blocked ? purges.purged($0) : purges.record($0)) == nil }
    }

    /// The blobs here that have a name of these bytes, oldest first: SHA-256, pieces root, BLAKE3, AutoV3 or tensor digest
    /// (32), the start of SHA-256 (5: AutoV2) or of AutoV3 (6), AutoV1 or CRC-32 (4).
    public func blobs(named bytes: [UInt8]) async throws(BlobError) -> [Hash32] {
        let found = try await index.read {
            try ExtraHashesTable.blobs($0, named: bytes, limit: Limits.BlobStore.blobsPerName)
        }
        return found.filter { purges.record($0) == nil }
    }

    // MARK: The background pass

    /// Computes the extra hashes of all that is here and all that comes, on a thread of its own behind everything else,
    /// until the task is cancelled. What a crash breaks off is begun again, and library files that wait are hashed first.
    ///
    /// - Parameters:
    ///   - clock: paces the look for new blobs.
    ///   - onFailure: told when a copy turns out to be damaged, and when the index fails; that is tried again at the next
    ///     look.
    ///   - onNamed: told of each blob whose names became known.
    public func hashInBackground(
        clock: any Clock<Duration> = ContinuousClock(), onFailure: @escaping @Sendable (BlobError) -> Void = { _ in },
        onNamed: @escaping @Sendable (Hash32, ExtraHashes) async -> Void = { _, _ in }
    ) async {
        let idle = NIOThreadPool(numberOfThreads: 1)
        idle.start()
        var pass = BackgroundHashing(store: self, threads: idle)
        pass.onDamage = onFailure
        pass.onNamed = onNamed
        pass.isBackground = true
        await pass.becomeIdle()
        repeat {
            do throws(BlobError) {
                _ = try await pass.round()
            } catch .cancelled {
                break
            } catch {
                onFailure(error)
            }
        } while (try? await clock.sleep(for: .seconds(Limits.BlobStore.backgroundSeconds))) != nil
        try? await idle.shutdownGracefully()
    }

    /// Computes the extra hashes that are missing, now; how many blobs got theirs.
    ///
    /// - Throws: `cancelled`, `database`. A file that cannot be read is left for later.
    public func computeExtraHashes() async throws(BlobError) -> Int {
        var pass = BackgroundHashing(store: self, threads: threads)
        return try await pass.round()
    }
}
