import CZstd
import FoundationEssentials
import Glibc
import SystemPackage

/// Expands a zstd file (RFC 8878). Blocks of zeros stay holes: a model that is nearly all zeros takes little of the disk.
enum SparseFile {
    private static let block = 4096

    /// Blocks.
    ///
    /// - Parameter limit: bytes that it may come to.
    /// - Throws: `integrity` for what is no zstd file, `limits` for more bytes than that or when the disk is full.
    static func expand(_ packed: FilePath, to path: FilePath, limit: UInt64) throws(OperationError) {
        do {
            let source = try FileDescriptor.open(packed, .readOnly, options: .closeOnExec)
            defer { try? source.close() }
            let target = try FileDescriptor.open(
                path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: .ownerReadWrite)
            defer { try? target.close() }
            try expand(source, target, limit)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.limits, "\(packed) cannot be expanded to \(path): \(error)")
        }
    }

    private static func expand(_ source: FileDescriptor, _ target: FileDescriptor, _ limit: UInt64) throws {
        guard let stream = ZSTD_createDCtx() else { throw OperationError(.failed, "no memory to expand with") }
        defer { ZSTD_freeDCtx(stream) }
        var input = [UInt8](repeating: 0, count: ZSTD_DStreamInSize())
        // Whole blocks, so that holes are found where they are.
        var output = [UInt8](repeating: 0, count: 256 * block)
        let zeros = [UInt8](repeating: 0, count: block)
        var (filled, size, left) = (0, UInt64(0), 1)
        func flush() throws {
            try output.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: filled, by: block) {
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + block, filled)])
                    guard let first = part.baseAddress, memcmp(first, zeros, part.count) != 0 else { continue }
                    _ = try target.writeAll(toAbsoluteOffset: Int64(size) + Int64(start), part)
                }
            }
            size += UInt64(filled)
            filled = 0
            guard size <= limit else { throw OperationError(.limits, "the file is larger than it should be") }
        }
        while true {
            let count = try input.withUnsafeMutableBytes { try source.read(into: $0) }
            guard count > 0 else { break }
            var position = 0
            while position < count {
                let (result, produced) = input.withUnsafeBytes { bytes in
                    output.withUnsafeMutableBytes { memory in
                        var from = ZSTD_inBuffer(src: bytes.baseAddress, size: count, pos: position)
                        var to = ZSTD_outBuffer(dst: memory.baseAddress, size: memory.count, pos: filled)
                        let result = ZSTD_decompressStream(stream, &to, &from)
                        position = from.pos
                        return (result, to.pos)
                    }
                }
                guard ZSTD_isError(result) == 0 else { throw OperationError(.integrity, "this is no zstd file") }
                (left, filled) = (result, produced)
                if filled == output.count { try flush() }
            }
        }
        // What is still inside comes out as long as there is room for it.
        while left != 0 {
            let before = filled
            let produced = output.withUnsafeMutableBytes { memory in
                var from = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
                var to = ZSTD_outBuffer(dst: memory.baseAddress, size: memory.count, pos: filled)
                left = ZSTD_decompressStream(stream, &to, &from)
                return to.pos
            }
            guard ZSTD_isError(left) == 0, produced > before || left == 0 else {
                throw OperationError(.integrity, "the zstd file is cut short")
            }
            filled = produced
            if filled == output.count { try flush() }
        }
        try flush()
        try target.resize(to: Int64(size))
    }
}
