import Digests
import GRDB
import Statements

/// Pins and leases: what eviction must leave alone.
enum HoldsTable {
    static func pin(_ db: Database, _ hash: Hash32, _ reason: PinReason, now: Int64) throws {
        try db.write("INSERT OR IGNORE INTO pins (sha256, reason, pinned_at) VALUES (?, ?, ?)", hash, reason.text, now)
    }

    static func unpin(_ db: Database, _ hash: Hash32, _ reason: PinReason) throws {
        try db.change("DELETE FROM pins WHERE sha256 = ? AND reason = ?", [hash.data, reason.text])
    }

    static func pins(_ db: Database, _ hash: Hash32) throws -> [PinReason] {
        try db.all("SELECT reason FROM pins WHERE sha256 = ? ORDER BY id", hash) { PinReason(text: $0.text(0)) }
    }

    static func unpinAll(_ db: Database, _ reason: PinReason) throws {
        try db.change("DELETE FROM pins WHERE reason = ?", [reason.text])
    }

    static func pinnedBytes(_ db: Database, _ reason: PinReason) throws -> UInt64 {
        let sum = try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT sum(b.size) FROM pins p JOIN blobs b ON b.sha256 = p.sha256
                    WHERE p.reason = ? AND b.own IN (1, 2)
                    """), arguments: [reason.text])
        return UInt64(sum ?? 0)
    }

    /// Of one blob: the bytes that its own copy takes when an own post shows it, else 0.
    static func bytesOfOwnPost(_ db: Database, _ hash: Hash32) throws -> UInt64 {
        let size = try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT b.size FROM blobs b JOIN pins p ON p.sha256 = b.sha256 AND p.reason = ?
                    WHERE b.sha256 = ? AND b.own IN (1, 2, 4)
                    """), arguments: [PinReason.ownPost.text, hash.data])
        return UInt64(size ?? 0)
    }

    /// Own blobs by the first reason that holds them: "post", "user", "bounty", "rule", or "" for none.
    static func bytesByReason(_ db: Database) throws -> [String: StoreUsage.Sum] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT CASE rank WHEN 1 THEN 'post' WHEN 2 THEN 'user' WHEN 3 THEN 'bounty' WHEN 4 THEN 'rule' ELSE '' END,
                    count(*), sum(size)
                FROM (
                    SELECT size, (SELECT min(CASE WHEN reason = 'post' THEN 1 WHEN reason = 'user' THEN 2
                            WHEN reason LIKE 'bounty:%' THEN 3 WHEN reason LIKE 'rule:%' THEN 4 END)
                        FROM pins WHERE pins.sha256 = blobs.sha256) AS rank
                    FROM blobs WHERE own IN (1, 2, 4) AND trashed_at IS NULL)
                GROUP BY 1
                """)
        return Dictionary(
            rows.map { ($0[0] as String, StoreUsage.Sum(blobs: $0[1], bytes: UInt64($0[2] as Int64))) },
            uniquingKeysWith: { first, _ in first })
    }

    static func lease(_ db: Database, _ hash: Hash32, holder: String, until: Int64) throws {
        try db.change(
            """
            INSERT INTO leases (sha256, holder, until) VALUES (?, ?, ?)
            ON CONFLICT (sha256, holder) DO UPDATE SET until = excluded.until
            """, [hash.data, holder, until])
    }

    static func release(_ db: Database, _ hash: Hash32, holder: String) throws {
        try db.change("DELETE FROM leases WHERE sha256 = ? AND holder = ?", [hash.data, holder])
    }

    static func dropExpired(_ db: Database, now: Int64) throws {
        try db.change("DELETE FROM leases WHERE until <= ?", [now])
    }
}
