import Digests
import FoundationEssentials
import Glibc
public import SystemPackage
import WaggleProtocol

/// Checks a backup, and takes it apart into a folder.
public struct BackupReader: Sendable {
    public let path: FilePath

    public init(path: FilePath) {
        self.path = path
    }

    /// What a check found.
    public struct Checked: Sendable {
        public let manifest: BackupManifest
        public let list: [ListedBlob]
        /// Nil when no passphrase was given.
        public let keys: KeyBundle?
    }

    /// Reads every byte and writes none. Blocks.
    ///
    /// - Parameter passphrase: opens the keys, too.
    public func check(
        passphrase: String?, progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws(BackupError) -> Checked {
        var (list, keys): ([UInt8], [UInt8]) = ([], [])
        var starts: [MemberName: [UInt8]] = [:]
        let manifest = try ArchiveReader(path: path).read(
            sink: { name, chunk throws(BackupError) in
                switch name {
                case .blobList: list.append(contentsOf: chunk)
                case .keys: keys.append(contentsOf: chunk)
                case .database: if starts[name] == nil { starts[name] = Array(chunk.prefix(16)) }
                default: break
                }
            }, progress: progress)
        for (name, start) in starts where start != Array("SQLite format 3\0".utf8) {
            throw .damaged(path: path.string, what: "\(name.text) is no database")
        }
        guard let blobs = BlobList.decode(list), blobs.count == manifest.listedBlobs else {
            throw .damaged(path: path.string, what: "its list of blobs is none")
        }
        var opened: KeyBundle?
        if let passphrase { opened = try KeyBundle(opening: keys, passphrase: passphrase, path: path.string) }
        return Checked(manifest: manifest, list: blobs, keys: opened)
    }

    /// Takes everything but the keys apart into a folder of the home's form, every byte checked again and on the disk.
    /// Blocks.
    ///
    /// - Parameter root: an empty folder.
    public func unpack(
        into root: FilePath, progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws(BackupError) {
        for name in ["db", "blobs", "blobs/sha256"] {
            try SystemCalls.makeFolder(root.appending(FilePath(name).components))
        }
        var file: OutputFile?
        _ = try ArchiveReader(path: path).read(
            member: { name, _ throws(BackupError) in
                try file?.close()
                file = nil
                guard let place = name.place else { return }
                let path = root.appending(FilePath(place).components)
                if case .blob = name {
                    let folder = path.removingLastComponent()
                    if (try? FileDescriptor.open(folder, .readOnly, options: [.directory]).close()) == nil {
                        try SystemCalls.makeFolder(folder)
                    }
                }
                file = try OutputFile(creating: path, isBlob: name.isBlob)
            },
            sink: { _, chunk throws(BackupError) in try file?.write(chunk) }, progress: progress)
        try file?.close()
        for database in TruthDatabase.allCases {
            let path = root.appending("db").appending(database.fileName)
            if !TruthDatabase.always.contains(database), access(path.string, F_OK) != 0 { continue }
            try TruthDatabase.check(path)
        }
    }

    /// Writes the key files into `keys/` of a folder.
    public static func write(_ keys: KeyBundle, into folder: FilePath) throws(BackupError) {
        try SystemCalls.makeFolder(folder)
        if keys.files.keys.contains(where: { $0.contains("/") }) {
            try SystemCalls.makeFolder(folder.appending("devices"))
        }
        for (name, contents) in keys.files.sorted(by: { $0.key < $1.key }) {
            let file = try OutputFile(creating: folder.appending(FilePath(name).components), isBlob: false)
            try Array(contents).withUnsafeBytesThrowing { bytes throws(BackupError) in try file.write(bytes) }
            try file.close()
        }
        SystemCalls.synchronizeFolder(folder)
    }
}

extension MemberName {
    /// Where a member goes in a home; nil for what is read and not kept.
    fileprivate var place: String? {
        switch self {
        case .manifest, .manifestSum, .keys, .blobList: nil
        case .database(let name): "db/\(name)"
        case .settings: "waggle.toml"
        case .purgeLog: "blobs/purged.log"
        case .blob(let hash): "blobs/sha256/\(hash.hex.prefix(2))/\(hash.hex.dropFirst(2))"
        }
    }

    fileprivate var isBlob: Bool { if case .blob = self { true } else { false } }
}

/// A new file, on the disk when it is closed.
private struct OutputFile {
    let file: FileDescriptor
    let path: FilePath

    init(creating path: FilePath, isBlob: Bool) throws(BackupError) {
        self.path = path
        do {
            file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: isBlob ? [.ownerRead, .groupRead, .otherRead] : [.ownerRead, .ownerWrite])
        } catch {
            throw BackupError(error, path: path)
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(BackupError) {
        do {
            try file.writeAll(bytes)
        } catch {
            try? file.close()
            throw BackupError(error, path: path)
        }
    }

    func close() throws(BackupError) {
        defer { try? file.close() }
        guard SystemCalls.synchronize(file) else {
            throw BackupError(Errno(rawValue: SystemCalls.lastError), path: path)
        }
    }
}
