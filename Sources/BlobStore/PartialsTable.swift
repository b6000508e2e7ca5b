import Digests
import FoundationEssentials
import GRDB
import Statements
import WaggleProtocol

/// A row of `partials`: a blob that is being fetched, and how far it is.
struct PartialRow: Sendable {
    var sha256: Hash32
    var size: UInt64
    var piecesRoot: Hash32
    var layer: [Hash32]
    var units: UnitSet
    /// The digests that follow the contiguous front.
    var front: OrderedHasher
}

enum PartialsTable {
    static func find(_ db: Database, _ hash: Hash32) throws -> PartialRow? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT sha256, size, pieces_root, hashes, bitmap, front FROM partials WHERE sha256 = ?"),
            arguments: [hash.data])
        return row.flatMap { PartialRow($0) }
    }

    static func insert(_ db: Database, _ row: PartialRow, now: Int64) throws {
        try db.change(
            """
            INSERT OR REPLACE INTO partials (sha256, size, pieces_root, begun_at, saved_at, held, bitmap, front, hashes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                row.sha256.data, Int64(row.size), row.piecesRoot.data, now, now, row.units.count, row.units.data,
                Data(row.front.exported()), row.layer.joined,
            ])
    }

    static func save(_ db: Database, _ hash: Hash32, units: UnitSet, front: OrderedHasher, now: Int64) throws {
        try db.change(
            "UPDATE partials SET held = ?, bitmap = ?, front = ?, saved_at = ? WHERE sha256 = ?",
            [units.count, units.data, Data(front.exported()), now, hash.data])
    }

    static func remove(_ db: Database, _ hash: Hash32) throws {
        try db.change("DELETE FROM partials WHERE sha256 = ?", [hash.data])
    }

    /// Names and sizes of all.
    static func all(_ db: Database) throws -> [(hash: Hash32, size: UInt64)] {
        try Row.fetchAll(db, sql: "SELECT sha256, size FROM partials ORDER BY id").compactMap { row in
            Hash32(row[0] as Data).map { ($0, UInt64(max(0, row[1] as Int64))) }
        }
    }

    /// Count and bytes of all, and the units written down.
    static func totals(_ db: Database) throws -> (count: Int, bytes: UInt64, units: Int) {
        let row = try Row.fetchOne(
            db, sql: "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(held), 0) FROM partials")
        return (row?[0] ?? 0, UInt64((row?[1] as Int64?) ?? 0), row?[2] ?? 0)
    }

    /// Bytes of the blob that is fetched; nil when none is.
    static func size(_ db: Database, _ hash: Hash32) throws -> UInt64? {
        try db.first("SELECT size FROM partials WHERE sha256 = ?", hash) { UInt64(max(0, $0.integer(0))) }
    }

    /// Units written down, and all units.
    static func progress(_ db: Database, _ hash: Hash32) throws -> (held: Int, of: Int)? {
        try db.first("SELECT held, size FROM partials WHERE sha256 = ?", hash) { row in
            (Int(row.integer(0)), MerkleTree.unitCount(size: UInt64(max(0, row.integer(1)))))
        }
    }

    /// Partials that nothing holds, the longest untouched first.
    static func abandonable(_ db: Database, now: Int64) throws -> [(hash: Hash32, size: UInt64)] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT sha256, size FROM partials WHERE saved_at < ?
                AND NOT EXISTS (SELECT 1 FROM pins WHERE pins.sha256 = partials.sha256)
                AND NOT EXISTS (SELECT 1 FROM leases WHERE leases.sha256 = partials.sha256 AND until > ?)
                ORDER BY saved_at
                """, arguments: [now - Limits.BlobStore.trashMilliseconds, now]
        ).compactMap { row in Hash32(row[0] as Data).map { ($0, UInt64(max(0, row[1] as Int64))) } }
    }
}

extension PartialRow {
    /// Nil when layer, size and root do not fit together: such a download starts anew. The front may be past units that are
    /// not here: they were verified and did not get to the disk, and only the same bytes can come in their place.
    init?(_ row: Row) {
        let size = UInt64(max(0, row[1] as Int64))
        let layer = Hash32.list(row[3])
        guard let hash = Hash32(row[0] as Data), let root = Hash32(row[2] as Data),
            MerkleTree.root(layer: layer, size: size) == root
        else { return nil }
        let units = UnitSet(row[4], count: layer.count)
        let front = OrderedHasher(exported: row[5] as Data).flatMap { front in
            let onBoundary = front.byteCount % UInt64(MerkleTree.unitBytes) == 0 || front.byteCount == size
            return front.byteCount <= size && onBoundary ? front : nil
        }
        self.init(
            sha256: hash, size: size, piecesRoot: root, layer: layer, units: units, front: front ?? OrderedHasher())
    }
}
