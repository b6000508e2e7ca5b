import Digests
import FoundationEssentials
import GRDB

/// `piece_hashes`: hashes for torrents and Metalink, made when they are first asked for. A blob whose hashing was broken
/// off has those of its first pieces.
enum PieceHashesTable {
    static func find(_ db: Database, _ hash: Hash32) throws -> PieceDigests? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT sha1, p.sha256 FROM piece_hashes p JOIN blobs ON id = blob WHERE blobs.sha256 = ?
                    """), arguments: [hash.data])
        guard let row else { return nil }
        return PieceDigests(sha1: [UInt8](row[0] as Data), sha256: [UInt8](row[1] as Data))
    }

    static func put(_ db: Database, _ hash: Hash32, _ pieces: PieceDigests) throws {
        try db.change(
            """
            INSERT OR REPLACE INTO piece_hashes (blob, sha1, sha256) SELECT id, ?, ? FROM blobs WHERE sha256 = ?
            """, [Data(pieces.sha1), Data(pieces.sha256), hash.data])
    }
}
