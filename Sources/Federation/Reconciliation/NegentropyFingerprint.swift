import Digests
import PostLog

/// What stands for the ids of a range: the first 16 bytes of SHA-256 over their sum (32 bytes, little-endian) and their
/// number.
struct NegentropyFingerprint: Equatable {
    private let high: UInt64
    private let low: UInt64

    /// The first 16 of `bytes`, which has at least as many.
    init(bytes: ArraySlice<UInt8>) {
        var words: [UInt64] = [0, 0]
        for (offset, byte) in bytes.prefix(NegentropyWire.fingerprintBytes).enumerated() {
            words[offset >> 3] = words[offset >> 3] << 8 | UInt64(byte)
        }
        (high, low) = (words[0], words[1])
    }

    /// The fingerprint of the records of `set` at `ranks`. One `hasher` serves a whole message.
    init(of set: some ReconciliationSet, _ ranks: Range<Int>, hasher: SHA256) {
        set.sum(of: ranks).withUnsafeBytes { hasher.update($0) }
        var count: [UInt8] = []
        NegentropyWriter.append(UInt64(ranks.count), to: &count)
        hasher.update(count)
        let digest = hasher.finalize()
        (high, low) = (digest.words.0, digest.words.1)
    }

    func append(to bytes: inout [UInt8]) {
        for word in [high, low] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
    }
}
