public import Digests
import FoundationEssentials
import GRDB
public import SystemPackage
import WaggleProtocol

extension BlobStore {
    /// Stores bytes in memory. Bytes that are held already are left as they are.
    ///
    /// - Throws: `purged`, `overBudget`, `diskFull`, `readOnly`, `database`.
    public func add(bytes: some Collection<UInt8> & Sendable) async throws(BlobError) -> BlobFacts {
        let bytes = Data(bytes)
        guard bytes.count <= Limits.Blob.smallBytes else { return try await addLarge(bytes) }
        return try await addSmall(HashedBytes(bytes))
    }

    /// Stores blobs whose digests were looked at already; small ones with as few commits as can be. One result each.
    public func add(_ blobs: [HashedBytes]) async -> [Result<BlobFacts, BlobError>] {
        noteDemand()
        let areRows = blobs.map {
            $0.bytes.count <= Limits.Blob.smallBytes && purges.record($0.digests.sha256) == nil
        }
        let rows = zip(blobs, areRows).filter(\.1).map(\.0)
        var areStored: [Bool] = []
        for start in stride(from: 0, to: rows.count, by: Limits.BlobStore.groupCommit) {
            let group = rows[start..<min(start + Limits.BlobStore.groupCommit, rows.count)]
            areStored += await small.add(Array(group)).map { if case .success = $0 { true } else { false } }
        }
        var results: [Result<BlobFacts, BlobError>] = []
        var stored = areStored.makeIterator()
        for (blob, isRow) in zip(blobs, areRows) {
            if isRow, stored.next() == true {
                results.append(.success(facts(blob.digests, .row)))
                continue
            }
            // By itself it makes room, or says what is wrong.
            do throws(BlobError) {
                results.append(.success(try await add(bytes: blob.bytes)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    private func addSmall(_ blob: HashedBytes) async throws(BlobError) -> BlobFacts {
        let digests = blob.digests
        try purges.check(digests.sha256)
        do throws(BlobError) {
            try await small.add(blob)
        } catch {
            guard try await makeRoom(for: error) else { throw error }
            try await small.add(blob)
        }
        return facts(digests, .row)
    }

    /// Copies a file into the store, hashing and copying in one read. The file itself is only read. A file whose bytes
    /// are held already changes nothing.
    ///
    /// - Parameters:
    ///   - expected: refuse the file when it has another SHA-256; when that blob is held already, nothing is read.
    ///   - sink: gets the bytes from the same read.
    /// - Throws: `noFile`, `unreadable`, `growing`, `hashMismatch`, `purged`, `tooLarge`, `overBudget`, `diskFull`,
    ///   `readOnly`, `cancelled`, `database`.
    public func add(
        copying path: FilePath, expecting expected: Hash32? = nil,
        progress: @escaping BlobProgress = { _ in }, sink: BlobSink? = nil
    ) async throws(BlobError) -> BlobFacts {
        let path = path.absolute
        if let expected {
            try purges.check(expected)
            if try await restoreIfHeld(expected), let facts = try await facts(expected) { return facts }
        }
        let (source, before) = try await threads.run { () throws(BlobError) in
            let file = try OpenFile(reading: path)
            return (file, try file.identity())
        }
        guard before.size <= Limits.Blob.bytes else { throw .tooLarge(bytes: before.size, limit: Limits.Blob.bytes) }
        if before.size <= UInt64(Limits.Blob.smallBytes) {
            return try await addSmall(source, before, expecting: expected, sink: sink, progress: progress)
        }
        let reservation = try await reserve(before.size)
        let incoming = try await threads.run { () throws(BlobError) in
            try Incoming(path: self.layout.incoming(), reservation: reservation)
        }
        let digests = try await HashingPass(
            threads: threads, file: source, copy: incoming.file, sink: sink, progress: progress
        ).run()
        options.onStep(.copied)
        guard digests.size == before.size, try await unchanged(source, before) else { throw .growing(path: path) }
        if let expected, digests.sha256 != expected {
            throw .hashMismatch(expected: expected, actual: digests.sha256)
        }
        return try await commit(incoming, digests)
    }

    private func addSmall(
        _ source: OpenFile, _ before: FileIdentity, expecting expected: Hash32?, sink: BlobSink?,
        progress: BlobProgress
    ) async throws(BlobError) -> BlobFacts {
        let bytes = try await threads.run { () throws(BlobError) in
            let buffer = ChunkBuffer(byteCount: Int(before.size) + 1)
            let count = try buffer.fill(from: source, at: 0)
            let after = try source.identity()
            guard UInt64(count) == before.size, after == before else {
                throw .growing(path: source.path)
            }
            sink?(buffer.bytes(0..<count))
            return Data(buffer.bytes(0..<count))
        }
        if let expected {
            let actual = SHA256.hash(bytes)
            guard actual == expected else { throw .hashMismatch(expected: expected, actual: actual) }
        }
        progress(before.size)
        return try await add(bytes: bytes)
    }

    private func addLarge(_ bytes: Data) async throws(BlobError) -> BlobFacts {
        let digests = try await threads.run { () throws(BlobError) in
            bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        }
        try purges.check(digests.sha256)
        if try await restoreIfHeld(digests.sha256), let facts = try await facts(digests.sha256) { return facts }
        let reservation = try await reserve(digests.size)
        let incoming = try await threads.run { () throws(BlobError) in
            let incoming = try Incoming(path: self.layout.incoming(), reservation: reservation)
            try incoming.file.write(bytes)
            return incoming
        }
        options.onStep(.copied)
        return try await commit(incoming, digests)
    }

    /// Whether the file is as it was before it was read.
    func unchanged(_ file: OpenFile, _ before: FileIdentity) async throws(BlobError) -> Bool {
        try await threads.run { () throws(BlobError) in try file.identity() == before }
    }

    /// Makes a complete, hashed file a blob: data synced, renamed, directory synced, index committed, in this order.
    func commit(_ incoming: Incoming, _ digests: FileDigests) async throws(BlobError) -> BlobFacts {
        try purges.check(digests.sha256)
        try await threads.run { () throws(BlobError) in
            try incoming.file.synchronizeData()
            try incoming.file.makeReadOnly()
        }
        options.onStep(.dataSynced)
        let change: RoomChange
        do throws(BlobError) {
            change = try await index.write { try self.place(incoming.file.path, digests, in: $0) }
        } catch {
            // The index may have refused after the rename.
            try? await takeBack(digests.sha256) { (target) throws(BlobError) in try Files.remove(target) }
            throw error
        }
        room.settle([incoming.reservation], change)
        options.onStep(.indexed)
        return facts(digests, .file(layout.file(digests.sha256)))
    }

    /// Inside the index's transaction: moves a complete file to its name and writes its row. When the blob is held
    /// already, the file is left for its owner to remove.
    func place(_ file: FilePath, _ digests: FileDigests, in db: Database) throws -> RoomChange {
        try purges.check(digests.sha256)
        var change = RoomChange()
        let row = try BlobsTable.find(db, digests.sha256)
        if let row, row.own == .file || row.own == .small {
            if row.trashedAt != nil { change.restored(row.size) }
            try BlobsTable.put(db, digests, own: row.own, now: options.now())
            return change
        }
        let target = layout.file(digests.sha256)
        try Files.makeDirectory(target.removingLastComponent())
        try Files.move(file, to: target)
        options.onStep(.renamed)
        try Files.synchronizeDirectory(target.removingLastComponent())
        let id = try BlobsTable.put(db, digests, own: .file, now: options.now())
        try ChecksTable.putVerified(
            db, blob: id, modified: Files.identity(target)?.modified, at: options.now())
        if row?.own != .damaged { change.live += Int64(digests.size) }
        return change
    }

    /// Undoes `place` when its transaction failed, unless the index names the file after all.
    func takeBack(
        _ hash: Hash32, _ undo: @escaping @Sendable (FilePath) throws(BlobError) -> Void
    ) async throws(BlobError) {
        let target = layout.file(hash)
        try await index.write { db in
            let row = try BlobsTable.find(db, hash)
            if row?.own != .file, Files.identity(target) != nil { try undo(target) }
        }
    }

    /// True when the blob is in service here; one in the trash is taken out of it first.
    func restoreIfHeld(_ hash: Hash32) async throws(BlobError) -> Bool {
        let now = options.now()
        let result = try await index.write { db -> (held: Bool, change: RoomChange) in
            var change = RoomChange()
            guard try HeldCheck.isHeld(db, hash), let row = try BlobsTable.find(db, hash) else {
                return (false, change)
            }
            if row.trashedAt != nil {
                try BlobsTable.setTrashed(db, row.id, at: nil)
                change.restored(row.size)
            }
            try BlobsTable.touch(db, hash, at: now)
            return (true, change)
        }
        room.count(result.change)
        return result.held
    }

    func facts(_ digests: FileDigests, _ place: BlobFacts.Place) -> BlobFacts {
        BlobFacts(
            sha256: digests.sha256, size: digests.size, piecesRoot: digests.piecesRoot, crc32: digests.crc32,
            autoV1: digests.autoV1, place: place)
    }
}

/// A file under way into the store. Whatever is left under its name goes when it is let go of.
final class Incoming: Sendable {
    let file: OpenFile
    let reservation: Reservation

    init(path: FilePath, reservation: Reservation) throws(BlobError) {
        self.reservation = reservation
        file = try OpenFile(writing: path, creating: true)
        if try file.reserve(reservation.bytes) { reservation.markBacked() }
    }

    deinit {
        // Renamed files are no longer there, and a leftover is removed at the next start.
        try? Files.remove(file.path)
    }
}
