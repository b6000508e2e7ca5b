import Glibc
import SystemPackage

/// What swift-system does not have.
enum SystemCalls {
    static var lastError: Int32 { errno }

    /// Waits until the bytes of a file, or the names in a folder, are on the disk.
    static func synchronize(_ file: FileDescriptor) -> Bool { fsync(file.rawValue) == 0 }

    static func synchronizeFolder(_ path: FilePath) {
        guard let folder = try? FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec]) else {
            return
        }
        _ = synchronize(folder)
        try? folder.close()
    }

    /// Gives a file its name; never replaces one.
    static func place(_ from: FilePath, at to: FilePath) throws(BackupError) {
        guard link(from.string, to.string) == 0 else { throw BackupError(Errno(rawValue: errno), path: to) }
        unlink(from.string)
        synchronizeFolder(to.removingLastComponent())
    }

    static func makeFolder(_ path: FilePath) throws(BackupError) {
        guard mkdir(path.string, 0o700) == 0 else { throw BackupError(Errno(rawValue: errno), path: path) }
    }

    /// Size of a regular file.
    static func size(_ file: FileDescriptor, at path: FilePath) throws(BackupError) -> UInt64 {
        var information = stat()
        guard fstat(file.rawValue, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(path: path.string, reason: "it is no file")
        }
        return UInt64(max(0, information.st_size))
    }
}
