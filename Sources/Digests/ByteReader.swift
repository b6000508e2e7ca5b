/// Reads exported hash states, which come from a database that may be damaged: nil instead of anything out of bounds.
struct ByteReader {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: some Collection<UInt8>) {
        self.bytes = Array(bytes)
    }

    var isAtEnd: Bool { at == bytes.count }

    mutating func bytes(_ count: Int) -> [UInt8]? {
        guard count >= 0, count <= bytes.count - at else { return nil }
        defer { at += count }
        return Array(bytes[at..<at + count])
    }

    /// All that is left; nil when nothing is.
    mutating func rest() -> [UInt8]? {
        isAtEnd ? nil : bytes(bytes.count - at)
    }

    mutating func integer<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        bytes(MemoryLayout<Value>.size)?.reduce(0) { $0 << 8 | Value($1) }
    }

    mutating func integers<Value: FixedWidthInteger>(_: Value.Type, count: Int) -> [Value]? {
        var values: [Value] = []
        for _ in 0..<count {
            guard let value = integer(Value.self) else { return nil }
            values.append(value)
        }
        return values
    }
}

extension FixedWidthInteger {
    /// The bytes of the value, the highest first.
    var bigEndianBytes: [UInt8] {
        withUnsafeBytes(of: bigEndian) { Array($0) }
    }
}
