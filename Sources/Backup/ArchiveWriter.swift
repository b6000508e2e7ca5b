import Digests
import FoundationEssentials
import Synchronization
import SystemPackage

/// Writes the members of one backup, one after another.
final class ArchiveWriter: Sendable {
    private struct State {
        var expected: UInt64 = 0
        var written: UInt64 = 0
        var padding = 0
        var hash = SHA256Stream()
    }

    private let file: FileDescriptor
    private let path: FilePath
    private let state = Mutex(State())

    /// Begins a new file.
    init(creating path: FilePath) throws(BackupError) {
        self.path = path
        do {
            file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: [.ownerRead, .ownerWrite])
        } catch {
            throw BackupError(error, path: path)
        }
    }

    deinit {
        try? file.close()
    }

    /// A member that is in memory.
    func add(_ name: MemberName, _ bytes: [UInt8]) throws(BackupError) {
        try begin(name, size: UInt64(bytes.count))
        try bytes.withUnsafeBytesThrowing { buffer throws(BackupError) in try append(buffer) }
        _ = try end(name)
    }

    /// Begins a member of so many bytes; they follow by `append`.
    func begin(_ name: MemberName, size: UInt64) throws(BackupError) {
        let header = ArchiveHeader(name: name.text, size: size)
        state.withLock { $0 = State(expected: size, padding: header.padding) }
        try header.bytes.withUnsafeBytesThrowing { buffer throws(BackupError) in try put(buffer) }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(BackupError) {
        try put(bytes)
        state.withLock { state in
            state.written += UInt64(bytes.count)
            state.hash.update(bytes)
        }
    }

    /// Ends the member; the SHA-256 of its bytes.
    func end(_ name: MemberName) throws(BackupError) -> Hash32 {
        let (isWhole, padding, hash) = state.withLock { ($0.written == $0.expected, $0.padding, $0.hash.digest()) }
        guard isWhole else { throw .unreadable(path: name.text, reason: "it changed its size while it was read") }
        try [UInt8](repeating: 0, count: padding).withUnsafeBytesThrowing { buffer throws(BackupError) in
            try put(buffer)
        }
        return hash
    }

    /// Ends the archive and waits until it is on the disk.
    func finish() throws(BackupError) {
        let end = [UInt8](repeating: 0, count: 2 * ArchiveHeader.blockBytes)
        try end.withUnsafeBytesThrowing { buffer throws(BackupError) in try put(buffer) }
        guard SystemCalls.synchronize(file) else {
            throw BackupError(Errno(rawValue: SystemCalls.lastError), path: path)
        }
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(BackupError) {
        guard bytes.count > 0 else { return }
        do {
            try file.writeAll(bytes)
        } catch {
            throw BackupError(error, path: path)
        }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes` that keeps the type of what the body throws.
    func withUnsafeBytesThrowing(
        _ body: (UnsafeRawBufferPointer) throws(BackupError) -> Void
    ) throws(BackupError) {
        let result = withUnsafeBytes { bytes in Result { () throws(BackupError) in try body(bytes) } }
        try result.get()
    }
}
