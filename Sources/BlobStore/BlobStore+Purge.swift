public import Digests
public import SystemPackage

extension BlobStore {
    /// What a purge did.
    public struct Purge: Hashable, Sendable {
        /// The line that was added to the log.
        public var record: PurgeRecord
        /// Other programs' files with these bytes: out of service, but still on the disk. Their owner decides.
        public var adoptedFiles: [FilePath]
    }

    /// Takes a blob down for good: the line is on the disk first, then every own copy goes, whole, partial or in the
    /// trash, and adopted files are out of service. From then on the blob is refused wherever bytes enter or leave.
    /// Readers that are open stay readable.
    ///
    /// - Parameters:
    ///   - reason: a case number or a short text; it is shown to whoever asks for the blob.
    ///   - who: who ordered it.
    public func purge(_ hash: Hash32, reason: String, who: String) async throws(BlobError) -> Purge {
        let record = PurgeRecord(sha256: hash, reason: reason, who: who, time: options.now())
        if purges.purged(hash) == nil {
            // In the index's writer, so that two purges do not write to the log at once.
            try await index.write { _ in try self.purges.append(record) }
        }
        options.onStep(.purgeLogged)
        if let session = await sessions.find(hash) {
            await session.stop(.purged(hash, reason: record.reason))
            await sessions.remove(hash)
        } else if let size = try await index.read({ try PartialsTable.size($0, hash) }) {
            room.releaseDormant(size)
        }
        let removal = Removal(layout: layout, index: index, small: smallFile)
        let done = try await threads.run { () throws(BlobError) in try removal.purge(hash) }
        room.count(done.change)
        options.onStep(.purged)
        return Purge(record: purges.purged(hash) ?? record, adoptedFiles: done.adopted)
    }

    /// The record of a blob that was taken down; nil for any other.
    public func purgeRecord(_ hash: Hash32) -> PurgeRecord? {
        purges.purged(hash)
    }

    /// Says what is refused wherever bytes enter or leave, as if it was purged; the bytes stay. It is asked each time.
    public func setRefusal(_ body: @escaping @Sendable (Hash32) -> PurgeRecord?) {
        purges.setRefusal(body)
    }

    /// Stops the downloads of blobs that are refused now.
    public func stopDownloads(of hashes: some Sequence<Hash32>) async {
        for hash in hashes {
            guard let record = purges.record(hash), let session = await sessions.find(hash) else { continue }
            await session.stop(.purged(hash, reason: record.reason))
            await sessions.remove(hash)
        }
    }

    /// All blobs that were taken down, the earliest first.
    public func purgeRecords() -> [PurgeRecord] {
        purges.all
    }
}
