public import Digests
import GRDB
import NIOCore
import NIOPosix
import SystemPackage
import WaggleProtocol

extension BlobStore {
    /// Begins to fetch a blob, or goes on with a download of it: the same object for every caller. The room is reserved on
    /// the disk and in the budget before the first byte. An own copy with bad units is taken as what is here already, so
    /// that only those are fetched.
    ///
    /// - Parameters:
    ///   - layer: the hashes of the 1 MiB units; may be empty for a blob of one unit.
    /// - Throws: `rootMismatch` when the layer does not belong to the root, `conflict` when a download with another size
    ///   or root is under way, `alreadyHeld`, `purged`, `tooLarge`, `overBudget`, `diskFull`, `readOnly`, `database`.
    public func beginPartial(
        sha256: Hash32, size: UInt64, piecesRoot: Hash32, layer: [Hash32]
    ) async throws(BlobError) -> PartialBlob {
        try purges.check(sha256)
        guard size <= Limits.Blob.bytes else { throw .tooLarge(bytes: size, limit: Limits.Blob.bytes) }
        let layer = layer.isEmpty ? [piecesRoot] : layer
        guard MerkleTree.root(layer: layer, size: size) == piecesRoot else { throw .rootMismatch(sha256) }
        let row = PartialRow(
            sha256: sha256, size: size, piecesRoot: piecesRoot, layer: layer, units: UnitSet(capacity: layer.count),
            front: OrderedHasher())
        let found = try await sessions.find(sha256) { () async throws(BlobError) -> PartialBlob? in
            if try await self.restoreIfHeld(sha256) { throw .alreadyHeld(sha256) }
            if let kept = try await self.keptPartial(sha256) { return kept }
            return try await self.newPartial(row)
        }
        guard let session = found else { throw .notFound(sha256) }
        guard session.size == size, session.piecesRoot == piecesRoot else { throw .conflict(sha256) }
        return session
    }

    /// The download of a blob that was begun before, be it before a restart; nil when there is none.
    public func partial(_ hash: Hash32) async throws(BlobError) -> PartialBlob? {
        try purges.check(hash)
        return try await sessions.find(hash) { () async throws(BlobError) -> PartialBlob? in
            try await self.keptPartial(hash)
        }
    }

    /// Makes an own copy with bad units a download that lacks only those, so that the good ones are served on and the bad
    /// ones are fetched; nil when there is no such copy.
    ///
    /// - Parameter good: the units that are known to be right; the others are looked at.
    public func beginRepair(_ hash: Hash32, good: UnitSet? = nil) async throws(BlobError) -> PartialBlob? {
        try purges.check(hash)
        return try await sessions.find(hash) { () async throws(BlobError) -> PartialBlob? in
            if let kept = try await self.keptPartial(hash) { return kept }
            let known = try await self.index.read { db -> PartialRow? in
                guard let blob = try BlobsTable.find(db, hash), blob.own == .damaged, blob.trashedAt == nil else {
                    return nil
                }
                let layer = try BlobsTable.layer(db, blob)
                return PartialRow(
                    sha256: hash, size: blob.size, piecesRoot: blob.piecesRoot, layer: layer,
                    units: good ?? UnitSet(capacity: layer.count), front: OrderedHasher())
            }
            guard let known else { return nil }
            return try await self.repair(known)
        }
    }

    /// The names of all downloads that were begun and not ended, oldest first.
    public func partials() async throws(BlobError) -> [Hash32] {
        try await index.read { try PartialsTable.all($0).map(\.hash) }
    }

    /// Gives up a download, open or not.
    func abandonPartial(_ hash: Hash32) async throws(BlobError) {
        if let session = await sessions.find(hash) { return try await session.abandon() }
        let size = try await index.read { try PartialsTable.size($0, hash) }
        guard let size else { return }
        try await discardPartial(hash)
        room.releaseDormant(size)
    }

    private func newPartial(_ row: PartialRow) async throws(BlobError) -> PartialBlob {
        let path = layout.part(row.sha256)
        if let session = try await repair(row) { return session }
        let reservation = try await reserve(row.size)
        let file = try await threads.run { () throws(BlobError) in
            try Files.remove(path)
            let file = try OpenFile(writing: path, creating: true, pastCache: true)
            do throws(BlobError) {
                if try file.reserve(row.size) { reservation.markBacked() }
                try Files.synchronizeDirectory(self.layout.partial)
            } catch {
                try? Files.remove(path)
                throw error
            }
            return file
        }
        do throws(BlobError) {
            try await index.write { db in
                try self.purges.check(row.sha256)
                try PartialsTable.insert(db, row, now: self.options.now())
            }
        } catch {
            try? await threads.run { () throws(BlobError) in try Files.remove(path) }
            throw error
        }
        return PartialBlob(store: self, file: file, reservation: reservation, row: row)
    }

