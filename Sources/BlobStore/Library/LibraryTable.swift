public import Digests
import FoundationEssentials
import GRDB
public import SystemPackage

/// A folder of other programs' models that this node knows.
public struct LibraryFolder: Hashable, Sendable {
    public let id: Int64
    public let path: FilePath
    /// The layout's name, as it was given.
    public let layout: String
    /// Milliseconds since 1970.
    public let addedAt: Int64
    /// When a scan last ended; nil before the first has.
    public let scannedAt: Int64?
}

/// A file of a library folder.
public struct LibraryFile: Hashable, Sendable {
    public let id: Int64
    public let folder: Int64
    public let path: FilePath
    public let size: UInt64
    public let state: LibraryFileState
    /// It was in service and is not as it was then; out of service until it is hashed again.
    public let isChanged: Bool
    /// The blob that the file holds, when it is hashed.
    public let sha256: Hash32?
    /// Bytes that are hashed already of a file that waits.
    public internal(set) var hashedBytes: UInt64 = 0
}

/// `libraries` and `library_files`: which folders are scanned, and what was found in them.
enum LibraryTable {
    @Sendable static func create(_ db: Database) throws {
        // A file belongs to the folder that found it first. `seen` is the number of the last scan that saw it.
        try db.execute(
            sql: """
                CREATE TABLE libraries (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    path BLOB NOT NULL UNIQUE,
                    layout TEXT NOT NULL,
                    added_at INTEGER NOT NULL,
                    scanned_at INTEGER,
                    scan INTEGER NOT NULL DEFAULT 0);

                CREATE TABLE library_files (
                    id INTEGER PRIMARY KEY,
                    library INTEGER NOT NULL REFERENCES libraries (id),
                    path BLOB NOT NULL UNIQUE,
                    device INTEGER NOT NULL, inode INTEGER NOT NULL, size INTEGER NOT NULL,
                    modified INTEGER NOT NULL, changed INTEGER NOT NULL,
                    state INTEGER NOT NULL,
                    since INTEGER NOT NULL,
                    seen INTEGER NOT NULL);
                CREATE INDEX library_files_library ON library_files (library, id);
                CREATE INDEX library_files_waiting ON library_files (id) WHERE state = 0;
                """)
    }

    // MARK: Folders

    private static let folderColumns = "id, path, layout, added_at, scanned_at"

    static func folders(_ db: Database) throws -> [LibraryFolder] {
        try Row.fetchAll(db, sql: "SELECT \(folderColumns) FROM libraries ORDER BY id").map { LibraryFolder($0) }
    }

    static func folder(_ db: Database, _ path: FilePath) throws -> LibraryFolder? {
        try Row.fetchOne(
            db.cachedStatement(sql: "SELECT \(folderColumns) FROM libraries WHERE path = ?"), arguments: [path.bytes]
        ).map { LibraryFolder($0) }
    }

    static func add(_ db: Database, _ path: FilePath, layout: String, now: Int64) throws {
        try db.change(
            """
            INSERT INTO libraries (path, layout, added_at) VALUES (?, ?, ?)
            ON CONFLICT (path) DO UPDATE SET layout = excluded.layout
            """, [path.bytes, layout, now])
    }

    static func removeFolder(_ db: Database, _ id: Int64) throws {
        try db.change("DELETE FROM library_files WHERE library = ?", [id])
        try db.change("DELETE FROM libraries WHERE id = ?", [id])
    }

    /// The number of a scan that begins; nil when the folder was removed.
    static func beginScan(_ db: Database, _ id: Int64) throws -> Int64? {
        try db.change("UPDATE libraries SET scan = scan + 1 WHERE id = ?", [id])
        return try Int64.fetchOne(db, sql: "SELECT scan FROM libraries WHERE id = ?", arguments: [id])
    }

    static func endScan(_ db: Database, _ id: Int64, now: Int64) throws {
        try db.change("UPDATE libraries SET scanned_at = ? WHERE id = ?", [now, id])
    }

    // MARK: Files

