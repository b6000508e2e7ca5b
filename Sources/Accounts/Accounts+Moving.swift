import GRDB
import Identity
import WaggleProtocol

extension Accounts {
    /// What an account may still bring along from other homes.
    ///
    /// - Throws: `noAccount`.
    public func movedRoom(of account: Account) async throws(AccountsError) -> MovedRoom {
        try await database.read { try Self.movedRoom(of: account, $0) }
    }

    /// Counts posts that an account is about to bring along, on disk before they are taken in.
    ///
    /// - Throws: `limit` when there is no room for all of them; then nothing is counted.
    public func admit(moved posts: Int, bytes: Int, by account: Account) async throws(AccountsError) {
        try await database.write { database in
            var room = try Self.movedRoom(of: account, database)
            guard room.take(posts: posts, bytes: bytes) else {
                throw AccountsError.limit(
                    "this account has brought along the \(Limits.Accounts.movedPosts) posts, or "
                        + "\(Limits.Accounts.movedBytes >> 20) MiB, that come with a move")
            }
            try database.execute(
                sql: "UPDATE accounts SET moved_posts = moved_posts + ?, moved_bytes = moved_bytes + ? WHERE id = ?",
                arguments: [posts, bytes, account.id])
        }
    }

    private static func movedRoom(of account: Account, _ database: Database) throws -> MovedRoom {
        guard
            let row = try Row.fetchOne(
                database, sql: "SELECT moved_posts, moved_bytes FROM accounts WHERE id = ?", arguments: [account.id])
        else { throw AccountsError.noAccount(account.handle) }
        return MovedRoom(after: row[0], bytes: row[1])
    }

    /// Opens an account for somebody who comes from another node with the words that make their keys: this node holds them
    /// from now on. Whoever lived here before and left is at home again, under the name of then.
    ///
    /// - Throws: `authorTaken` for somebody who did not leave; what registering throws.
    public func settle(
        _ registration: Registration, _ keys: NewKeys, mode: RegistrationMode, levels: UInt32
    ) async throws(AccountsError) -> Account {
        var registration = registration
        let before = try await account(author: keys.author)
        if let before {
            guard before.state == .moved else { throw .authorTaken }
            registration.handle = before.handle
        }
        let admission = try await check(registration, mode: mode, returning: keys.author)
        let stretched = try await passphrases.stretch(registration.passphrase, .interactive())
        let stored = StoredKeys(
            device: custody.seal(keys.deviceSeed), root: stretched.sealingKey.seal(keys.root),
            documents: keys.documents)
        guard let before else {
            return try await open(
                registration, admission, author: keys.author, custody: .node, stretched, stored, levels: levels)
        }
        defer { forgetGrants() }
        let now = now()
        let application = registration.application
        return try await database.write { database in
            guard let known = try AccountTable.find(id: before.id, database), known.state == .moved else {
                throw AccountsError.authorTaken
            }
            if let invite = admission.invite { try InviteTable.take(invite, database) }
            let draft = AccountDraft(
                handle: known.handle, author: known.author, role: admission.role, state: admission.state,
                custody: .node, levels: known.levels, application: application)
            return try AccountTable.resettle(
                draft, as: known.id,
                passphrase: StoredPassphrase(parameters: stretched.parameters, verifier: stretched.verifier),
                keys: stored, now: now, database)
        }
    }
}
