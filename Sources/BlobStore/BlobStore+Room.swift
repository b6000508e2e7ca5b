public import Digests
import WaggleProtocol

extension BlobStore {
    /// Promises room on the disk and in the budget. When it is short, the trash is emptied early, oldest first, and then
    /// unpinned blobs are evicted, least recently used first, just as many as are needed.
    ///
    /// - Throws: `overBudget`, `diskFull`.
    func reserve(_ bytes: UInt64) async throws(BlobError) -> Reservation {
        while true {
            let free = try await freeSpace()
            switch room.reserve(bytes, free: free) {
            case .success(let reservation): return reservation
            case .failure(let shortage):
                guard try await reclaim(shortage.bytes) > 0 else { throw shortage.error }
            }
        }
    }

    /// Frees room after a refusal for a small blob; whether trying again makes sense.
    func makeRoom(for error: BlobError) async throws(BlobError) -> Bool {
        switch error {
        case .overBudget, .diskFull: try await reclaim(UInt64(Limits.Blob.smallBytes)) > 0
        default: false
        }
    }

    private func freeSpace() async throws(BlobError) -> UInt64? {
        try await threads.run { () throws(BlobError) in self.options.freeSpace(self.layout.home) }
    }

    /// Unlinks trash, then evictable blobs, until `bytes` are free; the bytes freed.
    private func reclaim(_ bytes: UInt64) async throws(BlobError) -> UInt64 {
        let now = options.now()
        // A request that cannot be met must not cost anyone their bytes.
        guard try await index.read({ try BlobsTable.reclaimable($0, now: now) }) >= bytes else { return 0 }
        let trash = try await index.read { try BlobsTable.totals($0).trash }
        let chosen = trash < bytes ? try await leastUsed(bytes - trash).evictable : []
        guard trash + chosen.reduce(0, { $0 + $1.size }) >= bytes else { return 0 }
        var freed = try await emptyTrash(before: .max, atMost: bytes).bytes
        if freed < bytes, try await !moveToTrash(chosen).isEmpty {
            freed += try await emptyTrash(before: .max, atMost: bytes - freed).bytes
        }
        return freed
    }

    /// What one eviction did, or would do.
    public struct Eviction: Hashable, Sendable {
        /// Blobs moved to the trash; they can be restored for 24 hours.
        public var trashed: [Hash32] = []
        /// Blobs whose 24 hours were over and whose bytes are gone.
        public var unlinked: [Hash32] = []
        /// Downloads given up: untouched for 24 hours, not pinned and not leased.
        public var abandoned: [Hash32] = []
        /// Blobs that would have gone, and stay because nobody else is known to have them.
        public var lastCopies: [Hash32] = []
        /// Bytes of each of the four.
        public var trashedBytes: UInt64 = 0
        public var unlinkedBytes: UInt64 = 0
        public var abandonedBytes: UInt64 = 0
        public var lastCopyBytes: UInt64 = 0
    }

    /// Evicts, to be called now and then: unlinks what was 24 hours in the trash; when own blobs and downloads take more
    /// than 90 % of the budget, gives up downloads nothing holds and moves unpinned, unleased blobs to the trash, least
    /// recently used first, until they take 80 %. Adopted files are never touched, and neither are last known copies.
    ///
    /// - Parameters:
    ///   - lastCopies: evicts those too.
    ///   - isDryRun: changes nothing and says what would be done.
    public func evict(lastCopies: Bool = false, isDryRun: Bool = false) async throws(BlobError) -> Eviction {
        var eviction = Eviction()
        let now = options.now()
        try await writeTouches()
        let expired = now - Limits.BlobStore.trashMilliseconds
        if isDryRun {
            let rows = try await index.read { try BlobsTable.trash($0, before: expired, limit: .max) }
            (eviction.unlinked, eviction.unlinkedBytes) = (rows.map(\.sha256), rows.reduce(0) { $0 + $1.size })
        } else {
            try await index.write { try HoldsTable.dropExpired($0, now: now) }
            (eviction.unlinked, eviction.unlinkedBytes) = try await emptyTrash(before: expired, atMost: .max)
        }
        var excess = room.excess
        guard excess > 0 else { return eviction }
        for (hash, size) in try await index.read({ try PartialsTable.abandonable($0, now: now) }) {
            if !isDryRun { try await abandonPartial(hash) }
            eviction.abandoned.append(hash)
            eviction.abandonedBytes += size
            excess -= min(excess, size)
        }
        guard excess > 0 else { return eviction }
        let chosen = try await leastUsed(excess, lastCopies: lastCopies)
        let trashed = isDryRun ? chosen.evictable : try await moveToTrash(chosen.evictable)
        (eviction.trashed, eviction.trashedBytes) = (trashed.map(\.sha256), trashed.reduce(0) { $0 + $1.size })
        eviction.lastCopies = chosen.lastCopies.map(\.sha256)
        eviction.lastCopyBytes = chosen.lastCopies.reduce(0) { $0 + $1.size }
        return eviction
    }

