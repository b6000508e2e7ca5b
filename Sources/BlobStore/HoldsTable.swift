import Digests
import GRDB

/// Pins and leases: what eviction must leave alone.
enum HoldsTable {
    static func pin(_ db: Database, _ hash: Hash32, _ reason: PinReason, now: Int64) throws {
        try db.run(
            "INSERT OR IGNORE INTO pins (sha256, reason, pinned_at) VALUES (?, ?, ?)", [hash.data, reason.text, now])
    }

    static func unpin(_ db: Database, _ hash: Hash32, _ reason: PinReason) throws {
        try db.run("DELETE FROM pins WHERE sha256 = ? AND reason = ?", [hash.data, reason.text])
    }

    static func pins(_ db: Database, _ hash: Hash32) throws -> [PinReason] {
        try String.fetchAll(
            db.cachedStatement(sql: "SELECT reason FROM pins WHERE sha256 = ? ORDER BY id"), arguments: [hash.data]
        ).compactMap { PinReason(text: $0) }
    }

    static func unpinAll(_ db: Database, _ reason: PinReason) throws {
        try db.run("DELETE FROM pins WHERE reason = ?", [reason.text])
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

    static func lease(_ db: Database, _ hash: Hash32, holder: String, until: Int64) throws {
        try db.run(
            """
            INSERT INTO leases (sha256, holder, until) VALUES (?, ?, ?)
            ON CONFLICT (sha256, holder) DO UPDATE SET until = excluded.until
            """, [hash.data, holder, until])
    }

    static func release(_ db: Database, _ hash: Hash32, holder: String) throws {
        try db.run("DELETE FROM leases WHERE sha256 = ? AND holder = ?", [hash.data, holder])
    }

    static func dropExpired(_ db: Database, now: Int64) throws {
        try db.run("DELETE FROM leases WHERE until <= ?", [now])
    }
}
