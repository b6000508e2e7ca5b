import NIOCore
import WaggleProtocol

/// Cuts what arrives for a run into units.
struct UnitCutter {
    /// The unit that comes next, and the bytes of the run that no unit was made of.
    private var unit: Int
    private var left: Int
    private var arrived = ByteBuffer()
    private var current = ByteBuffer()
    private var spare: [ByteBuffer] = []

    init(units: Range<Int>, byteCount: Int) {
        unit = units.lowerBound
        left = byteCount
    }

    /// Adds a chunk, of which `next` must leave nothing before another comes.
    mutating func append(_ chunk: ByteBuffer) {
        arrived = chunk
    }

    /// The next whole unit; nil when more bytes are needed.
    mutating func next() -> (unit: Int, bytes: ByteBuffer)? {
        guard left > 0 else { return nil }
        let length = min(Limits.Blob.unitBytes, left)
        if current.capacity == 0 { current = spare.popLast() ?? ByteBufferAllocator().buffer(capacity: length) }
        if var part = arrived.readSlice(length: min(length - current.readableBytes, arrived.readableBytes)) {
            current.writeBuffer(&part)
        }
        guard current.readableBytes == length else { return nil }
        defer {
            current = ByteBuffer()
            unit += 1
            left -= length
        }
        return (unit, current)
    }

    /// Takes a unit's memory back. New pages for every unit would cost as much as copying it.
    mutating func reuse(_ buffer: ByteBuffer) {
        var buffer = buffer
        // Not `clear`, which makes new memory while the caller still holds this one.
        buffer.moveReaderIndex(to: 0)
        buffer.moveWriterIndex(to: 0)
        spare.append(buffer)
    }
}
