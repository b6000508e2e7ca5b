import GRDB
import SystemPackage

/// A SQLite file of the store, opened so that a commit survives a power cut. Calls do not block the caller's thread and
/// are not broken off by cancellation.
struct BlobIndex: Sendable {
    let pool: DatabasePool
    let path: FilePath

    /// Opens the file, which is made when missing. Blocks.
    ///
    /// - Parameter pageBytes: size of a page of a new file.
    init(path: FilePath, migrations: DatabaseMigrator, pageBytes: Int = 4096) throws(BlobError) {
        self.path = path
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA page_size = \(pageBytes)")
            // Deleted rows are overwritten: what was purged is gone.
            try db.execute(sql: "PRAGMA secure_delete = ON")
        }
        configuration.busyMode = .timeout(5)
        do {
            pool = try DatabasePool(path: path.string, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                // After opening, because GRDB sets this back when it turns the write-ahead log on.
                try db.execute(sql: "PRAGMA synchronous = FULL")
                // 16 MiB of log before it is folded in, so that a run of group commits is one write each; of a file that was
                // there the pages may have another size.
                let pageBytes = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? pageBytes
                try db.execute(sql: "PRAGMA wal_autocheckpoint = \((16 << 20) / pageBytes)")
            }
            try migrations.migrate(pool)
        } catch {
            throw Self.failure(error, path)
        }
    }

    /// One read transaction.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(BlobError) -> Value {
        let result: Result<Value, BlobError> = await withCheckedContinuation { continuation in
            pool.asyncRead { db in
                continuation.resume(returning: self.mapped { try body(db.get()) })
            }
        }
        return try result.get()
    }

    /// One write transaction, rolled back when `body` throws. Writers run one after another, which is why the store's
    /// renames and unlinks are done in here: no second lock is needed.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(BlobError) -> Value {
        let result: Result<Value, BlobError> = await withCheckedContinuation { continuation in
            pool.asyncWriteWithoutTransaction { db in
                continuation.resume(returning: self.mapped { try Self.transaction(db, body) })
            }
        }
        return try result.get()
    }

    /// `read` on this thread, which must be one that may block.
    func readBlocking<Value>(_ body: (Database) throws -> Value) throws(BlobError) -> Value {
        try mapped { try pool.read(body) }.get()
    }

    /// `write` on this thread, which must be one that may block.
    func writeBlocking<Value>(_ body: (Database) throws -> Value) throws(BlobError) -> Value {
        try mapped { try pool.writeWithoutTransaction { try Self.transaction($0, body) } }.get()
    }

    /// Has an observer see every transaction from now on. Blocks.
    func observe<Observer: TransactionObserver>(_ make: () -> Observer) {
        pool.writeWithoutTransaction { $0.add(transactionObserver: make(), extent: .databaseLifetime) }
    }

    private static func transaction<Value>(_ db: Database, _ body: (Database) throws -> Value) throws -> Value {
        var value: Value?
        try db.inTransaction(.immediate) {
            value = try body(db)
            return .commit
        }
        guard let value else { throw BlobError.database("the transaction gave no value") }
        return value
    }

    private func mapped<Value>(_ body: () throws -> Value) -> Result<Value, BlobError> {
        do {
            return .success(try body())
        } catch {
            return .failure(Self.failure(error, path))
        }
    }

    private static func failure(_ error: any Error, _ path: FilePath) -> BlobError {
        switch error {
        case let error as BlobError: return error
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL:
                return .diskFull(
                    needed: 0, available: StoreOptions.systemFreeSpace(path.removingLastComponent()) ?? 0)
            case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM: return .readOnly(path: path)
            default: return .database(error.description)
            }
        default: return .database(String(describing: error))
        }
    }
}
