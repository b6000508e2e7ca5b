import FoundationEssentials
import GRDB

/// `db/admin.db`: truth, so every commit is on disk before it is reported.
struct AdministrationDatabase: Sendable {
    let path: String
    private let queue: DatabaseQueue

    init(path: String) throws(AdministrationError) {
        self.path = path
        var configuration = Configuration()
        configuration.journalMode = .wal
        do {
            queue = try DatabaseQueue(path: path, configuration: configuration)
            // After opening, because GRDB sets this back when it turns the write-ahead log on.
            try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            try Self.migrator.migrate(queue)
        } catch {
            throw .database(path: path, reason: "\(error)")
        }
    }

    private static let migrator: DatabaseMigrator = {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1 administration") { database in
            for sql in [AuditTable.schema, SettingTable.schema, AnnouncementTable.schema, StateTable.schema] {
                try database.execute(sql: sql)
            }
        }
        return migrator
    }()

    /// A transaction; what `body` throws takes everything back.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(AdministrationError) -> Value {
        do {
            return try await queue.write(body)
        } catch {
            throw words(error)
        }
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(AdministrationError) -> Value {
        do {
            return try await queue.read(body)
        } catch {
            throw words(error)
        }
    }

    /// For the start, which waits for nobody.
    func now<Value>(_ body: (Database) throws -> Value) throws(AdministrationError) -> Value {
        do {
            return try queue.write(body)
        } catch {
            throw words(error)
        }
    }

    private func words(_ error: any Error) -> AdministrationError {
        switch error {
        case let error as AdministrationError: error
        case is CancellationError: .cancelled
        default: .database(path: path, reason: "\(error)")
        }
    }
}
