import Digests
import FoundationEssentials
import Glibc
public import Identity
import Synchronization
public import SystemPackage

/// Writes a backup: into a hidden folder beside its place, synced, then given its name in one step that replaces nothing.
///
/// Steps that read or write a disk block; the caller runs them where that does no harm.
public final class BackupMaker: Sendable {
    /// Who and when.
    public struct Facts: Sendable {
        public let created: UInt64
        public let software: String
        public let node: String
        public let accounts: [String: String]

        public init(created: UInt64, software: String, node: String, accounts: [String: String]) {
            self.created = created
            self.software = software
            self.node = node
            self.accounts = accounts
        }
    }

    private enum Content {
        case bytes([UInt8])
        case file(FilePath)
    }

    private let target: FilePath
    private let folder: FilePath
    private let archive: ArchiveWriter
    private let members = Mutex<[(member: BackupManifest.Member, content: Content)]>([])

    /// - Parameter target: the file to make; its folder must be there.
    /// - Throws: `exists` when something is at the target.
    public init(target: FilePath) throws(BackupError) {
        self.target = target
        if (try? FileDescriptor.open(target, .readOnly, options: [.nonBlocking]).close()) != nil {
            throw .exists(path: target.string)
        }
        let parent = target.removingLastComponent()
        folder = parent.appending(".waggle-backup-" + Hex.encode(RecoverySecret.random().bytes.prefix(6)))
        try SystemCalls.makeFolder(folder)
        do {
            archive = try ArchiveWriter(creating: folder.appending("archive"))
        } catch {
            Self.remove(folder)
            throw error
        }
    }

    /// Copies every truth database of a home.
    public func copyDatabases(from db: FilePath) throws(BackupError) {
        for database in TruthDatabase.allCases {
            let source = db.appending(database.fileName)
            if !TruthDatabase.always.contains(database), access(source.string, F_OK) != 0 { continue }
            let copy = folder.appending(database.fileName)
            try TruthDatabase.copy(from: source, to: copy)
            try note(.database(database.fileName), file: copy)
        }
    }

    /// The settings, the purge log, the sealed keys and the list of blobs.
    public func add(
        settings: [UInt8]?, purgeLog: [UInt8]?, keys: KeyBundle, passphrase: String,
        cost: PassphraseBox.Cost = .moderate,
        list: [ListedBlob]
    ) throws(BackupError) {
        if let settings { note(.settings, settings) }
        if let purgeLog { note(.purgeLog, purgeLog) }
        note(.keys, try keys.sealed(passphrase, cost: cost))
        note(.blobList, BlobList.encode(list))
    }

    /// Writes everything but the bytes of blobs. Blobs follow by `begin`, `append`, `end`, in this order.
    public func write(_ facts: Facts, list: [ListedBlob], blobs: [ListedBlob]) throws(BackupError) -> BackupManifest {
        let noted = members.withLock { $0 }
        let included = blobs.map {
            BackupManifest.Member(name: MemberName.blob($0.sha256).text, size: $0.size, sha256: $0.sha256.hex)
        }
        let manifest = BackupManifest(
            created: facts.created, software: facts.software, node: facts.node, accounts: facts.accounts,
            listedBlobs: list.count, listedBytes: list.reduce(0) { $0 + $1.size },
            members: noted.map(\.member) + included)
        let json = try manifest.encoded()
        // Nothing is written that a reader would refuse.
        _ = try BackupManifest(json, path: target.string)
        try archive.add(.manifest, json)
        try archive.add(.manifestSum, ArchiveReader.sum(of: json))
        for (member, content) in noted {
            guard let name = MemberName(member.name) else { continue }
            switch content {
            case .bytes(let bytes): try archive.add(name, bytes)
            case .file(let path): try add(name, path, size: member.size, sha256: member.sha256)
            }
        }
        return manifest
    }

    /// Begins the bytes of a blob.
    public func begin(_ blob: ListedBlob) throws(BackupError) {
        try archive.begin(.blob(blob.sha256), size: blob.size)
    }

    public func append(_ bytes: UnsafeRawBufferPointer) throws(BackupError) { try archive.append(bytes) }

    /// Ends a blob, whose bytes must be what its name says.
    public func end(_ blob: ListedBlob) throws(BackupError) {
        guard try archive.end(.blob(blob.sha256)) == blob.sha256 else {
            throw .blob(blob.sha256.hex, reason: "its bytes are damaged")
        }
    }

    /// Ends the backup and gives it its name; its size in bytes.
    public func finish() throws(BackupError) -> UInt64 {
        try archive.finish()
        try SystemCalls.place(folder.appending("archive"), at: target)
        Self.remove(folder)
        guard let file = try? FileDescriptor.open(target, .readOnly) else { return 0 }
        defer { try? file.close() }
        return try SystemCalls.size(file, at: target)
    }

    /// Leaves nothing behind.
    public func abandon() { Self.remove(folder) }

    private static func remove(_ folder: FilePath) {
        try? FileManager.default.removeItem(atPath: folder.string)
    }

    private func note(_ name: MemberName, _ bytes: [UInt8]) {
        let member = BackupManifest.Member(
            name: name.text, size: UInt64(bytes.count), sha256: SHA256.hash(bytes).hex)
        members.withLock { $0.append((member, .bytes(bytes))) }
    }

    private func note(_ name: MemberName, file path: FilePath) throws(BackupError) {
        let hasher = SHA256()
        var size: UInt64 = 0
        try Self.read(path) { chunk throws(BackupError) in
            hasher.update(chunk)
            size += UInt64(chunk.count)
        }
        let member = BackupManifest.Member(name: name.text, size: size, sha256: hasher.finalize().hex)
        members.withLock { $0.append((member, .file(path))) }
    }

    private func add(_ name: MemberName, _ path: FilePath, size: UInt64, sha256: String) throws(BackupError) {
        try archive.begin(name, size: size)
        try Self.read(path) { chunk throws(BackupError) in try archive.append(chunk) }
        guard try archive.end(name).hex == sha256 else {
            throw .unreadable(path: path.string, reason: "it changed while it was read")
        }
    }

    private static func read(
        _ path: FilePath, _ body: (UnsafeRawBufferPointer) throws(BackupError) -> Void
    ) throws(BackupError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            defer { try? file.close() }
            while true {
                let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
                guard count > 0 else { return }
                try buffer.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            }
        } catch {
            throw BackupError(error, path: path)
        }
    }
}
