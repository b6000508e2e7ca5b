import Digests
import Formats
import SystemPackage
import WaggleProtocol

/// The hashes that tell a file, from one read of it.
struct FilePrint: Sendable {
    let sha256: Hash32
    /// Nil for what is no sound safetensors file.
    let tensors: TensorHashes?

    /// - Throws: `notFound`, `usage` for what is no file, `conflict` when it changes meanwhile, `failed`.
    static func of(
        _ path: FilePath, progress: @escaping @Sendable (Progress) -> Void
    ) async throws(OperationError) -> FilePrint {
        let header = (try? await FileLook.at(path))?.header
        return try await Blocking.run { () throws(OperationError) in
            let (file, size) = try RegularFile.open(path)
            defer { try? file.close() }
            let whole = SHA256()
            let hasher = header?.fileSize == size ? header.map { TensorStreamHasher($0) } : nil
            var skip = header?.dataStart ?? 0
            var isSound = true
            var done: UInt64 = 0
            let buffer = UnsafeMutableRawBufferPointer.allocate(
                byteCount: Limits.Library.readBytes, alignment: 4096)
            defer { buffer.deallocate() }
            while true {
                let count: Int
                do {
                    count = try file.read(fromAbsoluteOffset: Int64(done), into: buffer)
                } catch {
                    throw OperationError(.failed, "\(path): \(error)")
                }
                guard count > 0 else { break }
                let chunk = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                whole.update(chunk)
                let skipped = min(skip, UInt64(count))
                skip -= skipped
                if isSound, let hasher {
                    do throws(SafetensorsError) {
                        try hasher.update(UnsafeRawBufferPointer(rebasing: chunk[Int(skipped)...]))
                    } catch {
                        isSound = false
                    }
                }
                done += UInt64(count)
                progress(Progress(activity: "reading \(path.lastComponent?.string ?? "")", done: done, total: size))
            }
            guard done == size else {
                throw OperationError(
                    .conflict, "\(path) changed while it was read; try again when its writer has finished")
            }
            return FilePrint(sha256: whole.finalize(), tensors: isSound ? try? hasher?.finalize() : nil)
        }
    }
}
