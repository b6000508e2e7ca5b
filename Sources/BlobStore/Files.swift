import CWaggleSystem
import FoundationEssentials
import Glibc
import SystemPackage

/// An open file that is closed when the last user lets go of it. Reads and writes name their offset, so that any number
/// of threads may use it at once.
final class OpenFile: Sendable {
    let descriptor: CInt
    let path: FilePath
    /// The same file for writing past the system's cache; negative where that cannot be.
    private let direct: CInt

    /// Opens a file that exists, for reading. It does not wait at a pipe or device, and refuses them.
    init(reading path: FilePath) throws(BlobError) {
        let descriptor = path.withPlatformString { Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        guard descriptor >= 0 else {
            throw errno == ENOENT || errno == ENOTDIR || errno == ENXIO
                ? .noFile(path: path) : Files.failure(errno, "open", path, reading: true)
        }
        self.descriptor = descriptor
        self.path = path
        direct = -1
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .noFile(path: path)
        }
    }

    /// Opens a file for reading and writing, making it when `creating` (it must not exist then).
    ///
    /// - Parameter pastCache: have `writePastCache` do what its name says, where the file system can.
    init(writing path: FilePath, creating: Bool, pastCache: Bool = false) throws(BlobError) {
        let flags = O_RDWR | O_CLOEXEC | (creating ? O_CREAT | O_EXCL : 0)
        let descriptor = path.withPlatformString { Glibc.open($0, flags, 0o600) }
        guard descriptor >= 0 else {
            let code = errno
            if code == EEXIST { throw .exists(path: path) }
            if code == ENOENT && !creating { throw .noFile(path: path) }
            throw Files.failure(code, "open", path)
        }
        self.descriptor = descriptor
        self.path = path
        direct = pastCache ? path.withPlatformString { waggle_open_past_cache($0) } : -1
    }

    deinit {
        close(descriptor)
        if direct >= 0 { close(direct) }
    }

    /// Fills `buffer` from `offset`; fewer bytes than asked for only at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(BlobError) -> Int {
        var done = 0
        while done < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset) + off_t(done))
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw Files.failure(errno, "read", path, reading: true)
            }
            done += count
        }
        return done
    }

    /// Writes all of `buffer` at `offset`.
    func write(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(BlobError) {
        var done = 0
        while done < buffer.count {
            let count = pwrite(
                descriptor, buffer.baseAddress?.advanced(by: done), buffer.count - done, off_t(offset) + off_t(done))
            if count < 0 {
                if errno == EINTR { continue }
                throw Files.failure(errno, "write", path, needed: UInt64(buffer.count - done))
            }
            done += count
        }
    }

    /// Memory, offsets and lengths that every disk takes without a copy are multiples of this.
    static let pageBytes = 4096

    /// `write` of what nobody is about to read: whole pages go from `buffer` to the disk without a copy in the system's
    /// cache, which saves the time to make it and leaves the cache to others. Where that cannot be, it is `write`.
    ///
    /// - Returns: whether the bytes went past the cache.
    func writePastCache(_ buffer: UnsafeRawBufferPointer, at offset: UInt64) throws(BlobError) -> Bool {
        let page = UInt(Self.pageBytes)
        guard direct >= 0, (UInt(bitPattern: buffer.baseAddress) | UInt(buffer.count) | UInt(offset)) & (page - 1) == 0
        else {
            try write(buffer, at: offset)
            return false
        }
        while true {
            let count = pwrite(direct, buffer.baseAddress, buffer.count, off_t(offset))
            if count == buffer.count { return true }
            if count < 0, errno == EINTR { continue }
            // Cut short, or this disk wants it otherwise: the usual way says what is wrong, if anything is.
            try write(buffer, at: offset)
            return false
        }
    }

    /// Writes all of `bytes` at `offset`.
    func write(_ bytes: some ContiguousBytes, at offset: UInt64 = 0) throws(BlobError) {
        let result: Result<Void, BlobError> = bytes.withUnsafeBytes { buffer in
            do throws(BlobError) {
                return .success(try write(buffer, at: offset))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// Reserves blocks for the whole file where the file system can; elsewhere it only gets its size. True when the
    /// blocks are taken, so that they no longer count as free.
    func reserve(_ size: UInt64) throws(BlobError) -> Bool {
        guard size > 0 else { return true }
        let result = waggle_fallocate(descriptor, 0, Int64(size))
        if result == 0 { return true }
        guard result == -EOPNOTSUPP || result == -ENOSYS else {
            throw Files.failure(-result, "reserve", path, needed: size)
        }
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw Files.failure(errno, "reserve", path, needed: size) }
        return false
    }

    /// Waits until the bytes are on the disk.
    func synchronizeData() throws(BlobError) {
        guard fdatasync(descriptor) == 0 else { throw Files.failure(errno, "fdatasync", path) }
    }

    /// Makes the file read-only for everyone.
    func makeReadOnly() throws(BlobError) {
        guard fchmod(descriptor, 0o444) == 0 else { throw Files.failure(errno, "chmod", path) }
    }

    func identity() throws(BlobError) -> FileIdentity {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Files.failure(errno, "stat", path, reading: true) }
        return FileIdentity(status)
    }

    /// Names that lead to the file.
    func nameCount() throws(BlobError) -> Int {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw Files.failure(errno, "stat", path, reading: true) }
        return Int(status.st_nlink)
    }

    /// Where the next byte that was ever written lies at or after `offset`; nil when none does.
    func nextData(after offset: UInt64) -> UInt64? {
        let position = waggle_next_data(descriptor, Int64(offset))
        return position < 0 ? nil : UInt64(position)
    }
}

