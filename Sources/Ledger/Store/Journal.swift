import Dispatch
import GRDB
import GRDBSQLite
import Synchronization

/// When the pages of a journal are to be brought into the database file. A value; whoever commits says how long it is.
struct JournalLength: Sendable {
    /// Pages at which it is time.
    private let limit: Int
    /// What the last commit made of it.
    private(set) var pages = 0
    private var due: Int
    private var isCopying = false

    init(limit: Int) {
        self.limit = limit
        due = limit
    }

    /// - Returns: whether copying is to begin now. It goes on until `ended`.
    mutating func committed(pages: Int) -> Bool {
        self.pages = pages
        guard pages >= due, !isCopying else { return false }
        isCopying = true
        return true
    }

    /// - Parameter left: pages that could not be copied, because somebody reads what was before them. Without any, the next
    ///   commit begins the journal anew.
    mutating func ended(left: Int) {
        isCopying = false
        due = left == 0 ? limit : pages + limit
    }
}

/// Brings the pages of the ledger's journal into the database file beside the writer.
///
/// SQLite would do it within the commit that makes the journal long, and whoever waits for that commit, or comes after it,
/// would wait until thousands of pages are copied and synced. Here a connection of its own copies and syncs them while
/// orders go on. What was committed meanwhile is little, and the writer copies it between two transactions: only when
/// everything is in the file does SQLite begin the journal anew.
final class Journal: Sendable {
    /// 64 MiB: pages that change often are copied once for many changes.
    static let pages = 16_000
    /// So few pages may be left to the writer.
    private static let rest = 400
    /// A writer that is as fast as the copying is not caught up with in any number of rounds.
    private static let rounds = 4

    private struct State {
        var length: JournalLength
        weak var pool: DatabasePool?
        /// Opened when it is needed for the first time.
        var copier: DatabaseQueue?
    }

    private let state: Mutex<State>

    /// - Parameter pages: at which copying begins.
    init(pages: Int = Journal.pages) {
        state = Mutex(State(length: JournalLength(limit: pages)))
    }

    /// Pages that it has since the last commit.
    var length: Int { state.withLock { $0.length.pages } }

    /// Looks at each commit of a connection, in place of SQLite, which would copy within it. The connection must not outlive
    /// this journal: its configuration keeps it.
    func watch(_ db: Database) {
        _ = sqlite3_wal_hook(
            db.sqliteConnection,
            { journal, _, _, pages in
                if let journal {
                    Unmanaged<Journal>.fromOpaque(journal).takeUnretainedValue().committed(Int(pages))
                }
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// - Parameter pool: whose writer is watched. Its configuration keeps this journal, so it is not kept here.
    func use(_ pool: DatabasePool) {
        state.withLock { $0.pool = pool }
    }

    /// Returns when copying that was under way has ended, but for the writer's part.
    func settle() async throws {
        try await state.withLock { $0.copier }?.writeWithoutTransaction { _ in }
    }

    private func committed(_ pages: Int) {
        guard state.withLock({ $0.length.committed(pages: pages) }) else { return }
        DispatchQueue.global().async { [self] in copy() }
    }

    private func copy() {
        // What cannot be copied stays in the journal and is as good there; it is tried again when that is longer.
        guard let pool = state.withLock({ $0.pool }), let copier = try? opened(pool) else {
            return state.withLock { $0.length.ended(left: 1) }
        }
        copier.asyncWriteWithoutTransaction { [self] db in
            for _ in 0..<Self.rounds {
                guard let copied = try? db.checkpoint(.passive).checkpointedFrameCount else { break }
                Self.sync(db)
                if state.withLock({ $0.length.pages }) - copied <= Self.rest { break }
            }
            pool.asyncWriteWithoutTransaction { [self] db in
                let left = (try? db.checkpoint(.passive)).map { $0.walFrameCount - $0.checkpointedFrameCount }
                state.withLock { $0.length.ended(left: left ?? 1) }
            }
        }
    }

    private func opened(_ pool: DatabasePool) throws -> DatabaseQueue {
        if let copier = state.withLock({ $0.copier }) { return copier }
        let copier = try DatabaseQueue(path: pool.path)
        state.withLock { $0.copier = copier }
        return copier
    }

    /// Syncs the database file. SQLite does so itself before it begins the journal anew, within the writer: it then finds
    /// little to do. Through SQLite's own descriptor: to close another one would end its locks (POSIX).
    private static func sync(_ db: Database) {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK,
            let file, let methods = file.pointee.pMethods
        else { return }
        _ = methods.pointee.xSync?(file, SQLITE_SYNC_NORMAL)
    }
}
