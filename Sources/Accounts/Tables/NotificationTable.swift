public import Digests
import FoundationEssentials
import GRDB
import WaggleProtocol

/// Something that somebody is told of.
public struct Notification: Sendable, Hashable, Identifiable {
    public enum Kind: String, Sendable, CaseIterable {
        // What others say of what is one's own.
        case review, comment, reply, mention, reaction
        /// Somebody follows one.
        case follow
        // What somebody publishes whom one follows.
        case release, images, article, workflow, collection
        /// What is one's own was put into a collection.
        case collected
        /// A picture of somebody else was made with one's own model.
        case recipe
        /// A release of somebody else was made from one's own.
        case derived
        case bountyEntry = "bounty-entry"
        case bountyAward = "bounty-award"
        case tip
        /// What is one's own was taken down here.
        case takenDown = "taken-down"
        /// A moderator decided about what is one's own; the detail is the case.
        case decision
        /// What one reported was taken down.
        case reportAccepted = "report-accepted"
        /// What is one's own has another level here; the detail is the level, a space, and what has it.
        case level
        /// The time of a case runs out; for moderators.
        case caseDue = "case-due"
        /// One's own keys changed.
        case keys
        /// Somebody asks for an account; for admins.
        case registration
        /// One's own account was let in.
        case approved
    }

    public let id: Int64
    public let kind: Kind
    /// The post that it is about; nil where it is about none.
    public let subject: Hash32?
    /// Who did it; nil for this node.
    public let actor: Hash32?
    /// A word more: the emoji of a reaction, the name of who asks.
    public let detail: String
    /// Unix seconds.
    public let created: UInt64
    public let isRead: Bool
}

/// A notification before it is kept.
public struct NewNotification: Sendable, Hashable {
    /// Author id of whom it is for.
    public var recipient: Hash32
    public var kind: Notification.Kind
    /// Told once: the same kind with the same key is not told again.
    public var key: String
    public var subject: Hash32?
    public var actor: Hash32?
    public var detail: String
    /// Unix seconds.
    public var created: UInt64

    public init(
        for recipient: Hash32, _ kind: Notification.Kind, key: String, subject: Hash32? = nil, actor: Hash32? = nil,
        detail: String = "", created: UInt64
    ) {
        self.recipient = recipient
        self.kind = kind
        self.key = key
        self.subject = subject
        self.actor = actor
        self.detail = detail
        self.created = created
    }
}

enum NotificationTable {
    static let schema = """
        CREATE TABLE notifications (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account_id INTEGER NOT NULL REFERENCES accounts(id) ON DELETE CASCADE,
            kind TEXT NOT NULL,
            key TEXT NOT NULL,
            subject BLOB,
            actor BLOB,
            detail TEXT NOT NULL,
            created INTEGER NOT NULL,
            is_read INTEGER NOT NULL DEFAULT 0,
            UNIQUE (account_id, kind, key)
        );
        CREATE INDEX notifications_unread ON notifications(account_id) WHERE is_read = 0;
        CREATE TABLE notified (log TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
        """

    /// What was told before is not told again, though who did it may become known. Of one account the newest are kept.
    static func insert(_ new: NewNotification, account: Int64, _ database: Database) throws {
        try database.execute(
            sql: """
                INSERT INTO notifications (account_id, kind, key, subject, actor, detail, created)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (account_id, kind, key) DO UPDATE SET actor = excluded.actor
                    WHERE actor IS NULL AND excluded.actor IS NOT NULL
                """,
            arguments: [
                account, new.kind.rawValue, new.key, new.subject?.data, new.actor?.data, new.detail,
                Int64(clamping: new.created),
            ])
        guard database.changesCount > 0 else { return }
        try database.execute(
            sql: """
                DELETE FROM notifications WHERE account_id = ? AND id <=
                    (SELECT id FROM notifications WHERE account_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
                """, arguments: [account, account, Limits.Accounts.notifications])
    }

    /// Tells admins of somebody who asks for an account; nothing of others.
    static func tellAdmins(of account: Account, now: UInt64, _ database: Database) throws {
        guard account.state == .pending else { return }
        for admin in try AccountTable.all(database) where admin.role == .admin && admin.state == .active {
            let news = NewNotification(
                for: admin.author, .registration, key: "\(account.id) \(now)", detail: account.handle, created: now)
            try insert(news, account: admin.id, database)
        }
    }

    /// Newest first.
    static func list(account: Int64, before: Int64?, limit: Int, _ database: Database) throws -> [Notification] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT id, kind, subject, actor, detail, created, is_read FROM notifications
                WHERE account_id = ? AND id < ? ORDER BY id DESC LIMIT ?
                """, arguments: [account, before ?? .max, limit]
        ).compactMap { row in
            guard let kind = Notification.Kind(rawValue: row[1]) else { return nil }
            return Notification(
                id: row[0], kind: kind, subject: (row[2] as Data?).flatMap { Hash32($0) },
                actor: (row[3] as Data?).flatMap { Hash32($0) }, detail: row[4],
                created: UInt64(clamping: row[5] as Int64), isRead: row[6])
        }
    }

    static func unread(account: Int64, _ database: Database) throws -> Int {
        try Int.fetchOne(
            database, sql: "SELECT COUNT(*) FROM notifications WHERE account_id = ? AND is_read = 0",
            arguments: [account]) ?? 0
    }

    static func markRead(account: Int64, upTo id: Int64, _ database: Database) throws {
        try database.execute(
            sql: "UPDATE notifications SET is_read = 1 WHERE account_id = ? AND id <= ? AND is_read = 0",
            arguments: [account, id])
    }

    // MARK: How far the log was read

    static func seq(of log: String, _ database: Database) throws -> UInt64? {
        try Int64.fetchOne(database, sql: "SELECT seq FROM notified WHERE log = ?", arguments: [log]).map {
            UInt64(clamping: $0)
        }
    }

    static func note(_ seq: UInt64, of log: String, _ database: Database) throws {
        try database.execute(
            sql: "INSERT OR REPLACE INTO notified (log, seq) VALUES (?, ?)", arguments: [log, Int64(clamping: seq)])
    }
}
