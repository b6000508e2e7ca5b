import Formats
import Glibc
public import SystemPackage
import WaggleProtocol

/// A file that a walk found.
struct FoundFile: Sendable {
    let path: FilePath
    let identity: FileIdentity
    /// A download tool's control file stands beside it.
    let isUnderWay: Bool
}

/// What a walk passed by.
public struct WalkReport: Hashable, Sendable {
    /// Files that look like models.
    public var files = 0
    /// Their bytes.
    public var bytes: UInt64 = 0
    /// Folders looked into.
    public var folders = 0
    /// Files that are no models by their name; they are not opened.
    public var others = 0
    /// Folders that could not be read, and links that lead nowhere. While there are any, nothing is taken for deleted.
    public var unreadable: [FilePath] = []
    /// Links to folders that hold the library itself, and folders deeper than the limit.
    public var notFollowed: [FilePath] = []

    mutating func add(unreadable path: FilePath) {
        if unreadable.count < Limits.Library.batch { unreadable.append(path) }
    }

    mutating func add(notFollowed path: FilePath) {
        if notFollowed.count < Limits.Library.batch { notFollowed.append(path) }
    }
}

/// Walks folders and hands on the models in them, a batch at a time, so that memory stays flat however many there are.
///
/// Links to folders are followed, as the programs do that the folders belong to: people keep models on other disks that
/// way. No folder is entered twice, which ends loops, and none that the library itself lies in. Names are bytes: they
/// need not be UTF-8. Blocks.
struct FolderWalk {
    private struct FolderID: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    var report = WalkReport()
    private var visited: Set<FolderID> = []
    /// Folders above the roots.
    private var above: Set<FolderID> = []
    private var batch: [FoundFile] = []

    /// - Throws: `noFile` when a root is not there (a disk that is not mounted), and what `onBatch` throws.
    mutating func run(_ roots: [FilePath], onBatch: ([FoundFile]) throws(BlobError) -> Void) throws(BlobError) {
        for root in roots {
            var folder = root
            while folder != folder.removingLastComponent(), !folder.isEmpty {
                folder.removeLastComponent()
                if let id = Self.folder(folder) { above.insert(id) }
            }
        }
        for root in roots {
            guard let id = Self.folder(root) else { throw .noFile(path: root) }
            try walk(root, id, onBatch)
        }
        if !batch.isEmpty { try onBatch(batch) }
        batch = []
    }

    private mutating func walk(
        _ root: FilePath, _ id: FolderID, _ onBatch: ([FoundFile]) throws(BlobError) -> Void
    ) throws(BlobError) {
        guard visited.insert(id).inserted else { return }
        var stack = [(path: root, depth: 0)]
        while let (path, depth) = stack.popLast() {
            guard let directory = path.withPlatformString({ opendir($0) }) else {
                report.add(unreadable: path)
                continue
            }
            defer { closedir(directory) }
            report.folders += 1
            while let entry = readdir(directory) {
                let child = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                    Self.child(path, UnsafeRawBufferPointer(rebasing: raw.prefix { $0 != 0 }))
                }
                guard let child else { continue }
                let kind = Int(entry.pointee.d_type)
                let isModel = Self.isModel(child)
                // Most entries are settled by name and type, without another call.
                if kind == DT_REG, !isModel {
                    report.others += 1
                    continue
                }
                guard [DT_REG, DT_DIR, DT_LNK, DT_UNKNOWN].contains(kind) else { continue }
                var status = stat()
                guard child.withPlatformString({ stat($0, &status) }) == 0 else {
                    // What vanished since is no matter; a link to nothing may be to a disk that is away.
                    if kind == DT_LNK { report.add(unreadable: child) }
                    continue
                }
                switch status.st_mode & S_IFMT {
                case S_IFDIR:
                    let id = FolderID(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
                    guard depth < Limits.Library.depth, child.length < Limits.Library.pathBytes, !above.contains(id)
                    else {
                        report.add(notFollowed: child)
                        continue
                    }
                    if visited.insert(id).inserted { stack.append((child, depth + 1)) }
                case S_IFREG where isModel:
                    report.files += 1
                    report.bytes += UInt64(max(0, status.st_size))
                    let control = FilePath(bytes: child.bytes + Array(".aria2".utf8))
                    batch.append(
                        FoundFile(
                            path: child, identity: FileIdentity(status),
                            isUnderWay: control.withPlatformString { access($0, F_OK) } == 0))
                    if batch.count >= Limits.Library.batch {
                        try onBatch(batch)
                        batch.removeAll(keepingCapacity: true)
                    }
                default: report.others += 1
                }
            }
        }
    }

    private static func folder(_ path: FilePath) -> FolderID? {
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            return nil
        }
        return FolderID(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// The path of an entry; nil for `.`, `..` and other hidden names.
    private static func child(_ folder: FilePath, _ name: UnsafeRawBufferPointer) -> FilePath? {
        guard name.first != UInt8(ascii: ".") else { return nil }
        var bytes = folder.bytes
        if bytes.last != UInt8(ascii: "/") { bytes.append(UInt8(ascii: "/")) }
        bytes.append(contentsOf: name)
        return FilePath(bytes: bytes)
    }

    private static func isModel(_ path: FilePath) -> Bool {
        ModelFileName.isModel(path.bytes.suffix(while: { $0 != UInt8(ascii: "/") }))
    }
}

extension BidirectionalCollection {
    /// The longest end of the collection whose elements all fit.
    fileprivate func suffix(while fits: (Element) -> Bool) -> SubSequence {
        var start = endIndex
        while start > startIndex, fits(self[index(before: start)]) { start = index(before: start) }
        return self[start...]
    }
}
