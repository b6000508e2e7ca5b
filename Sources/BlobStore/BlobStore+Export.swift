import CWaggleSystem
public import Digests
import Glibc
import NIOCore
import NIOPosix
import Synchronization
public import SystemPackage

extension BlobStore {
    /// How the bytes got to an exported file.
    public enum ExportMethod: Hashable, Sendable {
        /// The blocks are shared until one of the two is changed (reflink).
        case cloned
        /// The same file under a second name. It is read-only, and changing it would change the blob: say so.
        case hardLinked
        /// A copy.
        case copied
        /// A link to where the bytes lie, which ends when they move.
        case symlinked
    }

    /// Puts a blob into a folder under a name: by reflink where the file system can, else as a hard link of the store's
    /// own file, else as a copy. It is durable, whole and only then under its name when this returns; a crash leaves at most
    /// a hidden file that the next export of the blob there removes. Nothing is ever overwritten.
    ///
    /// - Throws: `exists`, `notFound`, `purged`, `changedOnDisk`, `diskFull`, `readOnly`.
    public func export(_ hash: Hash32, to path: FilePath) async throws(BlobError) -> ExportMethod {
        let reader = try await open(hash)
        let target = path.absolute
        let method = try await threads.run { () throws(BlobError) in
            guard !Self.isTaken(target) else { throw .exists(path: target) }
            let part = try ExportParts.begin(hash, in: target.removingLastComponent())
            defer { ExportParts.end(part) }
            let file = try OpenFile(writing: part, creating: true)
            do throws(BlobError) {
                let method = try Self.fill(file, from: reader, linkedAt: target)
                if method == .hardLinked { try Files.remove(part) } else { try Self.place(file, at: target) }
                try Files.synchronizeDirectory(target.removingLastComponent())
                return method
            } catch {
                try? Files.remove(part)
                throw error
            }
        }
        // The bytes of an adopted file are only good when it was not changed meanwhile.
        do throws(BlobError) {
            try await reader.revalidate()
        } catch {
            try? await threads.run { () throws(BlobError) in try Files.remove(target) }
            throw error
        }
        return method
    }

    /// Puts a link to the file that holds a blob into a folder: the store's own, or an adopted one where it lies. Small
    /// blobs are no files and are copied.
    ///
    /// - Throws: as `export`.
    public func symlink(_ hash: Hash32, at path: FilePath) async throws(BlobError) -> ExportMethod {
        let reader = try await open(hash)
        guard case .file(_, let source) = reader.content else { return try await export(hash, to: path) }
        let target = path.absolute
        return try await threads.run { () throws(BlobError) in
            let result = source.withPlatformString { from in target.withPlatformString { Glibc.symlink(from, $0) } }
            guard result == 0 else {
                if errno == EEXIST { throw .exists(path: target) }
                throw Files.failure(errno, "symlink", target)
            }
            try Files.synchronizeDirectory(target.removingLastComponent())
            return .symlinked
        }
    }

    private static func isTaken(_ path: FilePath) -> Bool {
        var status = stat()
        return path.withPlatformString { lstat($0, &status) } == 0
    }

    /// Gets the bytes into `file`, or a link of the store's own file to `target`.
    private static func fill(
        _ file: OpenFile, from reader: BlobReader, linkedAt target: FilePath
    ) throws(BlobError) -> ExportMethod {
        var method = ExportMethod.copied
        switch reader.content {
        case .bytes(let buffer): try file.write(Array(buffer.readableBytesView))
        case .file(let source, let path):
            if waggle_clone(file.descriptor, source.rawValue) == 0 {
                method = .cloned
            } else if case .file = reader.facts.place, try link(path, to: target) {
                return .hardLinked
            } else {
                try file.copy(from: source.rawValue, reader.size)
            }
        }
        // Other programs, which may run as other accounts, are to read it.
        guard fchmod(file.descriptor, 0o644) == 0 else { throw Files.failure(errno, "chmod", file.path) }
        try file.synchronizeData()
        return method
    }

    private static func place(_ file: OpenFile, at target: FilePath) throws(BlobError) {
        let result = file.path.withPlatformString { from in
            target.withPlatformString { waggle_rename_new(from, $0) }
        }
        guard result == 0 else {
            if result == -EEXIST { throw .exists(path: target) }
            throw Files.failure(-result, "rename", target)
        }
    }

    /// Gives the file a second name; false when the file system cannot link there.
    private static func link(_ source: FilePath, to target: FilePath) throws(BlobError) -> Bool {
        let result = source.withPlatformString { from in target.withPlatformString { Glibc.link(from, $0) } }
        if result != 0, errno == EEXIST { throw .exists(path: target) }
        return result == 0
    }
}

/// The hidden files that exports are writing. Each has one of its own: two that wrote to the same would put each other's
/// half file under a final name.
private enum ExportParts {
    private static let underWay = Mutex<Set<FilePath>>([])
    private static let suffix = ".waggle-part"

    /// A path for a new part; removes what broken off exports of the blob left in the folder.
    static func begin(_ hash: Hash32, in folder: FilePath) throws(BlobError) -> FilePath {
        let prefix = ".\(hash.hex.prefix(20))."
        let number = UInt64.random(in: 0 ... .max)
        let part = folder.appending(prefix + String(number, radix: 16) + suffix)
        let left = try Files.names(in: folder).filter { name in
            // Also one without a number, where both ends share a dot.
            name.hasPrefix(prefix) && name.hasSuffix(suffix)
        }
        let others = underWay.withLock { paths in
            defer { paths.insert(part) }
            return paths
        }
        for name in left where !others.contains(folder.appending(name)) { try Files.remove(folder.appending(name)) }
        return part
    }

    static func end(_ part: FilePath) {
        underWay.withLock { _ = $0.remove(part) }
    }
}
