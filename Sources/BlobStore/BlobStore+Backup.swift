public import Digests
import FoundationEssentials
import GRDB
public import SystemPackage

extension BlobStore {
    /// Every blob that is, or should be, here, in the order of the hashes: own copies, also lost and damaged ones, and other
    /// programs' files in service. What was purged is not among them.
    ///
    /// - Parameter blocked: those too that are refused, but not gone for good.
    public func listed(blocked: Bool = false) async throws(BlobError) -> [BlobFacts] {
        let rows = try await index.read { db in
            try BlobsTable.listed(db)
        }
        return rows.filter { (blocked ? purges.purged($0.sha256) : purges.record($0.sha256)) == nil }
            .map { Self.facts($0, place: .absent) }
    }

    /// Blobs that something pins and that have no row: nobody knew yet how large they are.
    public func pinnedUnknown() async throws(BlobError) -> [Hash32] {
        let hashes = try await index.read { db in
            try Data.fetchAll(
                db,
                sql: """
                    SELECT DISTINCT sha256 FROM pins
                    WHERE NOT EXISTS (SELECT 1 FROM blobs WHERE blobs.sha256 = pins.sha256) ORDER BY sha256
                    """
            ).compactMap { Hash32($0) }
        }
        return hashes.filter { purges.record($0) == nil }
    }

    /// Makes the index of a restored home true, before the store is opened: no own copy is here until its file is found, and
    /// no download, lease or half-hashed file of then goes on. Blocks.
    ///
    /// - Parameters:
    ///   - path: `db/blobs.db`.
    ///   - hasBlobs: bytes were restored, too; those of other programs' files become the store's own.
    public static func prepareRestored(_ path: FilePath, hasBlobs: Bool) throws(BlobError) {
        let adopted = "EXISTS (SELECT 1 FROM adopted a WHERE a.blob = blobs.id AND a.state = 0)"
        do {
            let queue = try DatabaseQueue(path: path.string)
            try queue.write { db in
                try db.execute(
                    sql: """
                        UPDATE blobs SET own = \(BlobRow.Own.missing.rawValue), trashed_at = NULL
                        WHERE trashed_at IS NULL AND (own <> 0\(hasBlobs ? " OR \(adopted)" : ""));
                        UPDATE blobs SET own = 0, trashed_at = NULL WHERE trashed_at IS NOT NULL;
                        DELETE FROM checks;
                        DELETE FROM partials;
                        DELETE FROM leases;
                        DELETE FROM hashing;
                        """)
            }
            try queue.close()
        } catch {
            throw .database("\(path): \(error)")
        }
    }
}
