import Digests
import FoundationEssentials
import GRDB
import Identity
import WaggleProtocol

/// Deletes (kind 30) and the tombstones that they leave.
///
/// A tombstone stands for as long as its delete is stored, before and after its target arrives. It covers a target of
/// the same author if its `scopes`, those that the deleting device has now, contain the scope of the target's kind.
extension LogWriter {
    func isTombstoned(_ row: PostTable.Row) throws -> Bool {
        guard row.kind.isDeletable, let scope = row.kind.scope else { return false }
        let bit = Set([scope]).bits
        let byID = try Int.fetchOne(
            db.cachedStatement(sql: "SELECT 1 FROM tombstone WHERE id = ? AND author = ? AND scopes & ? != 0 LIMIT 1"),
            arguments: [row.id.data, row.author, bit])
        if byID != nil { return true }
        guard row.kind.isReplaceable else { return false }
        return try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT 1 FROM slot_tombstone
                    WHERE author = ? AND kind = ? AND slot = ? AND created >= ? AND scopes & ? != 0 LIMIT 1
                    """),
            arguments: [row.author, Int64(row.kind.rawValue), row.slot, Int64(row.created), bit]) != nil
    }

    /// Notes what a new delete names, and has the posts judged that are here.
    mutating func bury(_ delete: WireDelete, by row: PostTable.Row, of author: Hash32) throws {
        for id in delete.ids {
            try db.cachedStatement(
                sql: "INSERT OR IGNORE INTO tombstone (id, author, scopes, by_post) VALUES (?, ?, 0, ?)"
            ).execute(arguments: [id, row.author, row.n])
        }
        for name in delete.slots {
            try db.cachedStatement(
                sql: """
                    INSERT OR IGNORE INTO slot_tombstone (author, kind, slot, created, scopes, by_post)
                    VALUES (?, ?, ?, ?, 0, ?)
                    """
            ).execute(arguments: [row.author, Int64(name.kind), name.slot, Int64(row.created), row.n])
        }
        if written.authors[author] == nil { written.authors[author] = try self.author(author) }
        written.authors[author]?.hasDeletes = true
        try rescope(row)
    }

    /// Brings the scopes of a delete's tombstones up to date: those of its device while the delete is in force, else
    /// none.
    mutating func rescope(_ delete: PostTable.Row) throws {
        var scopes: Int64 = 0
        if try isInForce(delete), let (author, device) = try signer(of: delete) {
            scopes = author.chain.devices[device]?.scopes.bits ?? 0
        }
        for (table, targets) in Self.targets {
            try db.cachedStatement(sql: "UPDATE \(table) SET scopes = ? WHERE by_post = ? AND scopes != ?")
                .execute(arguments: [scopes, delete.n, scopes])
            guard db.changesCount > 0 else { continue }
            try db.cachedStatement(sql: "INSERT OR IGNORE INTO unjudged \(targets)").execute(arguments: [delete.n])
            if db.changesCount > 0 { written.hasUnjudged = true }
        }
    }

    /// For each table of tombstones the posts that those of one delete may cover.
    private static let targets = [
        (
            "tombstone",
            "SELECT p.n FROM tombstone t JOIN post p ON p.id = t.id AND p.author = t.author WHERE t.by_post = ?"
        ),
        (
            "slot_tombstone",
            """
            SELECT p.n FROM slot_tombstone t
            JOIN post p ON p.author = t.author AND p.kind = t.kind AND p.slot = t.slot AND p.created <= t.created
            WHERE t.by_post = ?
            """
        ),
    ]

    private func isInForce(_ row: PostTable.Row) throws -> Bool {
        try Int.fetchOne(
            db.cachedStatement(sql: "SELECT state FROM post WHERE n = ?"), arguments: [row.n]) == 0
    }
}
