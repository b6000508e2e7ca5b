import CWaggleSystem

/// BLAKE3 of one stream, in its default hash mode with 32 bytes of output: a name that Civitai gives to files.
///
/// A value: a copy goes on by itself. Waggle names nothing by it.
public struct BLAKE3: Sendable {
    private var stream = waggle_blake3()

    /// An empty stream.
    public init() {
        waggle_blake3_start(&stream)
    }

    /// Absorbs the bytes. It is fastest with portions of a multiple of 64 KiB, and more than that.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        guard let start = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
        waggle_blake3_update(&stream, start, buffer.count)
    }

    /// The hash of all bytes so far. The stream can go on afterwards.
    public func digest() -> Hash32 {
        var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafePointer(to: stream) { stream in
            withUnsafeMutableBytes(of: &bytes) { out in
                guard let target = out.bindMemory(to: UInt8.self).baseAddress else { return }
                waggle_blake3_digest(stream, target)
            }
        }
        return withUnsafeBytes(of: &bytes) { Hash32(copying: $0) }
    }

    /// The hash of bytes in memory.
    public static func hash(_ buffer: UnsafeRawBufferPointer) -> Hash32 {
        var stream = BLAKE3()
        stream.update(buffer)
        return stream.digest()
    }
}
