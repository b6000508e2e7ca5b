import Digests
import FoundationEssentials
import GRDB

enum InviteTable {
    static let schema = """
        CREATE TABLE invites (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hash BLOB NOT NULL UNIQUE,
            account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            uses INTEGER NOT NULL,
            role TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER NOT NULL
        );
        """

    static func insert(
        _ hash: Hash32, by account: Int64, uses: Int, role: AccountRole, now: UInt64, expires: UInt64,
        _ database: Database
    ) throws {
        try database.execute(sql: "DELETE FROM invites WHERE expires <= ? OR uses <= 0", arguments: [Int64(now)])
        try database.execute(
            sql: "INSERT INTO invites (hash, account_id, uses, role, created, expires) VALUES (?, ?, ?, ?, ?, ?)",
            arguments: [hash.data, account, uses, role.rawValue, Int64(now), Int64(expires)])
    }

    static func find(_ hash: Hash32, _ database: Database) throws -> Invite? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT id, uses, expires, role FROM invites WHERE hash = ?", arguments: [hash.data]),
            let role = AccountRole(rawValue: row[3])
        else { return nil }
        return Invite(id: row[0], uses: row[1], expires: UInt64(row[2] as Int64), role: role)
    }

    static func open(_ database: Database, now: UInt64) throws -> [OpenInvite] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT i.id, a.handle, i.uses, i.role, i.created, i.expires FROM invites i
                JOIN accounts a ON a.id = i.account_id WHERE i.uses > 0 AND i.expires > ? ORDER BY i.id DESC
                """, arguments: [Int64(now)]
        ).compactMap { row in
            guard let role = AccountRole(rawValue: row[3]) else { return nil }
            return OpenInvite(
                id: row[0], by: row[1], uses: row[2], role: role, created: UInt64(clamping: row[4] as Int64),
                expires: UInt64(clamping: row[5] as Int64))
        }
    }

    /// False when there was none.
    static func remove(_ id: Int64, _ database: Database) throws -> Bool {
        try database.execute(sql: "DELETE FROM invites WHERE id = ?", arguments: [id])
        return database.changesCount == 1
    }

    /// - Throws: `badInvite` when somebody else took the last use meanwhile.
    static func take(_ id: Int64, _ database: Database) throws {
        try database.execute(sql: "UPDATE invites SET uses = uses - 1 WHERE id = ? AND uses > 0", arguments: [id])
        guard database.changesCount == 1 else { throw AccountsError.badInvite }
    }
}
