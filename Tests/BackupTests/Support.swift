import Digests
import Foundation
import Identity
import SystemPackage

@testable import Backup

/// A generator with a printed seed (SplitMix64), so that a failing property can be run again.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}

/// A folder that goes with its test.
final class Folder: Sendable {
    let path: FilePath

    init() throws {
        path = FilePath(NSTemporaryDirectory() + "waggle-backup-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path.string)
    }

    func write(_ bytes: [UInt8], as name: String) throws -> FilePath {
        let file = path.appending(name)
        try Data(bytes).write(to: URL(filePath: file.string))
        return file
    }

    /// Everything below, hidden files too.
    var names: [String] {
        get throws { try FileManager.default.subpathsOfDirectory(atPath: path.string).sorted() }
    }
}

/// A backup made of given parts, without a home.
struct SampleBackup {
    static let passphrase = "correct horse"
    var keys = KeyBundle(files: [
        "me.key": Data("me".utf8), "node.key": Data("node".utf8), "devices/00.key": Data("other".utf8),
    ])
    /// 40 bytes that are no model.
    var blob = Array("forty bytes that are kept as they come. ".utf8)

    /// Its members after the manifest, in order.
    func members() throws -> [(name: MemberName, bytes: [UInt8])] {
        let box = try PassphraseBox(
            sealing: JSONEncoder.sorted.encode(keys).map { $0 }, passphrase: Self.passphrase, cost: .least,
            salt: [UInt8](repeating: 1, count: 16), nonce: [UInt8](repeating: 2, count: 24))
        let databases = [TruthDatabase.peers, .posts, .moderation, .local, .blobs].map { database in
            (MemberName.database(database.fileName), Array("SQLite format 3\0\(database.rawValue)".utf8))
        }
        let hash = SHA256.hash(blob)
        let list = [ListedBlob(sha256: hash, size: UInt64(blob.count), piecesRoot: hash)]
        return databases + [
            (.settings, Array("name = \"bees\"\n".utf8)), (.keys, KeyBundle.encoded(box)),
            (.blobList, BlobList.encode(list)), (.blob(hash), blob),
        ]
    }

    func manifest(_ members: [(name: MemberName, bytes: [UInt8])]) -> BackupManifest {
        BackupManifest(
            created: 1_800_000_000, software: "waggle/1", node: AuthorID.text(.zero),
            accounts: ["me": AuthorID.text(.zero)],
            listedBlobs: 1, listedBytes: UInt64(blob.count),
            members: members.map {
                .init(name: $0.name.text, size: UInt64($0.bytes.count), sha256: SHA256.hash($0.bytes).hex)
            })
    }

    func bytes() throws -> [UInt8] {
        let members = try members()
        let json = try manifest(members).encoded()
        return Self.archive(
            [(MemberName.manifest.text, json), (MemberName.manifestSum.text, ArchiveReader.sum(of: json))]
                + members.map { ($0.name.text, $0.bytes) })
    }

    /// An archive of any members.
    static func archive(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, content) in members {
            let header = ArchiveHeader(name: name, size: UInt64(content.count))
            bytes += header.bytes + content + [UInt8](repeating: 0, count: header.padding)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }
}

extension JSONEncoder {
    static var sorted: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
