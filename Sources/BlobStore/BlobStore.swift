import Digests
import GRDB
public import NIOPosix
import Synchronization
public import SystemPackage
import WaggleProtocol

/// The one way to the bytes of a blob: content-addressed, verified before they are kept, durable before they are
/// acknowledged.
///
/// Own bytes lie in `blobs/` (a file each, or rows of one SQLite file up to 64 KiB), downloads under way in `partial/`,
/// and other programs' files are *adopted*: indexed where they lie and never touched, but for `linkDuplicates`, which a
/// person asks for. One process opens a store at a
/// time; the node's home lock sees to that.
///
/// ## Topics
/// - Taking in: `add(bytes:)`, `add(copying:)`, `adopt(path:)`, `beginPartial(...)`
/// - Reading: `open(_:)`, `facts(_:)`, `presence(_:)`, `unitHashes(_:)`
/// - Keeping: `pin`, `lease`, `evict`, `verify`
/// - Taking down: `purge`
public final class BlobStore: Sendable {
    let layout: Layout
    let options: StoreOptions
    let threads: NIOThreadPool
    let index: BlobIndex
    let smallFile: BlobIndex
    let small: SmallBlobs
    let purges: PurgeLog
    let names = NamesRevision()
    let room: RoomAccount
    let sessions: PartialSessions
    /// Who reads a blob for its piece hashes.
    let pieceTurns = Turns(waiting: Limits.BlobStore.waitingForPieces)
    let libraryWork = LibraryWork()
    let demand = Demand()
    /// Who changes names in library folders.
    let linkTurns = Turns(waiting: .max)
    /// When blobs were last opened, written down in lots.
    let touches = Mutex<[Hash32: Int64]>([:])
    /// What opening the store found and put right.
    public let recovery: RecoveryReport

    /// Opens the store under a home directory, which is made when missing, and puts right what a crash left behind.
    ///
    /// - Parameters:
    ///   - home: the node's home directory.
    ///   - threads: where blocking work runs; it must outlive the store.
    /// - Throws: `separateFileSystems`, `readOnly`, `diskFull`, `database`.
    public static func open(
        home: FilePath, options: StoreOptions = StoreOptions(), threads: NIOThreadPool = .singleton
    ) async throws(BlobError) -> BlobStore {
        try await threads.run { () throws(BlobError) in
            try BlobStore(layout: Layout(home: home.absolute), options: options, threads: threads)
        }
    }

    private init(layout: Layout, options: StoreOptions, threads: NIOThreadPool) throws(BlobError) {
        self.layout = layout
        self.options = options
        self.threads = threads
        try Recovery.makeDirectories(layout)
        purges = try PurgeLog(path: layout.purgeLog)
        index = try BlobIndex(path: layout.index, migrations: Schema.index)
        // Rows of all sizes up to 64 KiB leave 8 % of such pages unused. A row of 10 KiB would have a page of 16 KiB to
        // itself, which the log and the file write in full; smaller pages than these want a call each for little less.
        smallFile = try BlobIndex(path: layout.small, migrations: Schema.small, pageBytes: 8 << 10)
        let found = try Recovery(layout: layout, index: index, small: smallFile, purges: purges).run()
        recovery = found.report
        names.follow(index)
        room = RoomAccount(
            Budget(limit: options.budget, keepFree: options.keepFree, live: found.live, trash: found.trash))
        small = SmallBlobs(
            store: smallFile, index: index, purges: purges, room: room, threads: threads, options: options)
        sessions = PartialSessions()
        for size in found.partialSizes {
            // What was begun keeps its promise, be it over a budget that was lowered since.
            room.reserveDormant(size)
        }
    }

    /// Writes down what is only in memory (units of partial blobs, times of use) and closes the files. Readers that are
    /// open stay readable.
    public func close() async throws(BlobError) {
        for session in await sessions.closeAll() { try await session.shut() }
        try await writeTouches()
        try await threads.run { () throws(BlobError) in
            do {
                try self.index.pool.close()
                try self.smallFile.pool.close()
            } catch {
                throw .database(String(describing: error))
            }
        }
    }

    /// Other bounds from now on: what is here or promised stays until an eviction.
    ///
    /// - Parameters:
    ///   - budget: bytes; nil for no limit.
    ///   - keepFree: bytes of the disk left to others.
    public func setRoom(budget: UInt64?, keepFree: UInt64) {
        room.setBounds(limit: budget, keepFree: keepFree)
    }

    /// Totals for an overview.
    public func totals() async throws(BlobError) -> StoreTotals {
        let reserved = room.reserved
        return try await index.read { db in
            let own = try BlobsTable.totals(db)
            let adopted = try AdoptedTable.totals(db)
            return StoreTotals(
                blobs: own.blobs, bytes: own.bytes, trashBytes: own.trash, reservedBytes: reserved,
                adoptedFiles: adopted.files, adoptedBytes: adopted.bytes, partials: try PartialsTable.all(db).count)
        }
    }

    /// Remembers that blobs were used.
    func touch(_ hashes: some Sequence<Hash32>) async {
        let now = options.now()
        let count = touches.withLock { times in
            for hash in hashes { times[hash] = now }
            return times.count
        }
        // Times of use only order evictions; losing some is no failure.
        if count >= Limits.BlobStore.heldTouches { try? await writeTouches() }
    }

    func writeTouches() async throws(BlobError) {
        let times = touches.withLock { times in
            defer { times.removeAll() }
            return times
        }
        guard !times.isEmpty else { return }
        try await index.write { db in
            for (hash, time) in times { try BlobsTable.touch(db, hash, at: time) }
        }
    }
}
