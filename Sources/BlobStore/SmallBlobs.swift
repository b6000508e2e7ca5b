import Digests
import FoundationEssentials
import GRDB
import NIOPosix
import Statements
import SystemPackage
import WaggleProtocol

/// Small blobs, as rows of `blobs/small.db`: a file each is what makes ten thousand images slow.
///
/// Commits are grouped without a timer. The first blob commits at once; those that arrive meanwhile wait, and go
/// together (at most 256) in the next commit, which the first of them carries out. So a lone blob never waits, and a
/// crowd shares two syncs.
actor SmallBlobs {
    private enum Turn: Sendable {
        case done([Result<Void, BlobError>])
        case lead
    }

    private struct Waiter {
        var blobs: [HashedBytes]
        var continuation: CheckedContinuation<Turn, Never>
    }

    private static let bytes = "SELECT bytes FROM small WHERE sha256 = ?"

    private let store: BlobIndex
    private let index: BlobIndex
    private let purges: PurgeLog
    private let room: RoomAccount
    private let threads: NIOThreadPool
    private let options: StoreOptions
    private var waiting: [Waiter] = []
    private var isCommitting = false

    init(
        store: BlobIndex, index: BlobIndex, purges: PurgeLog, room: RoomAccount, threads: NIOThreadPool,
        options: StoreOptions
    ) {
        self.store = store
        self.index = index
        self.purges = purges
        self.room = room
        self.threads = threads
        self.options = options
    }

    /// Stores a blob; durable when it returns. One that is held already is left as it is.
    func add(_ blob: HashedBytes) async throws(BlobError) {
        try await add([blob])[0].get()
    }

    /// The same for some blobs, a group of commits at most; one result each.
    func add(_ blobs: [HashedBytes]) async -> [Result<Void, BlobError>] {
        if isCommitting {
            let turn = await withCheckedContinuation { waiting.append(Waiter(blobs: blobs, continuation: $0)) }
            if case .done(let results) = turn { return results }
        }
        isCommitting = true
        var batch = blobs
        let company = waiting.prefix { waiter in
            guard batch.count + waiter.blobs.count <= Limits.BlobStore.groupCommit else { return false }
            batch += waiter.blobs
            return true
        }
        waiting.removeFirst(company.count)
        let results = await commit(batch)
        var start = blobs.count
        for waiter in company {
            let end = start + waiter.blobs.count
            waiter.continuation.resume(returning: .done(Array(results[start..<end])))
            start = end
        }
        if waiting.isEmpty {
            isCommitting = false
        } else {
            waiting.removeFirst().continuation.resume(returning: .lead)
        }
        return Array(results.prefix(blobs.count))
    }

    /// The bytes of a blob; nil when they are not here.
    func bytes(_ hash: Hash32) async throws(BlobError) -> Data? {
        try await store.read { db in
            try db.first(Self.bytes, hash) { $0.data(0) }
        }
    }

    /// The bytes of those blobs that are here.
    func bytes(_ hashes: [Hash32]) async throws(BlobError) -> [Hash32: Data] {
        guard !hashes.isEmpty else { return [:] }
        return try await store.read { db in
            var found: [Hash32: Data] = [:]
            for hash in hashes { found[hash] = try db.first(Self.bytes, hash) { $0.data(0) } }
            return found
        }
    }

    /// One result a blob.
    private func commit(_ batch: [HashedBytes]) async -> [Result<Void, BlobError>] {
        let work = { @Sendable () throws(BlobError) -> [Result<Void, BlobError>] in
            try Self.commit(
                batch, store: self.store, index: self.index, purges: self.purges, room: self.room,
                options: self.options)
        }
        switch await threads.result(work) {
        case .success(let results): return results
        case .failure(let error): return batch.map { _ in .failure(error) }
        }
    }

    /// First the bytes, then the index: a crash between leaves bytes that nothing names, never a name without bytes.
    ///
    /// A blob that was here already and is taken away between the two steps is stored in a second round.
    ///
    /// - Parameter isAgain: this is the second round.
    private static func commit(
        _ batch: [HashedBytes], store: BlobIndex, index: BlobIndex, purges: PurgeLog, room: RoomAccount,
        options: StoreOptions, isAgain: Bool = false
    ) throws(BlobError) -> [Result<Void, BlobError>] {
        let now = options.now()
        let known = try index.readBlocking { db in
            try batch.map { blob -> (isHeld: Bool, isRow: Bool) in
                guard let row = try BlobsTable.find(db, blob.digests.sha256) else { return (false, false) }
                return (try HeldCheck.isHeld(db, row), row.own == .small)
            }
        }
        var held = known.map(\.isHeld)
        let rows = known.indices.filter { known[$0].isHeld && known[$0].isRow }
        if !rows.isEmpty {
            // A row whose bytes a crash took is no blob.
            let empty = try store.readBlocking { db in
                try rows.filter { try !isThere(db, batch[$0].digests.sha256) }
            }
            for at in empty { held[at] = false }
        }
        options.onStep(.smallLooked)
        var free = options.freeSpace(store.path.removingLastComponent())
        var results: [Result<Void, BlobError>] = Array(repeating: .success(()), count: batch.count)
        var reservations: [Int: Reservation] = [:]
        for (at, blob) in batch.enumerated() where !held[at] {
            switch room.reserve(blob.digests.size, free: free) {
            case .success(let reservation):
                free = free.map { $0 - min($0, blob.digests.size) }
                reservation.markBacked()
                reservations[at] = reservation
            case .failure(let shortage): results[at] = .failure(shortage.error)
            }
        }
        try store.writeBlocking { db in
            for at in reservations.keys {
                try db.write(
                    "INSERT OR IGNORE INTO small (sha256, bytes) VALUES (?, ?)", batch[at].digests.sha256,
                    batch[at].bytes)
            }
        }
        options.onStep(.smallStored)
        var gone: [Int] = []
        let change = try index.writeBlocking { db in
            var change = RoomChange()
            gone = []
            for (at, blob) in batch.enumerated() {
                guard case .success = results[at] else { continue }
                if let record = purges.record(blob.digests.sha256) {
                    results[at] = .failure(.purged(record.sha256, reason: record.reason))
                } else if reservations[at] == nil, try !HeldCheck.isHeld(db, blob.digests.sha256) {
                    gone.append(at)
                } else {
                    try Self.index(db, blob.digests, stored: reservations[at] != nil, now: now, &change)
                }
            }
            return change
        }
        room.settle(reservations.values, change)
        options.onStep(.smallIndexed)
        for (at, blob) in batch.enumerated() where purges.record(blob.digests.sha256) != nil && reservations[at] != nil
        {
            try Self.erase(blob.digests.sha256, from: store)
        }
        guard !gone.isEmpty else { return results }
        guard !isAgain else {
            for at in gone { results[at] = .failure(.database("the blob was taken away twice while it was added")) }
            return results
        }
        let second = try commit(
            gone.map { batch[$0] }, store: store, index: index, purges: purges, room: room, options: options,
            isAgain: true)
        for (at, result) in zip(gone, second) { results[at] = result }
        return results
    }

    /// Names a stored blob, or marks one that is held as used.
    private static func index(
        _ db: Database, _ digests: FileDigests, stored: Bool, now: Int64, _ change: inout RoomChange
    ) throws {
        let row = try BlobsTable.find(db, digests.sha256)
        if let row, row.own == .file || row.own == .small {
            if row.trashedAt != nil {
                try BlobsTable.setTrashed(db, row.id, at: nil)
                change.restored(row.size)
            }
            try BlobsTable.touch(db, digests.sha256, at: now)
        } else if stored {
            if row?.own == .damaged { change.live -= Int64(digests.size) }
            try BlobsTable.put(db, digests, own: .small, now: now)
            change.live += Int64(digests.size)
        }
    }

    /// Whether the bytes of a blob are in `small.db`.
    static func isThere(_ db: Database, _ hash: Hash32) throws -> Bool {
        try db.first("SELECT 1 FROM small WHERE sha256 = ?", hash) { _ in true } ?? false
    }

    /// Overwrites and forgets the bytes of a blob. In the index's transaction, when the index names it until then. Blocks.
    static func erase(_ hash: Hash32, from store: BlobIndex) throws(BlobError) {
        try store.writeBlocking { db in
            try db.change("DELETE FROM small WHERE sha256 = ?", [hash.data])
        }
    }
}

/// Whether the bytes of a blob are here, so that taking them in again is nothing to do.
enum HeldCheck {
    /// True for an own copy, be it in the trash, and for an adopted file that is as it was hashed. Blocks.
    static func isHeld(_ db: Database, _ hash: Hash32) throws -> Bool {
        guard let row = try BlobsTable.find(db, hash) else { return false }
        return try isHeld(db, row)
    }

    /// The same of a blob whose row was read already.
    static func isHeld(_ db: Database, _ row: BlobRow) throws -> Bool {
        if row.own == .file || row.own == .small { return true }
        return try AdoptedTable.all(db, blob: row.id).contains { adopted in
            adopted.state == .inService && Files.identity(adopted.path) == adopted.identity
        }
    }
}
