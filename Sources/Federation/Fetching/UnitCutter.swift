import NIOCore
import Synchronization
import WaggleProtocol

/// Cuts what arrives for a run into units.
struct UnitCutter {
    /// The unit that comes next, and the bytes of the run that no unit was made of.
    private var unit: Int
    private var left: Int
    private var arrived = ByteBuffer()
    private var current: ByteBuffer?
    private let memory: UnitMemory

    init(units: Range<Int>, byteCount: Int, memory: UnitMemory) {
        unit = units.lowerBound
        left = byteCount
        self.memory = memory
    }

    /// Adds a chunk, of which `next` must leave nothing before another comes.
    mutating func append(_ chunk: ByteBuffer) {
        arrived = chunk
    }

    /// The next whole unit; nil when more bytes are needed.
    mutating func next() -> (unit: Int, bytes: ByteBuffer)? {
        guard left > 0 else { return nil }
        let length = min(Limits.Blob.unitBytes, left)
        // Taken out while it is written to: two references would have it copied.
        var buffer = current ?? memory.take()
        current = nil
        if var part = arrived.readSlice(length: min(length - buffer.readableBytes, arrived.readableBytes)) {
            buffer.writeBuffer(&part)
        }
        guard buffer.readableBytes == length else {
            current = buffer
            return nil
        }
        unit += 1
        left -= length
        return (unit - 1, buffer)
    }
}

/// Memory for the units of one fetch, used again and again: new pages for every unit would cost as much as copying it.
final class UnitMemory: Sendable {
    /// Where the bytes of a unit begin, so that a disk can take them without a copy.
    private static let alignment = 4096

    private let spare = Mutex<[ByteBuffer]>([])

    /// Room for a unit, which begins at a page: what was given back first, since a task that has just ended may still hold
    /// its unit for a moment, and writing to that would make new memory.
    func take() -> ByteBuffer {
        if let buffer = spare.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) { return buffer }
        return Self.emptied(ByteBufferAllocator().buffer(capacity: Limits.Blob.unitBytes + Self.alignment))
    }

    /// Takes a unit's memory back.
    func give(_ buffer: ByteBuffer) {
        let buffer = Self.emptied(buffer)
        spare.withLock { $0.append(buffer) }
    }

    /// Not by `clear`, which makes new memory while somebody still holds this one.
    private static func emptied(_ buffer: ByteBuffer) -> ByteBuffer {
        let start = buffer.withVeryUnsafeBytes { -Int(bitPattern: $0.baseAddress) & (alignment - 1) }
        var buffer = buffer
        buffer.moveReaderIndex(to: 0)
        buffer.moveWriterIndex(to: start)
        buffer.moveReaderIndex(to: start)
        return buffer
    }
}
