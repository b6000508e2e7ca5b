import Glibc
import Operations
import SystemPackage

/// One process at a time works on a home. The kernel drops the lock when the process ends, however it ends.
final class HomeLock: Sendable {
    private let file: Int32

    /// - Throws: `conflict` naming the process that holds the lock, `failed` when the home cannot be written.
    init(home: Home) throws(OperationError) {
        let file = Glibc.open(home.lock.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw OperationError(
                errno == ENOSPC ? .limits : .failed,
                "\(home.lock) cannot be opened: \(String(cString: strerror(errno))). A node needs a home it can write to; "
                    + "choose one with --home")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.holder(file)
            close(file)
            throw OperationError(
                .conflict,
                "another waggle\(holder.map { " (process \($0))" } ?? "") is using \(home.root). Stop it first, or give "
                    + "this one a --home of its own")
        }
        ftruncate(file, 0)
        let line = "\(getpid())\n"
        _ = line.withCString { write(file, $0, strlen($0)) }
        self.file = file
    }

    deinit {
        close(file)
    }

    private static func holder(_ file: Int32) -> Int? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(file, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int(String(decoding: text[..<count], as: UTF8.self).prefix { $0.isNumber })
    }
}
