import Digests
import FoundationEssentials
import GRDB

/// The audit log. The database itself refuses to change or delete a line.
enum AuditTable {
    static let schema = """
        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            time INTEGER NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            subject TEXT NOT NULL,
            detail TEXT NOT NULL,
            previous BLOB NOT NULL,
            hash BLOB NOT NULL
        );
        CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
        """

    private static let columns = "seq, time, actor, action, subject, detail, previous, hash"

    private static func entry(_ row: Row) -> AuditEntry {
        AuditEntry(
            seq: row[0], time: UInt64(clamping: row[1] as Int64), actor: row[2], action: row[3], subject: row[4],
            detail: row[5],
            previous: Hash32(row[6] as Data) ?? .zero, hash: Hash32(row[7] as Data) ?? .zero)
    }

    static func newest(_ database: Database) throws -> AuditEntry? {
        try Row.fetchOne(database, sql: "SELECT \(columns) FROM audit ORDER BY seq DESC LIMIT 1").map(entry)
    }

    static func append(
        _ database: Database, time: UInt64, actor: String, action: String, subject: String, detail: String
    ) throws -> AuditEntry {
        let before = try newest(database)
        let entry = AuditEntry(
            seq: (before?.seq ?? 0) + 1, time: time, actor: actor, action: action, subject: subject, detail: detail,
            previous: before?.hash)
        try database.execute(
            sql: "INSERT INTO audit (\(columns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                entry.seq, Int64(time), actor, action, subject, detail, entry.previous.data, entry.hash.data,
            ])
        return entry
    }

    /// Newest first.
    static func page(_ database: Database, before: Int64, limit: Int) throws -> [AuditEntry] {
        try Row.fetchAll(
            database, sql: "SELECT \(columns) FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?",
            arguments: [before, limit]
        ).map(entry)
    }

    /// The first line that does not follow the one before; nil when all do.
    static func firstBroken(_ database: Database) throws -> Int64? {
        var before: AuditEntry?
        let rows = try Row.fetchCursor(database, sql: "SELECT \(columns) FROM audit ORDER BY seq")
        while let row = try rows.next() {
            let entry = entry(row)
            guard entry.follows(before) else { return entry.seq }
            before = entry
        }
        return nil
    }
}

enum SettingTable {
    static let schema = """
        CREATE TABLE settings (
            key TEXT PRIMARY KEY,
            value TEXT NOT NULL,
            changed_by TEXT NOT NULL,
            changed INTEGER NOT NULL
        );
        """

    static func all(_ database: Database) throws -> [ChosenSetting] {
        try Row.fetchAll(database, sql: "SELECT key, value, changed_by, changed FROM settings ORDER BY key").map {
            row in
            ChosenSetting(key: row[0], value: row[1], by: row[2], changed: UInt64(clamping: row[3] as Int64))
        }
    }

    static func set(_ database: Database, _ setting: ChosenSetting) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO settings (key, value, changed_by, changed) VALUES (?, ?, ?, ?)",
            arguments: [setting.key, setting.value, setting.by, Int64(setting.changed)])
    }

    static func remove(_ database: Database, key: String) throws {
        try database.execute(sql: "DELETE FROM settings WHERE key = ?", arguments: [key])
    }
}

enum AnnouncementTable {
    static let schema = """
        CREATE TABLE announcements (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            text TEXT NOT NULL,
            made_by TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER
        );
        """

    static func all(_ database: Database) throws -> [Announcement] {
        try Row.fetchAll(
            database, sql: "SELECT id, text, made_by, created, expires FROM announcements ORDER BY id DESC"
        ).map { row in
            Announcement(
                id: row[0], text: row[1], by: row[2], created: UInt64(clamping: row[3] as Int64),
                expires: (row[4] as Int64?).map { UInt64(clamping: $0) })
        }
    }

    static func add(
        _ database: Database, _ text: String, by: String, created: UInt64, expires: UInt64?
    ) throws -> Announcement {
        try database.execute(
            sql: "INSERT INTO announcements (text, made_by, created, expires) VALUES (?, ?, ?, ?)",
            arguments: [text, by, Int64(created), expires.map { Int64(clamping: $0) }])
        return Announcement(id: database.lastInsertedRowID, text: text, by: by, created: created, expires: expires)
    }

    /// False when there was none.
    static func remove(_ database: Database, id: Int64) throws -> Bool {
        try database.execute(sql: "DELETE FROM announcements WHERE id = ?", arguments: [id])
        return database.changesCount == 1
    }
}

/// Single facts, and a sample of the disk for each day.
enum StateTable {
    static let schema = """
        CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL);
        CREATE TABLE disk_samples (day INTEGER PRIMARY KEY, free INTEGER NOT NULL);
        """

    static func text(_ database: Database, _ key: String) throws -> String? {
        try String.fetchOne(database, sql: "SELECT value FROM state WHERE key = ?", arguments: [key])
    }

    static func set(_ database: Database, _ key: String, _ value: String) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO state (key, value) VALUES (?, ?)", arguments: [key, value])
    }

    static func samples(_ database: Database) throws -> [DiskSample] {
        try Row.fetchAll(database, sql: "SELECT day, free FROM disk_samples ORDER BY day").map { row in
            DiskSample(day: row[0], free: UInt64(clamping: row[1] as Int64))
        }
    }

    static func add(_ database: Database, _ sample: DiskSample, keeping days: Int64) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO disk_samples (day, free) VALUES (?, ?)",
            arguments: [sample.day, Int64(clamping: sample.free)])
        try database.execute(sql: "DELETE FROM disk_samples WHERE day <= ?", arguments: [sample.day - days])
    }
}
