import CWaggleSystem
public import Digests
import Glibc
import NIOCore
import NIOPosix
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
    }

    /// Puts a blob into a folder under a name: by reflink where the file system can, else as a hard link of the store's
    /// own file, else as a copy. Nothing is ever overwritten, and whatever happens meanwhile, the name stands for the whole
    /// file or for none; it is durable when it returns.
    ///
    /// - Throws: `exists`, `notFound`, `purged`, `changedOnDisk`, `diskFull`, `readOnly`.
    public func export(_ hash: Hash32, to path: FilePath) async throws(BlobError) -> ExportMethod {
        let reader = try await open(hash)
        let target = path.absolute
        return try await threads.run { () throws(BlobError) in
            guard Files.identity(target) == nil else { throw .exists(path: target) }
            let method = try Self.fill(target, from: reader)
            try Files.synchronizeDirectory(target.removingLastComponent())
            return method
        }
    }

    private static func fill(_ target: FilePath, from reader: BlobReader) throws(BlobError) -> ExportMethod {
        // Under a name of its own until it is complete.
        let file = try OpenFile(
            writing: FilePath(target.string + ".part-" + String(UInt64.random(in: .min ... .max), radix: 36)),
            creating: true)
        // Gone when it was renamed.
        defer { try? Files.remove(file.path) }
        var method = ExportMethod.copied
        switch reader.content {
        case .bytes(let buffer): try file.write(Array(buffer.readableBytesView))
        case .file(let source, _) where waggle_clone(file.descriptor, source.rawValue) == 0: method = .cloned
        case .file(let source, let sourcePath):
            if case .file = reader.facts.place, try link(sourcePath, to: target) { return .hardLinked }
            try copy(source, reader.size, to: file)
        }
        try file.synchronizeData()
        try reader.checkUnchanged()
        let result = file.path.withPlatformString { from in
            target.withPlatformString { waggle_rename_new(from, $0) }
        }
        guard result != -EEXIST else { throw .exists(path: target) }
        guard result == 0 else { throw Files.failure(-result, "rename", target) }
        return method
    }

    /// Gives the store's own file a second name; false when the file system cannot.
    private static func link(_ source: FilePath, to target: FilePath) throws(BlobError) -> Bool {
        let result = source.withPlatformString { from in target.withPlatformString { Glibc.link(from, $0) } }
        if result != 0, errno == EEXIST { throw .exists(path: target) }
        return result == 0
    }

    private static func copy(_ source: SystemPackage.FileDescriptor, _ size: UInt64, to file: OpenFile)
        throws(BlobError)
    {
        var done: UInt64 = 0
        while done < size {
            let count = waggle_copy_file_range(
                source.rawValue, Int64(done), file.descriptor, Int64(done), Int(min(size - done, 1 << 30)))
            guard count > 0 else {
                throw Files.failure(count == 0 ? EIO : CInt(-count), "copy", file.path, needed: size - done)
            }
            done += UInt64(count)
        }
    }
}
