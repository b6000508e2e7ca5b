import Digests
import FoundationEssentials
import GRDB
import Glibc
import Moderation
import PostLog
import Synchronization

/// A catalog that is built from a long log, in a file of its own beside the one that answers meanwhile.
///
/// The file is nothing until it is whole, so nothing is kept to undo it on the disk, and nothing is synced before; the
/// rows of posts are written in the order of the log, and what is told from several of them is told once, at the end. A process that is
/// killed leaves a file that the next one deletes.
final class Filling: Sendable {
    typealias Change = @Sendable (Projection) throws -> Void

    let path: String
    private let queue: DatabaseQueue
    private let state: Mutex<State>

    private struct State {
        var appliedSeq: UInt64 = 0
        var known = KnownRows()
        var filled = FilledRows()
        /// What was said of this node meanwhile; applied to the whole catalog.
        var changes: [Change] = []
    }

    init(path: String) throws {
        self.path = path
        Self.remove(path)
        var configuration = Configuration()
        configuration.label = "catalog filling"
        // One transaction over all batches: pages are written when memory is full, and at the end. Rows are sorted in
        // files, because SQLite sorts on a second thread only then.
        configuration.allowsUnsafeTransactions = true
        configuration.prepareDatabase { database in
            try database.execute(
                sql: """
                    PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
                    PRAGMA temp_store = FILE; PRAGMA cache_size = -\(Self.pageMemory >> 10); PRAGMA threads = 2
                    """)
        }
        queue = try DatabaseQueue(path: path, configuration: configuration)
        state = Mutex(State())
    }

    /// Bytes of pages that are kept in memory: a sixteenth of the machine's, and no more than a GiB. What does not fit
    /// is written and read again, some of it often.
    static let pageMemory = min(1 << 30, sysconf(CInt(_SC_PHYS_PAGES)) * sysconf(CInt(_SC_PAGESIZE)) / 16)

    /// What a process that was killed left.
    static func remove(_ path: String) {
        for suffix in ["", "-journal", "-wal", "-shm"] { unlink(path + suffix) }
    }

    var appliedSeq: UInt64 { state.withLock { $0.appliedSeq } }

    /// Remembers what was said of this node until the catalog is whole.
    func later(_ change: @escaping Change) {
        state.withLock { $0.changes.append(change) }
    }

    func takeChanges() -> [Change] {
        state.withLock { state in
            defer { state.changes = [] }
            return state.changes
        }
    }

    /// - Parameter start: makes the empty catalog; called by the first batch.
    func apply(
        _ prepared: PreparedEntries, hidden: Set<ModerationSubject>, levels: LevelRules,
        start: @escaping @Sendable (Database) throws -> Void
    ) async throws {
        try await queue.writeWithoutTransaction { [self] database in
            if !database.isInsideTransaction {
                try database.execute(sql: "BEGIN")
                try start(database)
            }
            // Taken out, so that there is one owner and nothing is copied.
            var state = self.state.withLock { state in
                defer { (state.known, state.filled) = (KnownRows(), FilledRows()) }
                return state
            }
            let projection = Projection(
                database, allotment: prepared.allotment, hidden: hidden, levels: levels, known: state.known,
                isFilling: true)
            (projection.filled, state.known, state.filled) = (state.filled, KnownRows(), FilledRows())
            for (entry, bodies) in zip(prepared.entries, prepared.bodies) where entry.seq > state.appliedSeq {
                try projection.apply(entry, bodies)
                state.appliedSeq = entry.seq
            }
            try projection.finish()
            self.state.withLock {
                $0.appliedSeq = state.appliedSeq
                $0.known = projection.known
                $0.filled = projection.filled
            }
        }
    }

    /// Makes the file whole: on disk when this returns, and closed.
    /// - Parameter nextNumber: one more than the highest number that was ever given out.
    func finish(hidden: Set<ModerationSubject>, levels: LevelRules, nextNumber: Int64) async throws {
        try await queue.writeWithoutTransaction { [self] database in
            let state = self.state.withLock { state in
                defer { (state.known, state.filled) = (KnownRows(), FilledRows()) }
                return state
            }
            let projection = Projection(
                database, hidden: hidden, levels: levels, known: state.known, isFilling: true)
            projection.filled = state.filled
            try projection.endFilling()
            try CatalogSchema.save(.init(appliedSeq: state.appliedSeq, nextNumber: nextNumber), database)
            try database.execute(sql: "COMMIT")
            try sync()
        }
        try queue.close()
    }

    private func sync() throws {
        let file = open(path, O_RDWR)
        guard file >= 0, fsync(file) == 0, close(file) == 0 else {
            throw CatalogError.database(path: path, reason: String(cString: strerror(errno)))
        }
    }
}
