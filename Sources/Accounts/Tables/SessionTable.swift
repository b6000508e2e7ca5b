import Digests
import FoundationEssentials
import GRDB

enum SessionTable {
    static let schema = """
        CREATE TABLE sessions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hash BLOB NOT NULL UNIQUE,
            account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL
        );
        CREATE INDEX sessions_account ON sessions(account_id);
        """

    static func insert(_ hash: Hash32, account: Int64, now: UInt64, expires: UInt64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM sessions WHERE expires <= ?", arguments: [Int64(now)])
        try database.execute(
            sql: "INSERT INTO sessions (hash, account_id, created, expires) VALUES (?, ?, ?, ?)",
            arguments: [hash.data, account, Int64(now), Int64(expires)])
    }

    static func find(_ hash: Hash32, _ database: Database) throws -> (id: Int64, account: Int64, expires: UInt64)? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT id, account_id, expires FROM sessions WHERE hash = ?"),
            arguments: [hash.data]
        ).map { ($0[0], $0[1], UInt64($0[2] as Int64)) }
    }

    static func delete(id: Int64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM sessions WHERE id = ?", arguments: [id])
    }

    static func deleteAll(ofAccount id: Int64, except kept: Int64? = nil, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM sessions WHERE account_id = ? AND id IS NOT ?", arguments: [id, kept])
    }
}
