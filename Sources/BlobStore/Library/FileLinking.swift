import CWaggleSystem
import Digests
import Glibc
import SystemPackage

/// Makes two equal files share their bytes, or gives one its own again, without an instant at which a name leads nowhere or
/// to half a file. Blocks.
///
/// A name is changed by an exchange with a hidden one, and what came out is looked at before it is removed: when another
/// program replaced or wrote to the file in the last instant, the exchange is taken back. Whatever a killed process leaves
/// are hidden names that end in `.waggle-link` or `.waggle-copy`; see `LinkRemains`.
struct FileLinking {
    /// Ends the hidden name that a file is exchanged with. The SHA-256 of its bytes stands before it.
    static let linkSuffix = ".waggle-link"
    /// Ends the hidden name of a copy that is being written.
    static let copySuffix = ".waggle-copy"

    /// The blob that the files hold.
    let hash: Hash32
    /// Called between the steps that a crash could separate.
    let onStep: @Sendable (Step) -> Void

    /// What became of the two files.
    struct Result: Sendable {
        var method: LinkMethod
        /// The file whose bytes both have now, and the one that had its own, as they are now.
        var kept: FileIdentity
        var replaced: FileIdentity
    }

    /// Makes `path` share the bytes of `kept`, both being as they were hashed.
    ///
    /// - Throws: `changedOnDisk` for what is not as it was hashed, `notLinked` with the reason, `readOnly`, `io`.
    func link(
        _ path: FilePath, _ identity: FileIdentity, to kept: FilePath, _ keptIdentity: FileIdentity
    ) throws(BlobError) -> Result {
        let kept = Self.resolved(kept)
        let source = try Self.open(kept, as: keptIdentity)
        let file = try Self.open(path, as: identity)
        switch try share(file, with: source, size: identity.size) {
        case true?:
            guard try source.identity() == keptIdentity else { throw .changedOnDisk(path: kept) }
            return Result(method: .sharedBlocks, kept: keptIdentity, replaced: try file.identity())
        case false?: throw .changedOnDisk(path: path)
        case nil: break
        }
        try Self.comparePermissions(file, source)
        let isWatched = try Self.watchWriters(of: file)
        let hidden = hiddenName(beside: path, Self.linkSuffix)
        let made = kept.withPlatformString { from in hidden.withPlatformString { Glibc.link(from, $0) } }
        guard made == 0 else { throw Self.refusal(errno, path) }
        onStep(.linked)
        do throws(BlobError) {
            // The name may lead elsewhere by now, or may have been a symbolic link.
            guard try Self.entry(hidden)?.isSameFile(as: keptIdentity) == true else {
                throw .changedOnDisk(path: kept)
            }
        } catch {
            try? Files.remove(hidden)
            throw error
        }
        try exchange(path, identity, with: hidden, watched: isWatched ? file : nil)
        onStep(.exchanged)
        try Files.remove(hidden)
        try Files.synchronizeDirectory(path.removingLastComponent())
        let now = try source.identity()
        // Giving it a name changes nothing but the time of change.
        guard now.hasSameBytes(as: keptIdentity) else { throw .changedOnDisk(path: kept) }
        return Result(method: .hardLinked, kept: now, replaced: try file.identity())
    }

