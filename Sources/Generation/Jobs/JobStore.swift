import FoundationEssentials
import GRDB
import WaggleProtocol

/// `db/jobs.db`: every job with what became of it, and the sets of files that engines died under. What is written is on
/// disk before anybody is told.
public struct JobStore: Sendable {
    private let database: DatabaseQueue

    /// - Parameter path: nil keeps everything in memory.
    public init(path: String?) throws(GenerationError) {
        do {
            if let path {
                var configuration = Configuration()
                configuration.prepareDatabase { db in
                    try db.execute(sql: "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")
                }
                database = try DatabaseQueue(path: path, configuration: configuration)
            } else {
                database = try DatabaseQueue()
            }
            try Self.migrator.migrate(database)
        } catch {
            throw .database("\(error)")
        }
    }

    private static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { db in
            try db.execute(
                sql: """
                    CREATE TABLE jobs (
                        id INTEGER PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        owner TEXT NOT NULL,
                        state TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        job TEXT NOT NULL);
                    CREATE INDEX jobs_owner ON jobs (owner, id);
                    CREATE INDEX jobs_open ON jobs (id) WHERE state NOT IN ('done', 'failed', 'cancelled');
                    CREATE TABLE crashes (
                        id INTEGER PRIMARY KEY,
                        files TEXT NOT NULL UNIQUE,
                        names TEXT NOT NULL,
                        count INTEGER NOT NULL);
                    -- What a look through a file came to; empty is good.
                    CREATE TABLE checked (
                        id INTEGER PRIMARY KEY,
                        sha256 TEXT NOT NULL,
                        role TEXT NOT NULL,
                        why TEXT NOT NULL,
                        UNIQUE (sha256, role));
                    """)
        }
        return migrator
    }

    /// Writes jobs and crashes in one transaction.
    public func write(_ jobs: [Job], crashes: [(models: ModelSet, count: Int)] = []) async throws(GenerationError) {
        guard !jobs.isEmpty || !crashes.isEmpty else { return }
        let counted = crashes.map {
            (key: $0.models.key, names: $0.models.files.map(\.name).joined(separator: ", "), count: $0.count)
        }
        do {
            try await database.write { db in
                for job in jobs {
                    let text = String(decoding: try JSONEncoder().encode(job), as: UTF8.self)
                    try db.execute(
                        sql: """
                            INSERT INTO jobs (name, owner, state, created, job) VALUES (?, ?, ?, ?, ?)
                            ON CONFLICT (name) DO UPDATE SET state = excluded.state, job = excluded.job
                            """,
                        arguments: [job.id, job.owner, job.state.rawValue, Int64(clamping: job.created), text])
                    if job.state.isOver { try Self.trim(db, job.owner) }
                }
                for crash in counted {
                    try db.execute(
                        sql: """
                            INSERT INTO crashes (files, names, count) VALUES (?, ?, ?)
                            ON CONFLICT (files) DO UPDATE SET count = excluded.count
                            """,
                        arguments: [crash.key, crash.names, crash.count])
                }
            }
        } catch {
            throw .database("\(error)")
        }
    }

    /// A person's history has an end.
    private static func trim(_ db: Database, _ owner: String) throws {
        try db.execute(
            sql: """
                DELETE FROM jobs WHERE owner = ?1 AND state IN ('done', 'failed', 'cancelled') AND id <= (
                    SELECT id FROM jobs WHERE owner = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
                """, arguments: [owner, Limits.Generation.history])
    }

    /// Jobs that are not over, oldest first.
    public func open() async throws(GenerationError) -> [Job] {
        try await jobs("state NOT IN ('done', 'failed', 'cancelled') ORDER BY id", [])
    }

    public func find(_ id: String) async throws(GenerationError) -> Job? {
        try await jobs("name = ?", [id]).first
    }

    /// A person's jobs, newest first.
    public func history(of owner: String, limit: Int, offset: Int = 0) async throws(GenerationError) -> [Job] {
        try await jobs("owner = ? ORDER BY id DESC LIMIT ? OFFSET ?", [owner, limit, offset])
    }

    /// Whether a job of a person has a picture.
    func hasPicture(_ sha256: String, of owner: String) async throws(GenerationError) -> Bool {
        // The text may have it as a model's name too.
        try await jobs("owner = ? AND instr(job, ?) > 0", [owner, sha256]).contains { job in
            job.pictures.contains { $0.sha256 == sha256 }
        }
    }

    /// The newest jobs of everybody.
    public func newest(limit: Int) async throws(GenerationError) -> [Job] {
        try await jobs("1 ORDER BY id DESC LIMIT ?", [limit])
    }

    /// Sets of files that engines died under: key, names, how often.
    public func crashes() async throws(GenerationError) -> [(key: String, names: String, count: Int)] {
        do {
            return try await database.read { db in
                try Row.fetchAll(db, sql: "SELECT files, names, count FROM crashes ORDER BY id").map {
                    ($0[0], $0[1], $0[2])
                }
            }
        } catch {
            throw .database("\(error)")
        }
    }

    public func forgive(_ key: String) async throws(GenerationError) {
        do {
            try await database.write { try $0.execute(sql: "DELETE FROM crashes WHERE files = ?", arguments: [key]) }
        } catch {
            throw .database("\(error)")
        }
    }

    /// Nil when nobody looked; empty for a good file, else why it is refused.
    public func checked(_ sha256: String, _ role: ModelFile.Role) async throws(GenerationError) -> String? {
        do {
            return try await database.read { db in
                try String.fetchOne(
                    db, sql: "SELECT why FROM checked WHERE sha256 = ? AND role = ?",
                    arguments: [sha256, role.rawValue])
            }
        } catch {
            throw .database("\(error)")
        }
    }

    public func noteChecked(_ sha256: String, _ role: ModelFile.Role, _ why: String) async throws(GenerationError) {
        do {
            try await database.write { db in
                try db.execute(
                    sql: "INSERT OR REPLACE INTO checked (sha256, role, why) VALUES (?, ?, ?)",
                    arguments: [sha256, role.rawValue, why])
            }
        } catch {
            throw .database("\(error)")
        }
    }

    private func jobs(_ rest: String, _ arguments: StatementArguments) async throws(GenerationError) -> [Job] {
        do {
            return try await database.read { db in
                try String.fetchAll(db, sql: "SELECT job FROM jobs WHERE \(rest)", arguments: arguments).map {
                    try JSONDecoder().decode(Job.self, from: Data($0.utf8))
                }
            }
        } catch {
            throw .database("\(error)")
        }
    }
}
