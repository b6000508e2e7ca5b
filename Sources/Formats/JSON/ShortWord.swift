/// A word of at most 15 bytes as one number: words of a grammar are told apart in one step.
struct ShortWord: Hashable {
    private let bits: UInt128

    /// Nil for a longer text.
    init?(_ text: some Collection<UInt8>) {
        guard text.count <= 15 else { return nil }
        // With a digit in front, so that zeros at the start count.
        bits = text.reduce(1) { $0 << 8 | UInt128($1) }
    }
}
