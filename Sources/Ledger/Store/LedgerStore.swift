public import Digests
public import FoundationEssentials
import GRDB
import Glibc
import WaggleProtocol

/// The ledger database of a node: `db/ledger.db`.
///
/// Anything reported as done survives the next instant: WAL with `synchronous = FULL`, one transaction for all requests that
/// wait (group commit).
public final class LedgerStore: Sendable {
    public let path: String
    let pool: DatabasePool
    private let journal: Journal

    public convenience init(path: String) throws(LedgerError) {
        try self.init(path: path, journal: Journal())
    }

    init(path: String, journal: Journal) throws(LedgerError) {
        (self.path, self.journal) = (path, journal)
        do {
            var configuration = Configuration()
            configuration.maximumReaderCount = 4
            configuration.prepareDatabase { db in
                try db.execute(
                    sql: """
                        PRAGMA temp_store = MEMORY;
                        PRAGMA cache_size = \(db.configuration.readonly ? -4_000 : -32_000)
                        """)
                if !db.configuration.readonly { journal.watch(db) }
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            journal.use(pool)
            // Not above: opening a pool sets NORMAL.
            try pool.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try LedgerTables.migrator.migrate(pool)
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    /// Room that is left where the database is.
    var freeBytes: UInt64 {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }

    /// Takes a charter in; known ones are known.
    public func add(_ charter: Charter) async throws(LedgerError) {
        try await write { db in
            try db.execute(
                sql: "INSERT OR IGNORE INTO currency (id, charter) VALUES (?, ?)",
                arguments: [charter.currency.data, charter.bytes])
        }
    }

    public func charters() async throws(LedgerError) -> [Charter] {
        try await read { db in
            try Data.fetchAll(db, sql: "SELECT charter FROM currency ORDER BY n").map { try Charter(bytes: $0) }
        }
    }

    /// The finals of a currency in the order in which they were applied here, from a position on.
    public func finals(of currency: Hash32, from position: UInt64, limit: Int) async throws(LedgerError) -> [Data] {
        try await read { db in
            try Self.rows(currency, db).finals(from: position, limit: limit).map(\.bytes)
        }
    }

    /// What is final in a slot.
    public func final(of currency: Hash32, slot: Hash32) async throws(LedgerError) -> Final? {
        try await read { db in try Self.rows(currency, db).final(slot) }
    }

    /// Brings all that is in the journal into the database file.
    public func checkpointFile() async throws(LedgerError) {
        do {
            try await journal.settle()
            try await pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    // MARK: Within a transaction

    static func rows(_ currency: Hash32, _ db: Database) throws -> CurrencyRows {
        let statement = try db.cachedStatement(sql: "SELECT n FROM currency WHERE id = ?")
        guard let n = try Int64.fetchOne(statement, arguments: [currency.data]) else {
            throw LedgerError.unknownCurrency(currency.hex)
        }
        return CurrencyRows(db: db, currency: n)
    }

    func read<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws(LedgerError)
        -> Result
    {
        do {
            return try await pool.read(body)
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    /// For threads that may wait.
    func readBlocking<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        do {
            return try pool.read(body)
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    /// For threads that may wait.
    func writeBlocking<Result>(_ body: (Database) throws -> Result) throws(LedgerError) -> Result {
        do {
            return try pool.write(body)
        } catch {
            throw LedgerError(error, path: path)
        }
    }

    func write<Result: Sendable>(_ body: @escaping @Sendable (Database) throws -> Result) async throws(LedgerError)
        -> Result
    {
        do {
            return try await pool.write(body)
        } catch {
            throw LedgerError(error, path: path)
        }
    }
}
