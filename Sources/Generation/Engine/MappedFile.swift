import Glibc
import SystemPackage

/// A file that an engine draws with where it lies: whoever writes to it changes what is drawn. So it is looked at when the
/// engine is begun, and again before anything is kept that is said to be made with it.
struct MappedFile: Sendable {
    /// What tells one state from another without reading it. The change time is left out: another link to the file moves it.
    private struct State: Hashable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let seconds: Int
        let nanoseconds: Int
    }

    /// As errors call it.
    let name: String
    let path: FilePath
    /// What `path` leads to. An engine's folder of links goes with the engine, also with one that a cut file brought down.
    private let target: FilePath
    private let state: State?

    init(_ path: FilePath, name: String) {
        (self.name, self.path) = (name, path)
        target = Self.resolved(path)
        state = Self.look(path)
    }

    /// Whether nobody wrote to it or put another in its place. One that is gone is as it was: who has it open keeps its bytes.
    var isUnchanged: Bool { (Self.look(path) ?? Self.look(target)).map { $0 == state } ?? true }

    private static func resolved(_ path: FilePath) -> FilePath {
        guard let real = path.withPlatformString({ realpath($0, nil) }) else { return path }
        defer { free(real) }
        return FilePath(platformString: real)
    }

    private static func look(_ path: FilePath) -> State? {
        var status = stat()
        guard path.withPlatformString({ stat($0, &status) }) == 0 else { return nil }
        return State(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec)
    }
}
