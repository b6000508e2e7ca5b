/// A word of at most 15 bytes as one number: words of a grammar are told apart in one step.
struct ShortWord: Hashable {
    private let bits: UInt128

    /// Nil for a longer text.
    init?(_ text: [UInt8], in range: Range<Int>) {
        guard range.count <= 15 else { return nil }
        // With a digit in front, so that zeros at the start count.
        var bits: UInt128 = 1
        for index in range { bits = bits << 8 | UInt128(text[index]) }
        self.bits = bits
    }

    init?(_ text: [UInt8]) { self.init(text, in: text.indices) }
}
