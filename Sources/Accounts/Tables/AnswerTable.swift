import Digests
public import FoundationEssentials
import GRDB

/// What a request with an `Idempotency-Key` was answered with.
public struct KeptAnswer: Sendable, Hashable {
    public let status: Int
    public let contentType: String
    public let location: String
    public let body: Data

    public init(status: Int, contentType: String, location: String, body: Data) {
        self.status = status
        self.contentType = contentType
        self.location = location
        self.body = body
    }
}

enum AnswerTable {
    /// A row without a status is a request under way.
    static let schema = """
        CREATE TABLE answers (
            account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            key TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            created INTEGER NOT NULL,
            status INTEGER,
            content_type TEXT,
            location TEXT,
            body BLOB,
            PRIMARY KEY (account_id, key)
        ) WITHOUT ROWID;
        CREATE INDEX answers_created ON answers(created);
        """

    /// Requests that were under way when the process ended may be sent again.
    static func forgetUnfinished(_ database: Database) throws {
        try database.execute(sql: "DELETE FROM answers WHERE status IS NULL")
    }

    /// Begins a request, or gives the answer that the same one had.
    ///
    /// - Throws: `keyReused`, `keyInUse`.
    static func begin(
        account: Int64, key: String, fingerprint: Hash32, now: UInt64, oldest: UInt64, _ database: Database
    ) throws -> KeptAnswer? {
        try database.execute(sql: "DELETE FROM answers WHERE created < ?", arguments: [Int64(oldest)])
        let row = try Row.fetchOne(
            database,
            sql: """
                SELECT fingerprint, status, content_type, location, body FROM answers
                WHERE account_id = ? AND key = ?
                """, arguments: [account, key])
        guard let row else {
            try database.execute(
                sql: "INSERT INTO answers (account_id, key, fingerprint, created) VALUES (?, ?, ?, ?)",
                arguments: [account, key, fingerprint.data, Int64(now)])
            return nil
        }
        guard row[0] as Data == fingerprint.data else { throw AccountsError.keyReused }
        guard let status = row[1] as Int? else { throw AccountsError.keyInUse }
        return KeptAnswer(
            status: status, contentType: row[2] ?? "", location: row[3] ?? "", body: row[4] ?? Data())
    }

    static func finish(account: Int64, key: String, _ answer: KeptAnswer, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE answers SET status = ?, content_type = ?, location = ?, body = ?
                WHERE account_id = ? AND key = ?
                """,
            arguments: [answer.status, answer.contentType, answer.location, answer.body, account, key])
    }

    static func abandon(account: Int64, key: String, _ database: Database) throws {
        try database.execute(
            sql: "DELETE FROM answers WHERE account_id = ? AND key = ? AND status IS NULL", arguments: [account, key])
    }
}
