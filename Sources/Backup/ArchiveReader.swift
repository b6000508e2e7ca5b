import Digests
import FoundationEssentials
import SystemPackage
import WaggleProtocol

/// Reads a backup from its first byte to its last and checks all of it.
///
/// A backup has one form: the manifest, its sum, the members in the order of the manifest, two empty blocks, nothing
/// behind. What differs is refused, so a backup that passes is as it was written.
struct ArchiveReader {
    private let path: FilePath

    /// What to do with the bytes of a member.
    typealias Sink = (_ name: MemberName, _ chunk: UnsafeRawBufferPointer) throws(BackupError) -> Void

    init(path: FilePath) {
        self.path = path
    }

    /// The manifest, once every byte was checked.
    ///
    /// - Parameters:
    ///   - member: told of each member before its bytes, with its size.
    ///   - sink: gets the bytes, in order. They are checked when the member is over: what was done with them before that
    ///     must be taken back when this throws.
    ///   - progress: gets the bytes read and the size of the file.
    func read(
        member: (MemberName, UInt64) throws(BackupError) -> Void = { _, _ throws(BackupError) in },
        sink: Sink, progress: (UInt64, UInt64) -> Void = { _, _ in }
    ) throws(BackupError) -> BackupManifest {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, .readOnly, options: [.nonBlocking, .closeOnExec])
        } catch {
            throw BackupError(error, path: path)
        }
        defer { try? file.close() }
        var source = Source(file: file, path: path, size: try SystemCalls.size(file, at: path))
        let json = try source.whole(.manifest)
        let sum = try source.whole(.manifestSum)
        guard sum == Self.sum(of: json) else {
            throw .damaged(path: path.string, what: "the manifest is not as it was written")
        }
        let manifest = try BackupManifest(json, path: path.string)
        for expected in manifest.members {
            guard let name = MemberName(expected.name) else {
                throw .damaged(path: path.string, what: "a member that no backup has")
            }
            let size = try source.header(name)
            guard size == expected.size else {
                throw .damaged(
                    path: path.string, what: "\(name.text) has \(size) bytes where the manifest says \(expected.size)")
            }
            try member(name, size)
            let hash = try source.body(size) { chunk throws(BackupError) in try sink(name, chunk) }
            guard hash.hex == expected.sha256 else {
                throw .damaged(path: path.string, what: "the bytes of \(name.text) are not as they were written")
            }
            progress(source.at, source.size)
        }
        try source.finish()
        return manifest
    }

    static func sum(of manifest: [UInt8]) -> [UInt8] {
        Array("\(SHA256.hash(manifest).hex)  \(MemberName.manifest.text)\n".utf8)
    }

    /// A file that is read once, from its start.
    private struct Source {
        let file: FileDescriptor
        let path: FilePath
        let size: UInt64
        var at: UInt64 = 0

        private static let chunkBytes = 1 << 20

        /// The size of the next member, which must have this name.
        mutating func header(_ expected: MemberName) throws(BackupError) -> UInt64 {
            let header: ArchiveHeader
            let block = try bytes(ArchiveHeader.blockBytes)
            do {
                header = try ArchiveHeader(block)
            } catch {
                throw damaged(error.what)
            }
            guard let name = MemberName(header.name) else {
                throw damaged("it has a member \"\(MemberName.shown(header.name))\", which no backup has")
            }
            guard name == expected else { throw damaged("\(name.text) stands where \(expected.text) should") }
            guard header.size <= name.limit else {
                throw .tooLarge(path: path.string, what: name.text, limit: name.limit)
            }
            guard header.size <= size - at else { throw damaged("it ends inside \(name.text)") }
            return header.size
        }

        mutating func whole(_ name: MemberName) throws(BackupError) -> [UInt8] {
            let size = try header(name)
            var bytes: [UInt8] = []
            _ = try body(size) { chunk throws(BackupError) in bytes.append(contentsOf: chunk) }
            return bytes
        }

        /// Reads so many bytes and the padding behind; their SHA-256.
        mutating func body(
            _ size: UInt64, _ sink: (UnsafeRawBufferPointer) throws(BackupError) -> Void
        ) throws(BackupError) -> Hash32 {
            let hasher = SHA256()
            var left = size
            while left > 0 {
                let chunk = try bytes(Int(min(left, UInt64(Self.chunkBytes))))
                left -= UInt64(chunk.count)
                hasher.update(chunk)
                try chunk.withUnsafeBytesThrowing(sink)
            }
            let padding = ArchiveHeader(name: "-", size: size).padding
            guard try bytes(padding).allSatisfy({ $0 == 0 }) else {
                throw damaged("there are bytes between its members")
            }
            return hasher.finalize()
        }

        /// Two empty blocks, and the end.
        mutating func finish() throws(BackupError) {
            guard try bytes(2 * ArchiveHeader.blockBytes).allSatisfy({ $0 == 0 }) else {
                throw damaged("it has a member that its manifest does not name")
            }
            guard at == size else { throw damaged("there are bytes behind its end") }
        }

        private mutating func bytes(_ count: Int) throws(BackupError) -> [UInt8] {
            guard UInt64(count) <= size - at else { throw damaged("it ends early, after \(size) bytes") }
            var buffer = [UInt8](repeating: 0, count: count)
            var filled = 0
            while filled < count {
                let read: Int
                do {
                    read = try buffer.withUnsafeMutableBytes { memory in
                        try file.read(
                            fromAbsoluteOffset: Int64(at) + Int64(filled),
                            into: UnsafeMutableRawBufferPointer(rebasing: memory[filled...]))
                    }
                } catch {
                    throw BackupError(error, path: path)
                }
                guard read > 0 else { throw damaged("it became shorter while it was read") }
                filled += read
            }
            at += UInt64(count)
            return buffer
        }

        private func damaged(_ what: String) -> BackupError { .damaged(path: path.string, what: what) }
    }
}
