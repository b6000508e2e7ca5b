import Digests
import WaggleProtocol

extension Accounts {
    /// Begins a draft.
    ///
    /// - Parameter fields: what is known already.
    /// - Throws: `limit` when there are too many.
    public func newDraft(
        _ kind: String, _ fields: [String: [String]], of account: Account
    ) async throws(AccountsError) -> Draft {
        let now = now()
        let draft = Draft(id: Hex.encode(random(16)), kind: kind, fields: fields, created: now, updated: now)
        try await database.write { database in
            try DraftTable.deleteOlder(than: now - min(now, Limits.Accounts.draftSeconds), database)
            guard try DraftTable.list(account: account.id, database).count < Limits.Accounts.drafts else {
                throw AccountsError.limit(
                    "there are \(Limits.Accounts.drafts) drafts already; publish some, or throw some away")
            }
            try DraftTable.save(draft, account: account.id, now: now, database)
        }
        return draft
    }

    /// Somebody's draft; nil for another's, and for one that is not there.
    public func draft(_ id: String, of account: Account) async throws(AccountsError) -> Draft? {
        try await database.read { try DraftTable.find(id, account: account.id, $0) }
    }

    /// Newest first.
    public func drafts(of account: Account) async throws(AccountsError) -> [Draft] {
        try await database.read { try DraftTable.list(account: account.id, $0) }
    }

    /// Changes a draft in one step, so that two tabs lose nothing of each other: what one does not name stays.
    ///
    /// - Returns: the draft as it is then; nil when it is not there.
    public func change(
        draft id: String, of account: Account, _ edit: @escaping @Sendable (inout Draft) -> Void
    ) async throws(AccountsError) -> Draft? {
        let now = now()
        return try await database.write { database in
            guard var draft = try DraftTable.find(id, account: account.id, database) else { return nil }
            edit(&draft)
            try DraftTable.save(draft, account: account.id, now: now, database)
            return draft
        }
    }

    /// One that is not there is no error.
    public func delete(draft id: String, of account: Account) async throws(AccountsError) {
        try await database.write { try DraftTable.delete(id, account: account.id, $0) }
    }
}
