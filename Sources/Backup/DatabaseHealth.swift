import GRDB
public import SystemPackage

/// What can be told of a database file without its module: whether its pages are sound, and how many migrations it has seen.
public enum DatabaseHealth {
    /// How a database is.
    public struct Findings: Sendable, Hashable {
        /// Why it cannot be used; nil when it can.
        public let trouble: String?
        /// Migrations that were applied; 0 where it keeps no such list.
        public let migrations: Int
    }

    /// Opens a database beside whoever uses it, and changes nothing.
    ///
    /// - Parameter readsAll: checks every page (SQLite's `quick_check`), which takes as long as reading the file.
    public static func examine(_ path: FilePath, readsAll: Bool) -> Findings {
        var reading = Configuration()
        reading.readonly = true
        reading.busyMode = .timeout(5)
        do {
            let queue = try DatabaseQueue(path: path.string, configuration: reading)
            defer { try? queue.close() }
            return try queue.read { db in
                let found = readsAll ? try String.fetchOne(db, sql: "PRAGMA quick_check(1)") : "ok"
                let migrations =
                    try db.tableExists("grdb_migrations")
                    ? Int.fetchOne(db, sql: "SELECT COUNT(*) FROM grdb_migrations") ?? 0 : 0
                // Modules that count by themselves use the number that SQLite keeps for them.
                let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                return Findings(
                    trouble: found == "ok" ? nil : found ?? "no answer", migrations: max(migrations, version))
            }
        } catch {
            return Findings(trouble: "\(error)", migrations: 0)
        }
    }

    /// Version of the library.
    public static var libraryVersion: String? {
        try? DatabaseQueue().read { try String.fetchOne($0, sql: "SELECT sqlite_version()") }
    }
}
