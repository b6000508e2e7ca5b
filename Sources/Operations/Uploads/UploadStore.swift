public import Digests
import FoundationEssentials
import Glibc
public import NIOCore
import NIOPosix
import Synchronization
public import SystemPackage
import WaggleProtocol

/// Files on their way in: `tmp/uploads/ID/`, each a folder with what its sender said and the bytes so far.
///
/// The length of the file is the offset, so nothing has to be written down for an upload to go on after a crash. Complete
/// ones wait there until they are published or a week is over.
public final class UploadStore: Sendable {
    private let folder: FilePath
    private let now: @Sendable () -> UInt64
    private let random: @Sendable () -> [UInt8]
    /// Uploads that a request writes to at this moment.
    private let busy = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - folder: `tmp/uploads` of the home.
    ///   - random: 16 random bytes.
    public init(
        folder: FilePath, now: @escaping @Sendable () -> UInt64, random: @escaping @Sendable () -> [UInt8]
    ) {
        self.folder = folder
        self.now = now
        self.random = random
    }

    /// What its sender said, beside the bytes.
    private struct Note: Codable {
        let account: Int64
        let name: String
        let size: UInt64
        let sha256: Hash32?
        let expires: UInt64
    }

    private static let note = ".upload.json"

    // MARK: Beginning and looking

    /// - Throws: `badName`, `empty`, `overQuota`, `tooMany`, `failed`.
    public func begin(
        account: Int64, name: String, size: UInt64, sha256: Hash32?
    ) async throws(FileUploadError) -> Upload {
        guard size > 0 else { throw .empty }
        guard (1...Limits.Blob.fileNameBytes).contains(name.utf8.count), name != Self.note,
            name != ".", name != "..", !name.utf8.contains(where: { $0 == 0x2f || $0 < 0x20 || $0 == 0x7f })
        else { throw .badName }
        let id = Hex.encode(random())
        let note = Note(
            account: account, name: name, size: size, sha256: sha256, expires: now() + Limits.API.uploadSeconds)
        return try await onThread { () throws(FileUploadError) in
            let mine = self.notes().filter { $0.note.account == account }
            guard mine.count < Limits.API.uploads else { throw .tooMany(Limits.API.uploads) }
            let bytes = mine.reduce(UInt64(0)) { $0 &+ $1.note.size }
            let quota = Limits.API.uploadBytes
            guard size <= quota, bytes <= quota - size else { throw .overQuota(bytes: quota) }
            try self.write(note, id)
            return self.upload(id, note)
        }
    }

