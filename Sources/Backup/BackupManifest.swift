import Digests
import FoundationEssentials
import WaggleProtocol

/// What a backup says of itself: `manifest.json`, its first member.
public struct BackupManifest: Codable, Sendable, Equatable {
    public struct Member: Codable, Sendable, Equatable {
        public let name: String
        /// Bytes.
        public let size: UInt64
        /// In hexadecimal.
        public let sha256: String
    }

    /// 1.
    public var format = 1
    /// Unix seconds.
    public let created: UInt64
    /// "waggle/0.1.0".
    public let software: String
    /// The node's id.
    public let node: String
    /// Account name → author id.
    public let accounts: [String: String]
    /// Blobs in the list, and their bytes.
    public let listedBlobs: Int
    public let listedBytes: UInt64
    /// Every member after the manifest and its sum, in the order in which they follow.
    public let members: [Member]

    /// The one encoding.
    func encoded() throws(BackupError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let json = try? encoder.encode(self) else {
            throw .damaged(path: MemberName.manifest.text, what: "it cannot be encoded")
        }
        return Array(json) + Array("\n".utf8)
    }

    /// Reads and checks a manifest: known names, each once, sizes within limits.
    init(_ bytes: [UInt8], path: String) throws(BackupError) {
        struct Format: Decodable { let format: Int }
        guard let head = try? JSONDecoder().decode(Format.self, from: Data(bytes)) else {
            throw .damaged(path: path, what: "its manifest is none")
        }
        guard head.format == 1 else { throw .unknownFormat(path: path, format: head.format) }
        guard let manifest = try? JSONDecoder().decode(BackupManifest.self, from: Data(bytes)) else {
            throw .damaged(path: path, what: "its manifest is none")
        }
        var names: Set<MemberName> = []
        for member in manifest.members {
            guard let name = MemberName(member.name), name != .manifest, name != .manifestSum else {
                throw .damaged(path: path, what: "it names \"\(MemberName.shown(member.name))\", which no backup has")
            }
            guard names.insert(name).inserted, let sha256 = Hash32(canonicalHex: member.sha256) else {
                throw .damaged(path: path, what: "it names \"\(member.name)\" twice, or without a SHA-256")
            }
            if case .blob(let hash) = name, hash != sha256 {
                throw .damaged(path: path, what: "\(member.name) has another SHA-256 than its name")
            }
            guard member.size <= name.limit else {
                throw .tooLarge(path: path, what: member.name, limit: name.limit)
            }
        }
        let needed: [MemberName] =
            [.keys, .blobList]
            + TruthDatabase.always.map { .database($0.fileName) }
        for name in needed where !names.contains(name) { throw .damaged(path: path, what: "\(name.text) is missing") }
        self = manifest
    }

    public init(
        created: UInt64, software: String, node: String, accounts: [String: String], listedBlobs: Int,
        listedBytes: UInt64, members: [Member]
    ) {
        self.created = created
        self.software = software
        self.node = node
        self.accounts = accounts
        self.listedBlobs = listedBlobs
        self.listedBytes = listedBytes
        self.members = members
    }
}

extension MemberName {
    /// Bytes that a member may have.
    var limit: UInt64 {
        switch self {
        case .manifest: Limits.Backup.manifestBytes
        case .manifestSum: 256
        case .settings: Limits.Backup.settingsBytes
        case .keys: Limits.Backup.keysBytes
        case .purgeLog, .blobList: Limits.Backup.listBytes
        case .database: Limits.Backup.databaseBytes
        case .blob: Limits.Blob.bytes
        }
    }
}
