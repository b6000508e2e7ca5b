import Digests
import FoundationEssentials
import GRDB
public import Identity

/// The secret that seals the keys which the node holds for others: one row for each device key of the node that opens it, so
/// that the node may change its own key.
enum CustodyTable {
    static let schema = """
        CREATE TABLE custody (node_key BLOB PRIMARY KEY, sealed BLOB NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
        """

    /// The secret, by the node's key. A key that opens nothing gets a new secret: what was sealed before stays closed until
    /// the node has its old key again.
    static func open(
        by node: SigningKey, orKeeping fresh: [UInt8], now: UInt64, _ database: Database
    ) throws -> SealingKey {
        let row = try Row.fetchOne(
            database, sql: "SELECT sealed FROM custody WHERE node_key = ?", arguments: [node.publicKey.data])
        if let sealed = row?[0] as Data?, let secret = node.custodyKey.open(Array(sealed)),
            let key = SealingKey(bytes: secret)
        {
            return key
        }
        guard let key = SealingKey(bytes: fresh) else { throw AccountsError.limit("a secret has 32 bytes") }
        try keep(fresh, under: node, now: now, database)
        return key
    }

    /// Lets another key of the node open the same secret.
    static func share(from node: SigningKey, with other: SigningKey, now: UInt64, _ database: Database) throws {
        let row = try Row.fetchOne(
            database, sql: "SELECT sealed FROM custody WHERE node_key = ?", arguments: [node.publicKey.data])
        guard let sealed = row?[0] as Data?, let secret = node.custodyKey.open(Array(sealed)) else { return }
        try keep(secret, under: other, now: now, database)
    }

    private static func keep(_ secret: [UInt8], under node: SigningKey, now: UInt64, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO custody (node_key, sealed, created) VALUES (?, ?, ?)",
            arguments: [node.publicKey.data, Data(node.custodyKey.seal(secret)), Int64(now)])
    }
}

extension Accounts {
    /// To be called before the node takes another device key: from then on that one opens what is sealed here, too.
    public func share(with next: SigningKey, from node: SigningKey) async throws(AccountsError) {
        let now = now()
        try await database.write { try CustodyTable.share(from: node, with: next, now: now, $0) }
    }
}
