import Digests
import FoundationEssentials
import GRDB
import Identity
import Synchronization
import WaggleProtocol

extension Accounts {
    private static let setup = "setup"

    /// A new set-up token, which takes the place of one that was printed before. Whoever shows it gives the owner account
    /// its first passphrase.
    public func newSetupToken() async throws(AccountsError) -> SecretToken {
        let secret = SecretToken(.setup, entropy: random(32))
        let now = now()
        try await database.write { database in
            try database.execute(
                sql: "INSERT OR REPLACE INTO node_secrets (name, hash, created) VALUES (?, ?, ?)",
                arguments: [Self.setup, secret.hash.data, Int64(now)])
        }
        return secret
    }

    /// The set-up token of the first start; nil when there was one before, used or not.
    public func firstSetupToken() async throws(AccountsError) -> SecretToken? {
        let isThere = try await database.read { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM node_secrets WHERE name = ?)", arguments: [Self.setup])
        }
        return isThere == true ? nil : try await newSetupToken()
    }

    /// Uses the set-up token up: the owner account gets a passphrase, and a session is opened for it.
    ///
    /// A token that could not be used, because something else was wrong, can be shown again.
    ///
    /// - Throws: `badSetupToken`, `weakPassphrase`, `longPassphrase`, `tooManyAttempts`, `busy`; `noAccount`, `pending` and
    ///   `disabled` of the owner.
    public func setUp(
        token text: String, owner: String, passphrase: String, from address: String
    ) async throws(AccountsError) -> OpenedSession {
        // By address alone: a token of 256 bits cannot be guessed, and strangers must not keep the owner out.
        let keys = ["address \(address)"]
        if let wait = attempts.withLock({ $0.wait(keys, now: now()) }) { throw .tooManyAttempts(retryAfter: wait) }
        try RegistrationRules.check(passphrase: passphrase)
        // Looked at before the passphrase is stretched, which costs the node more than it costs whoever asks.
        guard let hash = SecretToken(text, .setup)?.hash.data, try await isSetupToken(hash) else {
            attempts.withLock { $0.fail(keys, now: now()) }
            throw .badSetupToken
        }
        let account = try await existing(owner)
        try Self.check(account)
        let stretched = try await passphrases.stretch(passphrase, .interactive())
        let stored = StoredPassphrase(parameters: stretched.parameters, verifier: stretched.verifier)
        // Taken where the passphrase is set: of two who show it at the same time one gets in.
        let isTaken = try await database.write { database -> Bool in
            // A row without a meaning stays, so that no further token is printed by itself.
            try database.execute(
                sql: "UPDATE node_secrets SET hash = x'' WHERE name = ? AND hash = ?", arguments: [Self.setup, hash])
            guard database.changesCount == 1 else { return false }
            try AccountTable.set(stored, root: [], of: account.id, database)
            try SessionTable.deleteAll(ofAccount: account.id, database)
            return true
        }
        guard isTaken else { throw .badSetupToken }
        forgetGrants()
        return try await openSession(for: try await existing(owner))
    }

    private func isSetupToken(_ hash: Data) async throws(AccountsError) -> Bool {
        try await database.read { database in
            try Bool.fetchOne(
                database, sql: "SELECT EXISTS (SELECT 1 FROM node_secrets WHERE name = ? AND hash = ?)",
                arguments: [Self.setup, hash])
        } == true
    }
}
