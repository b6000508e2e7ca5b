import CZstd
import Foundation

/// Unpacks a zstd file and leaves out blocks of zeros: nearly all of the demo checkpoint's 883 MB are zero, and on disk
/// it takes 76 MB.
enum SparseFile {
    private static let block = 4096

    static func expand(_ source: String, to destination: String) throws {
        guard let input = FileHandle(forReadingAtPath: source) else {
            throw DemoError(description: "\(source) cannot be read")
        }
        try Data().write(to: URL(filePath: destination))
        guard let output = FileHandle(forWritingAtPath: destination), let stream = ZSTD_createDStream() else {
            throw DemoError(description: "\(destination) cannot be written")
        }
        defer {
            ZSTD_freeDStream(stream)
            try? input.close()
            try? output.close()
        }
        var size: UInt64 = 0
        var rest = 1
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * block, alignment: block)
        defer { buffer.deallocate() }
        while let packed = try input.read(upToCount: 1 << 20), !packed.isEmpty {
            try packed.withUnsafeBytes { packed in
                var from = ZSTD_inBuffer(src: packed.baseAddress, size: packed.count, pos: 0)
                while from.pos < from.size {
                    var to = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
                    rest = ZSTD_decompressStream(stream, &to, &from)
                    guard ZSTD_isError(rest) == 0 else { throw DemoError(description: "\(source) is damaged") }
                    try write(UnsafeRawBufferPointer(rebasing: buffer[..<to.pos]), at: size, to: output)
                    size += UInt64(to.pos)
                }
            }
        }
        guard rest == 0 else { throw DemoError(description: "\(source) is cut short") }
        try output.truncate(atOffset: size)
    }

    private static let zeros = [UInt8](repeating: 0, count: block)

    /// Writes the blocks that hold something.
    private static func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64, to output: FileHandle) throws {
        for start in stride(from: 0, to: bytes.count, by: block) {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + block, bytes.count)])
            guard let base = part.baseAddress, memcmp(base, zeros, part.count) != 0 else { continue }
            try output.seek(toOffset: offset + UInt64(start))
            try output.write(contentsOf: Data(part))
        }
    }
}
