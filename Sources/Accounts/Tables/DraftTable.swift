import FoundationEssentials
import GRDB
import WaggleProtocol

/// Something that somebody is about to publish: what was typed so far, and which files belong to it. It is here until it is
/// published or thrown away, whatever happens to the browser.
public struct Draft: Sendable, Hashable, Identifiable {
    /// 32 hexadecimal digits.
    public let id: String
    /// What it becomes, in the words of whoever made it.
    public let kind: String
    public var fields: [String: [String]]
    /// Unix seconds.
    public let created: UInt64
    public let updated: UInt64

    /// The first value of a field; empty for none.
    public subscript(name: String) -> String { fields[name]?.first ?? "" }
}

enum DraftTable {
    static let schema = """
        CREATE TABLE drafts (
            id TEXT PRIMARY KEY,
            account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            fields BLOB NOT NULL,
            created INTEGER NOT NULL,
            updated INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX drafts_account ON drafts(account_id, updated);
        """

    private static let columns = "id, kind, fields, created, updated"

    private static func draft(_ row: Row) -> Draft? {
        guard let fields = try? JSONDecoder().decode([String: [String]].self, from: row[2] as Data) else { return nil }
        return Draft(
            id: row[0], kind: row[1], fields: fields, created: UInt64(row[3] as Int64),
            updated: UInt64(row[4] as Int64))
    }

    static func find(_ id: String, account: Int64, _ database: Database) throws -> Draft? {
        try Row.fetchOne(
            database, sql: "SELECT \(columns) FROM drafts WHERE id = ? AND account_id = ?", arguments: [id, account]
        ).flatMap(draft)
    }

    /// Newest first.
    static func list(account: Int64, _ database: Database) throws -> [Draft] {
        try Row.fetchAll(
            database, sql: "SELECT \(columns) FROM drafts WHERE account_id = ? ORDER BY updated DESC, id",
            arguments: [account]
        ).compactMap(draft)
    }

    /// - Throws: `limit`.
    static func save(_ draft: Draft, account: Int64, now: UInt64, _ database: Database) throws {
        let fields = try JSONEncoder().encode(draft.fields)
        guard fields.count <= Limits.Accounts.draftBytes else {
            throw AccountsError.limit("a draft has at most \(Limits.Accounts.draftBytes) bytes; shorten its texts")
        }
        try database.execute(
            sql: """
                INSERT INTO drafts (id, account_id, kind, fields, created, updated) VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT (id) DO UPDATE SET fields = excluded.fields, updated = excluded.updated
                WHERE account_id = excluded.account_id
                """,
            arguments: [draft.id, account, draft.kind, fields, Int64(draft.created), Int64(now)])
    }

    static func delete(_ id: String, account: Int64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM drafts WHERE id = ? AND account_id = ?", arguments: [id, account])
    }

    static func deleteOlder(than time: UInt64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM drafts WHERE updated < ?", arguments: [Int64(time)])
    }
}
