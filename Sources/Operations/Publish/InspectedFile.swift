import BlobStore
import Digests
import Formats
import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage
import WaggleProtocol

/// A model file after the one read that hashes it, stores it and looks into it.
struct InspectedFile: Sendable {
    let look: FileLook
    let facts: BlobFacts
    let tensors: TensorHashes?

    /// Takes a file into the store, or indexes it where it lies.
    ///
    /// - Throws: `notFound`, `limits`, `conflict` for a file that changes, `failed`.
    static func inspect(
        _ look: FileLook, inPlace: Bool, store: BlobStore, progress: @escaping @Sendable (Progress) -> Void
    ) async throws(OperationError) -> InspectedFile {
        let path = look.path
        let hasher = TensorPass(header: look.header)
        let report: BlobProgress = { done in
            progress(Progress(activity: "hashing \(look.name)", done: done, total: look.size))
        }
        do throws(BlobError) {
            let facts =
                inPlace
                ? try await store.adopt(path: path, progress: report, sink: hasher.sink)
                : try await store.add(copying: path, progress: report, sink: hasher.sink)
            return InspectedFile(look: look, facts: facts, tensors: try hasher.finish(path: path))
        } catch {
            if case .noFile = error { throw OperationError(.notFound, "\(look.name) is not there any more") }
            throw OperationError(error)
        }
    }

    /// Why the file must not be signed; known only when it was read whole.
    var refusal: String? {
        look.header.flatMap { header in
            ModelLint.check(header, autoV3: tensors?.autoV3).first { $0.severity == .error }
        }.map { "\(look.name): \($0.text)" }
    }

    /// The file as a release signs it.
    var wire: WireFile {
        var file = WireFile()
        file.sha256 = facts.sha256.data
        file.piecesRoot = facts.piecesRoot.data
        file.size = facts.size
        file.name = look.name
        file.kind = "Model"
        file.format = look.format.word
        file.precision = look.header.flatMap { TensorSurvey($0.tensors).dominantDType?.precision } ?? ""
        file.mediaType = "application/octet-stream"
        file.crc32 = facts.crc32
        // Of a shorter file it would be the hash of nothing, and name every small file at once.
        if facts.size > Limits.Blob.autoV1Offset {
            file.autov1 = withUnsafeBytes(of: facts.autoV1.bigEndian) { Data($0) }
        }
        if let tensors {
            file.autov3 = tensors.autoV3.data
            file.tensorDigest = tensors.digest.data
        }
        return file
    }
}

/// The first and last bytes of a file: what it is, and the header of a safetensors file.
struct FileLook: Sendable {
    let path: FilePath
    let size: UInt64
    let format: ModelFormat
    let header: SafetensorsHeader?

    var name: String { path.lastComponent?.string ?? "" }

    /// Looks on a thread that may wait for the disk.
    ///
    /// - Throws: `integrity` for a safetensors file that is not sound, `notFound`, `usage` for an empty one, `failed`.
    static func at(_ path: FilePath) async throws(OperationError) -> FileLook {
        try await Blocking.run { () throws(OperationError) in try FileLook(path) }
    }

    private init(_ path: FilePath) throws(OperationError) {
        self.path = path
        // Whoever brought it over the web does not see where it lies.
        let name = path.lastComponent?.string ?? ""
        let (file, size) = try RegularFile.open(path, called: name)
        defer { try? file.close() }
        guard size > 0 else { throw OperationError(.usage, "\(name) is empty; there is nothing to publish") }
        do {
            let prefix = try Self.read(file, at: 0, count: Int(min(size, 64 << 10)))
            let suffixLength = Int(min(size, 64 << 10))
            let suffix = try Self.read(file, at: size - UInt64(suffixLength), count: suffixLength)
            format = ModelFormat.sniff(prefix: prefix, suffix: suffix, fileSize: size)
            self.size = size
            // A file that is called so and was cut inside its header looks like nothing at all.
            let isCut = format == .other && path.extension?.lowercased() == "safetensors"
            guard format == .safetensors || isCut else {
                header = nil
                return
            }
            let length = try SafetensorsHeader.length(first8: prefix.prefix(8), fileSize: size)
            header = try SafetensorsHeader(json: try Self.read(file, at: 8, count: length), fileSize: size)
        } catch let error as SafetensorsError {
            throw OperationError(.integrity, "\(name) is not a sound safetensors file: \(error)")
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
    }

    private static func read(_ file: FileDescriptor, at offset: UInt64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count {
                let got = try file.read(
                    fromAbsoluteOffset: Int64(offset) + Int64(filled),
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
                )
                guard got > 0 else { return }
                filled += got
            }
        }
    }
}

/// Feeds the bytes after a safetensors header to the tensor hasher, while the store hashes the whole.
///
/// Unchecked because the hasher is a class without a lock of its own: every touch of it and of the two variables is inside
/// `lock`, and neither the hasher nor a chunk leaves it.
private final class TensorPass: @unchecked Sendable {
    private let lock = Mutex(())
    private let hasher: TensorStreamHasher?
    private var skip: UInt64
    private var isBroken = false

    init(header: SafetensorsHeader?) {
        hasher = header.map { TensorStreamHasher($0) }
        skip = header?.dataStart ?? 0
    }

    var sink: BlobSink? {
        guard hasher != nil else { return nil }
        return { self.take($0) }
    }

    private func take(_ chunk: UnsafeRawBufferPointer) {
        lock.withLock { _ in
            let skipped = min(skip, UInt64(chunk.count))
            skip -= skipped
            guard !isBroken else { return }
            do throws(SafetensorsError) {
                try hasher?.update(UnsafeRawBufferPointer(rebasing: chunk[Int(skipped)...]))
            } catch {
                isBroken = true
            }
        }
    }

    /// Nil when the file is no safetensors.
    ///
    /// - Throws: `growing` when it changed between the look at its header and the pass over its bytes.
    func finish(path: FilePath) throws(BlobError) -> TensorHashes? {
        guard let hasher else { return nil }
        let hashes = lock.withLock { _ in isBroken ? nil : try? hasher.finalize() }
        guard let hashes else { throw .growing(path: path) }
        return hashes
    }
}
