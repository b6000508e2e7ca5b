import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// An API token as its owner sees it: never the token itself.
public struct APIToken: Sendable, Hashable, Identifiable {
    public let id: Int64
    public let account: String
    public let label: String
    public let scopes: Set<TokenScope>
    /// Unix seconds.
    public let created: UInt64
    /// Unix seconds; nil for never.
    public let expires: UInt64?
    /// Unix seconds, to the minute; nil while it was not used.
    public let lastUsed: UInt64?
    /// Most Buzz that it may spend in all; nil for as much as the account has.
    public let buzzLimit: UInt64?
}

enum TokenTable {
    static let schema = """
        CREATE TABLE tokens (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            hash BLOB NOT NULL UNIQUE,
            account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            label TEXT NOT NULL,
            scopes TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER,
            last_used INTEGER,
            buzz_limit INTEGER
        );
        CREATE INDEX tokens_account ON tokens(account_id);
        """

    static func insert(_ token: NewToken, hash: Hash32, account: Account, now: UInt64, _ database: Database) throws
        -> APIToken
    {
        let count = try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM tokens WHERE account_id = ?", arguments: [account.id])
        guard (count ?? 0) < Limits.Accounts.tokens else {
            throw AccountsError.limit("one account has at most \(Limits.Accounts.tokens) tokens; revoke one first")
        }
        try database.execute(
            sql: """
                INSERT INTO tokens (hash, account_id, label, scopes, created, expires, buzz_limit)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                hash.data, account.id, token.label, token.scopes.sorted().map(\.rawValue).joined(separator: ","),
                Int64(now), token.expires.map { Int64($0) }, token.buzzLimit.map { Int64(clamping: $0) },
            ])
        return APIToken(
            id: database.lastInsertedRowID, account: account.handle, label: token.label, scopes: token.scopes,
            created: now, expires: token.expires, lastUsed: nil, buzzLimit: token.buzzLimit)
    }

    private static let columns = """
        t.id, a.handle, t.label, t.scopes, t.created, t.expires, t.last_used, t.buzz_limit, t.account_id
        FROM tokens t JOIN accounts a ON a.id = t.account_id
        """

    private static func token(_ row: Row) -> APIToken {
        let scopes = (row[3] as String).split(separator: ",").compactMap { TokenScope(rawValue: String($0)) }
        func time(_ column: Int) -> UInt64? { (row[column] as Int64?).map { UInt64(max(0, $0)) } }
        return APIToken(
            id: row[0], account: row[1], label: row[2], scopes: Set(scopes), created: time(4) ?? 0, expires: time(5),
            lastUsed: time(6), buzzLimit: time(7))
    }

    static func find(_ hash: Hash32, _ database: Database) throws -> (token: APIToken, account: Int64)? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(columns) WHERE t.hash = ?"), arguments: [hash.data]
        ).map { (token($0), $0[8]) }
    }

    /// - Parameter account: nil for those of everybody.
    static func list(account: Int64?, _ database: Database) throws -> [APIToken] {
        try Row.fetchAll(
            database, sql: "SELECT \(columns) WHERE ?1 IS NULL OR t.account_id = ?1 ORDER BY t.id", arguments: [account]
        ).map(token)
    }

    static func touch(_ id: Int64, now: UInt64, _ database: Database) throws {
        try database.execute(sql: "UPDATE tokens SET last_used = ? WHERE id = ?", arguments: [Int64(now), id])
    }

    /// - Returns: whether there was one.
    static func delete(id: Int64, account: Int64?, _ database: Database) throws -> Bool {
        try database.execute(
            sql: "DELETE FROM tokens WHERE id = ?1 AND (?2 IS NULL OR account_id = ?2)", arguments: [id, account])
        return database.changesCount > 0
    }

    static func deleteAll(ofAccount id: Int64, _ database: Database) throws {
        try database.execute(sql: "DELETE FROM tokens WHERE account_id = ?", arguments: [id])
    }
}