    /// Takes a blob out of the trash; false when it is not in it.
    public func restore(_ hash: Hash32) async throws(BlobError) -> Bool {
        try purges.check(hash)
        let row = try await index.read { try BlobsTable.find($0, hash) }
        guard row?.trashedAt != nil else { return false }
        return try await restoreIfHeld(hash)
    }

    private func emptyTrash(
        before time: Int64, atMost bytes: UInt64
    ) async throws(BlobError) -> (hashes: [Hash32], bytes: UInt64) {
        let removal = Removal(layout: layout, index: index, small: smallFile)
        let now = options.now()
        var hashes: [Hash32] = []
        var freed: UInt64 = 0
        while freed < bytes {
            let rows = try await index.read { try BlobsTable.trash($0, before: time, limit: 64) }
            var removed = false
            for row in rows where freed < bytes {
                let change = try await threads.run { () throws(BlobError) in
                    try removal.unlinkTrash(row.sha256, now: now)
                }
                options.onStep(.trashUnlinked)
                guard let change else { continue }
                room.count(change)
                hashes.append(row.sha256)
                freed += row.size
                removed = true
            }
            if !removed { break }
        }
        return (hashes, freed)
    }

    /// The least recently used blobs that nothing holds and that others have, as many as make up `bytes`; and those that
    /// were passed over because nobody else is known to have them.
    private func leastUsed(
        _ bytes: UInt64, lastCopies: Bool = false
    ) async throws(BlobError) -> (evictable: [BlobRow], lastCopies: [BlobRow]) {
        try await writeTouches()
        var chosen: (evictable: [BlobRow], lastCopies: [BlobRow]) = ([], [])
        var sum: UInt64 = 0
        var cursor: (usedAt: Int64, id: Int64) = (.min, 0)
        let now = options.now()
        while sum < bytes {
            let from = cursor
            let candidates = try await index.read { try BlobsTable.evictable($0, after: from, now: now, limit: 64) }
            guard let last = candidates.last else { break }
            cursor = (last.usedAt, last.row.id)
            let elsewhere = lastCopies ? [] : await options.heldElsewhere(candidates.map(\.row.sha256))
            for (row, _) in candidates where sum < bytes {
                if lastCopies || elsewhere.contains(row.sha256) {
                    chosen.evictable.append(row)
                    sum += row.size
                } else {
                    chosen.lastCopies.append(row)
                }
            }
        }
        return chosen
    }

    /// Moves blobs to the trash, one a transaction; those that moved. What was pinned or removed meanwhile does not.
    private func moveToTrash(_ rows: [BlobRow]) async throws(BlobError) -> [BlobRow] {
        let now = options.now()
        var moved: [BlobRow] = []
        for row in rows {
            let change = try await index.write { db -> RoomChange? in
                guard let current = try BlobsTable.find(db, row.sha256), current.own.takesRoom,
                    current.trashedAt == nil, try !BlobsTable.isHeld(db, row.sha256, now: now)
                else { return nil }
                try BlobsTable.setTrashed(db, current.id, at: now)
                return RoomChange(live: -Int64(row.size), trash: Int64(row.size))
            }
            options.onStep(.trashed)
            guard let change else { continue }
            room.count(change)
            moved.append(row)
        }
        return moved
    }
}
