public import Digests
import GRDB
public import Identity
import Synchronization
import WaggleProtocol

/// The people at home on this node: their accounts, sessions and tokens, and the keys that the node holds for them.
///
/// What decides is in `Rules`; this class asks the clock and the random source that it was given, and keeps what comes of
/// it in `db/accounts.db`.
public final class Accounts: Sendable {
    let database: AccountsDatabase
    let custody: SealingKey
    /// Unix seconds.
    let now: @Sendable () -> UInt64
    let random: @Sendable (Int) -> [UInt8]
    let passphrases = PassphraseDesk()
    let attempts = Mutex(AttemptLimiter())
    let challenges = Mutex(OpenChallenges())
    let paces = Mutex(PostPace())
    let held = Mutex(HeldRoom())
    /// Tokens and sessions that were looked up; emptied whenever an account or a token changes.
    let known = Mutex(RememberedGrants())

    /// Opens or makes the database.
    ///
    /// - Parameters:
    ///   - path: `db/accounts.db` of the home.
    ///   - node: the node's device key: what the node holds for others is sealed by a secret that is sealed under it.
    ///   - random: so many random bytes.
    public init(
        path: String, node: SigningKey, now: @escaping @Sendable () -> UInt64,
        random: @escaping @Sendable (Int) -> [UInt8] = SecureRandom.bytes
    ) async throws(AccountsError) {
        let database = try AccountsDatabase(path: path)
        self.database = database
        self.now = now
        self.random = random
        let fresh = random(32)
        custody = try await database.write { database in
            try AnswerTable.forgetUnfinished(database)
            return try CustodyTable.open(by: node, orKeeping: fresh, now: now(), database)
        }
    }

    // MARK: Looking up

    /// By handle.
    public func all() async throws(AccountsError) -> [Account] {
        try await database.read { try AccountTable.all($0) }
    }

    /// Author ids of the accounts in a state.
    public func authors(_ state: AccountState) async throws(AccountsError) -> Set<Hash32> {
        try await database.read { try AccountTable.authors(state, $0) }
    }

    public func account(handle: String) async throws(AccountsError) -> Account? {
        try await database.read { try AccountTable.find(handle: handle, $0) }
    }

    public func account(author: Hash32) async throws(AccountsError) -> Account? {
        try await database.read { try AccountTable.find(author: author, $0) }
    }

    /// Those of these authors that have one.
    public func accounts(ofAuthors authors: Set<Hash32>) async throws(AccountsError) -> [Account] {
        try await database.read { database in try authors.compactMap { try AccountTable.find(author: $0, database) } }
    }

    /// - Throws: `noAccount`.
    public func existing(_ handle: String) async throws(AccountsError) -> Account {
        guard let account = try await account(handle: handle) else { throw .noAccount(handle) }
        return account
    }

    // MARK: Changing

    /// Makes a person whose key file is in the home an account; one that is there stays as it is.
    public func adopt(handle: String, author: Hash32, role: AccountRole, levels: UInt32) async throws(AccountsError) {
        let now = now()
        try await database.write { database in
            guard try AccountTable.find(author: author, database) == nil,
                try AccountTable.find(handle: handle, database) == nil
            else { return }
            let draft = AccountDraft(
                handle: handle, author: author, role: role, state: .active, custody: .keyFile, levels: levels,
                application: "")
            _ = try AccountTable.insert(draft, passphrase: nil, keys: nil, now: now, database)
        }
    }

    /// - Throws: `noAccount`, `lastAdmin`.
    public func set(_ role: AccountRole, of handle: String) async throws(AccountsError) -> Account {
        try await change(handle) { $0.role = role }
    }

    /// Disabling ends all sessions and tokens.
    ///
    /// - Throws: `noAccount`, `lastAdmin`.
    public func set(_ state: AccountState, of handle: String) async throws(AccountsError) -> Account {
        try await change(handle) { $0.state = state }
    }

    /// Somebody who had left is at home here again, with a key in the home; nothing happens to others.
    public func welcomeBack(_ author: Hash32) async throws(AccountsError) {
        try await database.write { database in
            guard let known = try AccountTable.find(author: author, database), known.state == .moved else { return }
            try AccountTable.settle(known.id, database)
        }
        forgetGrants()
    }

    /// The person left: sessions and tokens end, and what this node held of their keys is erased.
    ///
    /// - Throws: `noAccount`, `lastAdmin`.
    public func noteMoved(_ handle: String) async throws(AccountsError) {
        _ = try await change(handle) { $0.state = .moved }
    }

    /// Turns an application down. The reason is told to whoever signs in with its passphrase.
    ///
    /// - Throws: `noAccount`, `notPending`, `limit`.
    public func reject(_ handle: String, reason: String) async throws(AccountsError) -> Account {
        guard reason.utf8.count <= Limits.Administration.reasonBytes else {
            throw .limit("a reason has at most \(Limits.Administration.reasonBytes) bytes")
        }
        defer { forgetGrants() }
        return try await database.write { database in
            guard var account = try AccountTable.find(handle: handle, database) else {
                throw AccountsError.noAccount(handle)
            }
            guard account.state == .pending else { throw AccountsError.notPending(handle) }
            account.state = .rejected
            try AccountTable.update(account, database)
            try AccountTable.set(reason: reason, of: account.id, database)
            return account
        }
    }

    /// What the person wants to see, and from where on behind a blur.
    ///
    /// - Throws: `noAccount`; `ageNeeded` for levels that are shown to adults alone, from somebody who has not said so.
    public func set(_ viewing: ViewingChoice, of handle: String) async throws(AccountsError) -> Account {
        let now = now()
        return try await change(handle) { try viewing.apply(to: &$0, now: now) }
    }

    func change(
        _ handle: String, _ edit: @escaping @Sendable (inout Account) throws -> Void
    ) async throws(AccountsError) -> Account {
        defer { forgetGrants() }
        let now = now()
        return try await database.write { database in
            guard var account = try AccountTable.find(handle: handle, database) else {
                throw AccountsError.noAccount(handle)
            }
            let before = account
            try edit(&account)
            let wasAdmin = before.role == .admin && before.state == .active
            let isAdmin = account.role == .admin && account.state == .active
            if wasAdmin, !isAdmin, try AccountTable.otherAdmins(than: account.id, database) == 0 {
                throw AccountsError.lastAdmin
            }
            try AccountTable.update(account, database)
            if before.state == .pending, account.state == .active {
                let news = NewNotification(for: account.author, .approved, key: "\(now)", created: now)
                try NotificationTable.insert(news, account: account.id, database)
            }
            if account.state == .disabled || account.state == .moved {
                try SessionTable.deleteAll(ofAccount: account.id, database)
                try TokenTable.deleteAll(ofAccount: account.id, database)
            }
            if account.state == .moved { try AccountTable.forgetKeys(of: account.id, database) }
            return account
        }
    }

    func forgetGrants() {
        known.withLock { $0.forget() }
    }
}
