public import Digests
import GRDB

/// How a blob stands in the store, for those who plan downloads.
public struct Standing: Hashable, Sendable {
    /// How much of it is here.
    public var extent: Extent
    /// Why a blob that is not whole here is to stay once it is.
    public var pins: [PinReason] = []
    /// Whether a pin or a lease holds the store's own copy now.
    public var isHeld = false

    public enum Extent: Hashable, Sendable {
        case none
        /// Verified units of a download, in bytes.
        case partial(heldBytes: UInt64)
        /// A whole copy of the store's own, in service.
        case own
        /// Somebody else's file.
        case adopted
    }
}

/// What the store may still take in.
public struct StoreRoom: Hashable, Sendable {
    /// The budget; nil for none.
    public var budget: UInt64?
    /// Bytes of the disk left free for others.
    public var keepFree: UInt64
    /// Bytes free on the disk now; nil when it cannot be told.
    public var free: UInt64?
    /// Bytes of own blobs, trash and reservations.
    public var used: UInt64
    /// Reserved bytes whose blocks are not taken yet.
    public var unbacked: UInt64
    /// Bytes that an eviction could free: the trash, and own blobs that nothing holds.
    public var reclaimable: UInt64

    /// Bytes that the budget can give, everything reclaimable counted in; nil for no limit.
    public var budgetLeft: UInt64? {
        budget.map { $0 + reclaimable - min($0 + reclaimable, used) }
    }

    /// Bytes of the disk that may be taken, everything reclaimable counted in; nil when it cannot be told.
    public var diskLeft: UInt64? {
        free.map { $0 + reclaimable - min($0 + reclaimable, unbacked + keepFree) }
    }
}

extension BlobStore {
    /// How blobs stand here, each in its place. A download that is not open is opened, so that units which were not
    /// written down count; an own copy with bad units becomes a download that lacks only those.
    public func standing(_ hashes: [Hash32]) async throws(BlobError) -> [Standing] {
        let now = options.now()
        var found = try await index.read { db in
            try hashes.map { hash -> (standing: Standing, isBegun: Bool, isDamaged: Bool) in
                var standing = Standing(extent: .none)
                guard self.purges.record(hash) == nil else { return (standing, false, false) }
                let row = try BlobsTable.find(db, hash)
                if let row, row.inService {
                    standing.extent = .own
                    standing.isHeld = try BlobsTable.isHeld(db, hash, now: now)
                } else if let row, try AdoptedTable.all(db, blob: row.id).contains(where: { $0.state == .inService }) {
                    standing.extent = .adopted
                } else {
                    standing.pins = try HoldsTable.pins(db, hash)
                }
                let isAbsent = standing.extent == .none
                return (
                    standing, try isAbsent && PartialsTable.size(db, hash) != nil,
                    isAbsent && row?.own == .damaged && row?.trashedAt == nil
                )
            }
        }
        for (at, hash) in hashes.enumerated() where found[at].isBegun || found[at].isDamaged {
            let partial = found[at].isBegun ? try await partial(hash) : try await beginRepair(hash)
            if let partial { found[at].standing.extent = .partial(heldBytes: await partial.heldBytes) }
        }
        return found.map(\.standing)
    }

    /// The room as it is now.
    public func storeRoom() async throws(BlobError) -> StoreRoom {
        let now = options.now()
        let free = try await threads.run { () throws(BlobError) in self.options.freeSpace(self.layout.home) }
        let reclaimable = try await index.read { try BlobsTable.reclaimable($0, now: now) }
        let budget = room.standing
        return StoreRoom(
            budget: budget.limit, keepFree: budget.keepFree, free: free, used: budget.used,
            unbacked: budget.unbacked, reclaimable: reclaimable)
    }
}
