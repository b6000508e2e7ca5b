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
        // Every collection of bytes that is written often is in one piece; asked for it, it is copied as such.
        if content.withContiguousStorageIfAvailable({ raw(UnsafeRawBufferPointer($0)) }) == nil {
            bytes.append(contentsOf: content)
        }
    }

    /// What comes before the `count` bytes of a field: whoever calls writes them next.
    public mutating func begin(_ field: UInt64, count: Int) {
        append(field << 3 | 2)
        append(UInt64(count))
    }

    public mutating func raw(_ content: UnsafeRawBufferPointer) {
        bytes.append(contentsOf: content)
    }

    /// Bytes that a field with a number below 16 takes whose content has `count`.
    public static func size(_ count: Int) -> Int { 1 + size(varint: UInt64(count)) + count }

    /// The same of a number.
    public static func size(number value: UInt64) -> Int { value == 0 ? 0 : 1 + size(varint: value) }

    private static func size(varint number: UInt64) -> Int { max(1, (70 - number.leadingZeroBitCount) / 7) }

    private mutating func append(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }
}
