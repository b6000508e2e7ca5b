import CWaggleSystem

/// Plain hashes of pieces as download programs want them: SHA-1 for BitTorrent v1, SHA-256 for Metalink. Neither is a node
/// of the Merkle tree.
public struct PieceDigests: Hashable, Sendable {
    /// 20 bytes a piece.
    public private(set) var sha1: [UInt8] = []
    /// 32 bytes a piece.
    public private(set) var sha256: [UInt8] = []

    /// None yet.
    public init() {}

    /// What was kept; nil unless both have the same number of hashes.
    public init?(sha1: [UInt8], sha256: [UInt8]) {
        guard sha1.count % SHA1.bytes == 0, sha256.count == sha1.count / SHA1.bytes * 32 else { return nil }
        self.sha1 = sha1
        self.sha256 = sha256
    }

    /// Pieces of a file of so many bytes: none of an empty one.
    public static func count(size: UInt64) -> Int {
        size == 0 ? 0 : MerkleTree.unitCount(size: size)
    }

    /// How many pieces are hashed.
    public var count: Int { sha1.count / SHA1.bytes }

    /// The SHA-256 of each piece.
    public var sha256List: [Hash32] {
        sha256.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: 32).map { Hash32(copying: UnsafeRawBufferPointer(rebasing: raw[$0...])) }
        }
    }

    /// Hashes pieces of 1 MiB that follow one another. Only the last of a file may be shorter.
    public mutating func append(_ buffer: UnsafeRawBufferPointer) {
        let length = MerkleTree.unitBytes
        let whole = buffer.count / length
        for start in stride(from: 0, to: buffer.count, by: length) {
            let piece = UnsafeRawBufferPointer(rebasing: buffer[start..<min(start + length, buffer.count)])
            sha1 += SHA1.hash(piece)
        }
        if whole > 0, let start = buffer.bindMemory(to: UInt8.self).baseAddress {
            sha256 += [UInt8](unsafeUninitializedCapacity: whole * 32) { out, filled in
                guard let target = out.baseAddress else { return }
                waggle_sha256_messages(start, length, whole, target)
                filled = whole * 32
            }
        }
        if buffer.count > whole * length {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[(whole * length)...])
            SHA256Stream().updated(rest).digest().withUnsafeBytes { sha256 += $0 }
        }
    }
}
