import Digests
import WaggleProtocol

/// What names a file that somebody brings to be checked: computed while it comes, nothing of it kept.
struct FileCheck {
    /// The size and the names.
    struct Names: Sendable, Equatable {
        let size: UInt64
        let sha256: Hash32
        /// Of a safetensors file: the SHA-256 of everything after the header, which is the same whatever tools wrote into
        /// the header.
        let autoV3: Hash32?
    }

    private let whole = SHA256()
    private let weights = SHA256()
    private var head: [UInt8] = []
    private(set) var size: UInt64 = 0
    /// Where the weights begin; nil for other files, and before it is known.
    private var weightsAt: UInt64?

    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        guard !bytes.isEmpty else { return }
        whole.update(bytes)
        if head.count < 9 {
            head += bytes.prefix(9 - head.count)
            if head.count == 9 { weightsAt = Self.weightsAt(head) }
        }
        let end = size + UInt64(bytes.count)
        if let weightsAt, end > weightsAt {
            let from = weightsAt > size ? Int(weightsAt - size) : 0
            weights.update(UnsafeRawBufferPointer(rebasing: bytes[from...]))
        }
        size = end
    }

    /// The end of the file: what it is called. Once.
    func names() -> Names {
        let hasWeights = weightsAt.map { $0 < size } ?? false
        return Names(size: size, sha256: whole.finalize(), autoV3: hasWeights ? weights.finalize() : nil)
    }

    /// The header is the length that the first eight bytes say, little-endian, and begins with a brace.
    private static func weightsAt(_ head: [UInt8]) -> UInt64? {
        let length = head.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard head[8] == UInt8(ascii: "{"), (2...UInt64(Limits.Safetensors.headerBytes)).contains(length) else {
            return nil
        }
        return 8 + length
    }
}
