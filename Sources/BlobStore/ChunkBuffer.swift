import SystemPackage

/// Page-aligned memory for one chunk of a file.
///
/// Unchecked, because the memory is shared between jobs by rule and not by type: `HashingPass` has two buffers, and in
/// one round jobs only read from the one while one job fills the other; it waits for all of them before the next round.
final class ChunkBuffer: @unchecked Sendable {
    let memory: UnsafeMutableRawBufferPointer

    init(byteCount: Int) {
        memory = .allocate(byteCount: byteCount, alignment: 4096)
    }

    deinit {
        memory.deallocate()
    }

    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[range])
    }

    func fill(from file: OpenFile, at offset: UInt64) throws(BlobError) -> Int {
        try file.read(into: memory, at: offset)
    }
}
