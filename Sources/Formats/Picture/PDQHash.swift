public import Digests

/// A perceptual hash of 256 bits, equal or near for pictures that look alike (PDQ, Facebook 2019).
///
/// It can be collided on purpose, so a near hash is a reason to look, never to delete.
public struct PDQHash: Hashable, Sendable {
    /// Bit `16 * row + column` of the coefficients is bit `column` of word `row`, as in the reference implementation.
    public let words: Hash32

    public init(words: Hash32) {
        self.words = words
    }

    /// The reference implementation's text: the last row first, each as 16 bits.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hash32(hex: hex)?.bytes else { return nil }
        guard let words = Hash32(Self.turned(bytes)) else { return nil }
        self.words = words
    }

    public var hex: String { Hex.encode(Self.turned(words.bytes)) }

    /// Bits that differ; 31 and less counts as the same picture.
    @inline(__always)
    public func distance(to other: PDQHash) -> Int {
        let (left, right) = (words.words, other.words.words)
        return (left.0 ^ right.0).nonzeroBitCount + (left.1 ^ right.1).nonzeroBitCount
            + (left.2 ^ right.2).nonzeroBitCount + (left.3 ^ right.3).nonzeroBitCount
    }

    private static func turned(_ bytes: [UInt8]) -> [UInt8] { bytes.reversed() }

    /// - Parameter bits: 256, in the order of the coefficients.
    init(bits: [Bool]) {
        var bytes = [UInt8](repeating: 0, count: 32)
        for (index, bit) in bits.enumerated() where bit { bytes[index / 8] |= 1 << UInt8(index % 8) }
        words = Hash32(bytes) ?? .zero
    }
}
