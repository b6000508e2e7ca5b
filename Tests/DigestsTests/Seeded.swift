import Digests
import FoundationEssentials

/// A generator with a printed seed (SplitMix64), so that a failing property can be run again.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: next()) { bytes.append(contentsOf: $0) }
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Cuts `bytes` into random portions, small and large, and hands each over in order.
    mutating func portions(of bytes: [UInt8], largest: Int, _ body: (UnsafeRawBufferPointer) -> Void) {
        var at = 0
        while at < bytes.count {
            let limit = Bool.random(using: &self) ? 200 : largest
            let count = min(bytes.count - at, Int.random(in: 1...limit, using: &self))
            bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[at..<at + count])) }
            at += count
        }
    }
}

extension SHA256 {
    /// What everything else is compared with: streams go through OpenSSL, messages in memory do not.
    static func byOpenSSL(_ bytes: some ContiguousBytes) -> Hash32 {
        let hasher = SHA256()
        hasher.update(bytes)
        return hasher.finalize()
    }
}
