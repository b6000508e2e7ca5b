import Digests

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
