import Digests
import FoundationEssentials
import GRDB
import Statements

/// A row of `blobs`: what is known of a blob, and whether the store has a copy of its own.
struct BlobRow: Sendable {
    /// The store's own copy. Adopted files are counted apart.
    enum Own: Int64, Sendable {
        case none = 0
        case file = 1
        case small = 2
        /// The file should be there and is not.
        case missing = 3
        /// The file has bad units.
        case damaged = 4

        /// Whether the bytes take room in the budget.
        var takesRoom: Bool { self == .file || self == .small || self == .damaged }
    }

    var id: Int64
    var sha256: Hash32
    var size: UInt64
    var piecesRoot: Hash32
    var crc32: UInt32
    var autoV1: UInt32
    var own: Own
    var trashedAt: Int64?

    /// Whether the own copy can be served.
    var inService: Bool { (own == .file || own == .small) && trashedAt == nil }
}

enum BlobsTable {
    private static let columns = "id, sha256, size, pieces_root, crc32, auto_v1, own, trashed_at"
    private static let named = "SELECT \(columns) FROM blobs WHERE sha256 = ?"

    static func find(_ db: Database, _ hash: Hash32) throws -> BlobRow? {
        try db.first(named, hash) { BlobRow($0) } ?? nil
    }

    static func find(_ db: Database, id: Int64) throws -> BlobRow? {
        try db.first("SELECT \(columns) FROM blobs WHERE id = ?", id) { BlobRow($0) } ?? nil
    }

    static func find(_ db: Database, piecesRoot: Hash32) throws -> BlobRow? {
        try db.first("SELECT \(columns) FROM blobs WHERE pieces_root = ? LIMIT 1", piecesRoot) { BlobRow($0) } ?? nil
    }

    /// The 1 MiB layer, one hash at least.
    static func layer(_ db: Database, _ row: BlobRow) throws -> [Hash32] {
        let statement = try db.cachedStatement(sql: "SELECT hashes FROM blobs WHERE id = ?")
        let hashes = try Data.fetchOne(statement, arguments: [row.id]) ?? Data()
        return hashes.isEmpty ? [row.piecesRoot] : Hash32.list(hashes)
    }

