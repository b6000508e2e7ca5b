import Digests
import FoundationEssentials
import GRDB
import Glibc
import Statements
import SystemPackage

/// A row of `adopted`: somebody else's file that holds a blob.
struct AdoptedRow: Sendable {
    enum State: Int64, Sendable {
        case inService = 0
        /// The file is not as it was hashed.
        case changed = 1
        /// The blob was purged; the file is left alone.
        case purged = 2
    }

    var id: Int64
    var blob: Int64
    var path: FilePath
    var identity: FileIdentity
    var state: State
}

enum AdoptedTable {
    private static let columns = "id, blob, path, device, inode, size, modified, changed, state"

    static func find(_ db: Database, _ path: FilePath) throws -> AdoptedRow? {
        try db.first("SELECT \(columns) FROM adopted WHERE path = ?", path.bytes) { AdoptedRow($0) } ?? nil
    }

    static func all(_ db: Database, blob: Int64) throws -> [AdoptedRow] {
        try db.all("SELECT \(columns) FROM adopted WHERE blob = ? ORDER BY id", blob) { AdoptedRow($0) }
    }

    static func put(_ db: Database, blob: Int64, _ path: FilePath, _ file: FileIdentity, _ state: AdoptedRow.State)
        throws
    {
        try db.change(
            """
            INSERT INTO adopted (blob, path, device, inode, size, modified, changed, state)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (path) DO UPDATE SET blob = excluded.blob, device = excluded.device, inode = excluded.inode,
                size = excluded.size, modified = excluded.modified, changed = excluded.changed, state = excluded.state
            """,
            [
                blob, path.bytes, file.device, file.inode, Int64(file.size), file.modified, file.changed,
                state.rawValue,
            ])
    }

    static func setState(_ db: Database, _ id: Int64, _ state: AdoptedRow.State) throws {
        try db.change("UPDATE adopted SET state = ? WHERE id = ?", [state.rawValue, id])
    }

    static func remove(_ db: Database, _ path: FilePath) throws {
        try db.change("DELETE FROM adopted WHERE path = ?", [path.bytes])
    }

    /// Count and bytes of the files in service.
    static func totals(_ db: Database) throws -> (files: Int, bytes: UInt64) {
        let row = try Row.fetchOne(db, sql: "SELECT count(*), sum(size) FROM adopted WHERE state = 0")
        return (row?[0] ?? 0, UInt64((row?[1] as Int64?) ?? 0))
    }
}

/// Files whose hashing was broken off, and the state to go on from.
enum HashingTable {
    /// The state for the file as it is; nil when there is none or the file is another.
    static func find(_ db: Database, _ path: FilePath, _ file: FileIdentity) throws -> Data? {
        try Data.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT state FROM hashing
                    WHERE path = ? AND device = ? AND inode = ? AND size = ? AND modified = ? AND changed = ?
                    """),
            arguments: [path.bytes, file.device, file.inode, Int64(file.size), file.modified, file.changed])
    }

    static func put(_ db: Database, _ path: FilePath, _ file: FileIdentity, state: Data) throws {
        try db.change(
            """
            INSERT OR REPLACE INTO hashing (path, device, inode, size, modified, changed, state)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """, [path.bytes, file.device, file.inode, Int64(file.size), file.modified, file.changed, state])
    }

    static func remove(_ db: Database, _ path: FilePath) throws {
        try db.change("DELETE FROM hashing WHERE path = ?", [path.bytes])
    }
}

extension AdoptedRow {
    init?(_ row: RawRow) {
        guard let state = State(rawValue: row.integer(8)) else { return nil }
        self.init(
            id: row.integer(0), blob: row.integer(1), path: FilePath(bytes: row.data(2)),
            identity: FileIdentity(
                device: row.integer(3), inode: row.integer(4), size: UInt64(max(0, row.integer(5))),
                modified: row.integer(6), changed: row.integer(7)),
            state: state)
    }
}

extension FilePath {
    /// The name as the system has it, which need not be UTF-8.
    var bytes: Data {
        withPlatformString { Data(bytes: $0, count: length) }
    }

    init(bytes: Data) {
        self = (bytes + [0]).withUnsafeBytes { raw in
            raw.bindMemory(to: CInterop.PlatformChar.self).baseAddress.map { FilePath(platformString: $0) } ?? ""
        }
    }

    /// The path from the root; a relative one counts from the working directory.
    var absolute: FilePath {
        guard isRelative else { return lexicallyNormalized() }
        guard let directory = getcwd(nil, 0) else { return lexicallyNormalized() }
        defer { free(directory) }
        return FilePath(platformString: directory).pushing(self).lexicallyNormalized()
    }
}
