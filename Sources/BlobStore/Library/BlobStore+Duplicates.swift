public import Digests
import FoundationEssentials
import GRDB
import NIOPosix
public import SystemPackage
import WaggleProtocol

/// Files of library folders with the same bytes.
public struct DuplicateFiles: Hashable, Sendable {
    public let sha256: Hash32
    /// Bytes of one of them.
    public let size: UInt64
    /// Files in service, the first found first.
    public let paths: [FilePath]
    /// Bytes that are on a disk more than once: files of one device that are no names of one file.
    public let wasted: UInt64
}

extension BlobStore {
    /// Library files that hold the same blob, those that waste most first.
    public func duplicates() async throws(BlobError) -> [DuplicateFiles] {
        let groups = try await index.read { db in
            let hashes = try Row.fetchAll(
                db,
                sql: """
                    SELECT b.id, b.sha256, b.size FROM adopted a
                    JOIN library_files f ON f.path = a.path JOIN blobs b ON b.id = a.blob
                    WHERE a.state = 0 AND f.state = 1 AND b.size > 0 GROUP BY b.id HAVING count(*) > 1
                    """)
            return try hashes.compactMap { row -> DuplicateFiles? in
                guard let hash = Hash32(row[1] as Data) else { return nil }
                let files = try AdoptedTable.all(db, blob: row[0]).filter { file in
                    guard file.state == .inService else { return false }
                    return try LibraryTable.known(db, file.path)?.known.state == .hashed
                }
                let size = UInt64(max(0, row[2] as Int64))
                let devices = Dictionary(grouping: files, by: \.identity.device)
                let extra = devices.values.reduce(0) { $0 + Set($1.map(\.identity.inode)).count - 1 }
                return DuplicateFiles(
                    sha256: hash, size: size, paths: files.map(\.path), wasted: UInt64(extra) * size)
            }
        }
        return groups.sorted { ($0.wasted, $1.sha256) > ($1.wasted, $0.sha256) }
    }

    /// The models in folders, sorted.
    ///
    /// - Throws: `noFile`, `tooManyFiles` when there are more than the limit.
    public static func models(in roots: [FilePath], limit: Int) async throws(BlobError) -> [FilePath] {
        try await NIOThreadPool.singleton.run { () throws(BlobError) in
            var walk = FolderWalk()
            var paths: [FilePath] = []
            try walk.run(roots) { batch throws(BlobError) in
                paths += batch.map(\.path)
                guard paths.count <= limit else {
                    throw BlobError.tooManyFiles(limit: limit)
                }
            }
            return paths.sorted { $0.string < $1.string }
        }
    }
}
