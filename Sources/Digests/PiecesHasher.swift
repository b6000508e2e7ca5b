import CWaggleSystem

/// The BEP 52 tree of a stream: takes bytes in any portions, keeps the 1 MiB layer, gives the pieces root at the end.
public struct PiecesHasher: Sendable {
    /// Hashes of the complete units so far, as those of a blob larger than 1 MiB.
    private(set) var layer: [Hash32] = []
    /// Digests of the complete leaves of the unit under way, 32 bytes each.
    private var leaves: [UInt8] = []
    /// The leaf under way.
    private var leaf = SHA256Stream()

    /// An empty stream.
    public init() {}

    /// Bytes absorbed so far.
    public var byteCount: UInt64 {
        UInt64(layer.count) << 20 + UInt64(leaves.count / 32 * MerkleTree.leafBytes) + leaf.byteCount
    }

    /// Absorbs the bytes.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        split(
            buffer,
            whole: { leaves, digests in
                guard let start = leaves.bindMemory(to: UInt8.self).baseAddress else { return }
                waggle_sha256_messages(start, MerkleTree.leafBytes, leaves.count / MerkleTree.leafBytes, digests)
            }, part: { _ in })
    }

    /// Absorbs the bytes here and in `stream`, which has absorbed the same bytes as this tree: one interleaved pass.
    mutating func update(_ buffer: UnsafeRawBufferPointer, with stream: inout SHA256Stream) {
        split(
            buffer,
            whole: { stream.update($0, leafBytes: MerkleTree.leafBytes, digests: $1) },
            part: { stream.update($0) })
    }

    /// Takes the hashes of whole units that were computed elsewhere. The tree stands on a unit boundary.
    mutating func append(units: [Hash32]) {
        precondition(leaves.isEmpty && leaf.byteCount == 0, "whole units follow whole units")
        layer.append(contentsOf: units)
    }

    /// The pieces root and the 1 MiB layer of all bytes so far.
    public func finalize() -> (root: Hash32, layer: [Hash32]) {
        let size = byteCount
        var units = layer
        var digests = leaves
        if leaf.byteCount > 0 || size == 0 {
            leaf.digest().withUnsafeBytes { digests.append(contentsOf: $0) }
        }
        if !digests.isEmpty {
            units.append(MerkleTree.unitHash(leaves: digests, size: size))
        }
        // The layer has one hash a unit by construction, so a root exists.
        return (MerkleTree.root(layer: units, size: size) ?? .zero, units)
    }

    /// The hash of one unit of a blob of `size` bytes, which `stream` absorbs in the same pass.
    static func unitHash(_ unit: UnsafeRawBufferPointer, size: UInt64, with stream: inout SHA256Stream) -> Hash32 {
        var tree = PiecesHasher()
        tree.update(unit, with: &stream)
        if let whole = tree.layer.first { return whole }
        var digests = tree.leaves
        if tree.leaf.byteCount > 0 || unit.isEmpty {
            tree.leaf.digest().withUnsafeBytes { digests.append(contentsOf: $0) }
        }
        return MerkleTree.unitHash(leaves: digests, size: size)
    }

    /// Cuts `buffer` at leaves and units: runs of whole leaves go to `whole` with room for their digests, and parts of
    /// a leaf to `part` besides the leaf under way.
    private mutating func split(
        _ buffer: UnsafeRawBufferPointer, whole: (UnsafeRawBufferPointer, UnsafeMutablePointer<UInt8>) -> Void,
        part: (UnsafeRawBufferPointer) -> Void
    ) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let taken: Int
            if leaf.byteCount == 0, rest.count >= MerkleTree.leafBytes {
                let count = min(rest.count / MerkleTree.leafBytes, MerkleTree.leavesPerUnit - leaves.count / 32)
                taken = count * MerkleTree.leafBytes
                let digests = [UInt8](unsafeUninitializedCapacity: count * 32) { out, filled in
                    guard let target = out.baseAddress else { return }
                    whole(UnsafeRawBufferPointer(rebasing: rest.prefix(taken)), target)
                    filled = count * 32
                }
                leaves.append(contentsOf: digests)
            } else {
                taken = min(rest.count, MerkleTree.leafBytes - Int(leaf.byteCount))
                let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(taken))
                leaf.update(bytes)
                part(bytes)
                if leaf.byteCount == UInt64(MerkleTree.leafBytes) {
                    leaf.digest().withUnsafeBytes { leaves.append(contentsOf: $0) }
                    leaf = SHA256Stream()
                }
            }
            rest = rest.dropFirst(taken)
            if leaves.count == MerkleTree.leavesPerUnit * 32 {
                layer.append(MerkleTree.unitHash(leaves: leaves, width: MerkleTree.leavesPerUnit))
                leaves.removeAll(keepingCapacity: true)
            }
        }
    }
}

// MARK: - Midstate

extension PiecesHasher {
    /// The state as bytes: the layer and the leaf digests, each after its count, then the leaf under way.
    func exported() -> [UInt8] {
        var bytes = UInt32(layer.count).bigEndianBytes
        for unit in layer { unit.withUnsafeBytes { bytes.append(contentsOf: $0) } }
        bytes.append(UInt8(leaves.count / 32))
        return bytes + leaves + leaf.exported()
    }

    init?(exported bytes: some Collection<UInt8>) {
        var reader = ByteReader(bytes)
        guard let units = reader.integer(UInt32.self), let layer = reader.bytes(Int(units) * 32),
            let count = reader.integer(UInt8.self), Int(count) < MerkleTree.leavesPerUnit,
            let leaves = reader.bytes(Int(count) * 32),
            let leaf = reader.rest().flatMap({ SHA256Stream(exported: $0) }),
            leaf.byteCount < UInt64(MerkleTree.leafBytes)
        else { return nil }
        self.layer = layer.withUnsafeBytes { raw in
            stride(from: 0, to: raw.count, by: 32).map { Hash32(copying: UnsafeRawBufferPointer(rebasing: raw[$0...])) }
        }
        self.leaves = leaves
        self.leaf = leaf
    }
}
