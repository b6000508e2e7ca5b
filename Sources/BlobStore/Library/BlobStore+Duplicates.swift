import CWaggleSystem
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
    /// Bytes that are on a disk more than once: files of one device that are
    /// no names of one file and share no blocks.
    public let wasted: UInt64
}

extension BlobStore {
    /// Library files that hold the same blob, those that waste most first.
    public func duplicates() async throws(BlobError) -> [DuplicateFiles] {
        try await copyGroups().map { group in
            let files = group.copies.joined().map(\.row).sorted { $0.id < $1.id }
            return DuplicateFiles(
                sha256: group.sha256, size: group.size, paths: files.map(\.path), wasted: group.wasted)
        }.sorted { ($0.wasted, $1.sha256) > ($1.wasted, $0.sha256) }
    }

    /// The same with the rows, by SHA-256. Two files whose blocks are shared count as one copy.
    func copyGroups() async throws(BlobError) -> [CopyGroup] {
        let found = try await index.read { db in
            let hashes = try Row.fetchAll(
                db,
                sql: """
                    SELECT b.id, b.sha256, b.size FROM adopted a
                    JOIN library_files f ON f.path = a.path JOIN blobs b ON b.id = a.blob
                    WHERE a.state = 0 AND f.state = 1 AND b.size > 0 GROUP BY b.id HAVING count(*) > 1
                    ORDER BY b.sha256
                    """)
            return try hashes.compactMap { row -> (hash: Hash32, size: UInt64, files: [LibraryCopy])? in
                guard let hash = Hash32(row[1] as Data) else { return nil }
                let files = try AdoptedTable.all(db, blob: row[0]).compactMap { file -> LibraryCopy? in
                    guard file.state == .inService, let known = try LibraryTable.known(db, file.path),
                        known.known.state == .hashed
                    else { return nil }
                    return LibraryCopy(row: file, folder: known.library)
                }
                return (hash, UInt64(max(0, row[2] as Int64)), files)
            }
        }
        return try await threads.run { () throws(BlobError) in
            found.map { CopyGroup(sha256: $0.hash, size: $0.size, copies: Self.byStorage($0.files, size: $0.size)) }
        }
    }

    /// Files whose bytes a disk has once, together: names of one file, and files whose blocks are shared. Blocks.
    private static func byStorage(_ files: [LibraryCopy], size: UInt64) -> [[LibraryCopy]] {
        var copies: [[LibraryCopy]] = []
        for file in files {
            let at = copies.firstIndex { copy in
                copy.contains { $0.row.identity.isSameFile(as: file.row.identity) }
                    || copy.first.map { shareBlocks($0.row, file.row, size) } == true
            }
            if let at { copies[at].append(file) } else { copies.append([file]) }
        }
        return copies
    }

    private static func shareBlocks(_ one: AdoptedRow, _ other: AdoptedRow, _ size: UInt64) -> Bool {
        guard one.identity.device == other.identity.device, let first = try? OpenFile(reading: one.path),
            let second = try? OpenFile(reading: other.path)
        else { return false }
        return waggle_blocks_are_shared(first.descriptor, second.descriptor, Int64(size)) == 1
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