    /// Writes what a hashed blob is, with the own copy given; the row's id. What was in the trash is out of it.
    @discardableResult
    static func put(_ db: Database, _ digests: FileDigests, own: BlobRow.Own, now: Int64) throws -> Int64 {
        let hashes = digests.layer.count > 1 ? digests.layer.joined : Data()
        return try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    INSERT INTO blobs (sha256, size, pieces_root, crc32, auto_v1, own, used_at, hashes)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                    ON CONFLICT (sha256) DO UPDATE SET own = excluded.own, used_at = excluded.used_at, trashed_at = NULL
                    RETURNING id
                    """),
            arguments: [
                digests.sha256.data, Int64(digests.size), digests.piecesRoot.data, Int64(digests.crc32),
                Int64(digests.autoV1), own.rawValue, now, hashes,
            ]) ?? 0
    }

    static func setOwn(_ db: Database, _ id: Int64, _ own: BlobRow.Own) throws {
        try db.change("UPDATE blobs SET own = ?, trashed_at = NULL WHERE id = ?", [own.rawValue, id])
    }

    static func setTrashed(_ db: Database, _ id: Int64, at time: Int64?) throws {
        try db.change("UPDATE blobs SET trashed_at = ? WHERE id = ?", [time, id])
    }

    static func touch(_ db: Database, _ hash: Hash32, at time: Int64) throws {
        try db.change("UPDATE blobs SET used_at = max(used_at, ?) WHERE sha256 = ?", [time, hash.data])
    }

    /// Forgets a blob without a copy, unless adopted files still name it.
    static func forget(_ db: Database, _ id: Int64) throws {
        try setOwn(db, id, .none)
        try db.change("DELETE FROM blobs WHERE id = ? AND NOT EXISTS (SELECT 1 FROM adopted WHERE blob = ?)", [id, id])
    }

    /// The least recently used own blobs after the cursor that nothing holds, oldest first.
    static func evictable(
        _ db: Database, after cursor: (usedAt: Int64, id: Int64), now: Int64, limit: Int
    ) throws -> [(row: BlobRow, usedAt: Int64)] {
        try db.all(
            """
            SELECT \(columns), used_at FROM blobs
            WHERE own IN (1, 2, 4) AND trashed_at IS NULL AND (used_at, id) > (?, ?)
            AND NOT EXISTS (SELECT 1 FROM pins WHERE pins.sha256 = blobs.sha256)
            AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.sha256 = blobs.sha256 AND until > ?)
            ORDER BY used_at, id LIMIT ?
            """, cursor.usedAt, cursor.id, now, limit
        ) { row in BlobRow(row).map { ($0, row.integer(8)) } }
    }

    /// Blobs that were whole here once and lost bytes: own copies with bad units, downloads that such a copy became, and
    /// copies that are gone although something pins them.
    static func damaged(_ db: Database, limit: Int) throws -> [BlobRow] {
        try db.all(
            """
            SELECT \(columns) FROM blobs WHERE trashed_at IS NULL AND (own = 4
                OR own IN (0, 3) AND EXISTS (SELECT 1 FROM partials p WHERE p.sha256 = blobs.sha256)
                OR own = 3 AND EXISTS (SELECT 1 FROM pins WHERE pins.sha256 = blobs.sha256))
            ORDER BY id LIMIT ?
            """, limit
        ) { BlobRow($0) }
    }

    /// Whether a pin or a lease in force holds the blob.
    static func isHeld(_ db: Database, _ hash: Hash32, now: Int64) throws -> Bool {
        try db.first(
            """
            SELECT EXISTS (SELECT 1 FROM pins WHERE sha256 = ?)
                OR EXISTS (SELECT 1 FROM leases WHERE sha256 = ? AND until > ?)
            """, hash, hash, now
        ) { $0.integer(0) != 0 } ?? false
    }

    /// Bytes that could be freed: the trash, and own blobs that nothing holds.
    static func reclaimable(_ db: Database, now: Int64) throws -> UInt64 {
        let bytes = try Int64.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT sum(size) FROM blobs WHERE own IN (1, 2, 4)
                    AND NOT EXISTS (SELECT 1 FROM pins WHERE pins.sha256 = blobs.sha256)
                    AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.sha256 = blobs.sha256 AND until > ?)
                    """), arguments: [now])
        return UInt64(max(0, bytes ?? 0))
    }

    /// The trash, oldest first.
    static func trash(_ db: Database, before time: Int64, limit: Int) throws -> [BlobRow] {
        try db.all(
            "SELECT \(columns) FROM blobs WHERE trashed_at <= ? ORDER BY trashed_at, id LIMIT ?", time, limit
        ) { BlobRow($0) }
    }

    static func rows(_ db: Database, after id: Int64, limit: Int) throws -> [BlobRow] {
        try db.all("SELECT \(columns) FROM blobs WHERE id > ? ORDER BY id LIMIT ?", id, limit) { BlobRow($0) }
    }

    /// All rows with the own copy given.
    static func all(_ db: Database, own: BlobRow.Own) throws -> [BlobRow] {
        try db.all("SELECT \(columns) FROM blobs WHERE own = ?", own.rawValue) { BlobRow($0) }
    }

    /// Blobs with a copy that is, or should be, here, in the order of the hashes.
    static func listed(_ db: Database) throws -> [BlobRow] {
        try db.all(
            """
            SELECT \(columns) FROM blobs WHERE trashed_at IS NULL AND (own <> 0
                OR EXISTS (SELECT 1 FROM adopted a WHERE a.blob = blobs.id AND a.state = 0))
            ORDER BY sha256
            """
        ) { BlobRow($0) }
    }

    /// Count and bytes of own copies, and bytes in the trash.
    static func totals(_ db: Database) throws -> (blobs: Int, bytes: UInt64, trash: UInt64) {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT count(*) FILTER (WHERE trashed_at IS NULL), sum(size) FILTER (WHERE trashed_at IS NULL),
                    sum(size) FILTER (WHERE trashed_at IS NOT NULL)
                FROM blobs WHERE own IN (1, 2, 4)
                """)
        return (row?[0] ?? 0, UInt64((row?[1] as Int64?) ?? 0), UInt64((row?[2] as Int64?) ?? 0))
    }
}

extension BlobRow {
    /// Reads by position, in the order of `BlobsTable.columns`; nil for a row no store writes.
    init?(_ row: RawRow) {
        guard let hash = row.hash(1), let root = row.hash(3), let own = Own(rawValue: row.integer(6)) else {
            return nil
        }
        self.init(
            id: row.integer(0), sha256: hash, size: UInt64(max(0, row.integer(2))), piecesRoot: root,
            crc32: UInt32(truncatingIfNeeded: row.integer(4)), autoV1: UInt32(truncatingIfNeeded: row.integer(5)),
            own: own, trashedAt: row.isNull(7) ? nil : row.integer(7))
    }
}

extension Hash32 {
    /// Hashes that follow one another; bytes left over are ignored.
    static func list(_ bytes: Data) -> [Hash32] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 32).map { Hash32(copying: UnsafeRawBufferPointer(rebasing: raw[($0 * 32)...])) }
        }
    }
}

extension [Hash32] {
    /// All hashes, one after another.
    var joined: Data {
        var bytes = Data(capacity: count * 32)
        for hash in self { hash.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        return bytes
    }
}
