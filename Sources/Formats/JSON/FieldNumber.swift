/// Numbers in text that people and programs typed: finite, of a sane length, written the short way.
enum FieldNumber {
    /// Nil for anything but a finite decimal number of at most 64 characters.
    static func double(_ text: some StringProtocol) -> Double? {
        // Swift also reads `0x1p3`, `inf` and `nan`, which nobody writes here.
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ decimal.contains($0) }) else { return nil }
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    private static let decimal = Set("0123456789+-.eE".utf8)

    /// The shortest text that reads back as `value`; whole numbers without `.0`, as A1111 writes `CFG scale: 7`.
    static func text(_ value: Double) -> String {
        let text = "\(value)"
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
}
