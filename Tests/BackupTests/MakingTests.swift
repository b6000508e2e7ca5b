import Digests
import Foundation
import GRDB
import Identity
import SystemPackage
import Testing

@testable import Backup

@Suite("Making and unpacking backups")
struct MakingTests {
    private let folder: Folder
    private let home: FilePath

    init() throws {
        folder = try Folder()
        home = folder.path.appending("db")
        try FileManager.default.createDirectory(atPath: home.string, withIntermediateDirectories: false)
    }

    /// The databases of a home, in the mode that a node uses, with rows that were deleted.
    private func databases() throws -> [DatabasePool] {
        try TruthDatabase.allCases.map { database in
            let pool = try DatabasePool(path: home.appending(database.fileName).string)
            try pool.write { db in
                try db.execute(
                    sql: """
                        CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT);
                        INSERT INTO t VALUES (1, 'kept'), (2, '\(String(repeating: "secret ", count: 2000))');
                        DELETE FROM t WHERE n = 2;
                        """)
            }
            return pool
        }
    }

    private func make(_ target: FilePath, blobs: [[UInt8]] = [], list: [ListedBlob]? = nil) throws -> BackupManifest {
        let maker = try BackupMaker(target: target)
        let named = blobs.map { ListedBlob(sha256: SHA256.hash($0), size: UInt64($0.count), piecesRoot: .zero) }
        do {
            try maker.copyDatabases(from: home)
            let keys = KeyBundle(files: ["me.key": Data([1])])
            try maker.add(
                settings: nil, purgeLog: Array("x".utf8), keys: keys, passphrase: "p", cost: .least, list: list ?? named
            )
            let facts = BackupMaker.Facts(created: 5, software: "waggle/1", node: "w1", accounts: [:])
            let manifest = try maker.write(facts, list: list ?? named, blobs: named)
            for (blob, bytes) in zip(named, blobs) {
                try maker.begin(blob)
                try bytes.withUnsafeBytes { try maker.append($0) }
                try maker.end(blob)
            }
            _ = try maker.finish()
            return manifest
        } catch {
            maker.abandon()
            throw error
        }
    }

    @Test("databases are copied while others write to them, and nothing that was deleted comes along")
    func online() throws {
        let pools = try databases()
        let open = pools[0]
        let target = folder.path.appending("a.backup")
        let manifest = try open.unsafeReentrantWrite { db in
            // A transaction under way: the copy has what was committed.
            try db.execute(sql: "BEGIN IMMEDIATE; INSERT INTO t VALUES (3, 'not yet')")
            defer { try? db.execute(sql: "ROLLBACK") }
            return try make(target, blobs: [Array("one".utf8), []])
        }
        #expect(try BackupReader(path: target).check(passphrase: "p").manifest == manifest)
        let bytes = try Data(contentsOf: URL(filePath: target.string))
        #expect(bytes.firstRange(of: Data("secret secret".utf8)) == nil)

        let root = try Folder()
        try BackupReader(path: target).unpack(into: root.path)
        let names = try root.names.filter { !$0.hasPrefix("blobs/sha256/") }
        #expect(
            names == [
                "blobs", "blobs/purged.log", "blobs/sha256", "db", "db/accounts.db", "db/admin.db", "db/blobs.db",
                "db/economy.db",
                "db/jobs.db", "db/ledger.db", "db/local.db", "db/moderation.db", "db/peers.db", "db/posts.db",
            ])
        for database in TruthDatabase.allCases {
            let copy = try DatabaseQueue(path: root.path.appending("db").appending(database.fileName).string)
            #expect(try copy.read { try String.fetchAll($0, sql: "SELECT text FROM t") } == ["kept"])
            try copy.close()
        }
        let hex = SHA256.hash(Array("one".utf8)).hex
        let blob = root.path.string + "/blobs/sha256/\(hex.prefix(2))/\(hex.dropFirst(2))"
        #expect(try Data(contentsOf: URL(filePath: blob)) == Data("one".utf8))
        #expect(try FileManager.default.attributesOfItem(atPath: blob)[.posixPermissions] as? Int == 0o444)
    }

    @Test("a backup is never overwritten, and one that fails leaves nothing")
    func failures() throws {
        _ = try databases()
        let target = folder.path.appending("a.backup")
        _ = try make(target)
        let before = try folder.names
        #expect(throws: BackupError.exists(path: target.string)) { try make(target) }
        #expect(try folder.names == before)

        // A database that is none, a blob with other bytes, a folder that is not there.
        let other = folder.path.appending("b.backup")
        let maker = try BackupMaker(target: other)
        let blob = ListedBlob(sha256: .zero, size: 3, piecesRoot: .zero)
        try maker.begin(blob)
        try [UInt8]([1, 2, 3]).withUnsafeBytes { try maker.append($0) }
        #expect(throws: BackupError.self) { try maker.end(blob) }
        try maker.begin(blob)
        try [UInt8]([1, 2]).withUnsafeBytes { try maker.append($0) }
        #expect(throws: BackupError.self) { try maker.end(blob) }
        maker.abandon()
        #expect(try folder.names == before)
        #expect(throws: BackupError.self) { try BackupMaker(target: folder.path.appending("none/x")) }
        try Data("no database".utf8).write(to: URL(filePath: home.appending("posts.db").string))
        #expect(throws: BackupError.self) { try make(other) }
        #expect(try folder.names.allSatisfy { !$0.contains(".waggle-backup") && $0 != "b.backup" })
    }

    @Test("keys are unpacked for their owner's eyes only")
    func keys() throws {
        let bundle = KeyBundle(files: ["me.key": Data([1]), "devices/ab.key": Data([2])])
        try BackupReader.write(bundle, into: folder.path.appending("keys"))
        for name in bundle.files.keys {
            let path = folder.path.string + "/keys/" + name
            #expect(try Data(contentsOf: URL(filePath: path)) == bundle.files[name])
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        }
    }
}