/// File calls without an open file, with the store's errors.
enum Files {
    /// The store's error for a system error.
    static func failure(
        _ code: CInt, _ operation: String, _ path: FilePath, reading: Bool = false, needed: UInt64 = 0
    ) -> BlobError {
        switch code {
        case ENOSPC, EDQUOT:
            .diskFull(needed: needed, available: StoreOptions.systemFreeSpace(path.removingLastComponent()) ?? 0)
        case EROFS, EACCES, EPERM: reading ? .unreadable(path: path) : .readOnly(path: path)
        default: .io(path: path, operation: operation, code: code)
        }
    }

    /// Makes a directory that survives a crash; one that is there is fine.
    static func makeDirectory(_ path: FilePath) throws(BlobError) {
        guard path.withPlatformString({ mkdir($0, 0o755) }) != 0 else {
            return try synchronizeDirectory(path.removingLastComponent())
        }
        guard errno == EEXIST else { throw failure(errno, "mkdir", path) }
    }

    static func identity(_ path: FilePath) -> FileIdentity? {
        var status = stat()
        return path.withPlatformString { stat($0, &status) } == 0 ? FileIdentity(status) : nil
    }

    static func move(_ source: FilePath, to target: FilePath) throws(BlobError) {
        let result = source.withPlatformString { from in target.withPlatformString { rename(from, $0) } }
        guard result == 0 else { throw failure(errno, "rename", target) }
    }

    /// Lets the owner write a file of the store's own again.
    static func makeWritable(_ path: FilePath) throws(BlobError) {
        guard path.withPlatformString({ chmod($0, 0o600) }) == 0 else { throw failure(errno, "chmod", path) }
    }

    /// Removes a file; one that is not there is fine.
    static func remove(_ path: FilePath) throws(BlobError) {
        guard path.withPlatformString({ unlink($0) }) == 0 || errno == ENOENT else {
            throw failure(errno, "unlink", path)
        }
    }

    /// Makes renames and new names in a directory survive a crash.
    static func synchronizeDirectory(_ path: FilePath) throws(BlobError) {
        let descriptor = path.withPlatformString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard descriptor >= 0 else { throw failure(errno, "open", path, reading: true) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure(errno, "fsync", path) }
    }

    /// Names in a directory, without `.` and `..`.
    static func names(in path: FilePath) throws(BlobError) -> [String] {
        guard let directory = path.withPlatformString({ opendir($0) }) else {
            throw failure(errno, "list", path, reading: true)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { raw in
                String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