    /// Gives a name of a file with several names a file of its own: by reflink where the file system can, else a copy.
    ///
    /// - Returns: the new file and the one that the other names lead to, as they are now.
    /// - Throws: as `link`, and `diskFull`.
    func separate(_ path: FilePath, _ identity: FileIdentity) throws(BlobError) -> Result {
        let source = try Self.open(path, as: identity)
        let copy = hiddenName(beside: path, Self.copySuffix)
        try Files.remove(copy)
        let file = try OpenFile(writing: copy, creating: true)
        let method: LinkMethod
        do throws(BlobError) {
            method = try fill(file, from: source, identity)
            onStep(.separated)
        } catch {
            try? Files.remove(copy)
            throw error
        }
        // From here on the hidden name says what is in it.
        let hidden = hiddenName(beside: path, Self.linkSuffix)
        let isWatched: Bool
        do throws(BlobError) {
            isWatched = try Self.watchWriters(of: source)
        } catch {
            try? Files.remove(copy)
            throw error
        }
        let renamed = copy.withPlatformString { from in hidden.withPlatformString { waggle_rename_new(from, $0) } }
        guard renamed == 0 else {
            try? Files.remove(copy)
            throw Files.failure(-renamed, "rename", hidden)
        }
        try exchange(path, identity, with: hidden, watched: isWatched ? source : nil)
        onStep(.exchanged)
        try Files.remove(hidden)
        try Files.synchronizeDirectory(path.removingLastComponent())
        return Result(method: method, kept: try source.identity(), replaced: try file.identity())
    }

    // MARK: Steps

    /// Has the system share the blocks, which compares them first; nil where it cannot, false when they differ.
    private func share(_ file: OpenFile, with source: OpenFile, size: UInt64) throws(BlobError) -> Bool? {
        // No file system takes more at once.
        let portion: UInt64 = 16 << 20
        var done: UInt64 = 0
        while done < size {
            let count = waggle_share_blocks(
                source.descriptor, file.descriptor, Int64(done), Int64(min(portion, size - done)))
            guard count >= 0 else {
                if done == 0 { return nil }
                throw Files.failure(CInt(-count), "share", file.path)
            }
            if count == 0 { return false }
            done += UInt64(count)
        }
        return true
    }

    private func fill(
        _ file: OpenFile, from source: OpenFile, _ identity: FileIdentity
    ) throws(BlobError) -> LinkMethod {
        var method = LinkMethod.sharedBlocks
        if waggle_clone(file.descriptor, source.descriptor) != 0 {
            method = .copied
            try file.copy(from: source.descriptor, identity.size)
        }
        var status = stat()
        guard fstat(source.descriptor, &status) == 0 else { throw Files.failure(errno, "stat", source.path) }
        guard FileIdentity(status) == identity else { throw .changedOnDisk(path: source.path) }
        // Only root may give files away, and only then does it matter.
        _ = fchown(file.descriptor, status.st_uid, status.st_gid)
        let times = [status.st_atim, status.st_mtim]
        guard fchmod(file.descriptor, status.st_mode & 0o7777) == 0, futimens(file.descriptor, times) == 0 else {
            throw Files.failure(errno, "chmod", file.path)
        }
        try file.synchronizeData()
        return method
    }

    /// Exchanges a name with the hidden one, whose file it gets; taken back when something else than the file that is
    /// known came out. The hidden name is gone after a failure, unless it holds what nobody knows.
    private func exchange(
        _ path: FilePath, _ identity: FileIdentity, with hidden: FilePath, watched: OpenFile?
    ) throws(BlobError) {
        func swap() -> CInt {
            hidden.withPlatformString { one in path.withPlatformString { waggle_exchange(one, $0) } }
        }
        guard let prepared = try Self.entry(hidden), try Self.entry(path) == identity else {
            try Files.remove(hidden)
            throw .changedOnDisk(path: path)
        }
        let result = swap()
        guard result == 0 else {
            try Files.remove(hidden)
            throw Self.refusal(-result, path)
        }
        let isRight = try Self.entry(hidden)?.hasSameBytes(as: identity) == true
        if isRight, watched.map({ waggle_no_writer_came($0.descriptor) == 1 }) ?? true { return }
        guard swap() == 0, try Self.entry(hidden)?.isSameFile(as: prepared) == true else {
            throw .notLinked(path: path, why: "what another program put there just now is kept as \(hidden)")
        }
        try Files.remove(hidden)
        throw .changedOnDisk(path: path)
    }

    // MARK: Looks

