public import Digests
import Identity
import Synchronization
import WaggleProtocol

/// A session that was opened. The token is shown to the browser once.
public struct OpenedSession: Sendable {
    public let token: SecretToken
    public let account: Account
    /// Unix seconds.
    public let expires: UInt64
}

extension Accounts {
    /// Opens a session with a passphrase.
    ///
    /// - Parameter address: where the request comes from; guesses from one address are slowed down together.
    /// - Throws: `wrongCredentials`, whatever was wrong; `pending` and `disabled` only to whoever knows the passphrase;
    ///   `tooManyAttempts`, `busy`.
    public func signIn(
        handle: String, passphrase: String, from address: String
    ) async throws(AccountsError) -> OpenedSession {
        let keys = ["handle \(handle.prefix(Limits.Accounts.handleBytes))", "address \(address)"]
        if let wait = attempts.withLock({ $0.wait(keys, now: now()) }) { throw .tooManyAttempts(retryAfter: wait) }
        let found = try await database.read { database in
            try AccountTable.find(handle: handle, database).flatMap { account in
                try AccountTable.passphrase(of: account.id, database).map { (account, $0) }
            }
        }
        // Somebody unknown takes as long as somebody known, or the time would tell who is here.
        let stretched = try await passphrases.stretch(passphrase, found?.1.parameters ?? .interactive())
        guard let (account, stored) = found, stretched.verifier == stored.verifier else {
            attempts.withLock { $0.fail(keys, now: now()) }
            throw .wrongCredentials
        }
        attempts.withLock { $0.succeed(keys[0]) }
        return try await openSession(for: account)
    }

    /// Opens a session for somebody who proved who they are.
    ///
    /// - Throws: `pending`, `disabled`, `moved`.
    public func openSession(for account: Account) async throws(AccountsError) -> OpenedSession {
        try Self.check(account)
        let secret = SecretToken(.session, entropy: random(32))
        let now = now()
        let expires = now + Limits.Accounts.sessionSeconds
        try await database.write { database in
            try SessionTable.insert(secret.hash, account: account.id, now: now, expires: expires, database)
        }
        return OpenedSession(token: secret, account: account, expires: expires)
    }

    static func check(_ account: Account) throws(AccountsError) {
        switch account.state {
        case .active: break
        case .pending: throw .pending(account.handle)
        case .disabled: throw .disabled(account.handle)
        case .moved: throw .moved(account.handle)
        case .rejected: throw .rejected(account.handle, reason: account.reason)
        }
    }

    public func closeSession(_ id: Int64) async throws(AccountsError) {
        try await database.write { try SessionTable.delete(id: id, $0) }
        forgetGrants()
    }

    // MARK: Keys

    /// A new challenge for a key to sign.
    public func challenge(origin: String, node: Hash32) -> KeyChallenge {
        let challenge = KeyChallenge(nonce: Hex.encode(random(32)), origin: origin, node: node, issued: now())
        challenges.withLock { $0.add(challenge) }
        return challenge
    }

    /// Uses a challenge up.
    ///
    /// - Throws: `badChallenge` when it is unknown, used or too old, or the signature is not this key's over it.
    public func redeem(nonce: String, signature: [UInt8], key: Hash32) throws(AccountsError) {
        let challenge = challenges.withLock { $0.take(nonce, now: now()) }
        guard let challenge, challenge.isSigned(signature, by: key) else { throw .badChallenge }
    }

    // MARK: Passphrases

    /// Changes a passphrase, and seals the root anew. Ends all other sessions.
    ///
    /// - Throws: `wrongCredentials`.
    public func changePassphrase(
        of account: Account, from old: String, to new: String, keeping session: Int64?
    ) async throws(AccountsError) {
        try RegistrationRules.check(passphrase: new)
        let found = try await database.read { database in
            (
                try AccountTable.passphrase(of: account.id, database), try AccountTable.keys(of: account.id, database)
            )
        }
        guard let stored = found.0 else { throw .wrongCredentials }
        let before = try await checked(old, stored, of: account)
        let after = try await passphrases.stretch(new, .interactive())
        let root = found.1.flatMap { before.sealingKey.open($0.root) }.map { after.sealingKey.seal($0) }
        try await set(after, root: root, of: account.id, keeping: session)
    }

    /// Sets a passphrase without the old one: the operator's way. A root that was sealed under the old one stays with the
    /// recovery words alone.
    public func resetPassphrase(of account: Account, to new: String) async throws(AccountsError) {
        try RegistrationRules.check(passphrase: new)
        try await set(try await passphrases.stretch(new, .interactive()), root: [], of: account.id, keeping: nil)
    }

    private func set(
        _ stretched: StretchedPassphrase, root: [UInt8]?, of id: Int64, keeping session: Int64?
    ) async throws(AccountsError) {
        let stored = StoredPassphrase(parameters: stretched.parameters, verifier: stretched.verifier)
        try await database.write { database in
            try AccountTable.set(stored, root: root, of: id, database)
            try SessionTable.deleteAll(ofAccount: id, except: session, database)
        }
        forgetGrants()
    }

    /// The recovery secret of an account, for whoever knows its passphrase.
    ///
    /// - Throws: `wrongCredentials`, also where the node holds no root.
    public func root(of account: Account, passphrase: String) async throws(AccountsError) -> [UInt8] {
        let found = try await database.read { database in
            (
                try AccountTable.passphrase(of: account.id, database), try AccountTable.keys(of: account.id, database)
            )
        }
        guard let stored = found.0, let keys = found.1 else { throw .wrongCredentials }
        let stretched = try await checked(passphrase, stored, of: account)
        guard let root = stretched.sealingKey.open(keys.root) else { throw .wrongCredentials }
        return root
    }

    /// The passphrase of somebody who is signed in already. Whoever sits down at a session that was left open guesses no
    /// faster than at the door.
    private func checked(
        _ passphrase: String, _ stored: StoredPassphrase, of account: Account
    ) async throws(AccountsError) -> StretchedPassphrase {
        let keys = ["own \(account.handle)"]
        if let wait = attempts.withLock({ $0.wait(keys, now: now()) }) { throw .tooManyAttempts(retryAfter: wait) }
        let stretched = try await passphrases.stretch(passphrase, stored.parameters)
        guard stretched.verifier == stored.verifier else {
            attempts.withLock { $0.fail(keys, now: now()) }
            throw .wrongCredentials
        }
        attempts.withLock { $0.succeed(keys[0]) }
        return stretched
    }
}