    private func write(_ note: Note, _ id: String) throws(FileUploadError) {
        do throws(OperationError) {
            try Directory.create(folder, mode: 0o700)
            try Directory.create(folder.appending(id), mode: 0o700)
        } catch {
            throw error.code == .limits ? .diskFull : .failed(error.message)
        }
        do {
            try JSONEncoder().encode(note).write(
                to: URL(filePath: folder.appending(id).appending(Self.note).string), options: .atomic)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// - Throws: `notFound`, also for somebody else's.
    public func find(_ id: String, account: Int64) async throws(FileUploadError) -> Upload {
        try await onThread { () throws(FileUploadError) in
            guard let note = self.read(id), note.account == account, note.expires > self.now() else { throw .notFound }
            return self.upload(id, note)
        }
    }

    /// Of one account.
    public func list(account: Int64) async throws(FileUploadError) -> [Upload] {
        try await onThread { () throws(FileUploadError) in
            self.notes().filter { $0.note.account == account }.map { self.upload($0.id, $0.note) }
        }
    }

    private func notes() -> [(id: String, note: Note)] {
        Directory.names(in: folder).compactMap { id in read(id).map { (id, $0) } }
    }

    private func read(_ id: String) -> Note? {
        guard id.utf8.count == 32, Hex.decode(id) != nil,
            let data = try? Data(contentsOf: URL(filePath: folder.appending(id).appending(Self.note).string))
        else { return nil }
        return try? JSONDecoder().decode(Note.self, from: data)
    }

    private func upload(_ id: String, _ note: Note) -> Upload {
        let path = folder.appending(id).appending(note.name)
        var status = stat()
        let offset = stat(path.string, &status) == 0 ? UInt64(max(0, status.st_size)) : 0
        return Upload(
            id: id, name: note.name, size: note.size, sha256: note.sha256, offset: offset, expires: note.expires,
            path: path)
    }

    // MARK: Bytes

    /// Writes what comes, from an offset on. What came before a connection broke stays.
    ///
    /// - Returns: the upload as it is then; a complete one was synced, and has the SHA-256 that was named.
    /// - Throws: `wrongOffset`, `busy`, `tooLong`, `hashMismatch`, `diskFull`, or what the body throws.
    /// - Parameter restarting: begins at the offset whatever is here already.
    public func append<Body: AsyncSequence & Sendable>(
        _ id: String, account: Int64, at offset: UInt64, _ body: Body, restarting: Bool = false
    ) async throws -> Upload where Body.Element == ByteBuffer {
        guard busy.withLock({ $0.insert(id).inserted }) else { throw FileUploadError.busy }
        defer { busy.withLock { _ = $0.remove(id) } }
        let upload = try await find(id, account: account)
        guard restarting || offset == upload.offset else { throw FileUploadError.wrongOffset(expected: upload.offset) }
        var position = offset
        for try await chunk in body {
            guard UInt64(chunk.readableBytes) <= upload.size - position else { throw FileUploadError.tooLong }
            try await onThread { [position] () throws(FileUploadError) in
                try Self.write(chunk, to: upload.path, at: position)
            }
            position += UInt64(chunk.readableBytes)
        }
        if position == upload.size { try await finish(upload) }
        return try await find(id, account: account)
    }

    private static func write(_ chunk: ByteBuffer, to path: FilePath, at offset: UInt64) throws(FileUploadError) {
        do {
            let file = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .closeOnExec, .noFollow], permissions: [.ownerReadWrite])
            try file.closeAfter {
                _ = try chunk.withUnsafeReadableBytes { try file.writeAll(toAbsoluteOffset: Int64(offset), $0) }
            }
        } catch let error as Errno {
            throw error == .noSpace || error == .diskQuotaExceeded ? .diskFull : .failed("\(path): \(error)")
        } catch {
            throw .failed("\(error)")
        }
    }

    private func finish(_ upload: Upload) async throws(FileUploadError) {
        try await onThread { () throws(FileUploadError) in
            do {
                let file = try FileDescriptor.open(upload.path, .readOnly, options: [.closeOnExec])
                defer { try? file.close() }
                guard fsync(file.rawValue) == 0 else { throw FileUploadError.failed("\(upload.path) cannot be synced") }
                guard let expected = upload.sha256 else { return }
                var stream = SHA256Stream()
                let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
                defer { buffer.deallocate() }
                while case let count = try file.read(into: buffer), count > 0 {
                    stream.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                }
                if stream.digest() != expected {
                    unlink(upload.path.string)
                    throw FileUploadError.hashMismatch
                }
            } catch let error as FileUploadError {
                throw error
            } catch {
                throw .failed("\(upload.path): \(error)")
            }
        }
    }

    // MARK: Ending

    /// Drops an upload; one that is not there is no error.
    public func remove(_ id: String, account: Int64) async throws(FileUploadError) {
        try await onThread { () throws(FileUploadError) in
            guard let note = self.read(id), note.account == account else { return }
            self.drop(id)
        }
    }

    /// Drops what nobody came back for.
    public func removeExpired() async throws(FileUploadError) {
        let now = now()
        try await onThread { () throws(FileUploadError) in
            for (id, note) in self.notes() where note.expires <= now && !self.busy.withLock({ $0.contains(id) }) {
                self.drop(id)
            }
        }
    }

    private func drop(_ id: String) {
        let directory = folder.appending(id)
        for name in Directory.names(in: directory) { unlink(directory.appending(name).string) }
        rmdir(directory.string)
    }

    private func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(FileUploadError) -> Value
    ) async throws(FileUploadError) -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try body() }
        } catch let error as FileUploadError {
            throw error
        } catch {
            throw .failed("\(error)")
        }
    }
}
