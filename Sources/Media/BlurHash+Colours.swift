import Glibc

extension BlurHash {
    /// What a hash shows, as a grid of colours.
    ///
    /// - Returns: `columns * rows` colours, `0xRRGGBB`, row after row; empty for a text that is no BlurHash.
    public static func colours(of text: String, columns: Int, rows: Int) -> [UInt32] {
        let digits = text.utf8.compactMap { Self.digits.firstIndex(of: $0) }
        guard digits.count == text.utf8.count, digits.count >= 6, (1...64).contains(columns), (1...64).contains(rows)
        else { return [] }
        func number(_ range: Range<Int>) -> Int { digits[range].reduce(0) { $0 * 83 + $1 } }
        let (across, down) = (digits[0] % 9 + 1, digits[0] / 9 + 1)
        guard digits.count == 4 + 2 * across * down else { return [] }
        let mean = number(2..<6)
        guard mean <= 0xff_ffff else { return [] }
        let largest = Double(digits[1] + 1) / 166
        var factors = [[16, 8, 0].map { linear(UInt8(mean >> $0 & 0xff)) }]
        for index in 1..<max(across * down, 1) {
            let value = number(4 + 2 * index..<6 + 2 * index)
            factors.append(
                [value / 361, value / 19 % 19, value % 19].map { level in
                    let part = (Double(level) - 9) / 9
                    return (part < 0 ? -part * part : part * part) * largest
                })
        }
        return (0..<rows * columns).map { cell in
            let x = (Double(cell % columns) + 0.5) / Double(columns)
            let y = (Double(cell / columns) + 0.5) / Double(rows)
            var sums = [0.0, 0.0, 0.0]
            for (index, factor) in factors.enumerated() {
                let basis = cos(.pi * x * Double(index % across)) * cos(.pi * y * Double(index / across))
                for channel in 0..<3 { sums[channel] += factor[channel] * basis }
            }
            return sums.reduce(UInt32(0)) { $0 << 8 | UInt32(encoded($1)) }
        }
    }
}
