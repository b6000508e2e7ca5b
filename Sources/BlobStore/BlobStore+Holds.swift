public import Digests
import WaggleProtocol

extension BlobStore {
    /// Keeps a blob, whole or partial, here or still to come, from eviction for a reason. One in the trash is restored.
    public func pin(_ hash: Hash32, _ reason: PinReason) async throws(BlobError) {
        try Self.check(reason.text)
        let now = options.now()
        try await index.write { try HoldsTable.pin($0, hash, reason, now: now) }
        if purges.record(hash) == nil { _ = try await restore(hash) }
    }

    /// The same for many blobs in one step.
    public func pin(_ hashes: [Hash32], _ reason: PinReason) async throws(BlobError) {
        guard !hashes.isEmpty else { return }
        try Self.check(reason.text)
        let now = options.now()
        let trashed = try await index.write { db in
            try hashes.filter { hash in
                try HoldsTable.pin(db, hash, reason, now: now)
                return try BlobsTable.find(db, hash)?.trashedAt != nil
            }
        }
        for hash in trashed where purges.record(hash) == nil { _ = try await restore(hash) }
    }

    /// Takes one reason away. The blob goes when no reason is left and room is needed.
    public func unpin(_ hash: Hash32, _ reason: PinReason) async throws(BlobError) {
        try await index.write { try HoldsTable.unpin($0, hash, reason) }
    }

    /// Takes a reason away from every blob that has it.
    public func unpinAll(_ reason: PinReason) async throws(BlobError) {
        try await index.write { try HoldsTable.unpinAll($0, reason) }
    }

    /// Why a blob is kept, in the order the reasons came.
    public func pins(_ hash: Hash32) async throws(BlobError) -> [PinReason] {
        try await index.read { try HoldsTable.pins($0, hash) }
    }

    /// Bytes of the store's own copies that are kept for a reason.
    public func pinnedBytes(_ reason: PinReason) async throws(BlobError) -> UInt64 {
        try await index.read { try HoldsTable.pinnedBytes($0, reason) }
    }

    /// Bytes that the store's own copies of these blobs take, as far as posts of this node's people show them.
    public func bytesOfOwnPosts(_ hashes: [Hash32]) async throws(BlobError) -> UInt64 {
        try await index.read { db in try hashes.reduce(0) { try $0 + HoldsTable.bytesOfOwnPost(db, $1) } }
    }

    /// Keeps a blob or download from eviction until a time, in milliseconds since 1970. A second lease of the same
    /// holder moves the time.
    public func lease(_ hash: Hash32, holder: String, until: Int64) async throws(BlobError) {
        try Self.check(holder)
        try await index.write { try HoldsTable.lease($0, hash, holder: holder, until: until) }
    }

    /// Ends a lease.
    public func release(_ hash: Hash32, holder: String) async throws(BlobError) {
        try await index.write { try HoldsTable.release($0, hash, holder: holder) }
    }

    private static func check(_ text: String) throws(BlobError) {
        let limit = Limits.BlobStore.holderBytes
        guard text.utf8.count <= limit else { throw .tooLarge(bytes: UInt64(text.utf8.count), limit: UInt64(limit)) }
    }
}
