import Digests
import FoundationEssentials
import GRDB

/// The table of purge rows in `moderation.db`: appended to, never changed.
struct PurgeStore: Sendable {
    private let path: String
    private let queue: DatabaseQueue

    init(path: String) throws(ModerationError) {
        self.path = path
        var configuration = Configuration()
        configuration.journalMode = .wal
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            // A decision that was reported as made must survive a power cut. After opening, because GRDB sets this back
            // when it turns the write-ahead log on.
            try queue.writeWithoutTransaction { db in try db.execute(sql: "PRAGMA synchronous = FULL") }
            try Self.migrator.migrate(queue)
        } catch {
            throw ModerationError(error, path: path)
        }
    }

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 purges") { database in
            try database.execute(
                sql: """
                    CREATE TABLE purges (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        kind INTEGER NOT NULL,
                        hash BLOB NOT NULL,
                        case_number TEXT NOT NULL,
                        reason TEXT NOT NULL,
                        decided_by TEXT NOT NULL,
                        decided_at INTEGER NOT NULL,
                        UNIQUE (hash, kind)
                    );
                    """)
        }
        migrator.registerMigration("2 blocks") { database in try BlockTable.create(database) }
        migrator.registerMigration("3 lists") { database in try ListTables.create(database) }
        migrator.registerMigration("4 cases") { database in try CaseTables.create(database) }
        migrator.registerMigration("5 scans") { database in try ScanTable.create(database) }
        migrator.registerMigration("6 accepted reports") { database in try AcceptedReportTable.create(database) }
        migrator.registerMigration("7 levels") { database in try LevelTables.create(database) }
        migrator.registerMigration("8 appeals") { database in try AppealTable.create(database) }
        migrator.registerMigration("9 judged versions") { database in try LevelTables.addVersions(database) }
        migrator.registerMigration("10 places of reviews") { database in try LevelTables.nameByPlace(database) }
        return migrator
    }()

    func blocks() throws(ModerationError) -> [BlockRow] {
        do { return try queue.read(BlockTable.inForce) } catch { throw ModerationError(error, path: path) }
    }

    func block(
        _ subjects: [BlockSubject], caseNumber: String?, reason: String, by: String, when: UInt64
    ) async throws(ModerationError) -> [BlockRow] {
        try await write { database in
            try BlockTable.add(database, subjects, caseNumber: caseNumber, reason: reason, by: by, when: when)
        }
    }

    func lift(
        caseNumber: String?, subject: BlockSubject?, by: String, when: UInt64
    ) async throws(ModerationError) -> [BlockRow] {
        try await write { database in
            try BlockTable.lift(database, caseNumber: caseNumber, subject: subject, by: by, when: when)
        }
    }

    func levelRules() throws(ModerationError) -> LevelRules {
        do { return try queue.read(LevelTables.rules) } catch { throw ModerationError(error, path: path) }
    }

    func listDecisions() throws(ModerationError) -> [PolicyChange] {
        do { return try queue.read(ListTables.kept) } catch { throw ModerationError(error, path: path) }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(ModerationError) -> Value {
        do {
            return try await queue.read(body)
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw ModerationError(error, path: path)
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(ModerationError) -> Value {
        do {
            return try await queue.write(body)
        } catch is CancellationError {
            throw .cancelled
        } catch let error as ModerationError {
            throw error
        } catch {
            throw ModerationError(error, path: path)
        }
    }

    func all() throws(ModerationError) -> [PurgeRow] {
        do {
            return try queue.read { database in
                try Row.fetchAll(
                    database,
                    sql: "SELECT kind, hash, case_number, reason, decided_by, decided_at FROM purges ORDER BY id"
                ).compactMap(Self.row)
            }
        } catch {
            throw ModerationError(error, path: path)
        }
    }

    /// Adds a row for each subject that has none. Without a case number the store takes the next free one.
    /// - Returns: the rows that stand for the subjects, older ones included.
    func append(_ order: PurgeOrder) async throws(ModerationError) -> [PurgeRow] {
        do {
            return try await queue.write { database in
                let next = try Int64.fetchOne(database, sql: "SELECT COALESCE(MAX(id), 0) + 1 FROM purges") ?? 1
                let caseNumber = order.caseNumber ?? "P-\(next)"
                var rows: [PurgeRow] = []
                for subject in order.subjects {
                    try database.cachedStatement(
                        sql: """
                            INSERT INTO purges (kind, hash, case_number, reason, decided_by, decided_at)
                            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
                            """
                    ).execute(arguments: [
                        subject.kindNumber, subject.hash.data, caseNumber, order.reason, order.by, Int64(order.when),
                    ])
                    let stored = try Row.fetchOne(
                        database.cachedStatement(
                            sql: """
                                SELECT kind, hash, case_number, reason, decided_by, decided_at FROM purges
                                WHERE hash = ? AND kind = ?
                                """), arguments: [subject.hash.data, subject.kindNumber])
                    if let row = stored.flatMap(Self.row) { rows.append(row) }
                }
                return rows
            }
        } catch is CancellationError {
            throw .cancelled
        } catch {
            throw ModerationError(error, path: path)
        }
    }

    private static func row(_ row: Row) -> PurgeRow? {
        guard let hash = Hash32(row[1] as Data), let subject = ModerationSubject(kindNumber: row[0], hash: hash) else {
            return nil
        }
        return PurgeRow(
            subject: subject, caseNumber: row[2], reason: row[3], by: row[4], when: UInt64(row[5] as Int64))
    }
}
