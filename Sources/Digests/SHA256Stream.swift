import CWaggleSystem

/// SHA-256 (FIPS 180-4) of one stream as a value: its state between bytes can be kept, and gone on with after a restart.
///
/// `SHA256` is the shorter way to hash what is in memory. This one is for files: it runs interleaved with Merkle leaves
/// (`FileHasher`) and is written to the database with a download that is not complete.
public struct SHA256Stream: Sendable {
    private var state: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0, 0, 0, 0, 0)
    /// The last bytes that fill no block of 64 yet.
    private var tail: [UInt8] = []
    /// Bytes absorbed so far.
    public private(set) var byteCount: UInt64 = 0

    /// An empty stream.
    public init() {
        withState { waggle_sha256_start($0) }
    }

    /// Absorbs the bytes.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        let rest = UnsafeRawBufferPointer(rebasing: buffer[fillBlock(buffer)...])
        let whole = rest.count & ~63
        absorbBlocks(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        tail.append(contentsOf: rest.dropFirst(whole))
        byteCount += UInt64(rest.count)
    }

    /// The stream after these bytes; the value itself stays as it was.
    public func updated(_ buffer: UnsafeRawBufferPointer) -> SHA256Stream {
        var copy = self
        copy.update(buffer)
        return copy
    }

    /// The digest of all bytes so far. The stream can go on afterwards.
    public func digest() -> Hash32 {
        var copy = self
        var padding: [UInt8] = [0x80]
        padding.append(contentsOf: repeatElement(0, count: (119 - tail.count) & 63))
        withUnsafeBytes(of: (byteCount << 3).bigEndian) { padding.append(contentsOf: $0) }
        padding.withUnsafeBytes { copy.update($0) }
        let words = copy.state
        return Hash32(
            words: (
                UInt64(words.0) << 32 | UInt64(words.1), UInt64(words.2) << 32 | UInt64(words.3),
                UInt64(words.4) << 32 | UInt64(words.5), UInt64(words.6) << 32 | UInt64(words.7)
            ))
    }

    /// Absorbs the same bytes into two streams, interleaved; their blocks may begin at different bytes of it.
    public static func update(
        _ first: inout SHA256Stream, _ second: inout SHA256Stream, _ buffer: UnsafeRawBufferPointer
    ) {
        let (one, two) = (first.fillBlock(buffer), second.fillBlock(buffer))
        let blocks = (buffer.count - max(one, two)) / 64
        if blocks > 0, let start = buffer.bindMemory(to: UInt8.self).baseAddress {
            first.withState { state in
                second.withState { waggle_sha256_two_streams(state, start + one, $0, start + two, blocks) }
            }
            first.byteCount += UInt64(blocks * 64)
            second.byteCount += UInt64(blocks * 64)
        }
        first.update(UnsafeRawBufferPointer(rebasing: buffer[(one + blocks * 64)...]))
        second.update(UnsafeRawBufferPointer(rebasing: buffer[(two + blocks * 64)...]))
    }

    /// Absorbs `buffer`, whole leaves of `leafBytes` each, and writes the SHA-256 of every leaf to `digests`: one pass
    /// for both. Nothing may be pending in the stream (`byteCount` is a multiple of 64).
    mutating func update(_ buffer: UnsafeRawBufferPointer, leafBytes: Int, digests: UnsafeMutablePointer<UInt8>) {
        precondition(tail.isEmpty && buffer.count % leafBytes == 0, "leaves start on a block of the stream")
        guard let start = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
        byteCount += UInt64(buffer.count)
        withState { waggle_sha256_stream_and_messages($0, start, leafBytes, buffer.count / leafBytes, digests) }
    }

    /// Absorbs bytes up to the end of the block that was begun; how many. If there were fewer, it is begun still.
    private mutating func fillBlock(_ buffer: UnsafeRawBufferPointer) -> Int {
        guard !tail.isEmpty else { return 0 }
        let filling = buffer.prefix(64 - tail.count)
        tail.append(contentsOf: filling)
        byteCount += UInt64(filling.count)
        if tail.count == 64 {
            tail.withUnsafeBytes { absorbBlocks($0) }
            tail.removeAll(keepingCapacity: true)
        }
        return filling.count
    }

    private mutating func absorbBlocks(_ buffer: UnsafeRawBufferPointer) {
        guard buffer.count > 0, let start = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
        withState { waggle_sha256_blocks($0, start, buffer.count / 64) }
    }

    private mutating func withState(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
        withUnsafeMutableBytes(of: &state) { bytes in
            guard let words = bytes.bindMemory(to: UInt32.self).baseAddress else { return }
            body(words)
        }
    }
}

// MARK: - Midstate

extension SHA256Stream {
    /// The state as bytes: eight words and the byte count, big-endian, then the pending bytes (fewer than 64).
    public func exported() -> [UInt8] {
        var bytes: [UInt8] = []
        for word in [state.0, state.1, state.2, state.3, state.4, state.5, state.6, state.7] {
            bytes.append(contentsOf: word.bigEndianBytes)
        }
        bytes.append(contentsOf: byteCount.bigEndianBytes)
        return bytes + tail
    }

    /// Goes on from `exported()`; nil for bytes of another length than such a state has.
    public init?(exported bytes: some Collection<UInt8>) {
        var reader = ByteReader(bytes)
        guard let words = reader.integers(UInt32.self, count: 8), let count = reader.integer(UInt64.self),
            let tail = reader.bytes(Int(count % 64)), reader.isAtEnd
        else { return nil }
        state = (words[0], words[1], words[2], words[3], words[4], words[5], words[6], words[7])
        byteCount = count
        self.tail = tail
    }
}
