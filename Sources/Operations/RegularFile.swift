import Glibc
import SystemPackage

/// Opens files that people name.
enum RegularFile {
    /// A descriptor for reading, and the file's size in bytes. A pipe or a device would be waited for, or read, without end.
    ///
    /// - Throws: `notFound`, `usage` for what is no regular file, `failed` with the system's reason.
    static func open(_ path: FilePath) throws(OperationError) -> (file: FileDescriptor, size: UInt64) {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
        } catch let error as Errno {
            throw OperationError(error == .noSuchFileOrDirectory ? .notFound : .failed, "\(path): \(error)")
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        var information = stat()
        guard fstat(file.rawValue, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            try? file.close()
            throw OperationError(.usage, "\(path) is a folder, a pipe or a device; name a file")
        }
        return (file, UInt64(max(0, information.st_size)))
    }
}
