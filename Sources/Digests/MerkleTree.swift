import CWaggleSystem

/// The Merkle tree of BitTorrent v2 (BEP 52): SHA-256 over leaves of 16 KiB, filled up with zero hashes to a power of two.
///
/// The layer whose nodes cover 1 MiB is kept for every blob; such a *unit* is what a download verifies. Rules at the
/// edges:
/// - A blob larger than 1 MiB: the last unit's missing leaves are zero hashes, so each unit is a tree of 64 leaves.
/// - A blob of 1 MiB or less has one unit, and its hash is the pieces root: the tree over the leaves there are, filled up
///   to the next power of two (BEP 52 keeps no layer for such a file).
/// - A blob of 16 KiB or less is one leaf, so its pieces root is its SHA-256. The empty blob counts as one empty leaf.
public enum MerkleTree {
    /// Bytes under one leaf.
    public static let leafBytes = 16 << 10
    /// Bytes under one node of the kept layer.
    public static let unitBytes = 1 << 20

    static let leavesPerUnit = unitBytes / leafBytes

    /// The hash of a tree of 2^index leaves that all lie beyond the end of the blob.
    private static let padding: [Hash32] = {
        var levels = [Hash32.zero]
        for _ in 0..<48 {
            let last = levels[levels.count - 1].bytes
            levels.append(SHA256.hash(last + last))
        }
        return levels
    }()

    /// How many units a blob has: at least one.
    public static func unitCount(size: UInt64) -> Int {
        max(1, Int((size >> 20) + (size & 0xFFFFF == 0 ? 0 : 1)))
    }

    /// Bytes of one unit: 1 MiB but for the last. `unit` is below `unitCount(size:)`.
    public static func unitLength(_ unit: Int, size: UInt64) -> Int {
        Int(min(UInt64(unitBytes), size - UInt64(unit) << 20))
    }

    /// The hash of one unit of a blob of `size` bytes.
    public static func unitHash(_ unit: UnsafeRawBufferPointer, size: UInt64) -> Hash32 {
        precondition(unit.count <= unitBytes, "a unit has at most 1 MiB")
        return unitHash(leaves: leafDigests(unit), size: size)
    }

    /// The pieces root of a blob whose 1 MiB layer is given; nil when the layer has not one hash a unit.
    public static func root(layer: [Hash32], size: UInt64) -> Hash32? {
        guard layer.count == unitCount(size: size) else { return nil }
        var nodes = layer
        var level = leavesPerUnit.trailingZeroBitCount
        while nodes.count > 1 {
            if nodes.count % 2 == 1 { nodes.append(padding[level]) }
            nodes = parents(of: nodes)
            level += 1
        }
        return nodes[0]
    }

    /// Joins neighbours. With an even count at every level, filling up one level at a time equals filling up the leaves.
    private static func parents(of nodes: [Hash32]) -> [Hash32] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(nodes.count * 32)
        for node in nodes { node.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        join(&bytes)
        return stride(from: 0, to: bytes.count, by: 32).map { offset in
            bytes.withUnsafeBytes { Hash32(copying: UnsafeRawBufferPointer(rebasing: $0[offset...])) }
        }
    }

    /// Replaces the digests, an even number, by those of each pair.
    private static func join(_ digests: inout [UInt8]) {
        let pairs = digests.count / 64
        digests.withUnsafeMutableBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            // Writing where it reads is sound: the digests of pairs go before any pair that is still to be read.
            waggle_sha256_messages(start, 64, pairs, start)
        }
        digests.removeLast(pairs * 32)
    }

    /// The hash of a unit from the digests of its leaves, 32 bytes each.
    static func unitHash(leaves: [UInt8], size: UInt64) -> Hash32 {
        let count = leaves.count / 32
        let width = size > UInt64(unitBytes) ? leavesPerUnit : 1 << (count - 1).significantBits
        return unitHash(leaves: leaves, width: width)
    }

    static func unitHash(leaves: [UInt8], width: Int) -> Hash32 {
        var digests = leaves
        digests.append(contentsOf: repeatElement(0, count: width * 32 - leaves.count))
        while digests.count > 32 { join(&digests) }
        return digests.withUnsafeBytes { Hash32(copying: $0) }
    }

    /// The digests of the leaves of at most one unit, 32 bytes each: one at least.
    static func leafDigests(_ buffer: UnsafeRawBufferPointer) -> [UInt8] {
        let whole = buffer.count / leafBytes
        var digests = [UInt8](repeating: 0, count: whole * 32)
        if whole > 0, let start = buffer.bindMemory(to: UInt8.self).baseAddress {
            digests.withUnsafeMutableBufferPointer { out in
                guard let target = out.baseAddress else { return }
                waggle_sha256_messages(start, leafBytes, whole, target)
            }
        }
        if whole == 0 || buffer.count > whole * leafBytes {
            let short = UnsafeRawBufferPointer(rebasing: buffer[(whole * leafBytes)...])
            SHA256Stream().updated(short).digest().withUnsafeBytes { digests.append(contentsOf: $0) }
        }
        return digests
    }
}

extension Int {
    /// Bits needed to write the value: 0 for 0, 1 for 1, 2 for 2 and 3.
    fileprivate var significantBits: Int { Int.bitWidth - leadingZeroBitCount }
}
