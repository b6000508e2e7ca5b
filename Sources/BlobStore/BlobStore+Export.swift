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
    /// own file, else as a copy, which is durable when it returns. Nothing is ever overwritten.
    ///
    /// - Throws: `exists`, `notFound`, `purged`, `changedOnDisk`, `diskFull`, `readOnly`.
    public func export(_ hash: Hash32, to path: FilePath) async throws(BlobError) -> ExportMethod {
        let reader = try await open(hash)
        let target = path.absolute
        return try await threads.run { () throws(BlobError) in
            guard case .file(let source, let sourcePath) = reader.content else {
                return try Self.write(reader, to: target)
            }
            let file = try OpenFile(writing: target, creating: true)
            do throws(BlobError) {
                if waggle_clone(file.descriptor, source.rawValue) == 0 {
                    try file.synchronizeData()
                    return .cloned
                }
                if case .file = reader.facts.place, try Self.link(sourcePath, to: target) { return .hardLinked }
                try Self.copy(source, reader.size, to: file)
                try file.synchronizeData()
                try Files.synchronizeDirectory(target.removingLastComponent())
                return .copied
            } catch {
                try? Files.remove(target)
                throw error
            }
        }
    }

    /// Replaces the empty file just made at `target` with a link; false when the file system cannot link there.
    private static func link(_ source: FilePath, to target: FilePath) throws(BlobError) -> Bool {
        let name = FilePath(target.string + ".link-" + String(UInt64.random(in: .min ... .max), radix: 36))
        let result = source.withPlatformString { from in name.withPlatformString { Glibc.link(from, $0) } }
        guard result == 0 else { return false }
        try Files.move(name, to: target)
        try Files.synchronizeDirectory(target.removingLastComponent())
        return true
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

    private static func write(_ reader: BlobReader, to target: FilePath) throws(BlobError) -> ExportMethod {
        guard case .bytes(let buffer) = reader.content else { return .copied }
        let file = try OpenFile(writing: target, creating: true)
        do throws(BlobError) {
            try file.write(Array(buffer.readableBytesView))
            try file.synchronizeData()
            try Files.synchronizeDirectory(target.removingLastComponent())
        } catch {
            try? Files.remove(target)
            throw error
        }
        return .copied
    }
}
