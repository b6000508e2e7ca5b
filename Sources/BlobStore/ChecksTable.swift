import Digests
import FoundationEssentials
import GRDB

/// When each blob's bytes were last read and found right, and how far the scrub is with it.
struct CheckRow: Sendable {
    /// Last change of the store's own file when it was found right, nanoseconds since 1970; nil for other places.
    var modified: Int64?
    /// Milliseconds since 1970.
    var verifiedAt: Int64
    /// Units from the beginning that the scrub under way has found right.
    var nextUnit: Int
}

enum ChecksTable {
    static func find(_ db: Database, blob: Int64) throws -> CheckRow? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT modified, verified_at, next_unit FROM checks WHERE blob = ?"),
            arguments: [blob]
        ).map { CheckRow(modified: $0[0], verifiedAt: $0[1], nextUnit: $0[2]) }
    }

    /// All bytes of the blob were read and are right.
    static func putVerified(_ db: Database, blob: Int64, modified: Int64?, at time: Int64) throws {
        try db.change(
            "INSERT OR REPLACE INTO checks (blob, modified, verified_at, next_unit) VALUES (?, ?, ?, 0)",
            [blob, modified, time])
    }

    /// The scrub of a blob has come so far.
    static func putProgress(_ db: Database, blob: Int64, nextUnit: Int) throws {
        try db.change(
            """
            INSERT INTO checks (blob, modified, verified_at, next_unit) VALUES (?, NULL, 0, ?)
            ON CONFLICT (blob) DO UPDATE SET next_unit = excluded.next_unit
            """, [blob, nextUnit])
    }

    /// Blobs in service whose bytes were not read since a time: first the one that is half read, then the longest unread.
    static func due(_ db: Database, before time: Int64, limit: Int) throws -> [Hash32] {
        try Data.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT b.sha256 FROM blobs b LEFT JOIN checks c ON c.blob = b.id
                    WHERE coalesce(c.verified_at, 0) < ? AND \(inService)
                    ORDER BY coalesce(c.next_unit, 0) = 0, coalesce(c.verified_at, 0), b.id LIMIT ?
                    """), arguments: [time, limit]
        ).compactMap { Hash32($0) }
    }

    /// Bytes of all blobs in service, and of those whose bytes were read since a time.
    static func totals(_ db: Database, since time: Int64) throws -> (bytes: UInt64, verified: UInt64, oldest: Int64?) {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT sum(b.size), sum(b.size) FILTER (WHERE coalesce(c.verified_at, 0) >= ?),
                    min(coalesce(c.verified_at, 0))
                FROM blobs b LEFT JOIN checks c ON c.blob = b.id WHERE \(inService)
                """, arguments: [time])
        return (UInt64((row?[0] as Int64?) ?? 0), UInt64((row?[1] as Int64?) ?? 0), row?[2])
    }

    private static let inService = """
        (b.own IN (1, 2) AND b.trashed_at IS NULL
            OR EXISTS (SELECT 1 FROM adopted a WHERE a.blob = b.id AND a.state = 0))
        """
}
