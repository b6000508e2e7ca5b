import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

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

    /// What a person wants to see, and the room that the operator gives them: NULL for that of their role, -1 for no limit.
    ///
    /// Whoever saw more than PG-13 before chose that, or owns the node; they need not say again that they are adults.
    static let viewingAndRoom = """
        ALTER TABLE accounts ADD COLUMN blur_from INTEGER NOT NULL DEFAULT 4;
        ALTER TABLE accounts ADD COLUMN adult_since INTEGER;
        ALTER TABLE accounts ADD COLUMN quota INTEGER;
        UPDATE accounts SET adult_since = created WHERE levels > 3;
        """

    /// Posts that came along from other homes, and their bytes.
    static let moved = """
        ALTER TABLE accounts ADD COLUMN moved_posts INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE accounts ADD COLUMN moved_bytes INTEGER NOT NULL DEFAULT 0;
        """

    private static let columns = """
        id, handle, author, role, state, custody, created, levels, verifier IS NOT NULL, application, blur_from,
        adult_since, quota, reason
        """

    static let reasons = "ALTER TABLE accounts ADD COLUMN reason TEXT NOT NULL DEFAULT ''"

    private static func quota(_ number: Int64?) -> StorageQuota? {
        number.map { $0 < 0 ? .unlimited : .bytes(UInt64($0)) }
    }

    private static func number(_ quota: StorageQuota?) -> Int64? {
        quota.map { $0.bytes.map { Int64(clamping: $0) } ?? -1 }
    }

    static func account(_ row: Row) -> Account? {
        guard let author = Hash32(row[2] as Data), let role = AccountRole(rawValue: row[3]),
            let state = AccountState(rawValue: row[4]), let custody = Custody(rawValue: row[5])
        else { return nil }
        return Account(
            id: row[0], handle: row[1], author: author, role: role, state: state, custody: custody,
            created: UInt64(row[6] as Int64), levels: UInt32(truncatingIfNeeded: row[7] as Int64),
            blurFrom: UInt32(truncatingIfNeeded: row[10] as Int64),
            adultSince: (row[11] as Int64?).map { UInt64($0) }, quota: quota(row[12]), hasPassphrase: row[8],
            application: row[9], reason: row[13])
    }

    static func all(_ database: Database) throws -> [Account] {
        try Row.fetchAll(database, sql: "SELECT \(columns) FROM accounts ORDER BY handle").compactMap(account)
    }

    static func authors(_ state: AccountState, _ database: Database) throws -> Set<Hash32> {
        let authors = try Data.fetchAll(
            database, sql: "SELECT author FROM accounts WHERE state = ?", arguments: [state.rawValue])
        return Set(authors.compactMap { Hash32($0) })
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
                    adult_since, sealed_device, sealed_root, documents)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                draft.handle, draft.author.data, draft.role.rawValue, draft.state.rawValue, draft.custody.rawValue,
                Int64(now), Int64(draft.levels), draft.application, draft.isAdult ? Int64(now) : nil,
                keys.map { Data($0.device) }, keys.map { Data($0.root) },
                try keys.map { try JSONEncoder().encode($0.documents) },
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
            sql: """
                UPDATE accounts SET role = ?, state = ?, levels = ?, blur_from = ?, adult_since = ?, quota = ?
                WHERE id = ?
                """,
            arguments: [
                account.role.rawValue, account.state.rawValue, Int64(account.levels), Int64(account.blurFrom),
                account.adultSince.map { Int64($0) }, number(account.quota), account.id,
            ])
    }

    static func set(reason: String, of id: Int64, _ database: Database) throws {
        try database.execute(sql: "UPDATE accounts SET reason = ? WHERE id = ?", arguments: [reason, id])
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

    /// Somebody who had left comes back with other keys and another passphrase. What they chose to see stays.
    static func resettle(
        _ draft: AccountDraft, as id: Int64, passphrase: StoredPassphrase, keys: StoredKeys, now: UInt64,
        _ database: Database
    ) throws -> Account {
        try database.execute(
            sql: """
                UPDATE accounts SET role = ?, state = ?, custody = ?, application = ?, reason = '', sealed_device = ?,
                    sealed_root = ?, documents = ? WHERE id = ?
                """,
            arguments: [
                draft.role.rawValue, draft.state.rawValue, draft.custody.rawValue, draft.application,
                Data(keys.device), Data(keys.root), try JSONEncoder().encode(keys.documents), id,
            ])
        try set(passphrase, root: nil, of: id, database)
        guard let account = try find(id: id, database) else { throw AccountsError.noAccount(draft.handle) }
        try NotificationTable.tellAdmins(of: account, now: now, database)
        return account
    }

    /// Which accounts live together: each says the same number, that of one who did.
    static let households = "ALTER TABLE accounts ADD COLUMN household INTEGER"

    /// Joins a household, with everybody of the one that the account was of.
    static func join(_ id: Int64, household: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                UPDATE accounts SET household = ?1
                WHERE id = ?2 OR household = (SELECT household FROM accounts WHERE id = ?2)
                """, arguments: [household, id])
    }

    /// Lives alone; so does whoever is left alone by it.
    static func leaveHousehold(_ id: Int64, _ database: Database) throws {
        try database.execute(sql: "UPDATE accounts SET household = NULL WHERE id = ?", arguments: [id])
        try database.execute(
            sql: """
                UPDATE accounts SET household = NULL WHERE household IN (
                    SELECT household FROM accounts WHERE household IS NOT NULL GROUP BY household HAVING COUNT(*) = 1)
                """)
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

    /// Only the owner of the node begins with levels that are for adults, and answers for what it shows.
    var isAdult: Bool { levels & ~Limits.Accounts.openLevels != 0 }
}
