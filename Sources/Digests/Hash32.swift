public import FoundationEssentials

/// A 32-byte name: a SHA-256 digest, an ed25519 public key, a post id, an author id.
///
/// Ordered bytewise, which is also the order of Negentropy v1 for equal timestamps. The text form is 64 lower-case
/// hexadecimal digits; readers of people's input use `init(hex:)`, which takes either case, and the wire takes lower case
/// only (`init(canonicalHex:)`).
public struct Hash32: Hashable, Comparable, Sendable {
    /// Four big-endian words, so that comparing words compares bytes.
    public let words: (UInt64, UInt64, UInt64, UInt64)

    @inlinable
    public init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// Nil unless there are exactly 32 bytes.
    @inlinable
    public init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 32 else { return nil }
        if let hash = bytes.withContiguousStorageIfAvailable({ Hash32(copying: UnsafeRawBufferPointer($0)) }) {
            self = hash
            return
        }
        var parts: [UInt64] = [0, 0, 0, 0]
        for (offset, byte) in bytes.enumerated() {
            parts[offset >> 3] = parts[offset >> 3] << 8 | UInt64(byte)
        }
        words = (parts[0], parts[1], parts[2], parts[3])
    }

    /// Reads 32 bytes. Traps when the buffer is shorter.
    @inlinable
    public init(copying buffer: UnsafeRawBufferPointer) {
        precondition(buffer.count >= 32, "a 32-byte name needs 32 bytes")
        words = (
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 8, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 16, as: UInt64.self)),
            UInt64(bigEndian: buffer.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        )
    }

    /// 64 hexadecimal digits in either case; nil for anything else.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex, count: 32) else { return nil }
        self.init(bytes)
    }

    /// 64 lower-case hexadecimal digits; nil for anything else, upper case included.
    public init?(canonicalHex hex: some StringProtocol) {
        guard !hex.utf8.contains(where: { (0x41...0x46).contains($0) }) else { return nil }
        self.init(hex: hex)
    }

    public static let zero = Hash32(words: (0, 0, 0, 0))

    public var bytes: [UInt8] {
        withUnsafeBytes { Array($0) }
    }

    public var data: Data {
        withUnsafeBytes { Data($0) }
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        withUnsafeBytes { Hex.encode($0) }
    }

    /// Calls `body` with the 32 bytes in order.
    @inlinable
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        var big = (
            words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
        )
        return try Swift.withUnsafeBytes(of: &big) { try body($0) }
    }

    @inlinable
    public static func == (left: Hash32, right: Hash32) -> Bool {
        left.words == right.words
    }

    @inlinable
    public static func < (left: Hash32, right: Hash32) -> Bool {
        left.words < right.words
    }

    @inlinable
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension Hash32: CustomStringConvertible {
    public var description: String { hex }
}

extension Hash32: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Hash32(hex: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not 64 hexadecimal digits"))
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
