import Digests
import FoundationEssentials
import GRDB
import Moderation
import Statements
import WaggleProtocol

/// Files of releases, found by any hash that people and tools know them by.
enum FileTable {
    static let schema = """
        CREATE TABLE files (
            id INTEGER PRIMARY KEY,            -- the release's number + 1 + part
            release_id INTEGER NOT NULL,
            part INTEGER NOT NULL,
            name TEXT NOT NULL,
            sha256 BLOB NOT NULL,
            pieces_root BLOB NOT NULL,
            autov1 BLOB,
            autov3 BLOB,
            crc32 INTEGER,
            tensor_digest BLOB,
            format TEXT NOT NULL,              -- in one line
            format_key TEXT NOT NULL,          -- the folded form
            earned INTEGER NOT NULL,           -- by an author who has earned room here
            hidden INTEGER NOT NULL,
            shelf INTEGER                      -- the release's
        );
        CREATE INDEX files_release ON files (release_id, part);
        """

    static let indexes = [
        LateIndex("files_sha256", on: "files (sha256, earned, shelf)"),
        LateIndex("files_pieces_root", on: "files (pieces_root)"),
        LateIndex("files_autov1", on: "files (autov1) WHERE autov1 IS NOT NULL"),
        LateIndex("files_autov3", on: "files (autov3) WHERE autov3 IS NOT NULL"),
        LateIndex("files_crc32", on: "files (crc32) WHERE crc32 IS NOT NULL"),
        LateIndex("files_tensors", on: "files (tensor_digest) WHERE tensor_digest IS NOT NULL"),
    ]
}

extension Projection {
    func insertFiles(_ files: [WireFile], releaseID: Int32, isEarned: Bool) throws {
        for (part, file) in files.enumerated() {
            let format = file.format.split(whereSeparator: \.isNewline).joined(separator: " ")
            try database.write(
                """
                INSERT INTO files (id, release_id, part, name, sha256, pieces_root, autov1, autov3, crc32,
                    tensor_digest, format, format_key, earned, hidden)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                Int64(releaseID) + 1 + Int64(part), releaseID, part, file.name, file.sha256, file.piecesRoot,
                file.autov1.isEmpty ? nil : file.autov1, file.autov3.isEmpty ? nil : file.autov3,
                file.crc32 == 0 ? nil : Int64(file.crc32),
                file.tensorDigest.isEmpty ? nil : file.tensorDigest, format, TermTable.folded(format), isEarned,
                isHidden(sha256: file.sha256, tensors: file.tensorDigest))
        }
    }

    private func isHidden(sha256: Data, tensors: Data) -> Bool {
        Hash32(sha256).map { hidden.contains(.blob($0)) } ?? false
            || Hash32(tensors).map { hidden.contains(.tensors($0)) } ?? false
    }

    /// Applies what moderation says of files named by a hash column.
    func refreshHiddenFiles(_ column: String, _ hash: Hash32) throws {
        let rows = try database.rows(
            "SELECT id, release_id, sha256, tensor_digest FROM files WHERE \(column) = ?", [hash.data])
        for row in rows {
            let isHidden = isHidden(sha256: row[2], tensors: row[3] as Data? ?? Data())
            try database.run("UPDATE files SET hidden = ? WHERE id = ?", [isHidden, row[0] as Int64])
            let modelID = try database.integer("SELECT model_id FROM releases WHERE id = ?", [row[1] as Int64])
            if let modelID { staleModels.insert(Int32(truncatingIfNeeded: modelID)) }
        }
    }

    func setShelf(ofFilesOf releaseID: Int32, _ shelf: Int64?) throws {
        try database.run(
            """
            UPDATE files SET shelf = ?1 | (hidden * 64) WHERE release_id = ?2 AND shelf IS NOT (?1 | (hidden * 64))
            """, [shelf, releaseID])
    }
}
