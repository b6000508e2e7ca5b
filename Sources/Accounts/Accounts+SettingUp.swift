import Digests
import FoundationEssentials
import GRDB
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
    /// - Throws: `badSetupToken`, `weakPassphrase`, `tooManyAttempts`.
    public func setUp(
        token text: String, owner: String, passphrase: String, from address: String
    ) async throws(AccountsError) -> OpenedSession {
        let keys = ["setup", "address \(address)"]
        if let wait = attempts.withLock({ $0.wait(keys, now: now()) }) { throw .tooManyAttempts(retryAfter: wait) }
        try RegistrationRules.check(passphrase: passphrase)
        let secret = SecretToken(text, .setup)
        // Taken before the passphrase is set: of two who show it at the same time one gets in.
        let isTaken = try await database.write { database -> Bool in
            guard let secret else { return false }
            // A row without a meaning stays, so that no further token is printed by itself.
            try database.execute(
                sql: "UPDATE node_secrets SET hash = x'' WHERE name = ? AND hash = ?",
                arguments: [Self.setup, secret.hash.data])
            return database.changesCount == 1
        }
        guard isTaken else {
            attempts.withLock { $0.fail(keys, now: now()) }
            throw .badSetupToken
        }
        try await resetPassphrase(of: try await existing(owner), to: passphrase)
        return try await openSession(for: try await existing(owner))
    }
}
