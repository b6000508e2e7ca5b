import CZstd
import WaggleProtocol

/// Zstandard (RFC 8878) for bodies between nodes.
enum Zstd {
    /// Nil when the bytes are no complete zstd stream, need a window over 8 MiB, or give more than `limit` bytes. No more
    /// than `limit` is ever allocated, whatever the frame header claims.
    static func decompress(_ input: [UInt8], limit: Int) -> [UInt8]? {
        guard let stream = ZSTD_createDStream() else { return nil }
        defer { ZSTD_freeDStream(stream) }
        guard ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, 23)) == 0 else { return nil }
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(64 << 10, limit + 1))
        return input.withUnsafeBytes { source in
            var from = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: 0)
            while true {
                let (result, produced) = chunk.withUnsafeMutableBytes { memory in
                    var to = ZSTD_outBuffer(dst: memory.baseAddress, size: memory.count, pos: 0)
                    return (ZSTD_decompressStream(stream, &to, &from), to.pos)
                }
                guard ZSTD_isError(result) == 0, output.count + produced <= limit else { return nil }
                output += chunk[..<produced]
                if from.pos == from.size, produced < chunk.count { return result == 0 ? output : nil }
            }
        }
    }

    /// At level 3. Nil when the library refuses.
    static func compress(_ input: [UInt8]) -> [UInt8]? {
        let output = [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(input.count)) { memory, count in
            let size = ZSTD_compress(memory.baseAddress, memory.count, input, input.count, 3)
            count = ZSTD_isError(size) == 0 ? size : 0
        }
        return output.isEmpty ? nil : output
    }
}
