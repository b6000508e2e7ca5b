import Accounts
public import BlobStore
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
/// The length of the file is the offset, so nothing has to be written down for an upload to go on after a crash. A mark
/// beside the file says that all of it was synced and hashed; one that a crash left without it is finished by an empty
/// append at its end. Complete ones wait there until they are published or a week is over.
public final class UploadStore: Sendable {
    private let folder: FilePath
    private let now: @Sendable () -> UInt64
    private let random: @Sendable () -> [UInt8]
    private let keepFree: UInt64
    private let freeSpace: @Sendable (FilePath) -> UInt64?
    private let report: @Sendable (String) -> Void
    /// Held from the look at what is there to the note of one more: else many at once would all find room.
    private let beginning = Mutex(())
    /// Uploads that a request writes to at this moment.
    private let busy = Mutex<Set<String>>([])

    /// - Parameters:
    ///   - folder: `tmp/uploads` of the home.
    ///   - random: 16 random bytes.
    ///   - keepFree: bytes of the disk that are left free for others.
    ///   - freeSpace: bytes free on the file system of a path; nil when it cannot be told.
    ///   - report: told why the disk failed, for the log; whoever sent the bytes is not shown this machine's paths.
    public init(
        folder: FilePath, now: @escaping @Sendable () -> UInt64, random: @escaping @Sendable () -> [UInt8],
        keepFree: UInt64 = 0,
        freeSpace: @escaping @Sendable (FilePath) -> UInt64? = StoreOptions.systemFreeSpace,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.folder = folder
        self.now = now
        self.random = random
        self.keepFree = keepFree
        self.freeSpace = freeSpace
        self.report = report
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
    /// Beside a file that was synced and hashed.
    private static let done = ".done"

    // MARK: Beginning and looking

    /// - Throws: `badName`, `empty`, `overQuota`, `tooMany`, `diskFull`, `failed`.
    public func begin(
        account: Int64, name: String, size: UInt64, sha256: Hash32?
    ) async throws(FileUploadError) -> Upload {
        guard size > 0 else { throw .empty }
        guard (1...Limits.Blob.fileNameBytes).contains(name.utf8.count), name != Self.note, name != Self.done,
            name != ".", name != "..", !name.utf8.contains(where: { $0 == 0x2f || $0 < 0x20 || $0 == 0x7f })
        else { throw .badName }
        let id = Hex.encode(random())
        let note = Note(
            account: account, name: name, size: size, sha256: sha256, expires: now() + Limits.API.uploadSeconds)
        return try await onThread { () throws(FileUploadError) in
            try self.beginning.withLock { _ throws(FileUploadError) in
                let all = self.notes()
                try Self.checkQuota(all.lazy.map(\.note).filter { $0.account == account }, size)
                try self.checkRoom(all, size)
                try self.write(note, id)
            }
            return self.upload(id, note)
        }
    }

    private static func checkQuota(_ mine: some Sequence<Note>, _ size: UInt64) throws(FileUploadError) {
        let sizes = mine.map(\.size)
        guard sizes.count < Limits.API.uploads else { throw .tooMany(Limits.API.uploads) }
        let quota = Limits.API.uploadBytes
        guard size <= quota, sizes.reduce(0, &+) <= quota - size else { throw .overQuota(bytes: quota) }
    }

    /// What everybody's uploads still need has been promised already.
    private func checkRoom(_ all: [(id: String, note: Note)], _ size: UInt64) throws(FileUploadError) {
        try create(folder)
        guard let free = freeSpace(folder) else { return }
        let promised = all.reduce(UInt64(0)) { sum, one in
            let upload = upload(one.id, one.note)
            return sum &+ (upload.size - min(upload.size, upload.offset))
        }
        let (taken, isOver) = promised.addingReportingOverflow(keepFree)
        guard !isOver, taken <= free, size <= free - taken else { throw .diskFull }
    }

    private func write(_ note: Note, _ id: String) throws(FileUploadError) {
        try create(folder.appending(id))
        do {
            try JSONEncoder().encode(note).write(
                to: URL(filePath: folder.appending(id).appending(Self.note).string), options: .atomic)
        } catch {
            throw failure("\(error)")
        }
    }

    private func create(_ directory: FilePath) throws(FileUploadError) {
        do throws(OperationError) {
            try Directory.create(directory, mode: 0o700)
        } catch {
            throw error.code == .limits ? .diskFull : failure(error.message)
        }
    }

    /// The reason goes to the log only.
    private func failure(_ reason: String) -> FileUploadError {
        report(reason)
        return .failed(
            "This node could not write the upload; ask where it is and go on, and tell the operator if it fails again")
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
        let isVerified = access(folder.appending(id).appending(Self.done).string, F_OK) == 0
        return Upload(
            id: id, name: note.name, size: note.size, sha256: note.sha256, offset: offset, isVerified: isVerified,
            expires: note.expires, path: path)
    }

    // MARK: Bytes

    /// Writes what comes, from an offset on. What came before a connection broke stays.
    ///
    /// - Returns: the upload as it is then; a complete one was synced, and has the SHA-256 that was named.
    /// - Throws: `wrongOffset`, `busy`, `tooLong`, `hashMismatch`, `diskFull`, or what the body throws.
    /// - Parameter restarting: drops what is here from the offset on and goes on there; a complete upload stays as it is.
    public func append<Body: AsyncSequence & Sendable>(
        _ id: String, account: Int64, at offset: UInt64, _ body: Body, restarting: Bool = false
    ) async throws -> Upload where Body.Element == ByteBuffer {
        guard busy.withLock({ $0.insert(id).inserted }) else { throw FileUploadError.busy }
        defer { busy.withLock { _ = $0.remove(id) } }
        let upload = try await find(id, account: account)
        if restarting {
            if upload.isComplete { return upload }
            guard offset <= upload.offset else { throw FileUploadError.wrongOffset(expected: upload.offset) }
            try await onThread { () throws(FileUploadError) in try self.truncate(upload.path, to: offset) }
        } else if offset != upload.offset {
            throw FileUploadError.wrongOffset(expected: upload.offset)
        }
        var position = offset
        for try await chunk in body {
            guard UInt64(chunk.readableBytes) <= upload.size - position else { throw FileUploadError.tooLong }
            try await onThread { [position] () throws(FileUploadError) in
                try self.write(chunk, to: upload.path, at: position)
            }
            position += UInt64(chunk.readableBytes)
        }
        if position == upload.size, !upload.isComplete { try await finish(upload) }
        return try await find(id, account: account)
    }

    private func write(_ chunk: ByteBuffer, to path: FilePath, at offset: UInt64) throws(FileUploadError) {
        do {
            let file = try SystemPackage.FileDescriptor.open(
                path, .writeOnly, options: [.create, .closeOnExec, .noFollow], permissions: [.ownerReadWrite])
            try file.closeAfter {
                _ = try chunk.withUnsafeReadableBytes { try file.writeAll(toAbsoluteOffset: Int64(offset), $0) }
            }
        } catch let error as Errno {
            // It was dropped while its bytes came.
            if error == .noSuchFileOrDirectory { throw .notFound }
            throw error == .noSpace || error == .diskQuotaExceeded ? .diskFull : failure("\(path): \(error)")
        } catch {
            throw failure("\(path): \(error)")
        }
    }

    private func truncate(_ path: FilePath, to length: UInt64) throws(FileUploadError) {
        guard Glibc.truncate(path.string, off_t(length)) == 0 || errno == ENOENT else {
            throw failure("\(path): \(Errno(rawValue: errno))")
        }
    }

    private func finish(_ upload: Upload) async throws(FileUploadError) {
        try await onThread { () throws(FileUploadError) in
            do {
                let file = try SystemPackage.FileDescriptor.open(upload.path, .readOnly, options: [.closeOnExec])
                defer { try? file.close() }
                guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
                if let expected = upload.sha256, try Self.hash(file) != expected {
                    unlink(upload.path.string)
                    throw FileUploadError.hashMismatch
                }
                try Self.mark(upload.path.removingLastComponent())
            } catch let error as FileUploadError {
                throw error
            } catch Errno.noSuchFileOrDirectory {
                throw FileUploadError.notFound
            } catch {
                throw self.failure("\(upload.path): \(error)")
            }
        }
    }

    static func hash(_ file: SystemPackage.FileDescriptor) throws -> Hash32 {
        var stream = SHA256Stream()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        while case let count = try file.read(into: buffer), count > 0 {
            stream.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return stream.digest()
    }

    /// Says that the file in the folder is whole, so that a crash does not forget it.
    private static func mark(_ directory: FilePath) throws {
        let mark = try SystemPackage.FileDescriptor.open(
            directory.appending(done), .writeOnly, options: [.create, .closeOnExec, .noFollow],
            permissions: [.ownerReadWrite])
        try mark.closeAfter { guard fsync(mark.rawValue) == 0 else { throw Errno(rawValue: errno) } }
        let folder = try SystemPackage.FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
        try folder.closeAfter { guard fsync(folder.rawValue) == 0 else { throw Errno(rawValue: errno) } }
    }

    /// Says that the bytes that are here are all: for a file whose length its sender did not know, begun with the most that
    /// it could have.
    ///
    /// - Returns: the upload as it is then, complete.
    /// - Throws: `empty`, `notFound`, `busy`, `failed`.
    public func settle(_ id: String, account: Int64) async throws(FileUploadError) -> Upload {
        guard busy.withLock({ $0.insert(id).inserted }) else { throw .busy }
        defer { busy.withLock { _ = $0.remove(id) } }
        let upload = try await find(id, account: account)
        guard upload.offset > 0 else { throw .empty }
        try await onThread { () throws(FileUploadError) in
            guard let note = self.read(id) else { throw .notFound }
            try self.write(
                Note(
                    account: note.account, name: note.name, size: upload.offset, sha256: note.sha256,
                    expires: note.expires), id)
        }
        if !upload.isVerified { try await finish(upload) }
        return try await find(id, account: account)
    }

    // MARK: Comparing

    /// Whether two complete uploads have the same bytes. Those of other lengths are not read.
    public func areEqual(_ one: Upload, _ other: Upload) async throws(FileUploadError) -> Bool {
        guard one.size == other.size, one.isComplete, other.isComplete else { return false }
        return try await onThread { () throws(FileUploadError) -> Bool in
            do {
                let first = try SystemPackage.FileDescriptor.open(one.path, .readOnly, options: [.closeOnExec])
                defer { try? first.close() }
                let second = try SystemPackage.FileDescriptor.open(other.path, .readOnly, options: [.closeOnExec])
                defer { try? second.close() }
                while true {
                    let (these, those) = (try first.next(1 << 20), try second.next(1 << 20))
                    guard these == those else { return false }
                    guard !these.isEmpty else { return true }
                }
            } catch {
                throw self.failure("\(error)")
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
            throw failure("\(error)")
        }
    }
}
