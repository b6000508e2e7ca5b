import Digests
import FoundationEssentials
import GRDB
import Identity

/// What is kept to check a passphrase and to open the root that is sealed under it.
struct StoredPassphrase: Sendable {
    let parameters: PassphraseParameters
    let verifier: Hash32
}

/// Keys that the node keeps for an account.
struct StoredKeys: Sendable {
    /// The device's seed under the node's key.
    let device: [UInt8]
    /// The recovery secret under the passphrase; empty where there is none.
    let root: [UInt8]
    /// Envelopes in the order in which the log must see them.
    let documents: [Data]
}

enum AccountTable {
    static let schema = """
        CREATE TABLE accounts (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            handle TEXT NOT NULL UNIQUE,
            author BLOB NOT NULL UNIQUE,
            role TEXT NOT NULL,
            state TEXT NOT NULL,
            custody TEXT NOT NULL,
            created INTEGER NOT NULL,
            levels INTEGER NOT NULL,
            application TEXT NOT NULL,
            salt BLOB, operations INTEGER, memory INTEGER, verifier BLOB,
            sealed_device BLOB, sealed_root BLOB, documents BLOB
        );
        """

    private static let columns = """
        id, handle, author, role, state, custody, created, levels, verifier IS NOT NULL, application
        """

    static func account(_ row: Row) -> Account? {
        guard let author = Hash32(row[2] as Data), let role = AccountRole(rawValue: row[3]),
            let state = AccountState(rawValue: row[4]), let custody = Custody(rawValue: row[5])
        else { return nil }
        return Account(
            id: row[0], handle: row[1], author: author, role: role, state: state, custody: custody,
            created: UInt64(row[6] as Int64), levels: UInt32(truncatingIfNeeded: row[7] as Int64),
            hasPassphrase: row[8], application: row[9])
    }

    static func all(_ database: Database) throws -> [Account] {
        try Row.fetchAll(database, sql: "SELECT \(columns) FROM accounts ORDER BY handle").compactMap(account)
    }

    static func find(handle: String, _ database: Database) throws -> Account? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(columns) FROM accounts WHERE handle = ?"), arguments: [handle]
        ).flatMap(account)
    }

    static func find(author: Hash32, _ database: Database) throws -> Account? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(columns) FROM accounts WHERE author = ?"), arguments: [author.data]
        ).flatMap(account)
    }

    static func find(id: Int64, _ database: Database) throws -> Account? {
        try Row.fetchOne(
            database.cachedStatement(sql: "SELECT \(columns) FROM accounts WHERE id = ?"), arguments: [id]
        ).flatMap(account)
    }

    /// - Throws: `handleTaken`, `authorTaken`.
    static func insert(
        _ draft: AccountDraft, passphrase: StoredPassphrase?, keys: StoredKeys?, now: UInt64, _ database: Database
    ) throws -> Account {
        if try find(handle: draft.handle, database) != nil { throw AccountsError.handleTaken(draft.handle) }
        if try find(author: draft.author, database) != nil { throw AccountsError.authorTaken }
        try database.execute(
            sql: """
                INSERT INTO accounts (handle, author, role, state, custody, created, levels, application,
                    sealed_device, sealed_root, documents)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                draft.handle, draft.author.data, draft.role.rawValue, draft.state.rawValue, draft.custody.rawValue,
                Int64(now), Int64(draft.levels), draft.application, keys.map { Data($0.device) },
                keys.map { Data($0.root) }, try keys.map { try JSONEncoder().encode($0.documents) },
            ])
        let id = database.lastInsertedRowID
        if let passphrase { try set(passphrase, root: nil, of: id, database) }
        guard let account = try find(id: id, database) else { throw AccountsError.noAccount(draft.handle) }
        return account
    }

    /// - Parameter root: the recovery secret as it is sealed now; nil leaves it.
    static func set(
        _ passphrase: StoredPassphrase, root: [UInt8]?, of id: Int64, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                UPDATE accounts SET salt = ?, operations = ?, memory = ?, verifier = ?,
                    sealed_root = COALESCE(?, sealed_root) WHERE id = ?
                """,
            arguments: [
                Data(passphrase.parameters.salt), Int64(passphrase.parameters.operations),
                passphrase.parameters.memoryBytes, passphrase.verifier.data, root.map { Data($0) }, id,
            ])
    }

    static func passphrase(of id: Int64, _ database: Database) throws -> StoredPassphrase? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT salt, operations, memory, verifier FROM accounts WHERE id = ?", arguments: [id]),
            let salt = row[0] as Data?, let operations = row[1] as Int64?, let memory = row[2] as Int?,
            let verifier = (row[3] as Data?).flatMap({ Hash32($0) }),
            let parameters = PassphraseParameters(
                salt: Array(salt), operations: UInt64(max(0, operations)), memoryBytes: memory)
        else { return nil }
        return StoredPassphrase(parameters: parameters, verifier: verifier)
    }

    static func keys(of id: Int64, _ database: Database) throws -> StoredKeys? {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT sealed_device, sealed_root, documents FROM accounts WHERE id = ?",
                arguments: [id]),
            let device = row[0] as Data?
        else { return nil }
        let documents = (row[2] as Data?).flatMap { try? JSONDecoder().decode([Data].self, from: $0) }
        return StoredKeys(device: Array(device), root: Array((row[1] as Data?) ?? Data()), documents: documents ?? [])
    }

    static func update(_ account: Account, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE accounts SET role = ?, state = ?, levels = ? WHERE id = ?",
            arguments: [account.role.rawValue, account.state.rawValue, Int64(account.levels), account.id])
    }

    static func forgetKeys(of id: Int64, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE accounts SET sealed_device = NULL, sealed_root = NULL, documents = NULL WHERE id = ?",
            arguments: [id])
    }

    /// Makes an account of somebody who came back active; the key is in the home now.
    static func settle(_ id: Int64, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE accounts SET state = ?, custody = ? WHERE id = ?",
            arguments: [AccountState.active.rawValue, Custody.keyFile.rawValue, id])
    }

    /// Active admins other than this account.
    static func otherAdmins(than id: Int64, _ database: Database) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM accounts WHERE role = 'admin' AND state = 'active' AND id <> ?",
            arguments: [id]) ?? 0
    }
}

/// An account that is to be.
struct AccountDraft: Sendable {
    let handle: String
    let author: Hash32
    let role: AccountRole
    let state: AccountState
    let custody: Custody
    let levels: UInt32
    let application: String
}
