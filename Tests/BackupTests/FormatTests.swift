import Digests
import Foundation
import Identity
import SystemPackage
import Testing
import WaggleProtocol

@testable import Backup

@Suite("The form of a backup")
struct FormatTests {
    struct Vectors: Codable, Equatable {
        var description =
            "A backup (spec/backup.md) of two accounts' worth of nothing: the whole file, what it says, and files that are "
            + "refused. The databases are their first bytes only, and the passphrase costs next to nothing."
        var passphrase = SampleBackup.passphrase
        /// The file in base 64, and its SHA-256.
        var file: String
        var sha256: Hash32
        var manifest: BackupManifest
        /// Path below `keys/` → contents in base 64.
        var keys: [String: Data]
        /// Names of members that are refused.
        var refusedNames: [String]
        /// Names of key files that are refused.
        var refusedKeyNames: [String]
    }

    static let file = VectorFile(name: "backup.json") {
        let sample = SampleBackup()
        let bytes = try sample.bytes()
        return Vectors(
            file: Data(bytes).base64EncodedString(), sha256: SHA256.hash(bytes),
            manifest: sample.manifest(try sample.members()), keys: sample.keys.files,
            refusedNames: [
                "../posts.db", "db/../../x", "/etc/passwd", "db/catalog.db", "db/other.db", "keys/me.key",
                "blobs/" + "ab",
                "blobs/" + String(repeating: "A", count: 64), "blobs/../" + String(repeating: "a", count: 64),
                "waggle.toml/",
                "./waggle.toml", "",
            ],
            refusedKeyNames: [
                "../me.key", "/me.key", "devices/../me.key", "other/me.key", ".key", "devices/.x", "me.key/", "ME.KEY",
                "a b", "",
            ])
    }

    @Test("the published file is read as it says, and made again byte for byte")
    func vectors() throws {
        let vectors = try Self.file.read()
        let folder = try Folder()
        let bytes = try #require(Data(base64Encoded: vectors.file))
        #expect(SHA256.hash(bytes) == vectors.sha256)
        let path = try folder.write(Array(bytes), as: "x.backup")
        let checked = try BackupReader(path: path).check(passphrase: vectors.passphrase)
        #expect(checked.manifest == vectors.manifest)
        #expect(checked.keys?.files == vectors.keys)
        #expect(checked.list.count == 1)
        for name in vectors.refusedNames { #expect(MemberName(name) == nil, "\(name)") }
        for name in vectors.refusedKeyNames { #expect(!KeyBundle.isSafe(name), "\(name)") }
        for name in vectors.keys.keys { #expect(KeyBundle.isSafe(name), "\(name)") }
    }

    @Test("stock tar lists it", .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/tar")))
    func tar() throws {
        let folder = try Folder()
        let path = try folder.write(SampleBackup().bytes(), as: "x.backup")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/tar")
        process.arguments = ["-tf", path.string]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        #expect(text.hasPrefix("manifest.json\nmanifest.json.sha256\ndb/peers.db\n"), "\(text)")
    }

    @Test(
        "a header has one encoding, at any size",
        arguments: [0, 1, 511, 512, (1 << 33) - 1, 1 << 33, 1 << 40] as [UInt64])
    func header(_ size: UInt64) throws {
        let header = ArchiveHeader(name: "db/posts.db", size: size)
        #expect(header.bytes.count == 512)
        #expect(try ArchiveHeader(header.bytes) == header)
        for at in 0..<512 {
            var block = header.bytes
            block[at] ^= 1
            #expect(throws: ArchiveHeader.Failure.self, "byte \(at)") { try ArchiveHeader(block) }
        }
        #expect((size + UInt64(header.padding)) % 512 == 0)
    }

    @Test("hashes, sizes and roots of the list come back; another text is none")
    func list() {
        let blobs = (0..<5).map {
            ListedBlob(sha256: SHA256.hash([$0]), size: UInt64($0) << 30, piecesRoot: SHA256.hash([$0, 1]))
        }
        let bytes = BlobList.encode(blobs)
        #expect(BlobList.decode(bytes) == blobs)
        #expect(BlobList.decode([]) == [])
        for at in stride(from: 0, to: bytes.count, by: 7) {
            var other = bytes
            other[at] = UInt8(ascii: "#")
            #expect(BlobList.decode(other) == nil, "byte \(at)")
        }
        #expect(BlobList.decode(Array(bytes.dropLast())) == nil)
    }
}
