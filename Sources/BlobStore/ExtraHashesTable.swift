public import Digests
import FoundationEssentials
import GRDB

/// The names of a blob that nothing waits for: they are computed some time after it is in service.
public struct ExtraHashes: Hashable, Sendable {
    /// BLAKE3 of all bytes.
    public var blake3: Hash32
    /// SHA-256 of what follows the header of a safetensors file, whose first 12 digits are AutoV3; nil for any other file.
    public var autoV3: Hash32?
    /// Digest of the tensors of a safetensors file (`TensorDigest`); nil for any other file.
    public var tensorDigest: Hash32?
}

/// All that the store can say of a blob's other names.
public struct BlobHashes: Hashable, Sendable {
    /// CRC-32 of all bytes.
    public var crc32: UInt32
    /// AutoV1 (see `FileDigests`).
    public var autoV1: UInt32
    /// Nil while the blob waits for its turn.
    public var extra: ExtraHashes?
}

/// `extra_hashes`: a row for every row of `blobs`, which a trigger makes.
enum ExtraHashesTable {
    enum State: Int64 {
        case toDo = 0
        case done = 1
    }

    /// A name that a blob can be looked up by.
    enum Name: String {
        case blake3
        case autoV3 = "auto_v3"
        case tensorDigest = "tensor_digest"
    }

    static func put(_ db: Database, _ hash: Hash32, _ hashes: ExtraHashes) throws {
        try db.change(
            """
            UPDATE extra_hashes SET state = ?, blake3 = ?, auto_v3 = ?, tensor_digest = ?
            WHERE blob = (SELECT id FROM blobs WHERE sha256 = ?)
            """,
            [
                State.done.rawValue, hashes.blake3.data, hashes.autoV3?.data, hashes.tensorDigest?.data, hash.data,
            ])
    }

    static func find(_ db: Database, _ hash: Hash32) throws -> BlobHashes? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT crc32, auto_v1, blake3, auto_v3, tensor_digest
                    FROM blobs JOIN extra_hashes ON blob = id WHERE sha256 = ?
                    """), arguments: [hash.data])
        return row.map { row in
            var hashes = BlobHashes(
                crc32: UInt32(truncatingIfNeeded: row[0] as Int64), autoV1: UInt32(truncatingIfNeeded: row[1] as Int64))
            if let blake3 = (row[2] as Data?).flatMap({ Hash32($0) }) {
                hashes.extra = ExtraHashes(
                    blake3: blake3, autoV3: (row[3] as Data?).flatMap { Hash32($0) },
                    tensorDigest: (row[4] as Data?).flatMap { Hash32($0) })
            }
            return hashes
        }
    }

    /// Blobs in service that have the name, oldest first.
    static func blobs(_ db: Database, _ name: Name, _ hash: Hash32, limit: Int) throws -> [Hash32] {
        try Data.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT sha256 FROM extra_hashes JOIN blobs ON id = blob
                    WHERE \(name.rawValue) = ? AND \(inService) ORDER BY id LIMIT ?
                    """), arguments: [hash.data, limit]
        ).compactMap { Hash32($0) }
    }

    /// Blobs in service that have a name of these bytes, whole or its start, oldest first.
    static func blobs(_ db: Database, named bytes: [UInt8], limit: Int) throws -> [Hash32] {
        let condition: String
        switch bytes.count {
        case 4: condition = "auto_v1 = :number OR crc32 = :number"
        case 5: condition = "sha256 BETWEEN :low AND :high"
        case 6: condition = "auto_v3 BETWEEN :low AND :high"
        case 32:
            condition = ["sha256", "pieces_root", "blake3", "auto_v3", "tensor_digest"].map { "\($0) = :low" }
                .joined(separator: " OR ")
        default: return []
        }
        var arguments: [String: any DatabaseValueConvertible] = ["limit": limit]
        if bytes.count == 4 {
            arguments["number"] = bytes.reduce(Int64(0)) { $0 << 8 | Int64($1) }
        } else {
            arguments["low"] = Data(bytes)
            if bytes.count < 32 {
                arguments["high"] = Data(bytes + [UInt8](repeating: 0xff, count: 32 - bytes.count))
            }
        }
        return try Data.fetchAll(
            db,
            sql: """
                SELECT sha256 FROM blobs JOIN extra_hashes ON blob = id
                WHERE (\(condition)) AND \(inService) ORDER BY id LIMIT :limit
                """, arguments: StatementArguments(arguments)
        ).compactMap { Hash32($0) }
    }

    /// Blobs in service that wait to be hashed, in the order in which they came, after the row given.
    static func toDo(_ db: Database, after id: Int64, limit: Int) throws -> [(id: Int64, hash: Hash32)] {
        try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, sha256 FROM extra_hashes JOIN blobs ON id = blob
                    WHERE state = 0 AND blob > ? AND \(inService) ORDER BY blob LIMIT ?
                    """), arguments: [id, limit]
        ).compactMap { row in Hash32(row[1] as Data).map { (row[0], $0) } }
    }

    /// The store's own copy is there, or an adopted file is as it was hashed.
    private static let inService = """
        ((own IN (1, 2) AND trashed_at IS NULL)
            OR EXISTS (SELECT 1 FROM adopted WHERE adopted.blob = blobs.id AND adopted.state = 0))
        """
}
