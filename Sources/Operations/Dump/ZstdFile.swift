import CZstd
import Digests
import Glibc
import SystemPackage
import WaggleProtocol

/// A file that is compressed while it is written (RFC 8878). Blocks.
struct ZstdWriter: ~Copyable {
    private let file: FileDescriptor
    private let stream: OpaquePointer
    private var buffer = [UInt8](repeating: 0, count: ZSTD_CStreamOutSize())
    private(set) var size: UInt64 = 0
    private let sum = SHA256()

    init(_ file: FileDescriptor) throws(OperationError) {
        guard let stream = ZSTD_createCCtx() else { throw OperationError(.failed, "no memory to compress with") }
        self.file = file
        self.stream = stream
        ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, 9)
        ZSTD_CCtx_setParameter(stream, ZSTD_c_windowLog, Limits.Dump.windowLog)
        ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1)
    }

    deinit { ZSTD_freeCCtx(stream) }

    mutating func write(_ bytes: [UInt8]) throws(OperationError) {
        try push(bytes, ZSTD_e_continue)
    }

    /// Ends the frame and puts everything on the disk.
    mutating func finish() throws(OperationError) {
        try push([], ZSTD_e_end)
        guard fsync(file.rawValue) == 0 else { throw OperationError(.failed, "\(Errno(rawValue: errno))") }
    }

    /// SHA-256 of the finished file.
    func digest() -> Hash32 { sum.finalize() }

    private mutating func push(_ bytes: [UInt8], _ end: ZSTD_EndDirective) throws(OperationError) {
        var position = 0
        while true {
            let (left, produced) = bytes.withUnsafeBytes { source in
                buffer.withUnsafeMutableBytes { memory in
                    var from = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: position)
                    var to = ZSTD_outBuffer(dst: memory.baseAddress, size: memory.count, pos: 0)
                    let left = ZSTD_compressStream2(stream, &to, &from, end)
                    position = from.pos
                    return (left, to.pos)
                }
            }
            guard ZSTD_isError(left) == 0 else { throw OperationError(.failed, "the dump cannot be compressed") }
            do {
                try file.writeAll(buffer[..<produced])
            } catch {
                throw OperationError(.limits, "the dump cannot be written: \(error)")
            }
            size += UInt64(produced)
            sum.update(buffer[..<produced])
            if end == ZSTD_e_end ? left == 0 : position == bytes.count { return }
        }
    }
}

/// The lines of a compressed file, one after another. Blocks. No more than one line and two buffers are in memory, whatever
/// the file claims.
struct ZstdLines: ~Copyable {
    private let file: FileDescriptor
    private let stream: OpaquePointer
    private var input = [UInt8](repeating: 0, count: 128 << 10)
    private var inputRange = 0..<0
    private var output = [UInt8](repeating: 0, count: 128 << 10)
    /// What was unpacked and not given yet.
    private var pending: [UInt8] = []
    private var searched = 0
    private var isAtEnd = false
    /// The last frame was whole.
    private(set) var isComplete = false

    init(_ file: FileDescriptor) throws(OperationError) {
        guard let stream = ZSTD_createDCtx() else { throw OperationError(.failed, "no memory to unpack with") }
        self.file = file
        self.stream = stream
        ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, Limits.Dump.windowLog)
    }

    deinit { ZSTD_freeDCtx(stream) }

    /// The next line without its end; nil after the last.
    ///
    /// - Throws: `integrity` for bytes that are no such file, or a line over `Limits.Dump.lineBytes`.
    mutating func next() throws(OperationError) -> [UInt8]? {
        while true {
            if let end = pending[searched...].firstIndex(of: 0x0a) {
                let line = Array(pending[..<end])
                pending.removeFirst(end + 1)
                searched = 0
                return line
            }
            searched = pending.count
            guard pending.count <= Limits.Dump.lineBytes else {
                throw OperationError(.integrity, "a line of the dump has more than \(Limits.Dump.lineBytes) bytes")
            }
            if isAtEnd {
                guard !pending.isEmpty else { return nil }
                defer { pending = [] }
                return pending
            }
            try fill()
        }
    }

    private mutating func fill() throws(OperationError) {
        if inputRange.isEmpty {
            let count: Int
            do {
                count = try input.withUnsafeMutableBytes { try file.read(into: $0) }
            } catch {
                throw OperationError(.failed, "the dump cannot be read: \(error)")
            }
            guard count > 0 else {
                isAtEnd = true
                return
            }
            inputRange = 0..<count
        }
        let (result, consumed, produced) = input.withUnsafeBytes { source in
            output.withUnsafeMutableBytes { memory in
                var from = ZSTD_inBuffer(
                    src: source.baseAddress, size: inputRange.upperBound, pos: inputRange.lowerBound)
                var to = ZSTD_outBuffer(dst: memory.baseAddress, size: memory.count, pos: 0)
                let result = ZSTD_decompressStream(stream, &to, &from)
                return (result, from.pos, to.pos)
            }
        }
        guard ZSTD_isError(result) == 0 else {
            throw OperationError(.integrity, "this is no dump, or it is damaged: it cannot be unpacked")
        }
        inputRange = consumed..<inputRange.upperBound
        isComplete = result == 0
        pending += output[..<produced]
    }
}
