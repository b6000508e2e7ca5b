import Digests

extension Accounts {
    /// Keeps notifications with how far the log was read for them, in one step: each is told once, whatever ends the process.
    /// Those for nobody here are left out.
    public func tell(_ news: [NewNotification], upTo seq: UInt64, of log: String) async throws(AccountsError) {
        try await database.write { database in
            for new in news {
                guard let account = try AccountTable.find(author: new.recipient, database), account.state == .active
                else { continue }
                try NotificationTable.insert(new, account: account.id, database)
            }
            try NotificationTable.note(seq, of: log, database)
        }
    }

    /// Keeps notifications of what stands in no log. Each is told once; those for nobody here are left out.
    public func tell(_ news: [NewNotification]) async throws(AccountsError) {
        try await database.write { database in
            for new in news {
                guard let account = try AccountTable.find(author: new.recipient, database), account.state == .active
                else { continue }
                try NotificationTable.insert(new, account: account.id, database)
            }
        }
    }

    /// How far a log was read; nil for one that was never read.
    public func notifiedSeq(of log: String) async throws(AccountsError) -> UInt64? {
        try await database.read { try NotificationTable.seq(of: log, $0) }
    }

    /// Newest first.
    ///
    /// - Parameter before: an id; nil begins with the newest.
    public func notifications(
        of account: Account, before: Int64? = nil, limit: Int
    ) async throws(AccountsError) -> [Notification] {
        try await database.read { try NotificationTable.list(account: account.id, before: before, limit: limit, $0) }
    }

    public func unreadNotifications(of account: Account) async throws(AccountsError) -> Int {
        try await database.read { try NotificationTable.unread(account: account.id, $0) }
    }

    /// All up to this one were seen.
    public func markRead(upTo id: Int64, of account: Account) async throws(AccountsError) {
        try await database.write { try NotificationTable.markRead(account: account.id, upTo: id, $0) }
    }
}
