public import Digests
import FoundationEssentials
import GRDB
public import SystemPackage
import WaggleProtocol

/// What the store's bytes are there for. Each own blob counts once, under the first reason that holds it.
public struct StoreUsage: Hashable, Sendable {
    /// A number of blobs and their bytes.
    public struct Sum: Hashable, Sendable {
        public var blobs: Int
        public var bytes: UInt64

        public init(blobs: Int, bytes: UInt64) {
            self.blobs = blobs
            self.bytes = bytes
        }
    }

    /// Files of this node's people's posts.
    public var ownPosts: Sum
    /// What a person asked for.
    public var user: Sum
    /// What bounties wait for.
    public var bounties: Sum
    /// What mirror rules keep.
    public var mirrorRules: Sum
    /// Nothing holds it: it goes when room is needed.
    public var cache: Sum
    /// Downloads begun; room for all of each is reserved.
    public var partial: Sum
    /// Of it, bytes that are here by what was written down.
    public var partialHeldBytes: UInt64
    /// Evicted, and restorable for 24 hours.
    public var trash: Sum
    /// Other programs' files, which count against no budget.
    public var adopted: Sum
    /// The budget, the reserve and the disk.
    public var room: StoreRoom
}

/// Where a blob is.
public struct BlobWhereabouts: Hashable, Sendable {
    public var sha256: Hash32
    public var size: UInt64
    public var presence: Presence
    /// The store's own file; nil when there is none, or the blob is a row of the small-blob file.
    public var ownFile: FilePath?
    /// Whether it is a row of the small-blob file.
    public var isRow: Bool
    /// Other programs' files with these bytes.
    public var adopted: [AdoptedFile]
    /// The download under way.
    public var partialFile: FilePath?
    /// Milliseconds since 1970 when it was evicted; nil when it is not in the trash.
    public var trashedAt: Int64?
    public var pins: [PinReason]
    /// Milliseconds since 1970 when all its bytes were last read and found right; nil when they never were.
    public var verifiedAt: Int64?
    /// Why it was taken down here; nil when it was not.
    public var purgeReason: String?

    public struct AdoptedFile: Hashable, Sendable {
        public var path: FilePath
        /// False when it was changed since it was hashed, or taken down.
        public var isInService: Bool
    }
}

extension BlobStore {
    /// What the bytes are there for.
    public func usage() async throws(BlobError) -> StoreUsage {
        let room = try await storeRoom()
        return try await index.read { db in
            let reasons = try HoldsTable.bytesByReason(db)
            let totals = try BlobsTable.totals(db)
            let partial = try PartialsTable.totals(db)
            let adopted = try AdoptedTable.totals(db)
            func sum(_ reason: String) -> StoreUsage.Sum { reasons[reason] ?? .init(blobs: 0, bytes: 0) }
            return StoreUsage(
                ownPosts: sum("post"), user: sum("user"), bounties: sum("bounty"), mirrorRules: sum("rule"),
                cache: sum(""), partial: .init(blobs: partial.count, bytes: partial.bytes),
                partialHeldBytes: min(partial.bytes, UInt64(partial.units) << 20),
                trash: .init(blobs: try BlobsTable.trash(db, before: .max, limit: .max).count, bytes: totals.trash),
                adopted: .init(blobs: adopted.files, bytes: adopted.bytes), room: room)
        }
    }

    /// The blobs whose SHA-256 begins so, in order, at most `Limits.BlobStore.found`: whole, partial, in the trash, or
    /// known and gone.
    ///
    /// - Parameter prefix: hexadecimal digits, 64 at most.
    public func whereabouts(prefix: String) async throws(BlobError) -> [BlobWhereabouts] {
        let prefix = prefix.lowercased()
        guard let first = Hash32(canonicalHex: prefix + String(repeating: "0", count: 64 - min(64, prefix.count))),
            let last = Hash32(canonicalHex: prefix + String(repeating: "f", count: 64 - min(64, prefix.count)))
        else { return [] }
        let hashes = try await index.read { db in
            try Data.fetchAll(
                db,
                sql: """
                    SELECT sha256 FROM blobs WHERE sha256 BETWEEN ?1 AND ?2
                    UNION SELECT sha256 FROM partials WHERE sha256 BETWEEN ?1 AND ?2
                    UNION SELECT sha256 FROM pins WHERE sha256 BETWEEN ?1 AND ?2
                    ORDER BY 1 LIMIT ?3
                    """, arguments: [first.data, last.data, Limits.BlobStore.found]
            ).compactMap { Hash32($0) }
        }
        let purged = purges.all.map(\.sha256).filter { first <= $0 && $0 <= last && !hashes.contains($0) }
        let presence = try await presence(hashes)
        var found: [BlobWhereabouts] = []
        for (hash, presence) in zip(hashes, presence) { found.append(try await whereabouts(hash, presence)) }
        for hash in purged.prefix(Limits.BlobStore.found) { found.append(try await whereabouts(hash, .none)) }
        return found
    }

    /// The blob that the index says is at a path: somebody else's file, or one of the store's own; nil for any other path.
    public func blob(at path: FilePath) async throws(BlobError) -> Hash32? {
        let path = path.absolute
        if let parent = path.removingLastComponent().lastComponent?.string, let name = path.lastComponent?.string {
            if let hash = Hash32(canonicalHex: parent + name), layout.file(hash) == path { return hash }
            if let hash = Hash32(canonicalHex: String(name.prefix(64))), layout.part(hash) == path { return hash }
        }
        return try await index.read { db in
            guard let adopted = try AdoptedTable.find(db, path) else { return nil }
            return try BlobsTable.find(db, id: adopted.blob)?.sha256
        }
    }

    private func whereabouts(_ hash: Hash32, _ presence: Presence) async throws(BlobError) -> BlobWhereabouts {
        let purge = purges.record(hash)
        return try await index.read { db in
            let row = try BlobsTable.find(db, hash)
            let partial = try PartialsTable.size(db, hash)
            let adopted = try row.map { try AdoptedTable.all(db, blob: $0.id) } ?? []
            let verified = try row.flatMap { try ChecksTable.find(db, blob: $0.id)?.verifiedAt } ?? 0
            let hasFile = row?.own == .file || row?.own == .damaged
            return BlobWhereabouts(
                sha256: hash, size: row?.size ?? partial ?? 0, presence: presence,
                ownFile: hasFile ? self.layout.file(hash) : nil, isRow: row?.own == .small,
                adopted: adopted.map { .init(path: $0.path, isInService: $0.state == .inService) },
                partialFile: partial == nil ? nil : self.layout.part(hash), trashedAt: row?.trashedAt,
                pins: try HoldsTable.pins(db, hash), verifiedAt: verified == 0 ? nil : verified,
                purgeReason: purge?.reason)
        }
    }
}