    /// Opens a file that must be as it was hashed, and no symbolic link.
    private static func open(_ path: FilePath, as identity: FileIdentity) throws(BlobError) -> OpenFile {
        guard let entry = try entry(path) else { throw .changedOnDisk(path: path) }
        guard entry == identity else { throw .changedOnDisk(path: path) }
        let file = try OpenFile(reading: path)
        guard try file.identity() == identity else { throw .changedOnDisk(path: path) }
        return file
    }

    /// The regular file of this very name; nil when there is none or the name is a symbolic link.
    static func entry(_ path: FilePath) throws(BlobError) -> FileIdentity? {
        var status = stat()
        guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw Files.failure(errno, "stat", path, reading: true)
        }
        return status.st_mode & S_IFMT == S_IFREG ? FileIdentity(status) : nil
    }

    static func isSymbolicLink(_ path: FilePath) -> Bool {
        var status = stat()
        return path.withPlatformString { lstat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    /// The path without symbolic links.
    private static func resolved(_ path: FilePath) -> FilePath {
        guard let real = path.withPlatformString({ realpath($0, nil) }) else { return path }
        defer { free(real) }
        return FilePath(platformString: real)
    }

    private static func comparePermissions(_ file: OpenFile, _ other: OpenFile) throws(BlobError) {
        var (one, two) = (stat(), stat())
        guard fstat(file.descriptor, &one) == 0, fstat(other.descriptor, &two) == 0 else {
            throw Files.failure(errno, "stat", file.path)
        }
        guard one.st_uid == two.st_uid, one.st_gid == two.st_gid, one.st_mode == two.st_mode else {
            throw .notLinked(path: file.path, why: "it has another owner or other permissions than \(other.path)")
        }
    }

    /// True when writers are watched from now on; false where the system cannot.
    private static func watchWriters(of file: OpenFile) throws(BlobError) -> Bool {
        switch waggle_watch_writers(file.descriptor) {
        case 0: return true
        case -EAGAIN: throw .notLinked(path: file.path, why: "a program has it open for writing")
        default: return false
        }
    }

    private static func refusal(_ code: CInt, _ path: FilePath) -> BlobError {
        switch code {
        case EXDEV, EOPNOTSUPP, EINVAL, ENOSYS:
            .notLinked(path: path, why: "its file system cannot share bytes between files")
        case EMLINK: .notLinked(path: path, why: "the file has as many names as its file system allows")
        case EPERM: .notLinked(path: path, why: "its file system or its owner does not allow links")
        case EEXIST: .notLinked(path: path, why: "a cut-off linking left a hidden file beside it; look at that first")
        default: Files.failure(code, "link", path)
        }
    }

    private func hiddenName(beside path: FilePath, _ suffix: String) -> FilePath {
        path.removingLastComponent().appending(".\(hash.hex)\(suffix)")
    }
}

/// How two files came to share their bytes, or to have their own.
public enum LinkMethod: String, Hashable, Sendable, Codable {
    /// Two files whose blocks are one until either is written to.
    case sharedBlocks = "shared blocks"
    /// One file with two names: who writes to one writes to both.
    case hardLinked = "hard link"
    /// A copy.
    case copied = "copied"
}

extension FileIdentity {
    /// The same file, whatever was done to it.
    func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }

    /// The same file, written to by nobody; its names and permissions may be others.
    func hasSameBytes(as other: FileIdentity) -> Bool {
        isSameFile(as: other) && size == other.size && modified == other.modified
    }
}

extension OpenFile {
    /// Copies bytes inside the kernel.
    func copy(from source: CInt, _ size: UInt64) throws(BlobError) {
        var done: UInt64 = 0
        while done < size {
            let count = waggle_copy_file_range(
                source, Int64(done), descriptor, Int64(done), Int(min(size - done, 1 << 30)))
            guard count > 0 else {
                throw Files.failure(count == 0 ? EIO : CInt(-count), "copy", path, needed: size - done)
            }
            done += UInt64(count)
        }
    }
}
