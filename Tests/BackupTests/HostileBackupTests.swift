import Digests
import Foundation
import Identity
import SystemPackage
import Testing
import WaggleProtocol

@testable import Backup

@Suite("Backups that nobody should believe")
struct HostileBackupTests {
    private let folder: Folder
    private let bytes: [UInt8]

    init() throws {
        folder = try Folder()
        bytes = try SampleBackup().bytes()
    }

    private func check(_ bytes: [UInt8], passphrase: String? = nil) throws -> BackupReader.Checked {
        try BackupReader(path: folder.write(bytes, as: "x")).check(passphrase: passphrase)
    }

    @Test("a flipped bit anywhere is seen, and said to be damage, whatever the passphrase")
    func flipped() throws {
        for at in stride(from: 0, to: bytes.count, by: 3) {
            var other = bytes
            other[at] ^= UInt8(1) << UInt8(at % 8)
            let error = #expect(throws: BackupError.self, "byte \(at)") {
                try check(other, passphrase: SampleBackup.passphrase)
            }
            switch error {
            case .damaged, .tooLarge, nil: break
            default: Issue.record("byte \(at): \(error.map { "\($0)" } ?? "")")
            }
        }
    }

    @Test("a file that ends early, or goes on, is refused")
    func cut() throws {
        for count in stride(from: 0, to: bytes.count, by: 61) {
            #expect(throws: BackupError.self, "\(count) bytes") { try check(Array(bytes.prefix(count))) }
        }
        #expect(throws: BackupError.self) { try check(Array(bytes.dropLast())) }
        #expect(throws: BackupError.self) { try check(bytes + [0]) }
        #expect(throws: BackupError.self) { try check(bytes + bytes) }
    }

    @Test("a wrong passphrase is told apart from damage")
    func passphrase() throws {
        let path = try folder.write(bytes, as: "x")
        #expect(try BackupReader(path: path).check(passphrase: SampleBackup.passphrase).keys != nil)
        #expect(try BackupReader(path: path).check(passphrase: nil).keys == nil)
        #expect(throws: BackupError.wrongPassphrase(path: path.string)) {
            try BackupReader(path: path).check(passphrase: "correct horsf")
        }
    }

    @Test(
        "members that lead out of the home, or that no backup has, are refused by name",
        arguments: ["../../evil", "/etc/passwd", "db/../../../evil", "db/evil.db", "keys/node.key", "blobs/evil"])
    func names(_ name: String) throws {
        // In the archive alone, and in a manifest that names it.
        let members = try SampleBackup().members()
        let good = SampleBackup().manifest(members)
        var texts = members.map { (name: $0.name.text, bytes: $0.bytes) }
        texts[0].name = name
        for manifest in [good, Self.renamed(good, to: name)] {
            let json = try manifest.encoded()
            let archive = SampleBackup.archive(
                [(MemberName.manifest.text, json), (MemberName.manifestSum.text, ArchiveReader.sum(of: json))] + texts)
            let error = #expect(throws: BackupError.self) { try check(archive) }
            guard case .damaged(_, let what) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(what.contains("no backup has"), "\(what)")
        }
        // The other forms of a file: links, folders, devices.
        for type in "123456Lx".utf8 {
            var block = ArchiveHeader(name: "manifest.json", size: 0).bytes
            block[156] = type
            #expect(throws: BackupError.self) { try check(block + bytes) }
        }
        let target = try Folder()
        #expect(throws: BackupError.self) {
            try BackupReader(path: folder.write(SampleBackup.archive(texts), as: "y")).unpack(into: target.path)
        }
        #expect(try target.names.allSatisfy { ["blobs", "blobs/sha256", "db"].contains($0) })
    }

    private static func renamed(_ manifest: BackupManifest, to name: String) -> BackupManifest {
        var members = manifest.members
        members[0] = .init(name: name, size: members[0].size, sha256: members[0].sha256)
        return BackupManifest(
            created: manifest.created, software: manifest.software, node: manifest.node, accounts: manifest.accounts,
            listedBlobs: manifest.listedBlobs, listedBytes: manifest.listedBytes, members: members)
    }

    @Test("sizes without end are refused before anything is read or allocated")
    func oversized() throws {
        for size in [UInt64(1) << 61, Limits.Backup.manifestBytes + 1, 1 << 33] {
            let header = ArchiveHeader(name: "manifest.json", size: size)
            #expect(throws: BackupError.self) { try check(header.bytes + bytes) }
        }
        for (name, size) in [
            ("waggle.toml", Limits.Backup.settingsBytes + 1), ("keys.sealed.json", Limits.Backup.keysBytes + 1),
        ] {
            let good = SampleBackup().manifest(try SampleBackup().members())
            let members = good.members.map {
                BackupManifest.Member(name: $0.name, size: $0.name == name ? size : $0.size, sha256: $0.sha256)
            }
            let manifest = BackupManifest(
                created: 1, software: "", node: "", accounts: [:], listedBlobs: 1, listedBytes: 1, members: members)
            #expect(throws: BackupError.tooLarge(path: "p", what: name, limit: size - 1)) {
                try BackupManifest(manifest.encoded(), path: "p")
            }
        }
    }

    @Test("what is no backup is refused by name: nothing, noise, a folder, no file, a later version")
    func other() throws {
        var random = Seeded(seed: 1)
        #expect(throws: BackupError.self) { try check([]) }
        for count in [1, 512, 5000] {
            let noise = (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            #expect(throws: BackupError.self) { try check(noise) }
        }
        let missing = folder.path.appending("none")
        #expect(throws: BackupError.notFound(path: missing.string)) {
            try BackupReader(path: missing).check(passphrase: nil)
        }
        #expect(throws: BackupError.self) { try BackupReader(path: folder.path).check(passphrase: nil) }
        #expect(throws: BackupError.unknownFormat(path: "p", format: 2)) {
            try BackupManifest(Array(#"{"format": 2}"#.utf8), path: "p")
        }
    }

    @Test("a key file with a path of its own is refused when the keys are opened")
    func keyNames() throws {
        for name in ["../x", "/x", "devices/../x", "a/b"] {
            let sample = SampleBackup(keys: KeyBundle(files: [name: Data([1])]))
            let error = #expect(throws: BackupError.self) {
                try check(sample.bytes(), passphrase: SampleBackup.passphrase)
            }
            #expect(error?.message.contains("which no home has") == true, "\(name)")
        }
    }
}
