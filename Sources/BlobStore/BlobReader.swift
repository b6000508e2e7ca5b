import Digests
import FoundationEssentials
public import NIOCore
import NIOPosix
public import SystemPackage
import WaggleProtocol

/// An open blob. Its bytes stay readable as long as the reader lives, whatever eviction or a purge does meanwhile.
public final class BlobReader: Sendable {
    /// Where the bytes come from.
    public enum Content: Sendable {
        /// In memory: a small blob.
        case bytes(ByteBuffer)
        /// A file, for `sendfile`. The descriptor belongs to the reader: duplicate it to use it longer.
        case file(SystemPackage.FileDescriptor, FilePath)
    }

    private enum Source {
        case bytes(Data)
        case own(OpenFile, modified: Int64)
        case adopted(OpenFile, FileIdentity)
    }

    /// The blob.
    public let facts: BlobFacts
    private let source: Source
    private let threads: NIOThreadPool

    init(facts: BlobFacts, bytes: Data, threads: NIOThreadPool) {
        self.facts = facts
        self.threads = threads
        source = .bytes(bytes)
    }

    init(facts: BlobFacts, ownFile file: OpenFile, _ modified: Int64, threads: NIOThreadPool) {
        self.facts = facts
        self.threads = threads
        source = .own(file, modified: modified)
    }

    init(facts: BlobFacts, adoptedFile file: OpenFile, _ identity: FileIdentity, threads: NIOThreadPool) {
        self.facts = facts
        self.threads = threads
        source = .adopted(file, identity)
    }

    /// Last change of the store's own file when it was opened, nanoseconds since 1970; nil for other places.
    var modified: Int64? {
        if case .own(_, let modified) = source { modified } else { nil }
    }

    /// Bytes of the blob.
    public var size: UInt64 { facts.size }

    /// The file that the bytes are in; nil for a small blob.
    var file: OpenFile? {
        switch source {
        case .bytes: nil
        case .own(let file, _), .adopted(let file, _): file
        }
    }

    /// Where the bytes come from.
    public var content: Content {
        switch source {
        case .bytes(let data): .bytes(ByteBuffer(bytes: data))
        case .own(let file, _), .adopted(let file, _):
            .file(SystemPackage.FileDescriptor(rawValue: file.descriptor), file.path)
        }
    }

    /// Reads a range (64 MiB at most) on the thread pool.
    ///
    /// - Throws: `outOfRange`, `tooLarge`, `changedOnDisk` when the file was changed since it was opened, and `io`.
    public func read(_ range: Range<UInt64>) async throws(BlobError) -> ByteBuffer {
        guard range.upperBound <= size else { throw .outOfRange(facts.sha256, size: size) }
        guard range.count <= Limits.BlobStore.readBytes else {
            throw .tooLarge(bytes: UInt64(range.count), limit: UInt64(Limits.BlobStore.readBytes))
        }
        switch source {
        case .bytes(let data): return ByteBuffer(bytes: data[Int(range.lowerBound)..<Int(range.upperBound)])
        case .own(let file, _), .adopted(let file, _):
            return try await threads.run { () throws(BlobError) in
                let buffer = try file.bytes(range)
                // Looked at after reading: what changes later does not touch what was read.
                try self.checkUnchanged()
                guard buffer.readableBytes == range.count else { throw .changedOnDisk(path: file.path) }
                return buffer
            }
        }
    }

    /// Reads a range on this thread, which must be one that may block; fewer bytes when the file was cut short.
    func bytes(_ range: Range<UInt64>) throws(BlobError) -> ByteBuffer {
        switch source {
        case .bytes(let data): ByteBuffer(bytes: data[Int(range.lowerBound)..<Int(range.upperBound)])
        case .own(let file, _), .adopted(let file, _): try file.bytes(range)
        }
    }

    /// Throws `changedOnDisk` when a file was written to since it was opened, or an adopted one is no longer as it was
    /// hashed. To be called after a `sendfile`, whose receiver then must not be told that the bytes were complete.
    public func revalidate() async throws(BlobError) {
        try await threads.run { () throws(BlobError) in try self.checkUnchanged() }
    }

    private func checkUnchanged() throws(BlobError) {
        switch source {
        case .bytes: return
        case .own(let file, let modified):
            // Links and permissions of a file of our own may change, its bytes may not.
            guard try file.identity().modified == modified else { throw .changedOnDisk(path: file.path) }
        case .adopted(let file, let identity):
            guard try file.identity() == identity else { throw .changedOnDisk(path: file.path) }
        }
    }
}

extension OpenFile {
    /// Reads a range into a buffer of its own; fewer bytes at the end of the file.
    func bytes(_ range: Range<UInt64>) throws(BlobError) -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: range.count)
        var failure: BlobError?
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: range.count) { memory in
            do throws(BlobError) {
                return try read(
                    into: UnsafeMutableRawBufferPointer(rebasing: memory[..<range.count]), at: range.lowerBound)
            } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        return buffer
    }
}
