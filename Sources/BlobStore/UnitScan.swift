import Digests

/// The first unit of a run whose bytes are not those of its hash; nil when all are right.
///
/// - Parameters:
///   - bytes: whole units that follow one another; only the last of the blob may be shorter.
///   - unit: the number of the first.
///   - size: bytes of the blob.
func firstBadUnit(
    in bytes: UnsafeRawBufferPointer, from unit: Int, layer: [Hash32], size: UInt64
) -> Int? {
    var unit = unit
    var start = 0
    repeat {
        let end = min(start + MerkleTree.unitBytes, bytes.count)
        let slice = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        guard layer.indices.contains(unit), MerkleTree.unitHash(slice, size: size) == layer[unit] else { return unit }
        unit += 1
        start = end
    } while start < bytes.count
    return nil
}

/// Verifies units of a file against their layer. Blocks.
struct UnitScan: Sendable {
    let file: OpenFile
    let size: UInt64
    let layer: [Hash32]

    /// The units of the range whose bytes are in the file and right. Holes are not read.
    func goodUnits(_ units: Range<Int>) throws(BlobError) -> [Int] {
        let buffer = ChunkBuffer(byteCount: MerkleTree.unitBytes)
        var good: [Int] = []
        for unit in units {
            let offset = UInt64(unit) << 20
            let length = MerkleTree.unitLength(unit, size: size)
            guard let data = file.nextData(after: offset), data < offset + UInt64(length) else { continue }
            let count = try file.read(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer.memory[..<length]), at: offset)
            if count == length, MerkleTree.unitHash(buffer.bytes(0..<length), size: size) == layer[unit] {
                good.append(unit)
            }
        }
        return good
    }
}
