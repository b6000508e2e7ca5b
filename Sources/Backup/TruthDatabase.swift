import FoundationEssentials
import GRDB
import SystemPackage

/// The databases that cannot be computed from anything else, in the order in which they are copied: what a later one says
/// of an earlier one's rows is there by then. A database that is not in this list must be rebuildable.
public enum TruthDatabase: String, CaseIterable, Sendable {
    /// Where each peer's stream was read to. Before the posts, so that no cursor is ahead of them.
    case peers
    case posts
    case moderation
    /// Numbers in addresses, downloads, who is at home here.
    case local
    /// Pins and facts of blobs. After the posts: a blob is pinned before its post.
    case blobs
    /// People at home here. A home that was saved before there were any has none.
    case accounts
    /// What the operator decided, and who did what. A home that was saved before there was such a log has none.
    case admin
    /// Currencies: what became final, and orders under way.
    case ledger
    /// Terms of bounties that are decided here, when entries arrived, rewards that were counted.
    case economy
    /// Drawing jobs, with the holds that pay for them. After the ledger, which has the holds.
    case jobs

    public var fileName: String { rawValue + ".db" }

    /// Those that every home has had from the start; a home or a backup may lack the others.
    static let always: [TruthDatabase] = [.posts, .peers, .moderation, .local, .blobs]

    /// Files of `db/` that a restored node makes anew.
    public static let rebuildable: Set<String> = ["catalog.db"]

    /// Copies a database that others may be writing to: SQLite's backup of one snapshot, then compacted into one file
    /// without free pages, so that nothing deleted is in it.
    static func copy(from source: FilePath, to target: FilePath) throws(BackupError) {
        do {
            var reading = Configuration()
            reading.readonly = true
            reading.busyMode = .timeout(30)
            let from = try DatabasePool(path: source.string, configuration: reading)
            let to = try DatabaseQueue(path: target.string)
            try from.backup(to: to)
            try to.writeWithoutTransaction { db in
                _ = try String.fetchOne(db, sql: "PRAGMA journal_mode = DELETE")
                try db.execute(sql: "VACUUM")
            }
            try to.close()
            try from.close()
        } catch {
            throw Self.failure(error, source, target)
        }
    }

    /// Whether a file is a sound database.
    static func check(_ path: FilePath) throws(BackupError) {
        do {
            var reading = Configuration()
            reading.readonly = true
            let queue = try DatabaseQueue(path: path.string, configuration: reading)
            let found = try queue.read { db in try String.fetchOne(db, sql: "PRAGMA quick_check(1)") }
            try queue.close()
            guard found == "ok" else { throw BackupError.database(path: path.string, detail: found ?? "no answer") }
        } catch {
            throw Self.failure(error, path, path)
        }
    }

    private static func failure(_ error: any Error, _ source: FilePath, _ target: FilePath) -> BackupError {
        if let error = error as? BackupError { return error }
        if let error = error as? DatabaseError, error.resultCode == .SQLITE_FULL {
            return .diskFull(path: target.string)
        }
        return .database(path: source.string, detail: "\(error)")
    }
}