    static func known(_ db: Database, _ path: FilePath) throws -> (library: Int64, known: ScanPlan.Known)? {
        let row = try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT library, state, since, device, inode, size, modified, changed
                    FROM library_files WHERE path = ?
                    """), arguments: [path.bytes])
        guard let row, let state = LibraryFileState(rawValue: row[1]) else { return nil }
        return (row[0], ScanPlan.Known(identity: FileIdentity(row, at: 3), state: state, since: row[2]))
    }

    static func put(_ db: Database, library: Int64, _ path: FilePath, _ known: ScanPlan.Known, seen: Int64) throws {
        let file = known.identity
        try db.change(
            """
            INSERT INTO library_files (library, path, device, inode, size, modified, changed, state, since, seen)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (path) DO UPDATE SET library = excluded.library, device = excluded.device,
                inode = excluded.inode, size = excluded.size, modified = excluded.modified,
                changed = excluded.changed, state = excluded.state, since = excluded.since, seen = excluded.seen
            """,
            [
                library, path.bytes, file.device, file.inode, Int64(file.size), file.modified, file.changed,
                known.state.rawValue, known.since, seen,
            ])
    }

    /// Writes what a look at a file came to, when the row still is about that file.
    static func update(_ db: Database, _ path: FilePath, _ known: ScanPlan.Known) throws {
        let file = known.identity
        try db.change(
            """
            UPDATE library_files SET device = ?, inode = ?, size = ?, modified = ?, changed = ?, state = ?, since = ?
            WHERE path = ?
            """,
            [
                file.device, file.inode, Int64(file.size), file.modified, file.changed, known.state.rawValue,
                known.since, path.bytes,
            ])
    }

    static func remove(_ db: Database, _ path: FilePath) throws {
        try db.change("DELETE FROM library_files WHERE path = ?", [path.bytes])
    }

    /// Files that a scan did not find, a few at a time.
    static func unseen(_ db: Database, library: Int64, scan: Int64, limit: Int) throws -> [FilePath] {
        try Data.fetchAll(
            db, sql: "SELECT path FROM library_files WHERE library = ? AND seen < ? LIMIT ?",
            arguments: [library, scan, limit]
        ).map { FilePath(bytes: $0) }
    }

    /// Whether a scan found a file in a folder or below.
    static func hasSeen(_ db: Database, library: Int64, under folder: FilePath, scan: Int64) throws -> Bool {
        try has(db, library: library, under: folder, "seen >= ?", scan)
    }

    /// Whether files in a folder or below are known that lay on another device.
    static func hasOthers(_ db: Database, library: Int64, under folder: FilePath, than device: Int64) throws -> Bool {
        try has(db, library: library, under: folder, "device <> ?", device)
    }

    /// - Parameter condition: with one argument.
    private static func has(
        _ db: Database, library: Int64, under folder: FilePath, _ condition: String, _ argument: Int64
    ) throws -> Bool {
        // From the separator up to the byte that follows it.
        let (first, last) = (Array(folder.bytes) + [0x2f], Array(folder.bytes) + [0x30])
        return try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM library_files
                    WHERE library = ? AND path > ? AND path < ? AND \(condition))
                """, arguments: [library, Data(first), Data(last), argument]) ?? false
    }

    static func waiting(_ db: Database, after id: Int64) throws -> (id: Int64, path: FilePath)? {
        try Row.fetchOne(
            db.cachedStatement(
                sql: "SELECT id, path FROM library_files WHERE state = 0 AND id > ? ORDER BY id LIMIT 1"),
            arguments: [id]
        ).map { ($0[0], FilePath(bytes: $0[1])) }
    }

    static func waitingTotals(_ db: Database) throws -> (files: Int, bytes: UInt64) {
        let row = try Row.fetchOne(db, sql: "SELECT count(*), sum(size) FROM library_files WHERE state = 0")
        return (row?[0] ?? 0, UInt64((row?[1] as Int64?) ?? 0))
    }

    /// Files in order, a page at a time.
    static func files(_ db: Database, library: Int64?, after id: Int64, limit: Int) throws -> [LibraryFile] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT f.id, f.library, f.path, f.size, f.state, a.state, b.sha256, h.state
                FROM library_files f LEFT JOIN adopted a ON a.path = f.path LEFT JOIN blobs b ON b.id = a.blob
                LEFT JOIN hashing h ON f.state = 0 AND h.path = f.path
                WHERE f.id > ? AND (? IS NULL OR f.library = ?) ORDER BY f.id LIMIT ?
                """, arguments: [id, library, library, limit])
        return rows.compactMap { row in
            guard let state = LibraryFileState(rawValue: row[4]) else { return nil }
            let adopted = row[5] as Int64?
            let isChanged =
                state == .waiting && adopted != nil
                || state == .hashed && adopted != AdoptedRow.State.inService.rawValue
            var file = LibraryFile(
                id: row[0], folder: row[1], path: FilePath(bytes: row[2]), size: UInt64(max(0, row[3] as Int64)),
                state: state, isChanged: isChanged,
                sha256: state == .hashed ? (row[6] as Data?).flatMap { Hash32($0) } : nil)
            file.hashedBytes = (row[7] as Data?).flatMap { FileHasher(exported: $0)?.byteCount } ?? 0
            return file
        }
    }
}

extension LibraryFolder {
    fileprivate init(_ row: Row) {
        self.init(id: row[0], path: FilePath(bytes: row[1]), layout: row[2], addedAt: row[3], scannedAt: row[4])
    }
}

extension FileIdentity {
    /// Reads device, inode, size, modified and changed, in this order.
    init(_ row: Row, at first: Int) {
        self.init(
            device: row[first], inode: row[first + 1], size: UInt64(max(0, row[first + 2] as Int64)),
            modified: row[first + 3], changed: row[first + 4])
    }
}
