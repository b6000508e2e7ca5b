import CWaggleSystem

/// CRC-32 (IEEE 802.3), as ZIP, PNG and Civitai use it: finds accidents, proves nothing.
public struct CRC32: Hashable, Sendable {
    /// The checksum of all bytes so far; its text form is eight hexadecimal digits.
    public private(set) var value: UInt32

    /// An empty stream, or one that goes on after bytes with the checksum `value`.
    public init(value: UInt32 = 0) {
        self.value = value
    }

    /// Absorbs the bytes.
    public mutating func update(_ buffer: UnsafeRawBufferPointer) {
        guard let start = buffer.bindMemory(to: UInt8.self).baseAddress else { return }
        value = waggle_crc32(value, start, buffer.count)
    }
}
