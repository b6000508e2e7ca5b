import Digests
import FoundationEssentials
import GRDB
import SystemPackage

/// Takes own copies off the disk, in the index's transactions, so that no other writer is between. All calls block.
struct Removal: Sendable {
    let layout: Layout
    let index: BlobIndex
    let small: BlobIndex

    /// Unlinks a blob of the trash and forgets it; nil when it was restored or pinned meanwhile.
    func unlinkTrash(_ hash: Hash32, now: Int64) throws(BlobError) -> RoomChange? {
        let removed = try index.writeBlocking { db -> BlobRow? in
            guard let row = try BlobsTable.find(db, hash), row.trashedAt != nil,
                try !BlobsTable.isHeld(db, hash, now: now)
            else { return nil }
            // In here, so that nobody who adds the blob again finds its row gone and its bytes still there, or the other way.
            if row.own == .small {
                try SmallBlobs.erase(hash, from: self.small)
            } else {
                try Files.remove(self.layout.file(hash))
            }
            try BlobsTable.forget(db, row.id)
            return row
        }
        guard let removed else { return nil }
        var change = RoomChange()
        change.removed(removed)
        return change
    }

    /// Whether anything of the blob is left that a purge must remove.
    func isNamed(_ hash: Hash32) throws(BlobError) -> Bool {
        if Files.identity(layout.file(hash)) != nil || Files.identity(layout.part(hash)) != nil { return true }
        if try small.readBlocking({ try SmallBlobs.isThere($0, hash) }) { return true }
        return try index.readBlocking { db in
            if try PartialsTable.progress(db, hash) != nil { return true }
            guard let row = try BlobsTable.find(db, hash) else { return false }
            return try row.own != .none || AdoptedTable.all(db, blob: row.id).contains { $0.state != .purged }
        }
    }

    /// Removes every own copy, whole or partial, and takes adopted files out of service; their paths.
    func purge(_ hash: Hash32) throws(BlobError) -> (change: RoomChange, adopted: [FilePath]) {
        let result = try index.writeBlocking { db -> (change: RoomChange, adopted: [FilePath]) in
            var change = RoomChange()
            var adopted: [FilePath] = []
            if let row = try BlobsTable.find(db, hash) {
                if row.own.takesRoom { change.removed(row) }
                for file in try AdoptedTable.all(db, blob: row.id) {
                    try AdoptedTable.setState(db, file.id, .purged)
                    adopted.append(file.path)
                }
                try BlobsTable.forget(db, row.id)
            }
            try PartialsTable.remove(db, hash)
            try SmallBlobs.erase(hash, from: self.small)
            try Files.remove(self.layout.file(hash))
            try Files.remove(self.layout.part(hash))
            return (change, adopted)
        }
        do {
            // The write-ahead log would keep the bytes until its next turn.
            try small.pool.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
        } catch {
            throw .database(String(describing: error))
        }
        return result
    }
}
