/// Writes fields of the protobuf wire format, as whoever calls orders them: in ascending order, nothing with its default.
public struct WireWriter {
    public private(set) var bytes: [UInt8] = []

    /// - Parameter capacity: bytes that are likely to be written.
    public init(capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// A number; zero is what a field says that is not there.
    public mutating func number(_ field: UInt64, _ value: UInt64) {
        guard value > 0 else { return }
        append(field << 3)
        append(value)
    }

    /// Bytes, text or a message, also an empty one.
    public mutating func field(_ field: UInt64, _ content: some Collection<UInt8>) {
        begin(field, count: content.count)
        bytes.append(contentsOf: content)
    }

    /// What comes before the `count` bytes of a field: whoever calls writes them next.
    public mutating func begin(_ field: UInt64, count: Int) {
        append(field << 3 | 2)
        append(UInt64(count))
    }

    public mutating func raw(_ content: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: content)
    }

    private mutating func append(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
