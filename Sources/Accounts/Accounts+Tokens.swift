import Digests
import GRDB
import Synchronization
import WaggleProtocol

/// A token that is to be.
public struct NewToken: Sendable, Hashable {
    public var label: String
    public var scopes: Set<TokenScope>
    /// Unix seconds; nil for never.
    public var expires: UInt64?
    /// Most Buzz that it may spend in all.
    public var buzzLimit: UInt64?

    public init(label: String, scopes: Set<TokenScope>, expires: UInt64? = nil, buzzLimit: UInt64? = nil) {
        self.label = label
        self.scopes = scopes
        self.expires = expires
        self.buzzLimit = buzzLimit
    }

    /// - Throws: `scopes` for more than the account has, `limit`.
    func check(for account: Account, now: UInt64) throws(AccountsError) {
        guard label.utf8.count <= Limits.Accounts.labelBytes else {
            throw .limit("a token's name has at most \(Limits.Accounts.labelBytes) bytes")
        }
        guard !scopes.isEmpty else { throw .scopes("name at least one scope, for example read,publish") }
        let missing = scopes.subtracting(account.role.scopes).sorted()
        guard missing.isEmpty else {
            throw .scopes(
                "@\(account.handle) is \(account.role.rawValue) and cannot give away: "
                    + missing.map(\.rawValue).joined(separator: ", "))
        }
        if let expires, expires <= now { throw .limit("the token would have expired already") }
        if let buzzLimit, buzzLimit > UInt64(Int64.max) { throw .limit("no account has so much Buzz") }
        if buzzLimit != nil, scopes.isDisjoint(with: [.spend, .generate]) {
            throw .scopes("a Buzz limit is for the scopes spend and generate")
        }
    }
}

extension Accounts {
    /// Makes a token. The secret is shown once and stored nowhere.
    ///
    /// - Throws: `noAccount`, `pending`, `disabled`, `scopes`, `limit`.
    public func newToken(
        _ token: NewToken, for handle: String
    ) async throws(AccountsError) -> (secret: SecretToken, token: APIToken) {
        let secret = SecretToken(.api, entropy: random(32))
        let now = now()
        let made = try await database.write { database in
            guard let account = try AccountTable.find(handle: handle, database) else {
                throw AccountsError.noAccount(handle)
            }
            try Self.check(account)
            try token.check(for: account, now: now)
            return try TokenTable.insert(token, hash: secret.hash, account: account, now: now, database)
        }
        return (secret, made)
    }

    /// - Parameter account: nil for the tokens of everybody.
    public func tokens(of account: Account? = nil) async throws(AccountsError) -> [APIToken] {
        try await database.read { try TokenTable.list(account: account?.id, $0) }
    }

    /// - Parameter account: only a token of this one; nil for anybody's.
    /// - Throws: `noToken`.
    public func revoke(token id: Int64, of account: Account? = nil) async throws(AccountsError) {
        defer { forgetGrants() }
        guard try await database.write({ try TokenTable.delete(id: id, account: account?.id, $0) }) else {
            throw .noToken("\(id)")
        }
    }

    // MARK: Grants

    /// What the bearer of a token may do; nil for a token that is unknown, revoked or expired, or whose account is not
    /// active: all alike.
    public func grant(token text: String) async throws(AccountsError) -> Grant? {
        guard let secret = SecretToken(text, .api) else { return nil }
        let now = now()
        return try await remembering(secret.hash, now) { () async throws(AccountsError) in
            try await use(secret, now)
        }
    }

    private func use(_ secret: SecretToken, _ now: UInt64) async throws(AccountsError) -> Grant? {
        try await database.write { database -> Grant? in
            guard let (token, id) = try TokenTable.find(secret.hash, database),
                token.expires.map({ $0 > now }) ?? true, let account = try AccountTable.find(id: id, database),
                account.state == .active
            else { return nil }
            if now >= (token.lastUsed ?? 0) + Limits.Accounts.lastUsedSeconds {
                try TokenTable.touch(token.id, now: now, database)
            }
            return Grant(
                account: account, source: .token(id: token.id, label: token.label), scopes: token.scopes,
                expires: token.expires)
        }
    }

    /// What the owner of a session may do; nil as for tokens.
    public func grant(session text: String) async throws(AccountsError) -> Grant? {
        guard let secret = SecretToken(text, .session) else { return nil }
        let now = now()
        return try await remembering(secret.hash, now) { () async throws(AccountsError) in
            try await find(secret, now)
        }
    }

    private func find(_ secret: SecretToken, _ now: UInt64) async throws(AccountsError) -> Grant? {
        try await database.read { database -> Grant? in
            guard let session = try SessionTable.find(secret.hash, database), session.expires > now,
                let account = try AccountTable.find(id: session.account, database), account.state == .active
            else { return nil }
            return Grant(
                account: account, source: .session(id: session.id), scopes: account.role.scopes,
                expires: session.expires)
        }
    }

    /// Looks a secret up, unless that was done a moment ago.
    private func remembering(
        _ hash: Hash32, _ now: UInt64, _ find: () async throws(AccountsError) -> Grant?
    ) async throws(AccountsError) -> Grant? {
        let (remembered, round) = known.withLock { ($0.grant(hash, now: now), $0.round) }
        if let remembered { return remembered }
        guard let grant = try await find() else { return nil }
        known.withLock { $0.remember(grant, hash, round: round, until: now + Limits.Accounts.lastUsedSeconds) }
        return grant
    }
}

/// Grants that were looked up a moment ago.
struct RememberedGrants: Sendable {
    private var grants: [Hash32: (grant: Grant, until: UInt64)] = [:]
    /// Counts how often everything was forgotten: what was looked up before is not remembered after.
    private(set) var round = 0

    func grant(_ hash: Hash32, now: UInt64) -> Grant? {
        guard let known = grants[hash], known.until > now, known.grant.expires.map({ $0 > now }) ?? true else {
            return nil
        }
        return known.grant
    }

    /// - Parameter until: unix seconds; then it is looked up again, which notes the token's use.
    mutating func remember(_ grant: Grant, _ hash: Hash32, round: Int, until: UInt64) {
        guard round == self.round else { return }
        if grants.count >= Limits.Accounts.rememberedGrants { grants.removeAll() }
        grants[hash] = (grant, until)
    }

    mutating func forget() {
        grants.removeAll()
        round += 1
    }
}
