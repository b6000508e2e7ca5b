import Glibc
import SystemPackage

/// Opens files that people name.
enum RegularFile {
    /// A descriptor for reading, and the file's size in bytes. A pipe or a device would be waited for, or read, without end.
    ///
    /// - Parameter name: what whoever asked knows it as; nil for the path. `failed`, which only the log and the command
    ///   line show, has the path.
    /// - Throws: `notFound`, `usage` for what is no regular file, `failed` with the system's reason.
    static func open(_ path: FilePath, called name: String? = nil) throws(OperationError) -> (
        file: FileDescriptor, size: UInt64
    ) {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
        } catch let error as Errno {
            guard error == .noSuchFileOrDirectory else { throw OperationError(.failed, "\(path): \(error)") }
            throw OperationError(.notFound, "\(name ?? path.string): \(error)")
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        var information = stat()
        guard fstat(file.rawValue, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            try? file.close()
            throw OperationError(.usage, "\(name ?? path.string) is a folder, a pipe or a device; name a file")
        }
        return (file, UInt64(max(0, information.st_size)))
    }
}

extension FileDescriptor {
    /// The next bytes of a file: as many as asked for, fewer at its end alone.
    func next(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                let got = try read(into: rest)
                guard got > 0 else { return }
                filled += got
            }
        }
    }
}