    /// Opens a download that is in the index: units written down count, and others that are in the file are verified.
    private func keptPartial(_ hash: Hash32) async throws(BlobError) -> PartialBlob? {
        guard var row = try await index.read({ try PartialsTable.find($0, hash) }) else { return nil }
        let path = layout.part(hash)
        let opened = await threads.result { () throws(BlobError) in
            // A commit that was broken off may have left it read-only.
            try? Files.makeWritable(path)
            return try OpenFile(writing: path, creating: false, pastCache: true)
        }
        if case .failure(.noFile) = opened {
            try await discardPartial(hash)
            room.releaseDormant(row.size)
            return nil
        }
        let file = try opened.get()
        row.units = try await verifiedUnits(file, row)
        let reservation = room.adoptReservation(row.size)
        return PartialBlob(store: self, file: file, reservation: reservation, row: row)
    }

    /// Makes an own copy with bad units a download that lacks only those; nil when there is no such copy.
    private func repair(_ row: PartialRow) async throws(BlobError) -> PartialBlob? {
        let source = layout.file(row.sha256)
        let target = layout.part(row.sha256)
        let moved = try await index.write { db -> Bool in
            guard let blob = try BlobsTable.find(db, row.sha256), blob.own == .damaged,
                blob.piecesRoot == row.piecesRoot, blob.size == row.size, Files.identity(source) != nil
            else { return false }
            try Files.makeWritable(source)
            try Files.move(source, to: target)
            try Files.synchronizeDirectory(self.layout.partial)
            try BlobsTable.setOwn(db, blob.id, .none)
            try PartialsTable.insert(db, row, now: self.options.now())
            return true
        }
        guard moved else { return nil }
        room.count(RoomChange(live: -Int64(row.size)))
        room.reserveDormant(row.size)
        return try await keptPartial(row.sha256)
    }

    /// The units that are written down, and of the others those whose bytes are in the file and right.
    private func verifiedUnits(_ file: OpenFile, _ row: PartialRow) async throws(BlobError) -> UnitSet {
        var units = row.units
        for run in row.units.missing {
            for start in stride(from: run.lowerBound, to: run.upperBound, by: 64) {
                let part = start..<min(start + 64, run.upperBound)
                let good = try await threads.run { () throws(BlobError) in
                    try UnitScan(file: file, size: row.size, layer: row.layer).goodUnits(part)
                }
                for unit in good { units.insert(unit) }
            }
        }
        return units
    }

    /// Removes what is left of a download.
    func discardPartial(_ hash: Hash32) async throws(BlobError) {
        let path = layout.part(hash)
        try await index.write { db in
            try PartialsTable.remove(db, hash)
            try Files.remove(path)
        }
    }

    /// Makes a complete, hashed download a blob; the order is that of `commit` for a copy.
    func complete(
        _ file: OpenFile, _ digests: FileDigests, _ reservation: Reservation
    ) async throws(BlobError) -> BlobFacts {
        if digests.size <= UInt64(Limits.Blob.smallBytes) {
            let bytes = try await threads.run { () throws(BlobError) in try file.bytes(0..<digests.size) }
            let facts = try await add(bytes: bytes.readableBytesView)
            try await discardPartial(digests.sha256)
            reservation.release()
            return facts
        }
        try await threads.run { () throws(BlobError) in
            try file.synchronizeData()
            try file.makeReadOnly()
        }
        options.onStep(.dataSynced)
        let change: RoomChange
        do throws(BlobError) {
            change = try await index.write { db in
                let change = try self.place(file.path, digests, in: db)
                try PartialsTable.remove(db, digests.sha256)
                return change
            }
        } catch {
            try? await takeBack(digests.sha256) { (target) throws(BlobError) in
                try Files.move(target, to: file.path)
            }
            throw error
        }
        room.settle([reservation], change)
        options.onStep(.indexed)
        // Only there when the blob had come another way meanwhile.
        try? await threads.run { () throws(BlobError) in try Files.remove(file.path) }
        return facts(digests, .file(layout.file(digests.sha256)))
    }
}
