import Digests
import Testing

/// BEP 52 written down as slowly as it reads: leaves, zero hashes up to a power of two, pairs joined upwards.
private func slowRoot(_ bytes: [UInt8], leafCount: Int? = nil) -> Hash32 {
    var nodes = stride(from: 0, to: max(bytes.count, 1), by: 16_384).map {
        SHA256.byOpenSSL(Array(bytes[$0..<min($0 + 16_384, bytes.count)]))
    }
    var width = leafCount ?? 1
    while width < nodes.count { width *= 2 }
    while nodes.count < width { nodes.append(.zero) }
    while nodes.count > 1 {
        nodes = stride(from: 0, to: nodes.count, by: 2).map { SHA256.byOpenSSL(nodes[$0].bytes + nodes[$0 + 1].bytes) }
    }
    return nodes[0]
}

@Suite("the BEP 52 tree")
struct MerkleTreeTests {
    private static let mebibyte = 1 << 20

    @Test(
        "the root and the layer are those of BEP 52 at every edge",
        arguments: [
            0, 1, 16_383, 16_384, 16_385, 32_768, 40_000, 100_000, mebibyte - 1, mebibyte, mebibyte + 1,
            2 * mebibyte, 3 * mebibyte + 70_000, 5 * mebibyte + 16_384, 8 * mebibyte,
        ])
    func edges(size: Int) {
        var random = Seeded(seed: UInt64(size))
        let bytes = random.bytes(size)
        let digests = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        #expect(digests.piecesRoot == slowRoot(bytes))
        #expect(digests.layer.count == MerkleTree.unitCount(size: UInt64(size)))
        #expect(MerkleTree.root(layer: digests.layer, size: UInt64(size)) == digests.piecesRoot)
        for (unit, hash) in digests.layer.enumerated() {
            let start = unit * Self.mebibyte
            let length = MerkleTree.unitLength(unit, size: UInt64(size))
            let part = Array(bytes[start..<start + length])
            #expect(part.withUnsafeBytes { MerkleTree.unitHash($0, size: UInt64(size)) } == hash)
            #expect(hash == slowRoot(part, leafCount: size > Self.mebibyte ? 64 : nil))
        }
    }

    @Test("a blob of at most 16 KiB has its SHA-256 as its pieces root")
    func smallRoot() {
        var random = Seeded(seed: 11)
        for size in [0, 1, 5_000, 16_384] {
            let digests = random.bytes(size).withUnsafeBytes { FileHasher.digests(of: $0) }
            #expect(digests.piecesRoot == digests.sha256)
            #expect(digests.layer == [digests.sha256])
        }
    }

    @Test("one changed bit changes the hash of its unit and of no other")
    func oneBit() {
        var random = Seeded(seed: 12)
        var bytes = random.bytes(3 * Self.mebibyte + 1_000)
        let before = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        for unit in [0, 1, 3] {
            let at = unit * Self.mebibyte + 999
            bytes[at] ^= 1
            let after = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
            #expect(after.layer.indices.filter { after.layer[$0] != before.layer[$0] } == [unit])
            #expect(after.piecesRoot != before.piecesRoot)
            bytes[at] ^= 1
        }
    }

    @Test("a layer of another length has no root")
    func wrongLength() {
        let hash = SHA256.byOpenSSL([1])
        #expect(MerkleTree.root(layer: [], size: 5) == nil)
        #expect(MerkleTree.root(layer: [hash, hash], size: 5) == nil)
        #expect(MerkleTree.root(layer: [hash], size: UInt64(Self.mebibyte) + 1) == nil)
    }

    @Test("units of a blob: one for none, and the last is as long as what is left")
    func units() {
        #expect(MerkleTree.unitCount(size: 0) == 1)
        #expect(MerkleTree.unitLength(0, size: 0) == 0)
        #expect(MerkleTree.unitCount(size: 1 << 20) == 1)
        #expect(MerkleTree.unitCount(size: 1 << 20 + 1) == 2)
        #expect(MerkleTree.unitLength(1, size: 1 << 20 + 1) == 1)
        #expect(MerkleTree.unitCount(size: 7 << 30) == 7 << 10)
    }
}
