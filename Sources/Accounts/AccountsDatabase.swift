import FoundationEssentials
import GRDB

/// `db/accounts.db`: truth, so every commit is on disk before it is reported.
struct AccountsDatabase: Sendable {
    let path: String
    private let queue: DatabaseQueue

    init(path: String) throws(AccountsError) {
        self.path = path
        var configuration = Configuration()
        configuration.journalMode = .wal
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            // After opening, because GRDB sets this back when it turns the write-ahead log on.
            // What is deleted here are secrets' hashes and answers: overwritten, not only left.
            try queue.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON")
            }
            try Self.migrator.migrate(queue)
        } catch {
            throw .database(path: path, reason: "\(error)")
        }
    }

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 accounts") { database in
            for sql in [
                AccountTable.schema, SessionTable.schema, TokenTable.schema, InviteTable.schema,
                CustodyTable.schema,
            ] {
                try database.execute(sql: sql)
            }
            try database.execute(sql: AnswerTable.schema)
            // One row for each secret of the node itself: the set-up token.
            try database.execute(
                sql: "CREATE TABLE node_secrets (name TEXT PRIMARY KEY, hash BLOB NOT NULL, created INTEGER NOT NULL)")
        }
        migrator.registerMigration("3 spending") { database in
            try database.execute(sql: SpendingTable.schema)
        }
        migrator.registerMigration("2 no secrets among answers") { database in
            // Answers with new tokens were kept once.
            try database.execute(sql: "DELETE FROM answers WHERE status IS NOT NULL")
        }
        migrator.registerMigration("4 drafts") { database in
            try database.execute(sql: DraftTable.schema)
        }
        migrator.registerMigration("5 notifications") { database in
            try database.execute(sql: NotificationTable.schema)
        }
        migrator.registerMigration("6 viewing and room") { database in
            try database.execute(sql: AccountTable.viewingAndRoom)
        }
        migrator.registerMigration("7 households") { database in
            try database.execute(sql: AccountTable.households)
        }
        migrator.registerMigration("9 reasons") { database in
            try database.execute(sql: AccountTable.reasons)
        }
        migrator.registerMigration("8 charges") { database in
            try database.execute(sql: SpendingTable.charges)
        }
        migrator.registerMigration("10 moved posts") { database in
            try database.execute(sql: AccountTable.moved)
        }
        return migrator
    }()

    /// A transaction. What `body` throws of this module takes everything back and is thrown on.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(AccountsError) -> Value {
        do {
            return try await queue.write(body)
        } catch {
            throw words(error)
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(AccountsError) -> Value {
        do {
            return try await queue.read(body)
        } catch {
            throw words(error)
        }
    }

    private func words(_ error: any Error) -> AccountsError {
        switch error {
        case let error as AccountsError: error
        case is CancellationError: .cancelled
        default: .database(path: path, reason: "\(error)")
        }
    }
}
