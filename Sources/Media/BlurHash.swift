import Glibc

/// A picture in some twenty letters: a few cosine waves of its colours, blurred enough to stand in for it while it loads
/// (BlurHash algorithm, version 1).
public struct BlurHash: Hashable, Sendable {
    /// Printable ASCII.
    public let text: String
    /// The mean colour, `0xRRGGBB`.
    public let meanColour: UInt32

    private static let digits = Array(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~".utf8)
    private static let (columns, rows) = (4, 3)

    public init(_ picture: PixelMap) {
        let linear = (0..<256).map { Self.linear(UInt8($0)) }
        var factors: [[Double]] = []
        for row in 0..<Self.rows {
            let down = Self.wave(row, picture.height)
            for column in 0..<Self.columns {
                let across = Self.wave(column, picture.width)
                var sums = [0.0, 0.0, 0.0]
                for y in 0..<picture.height {
                    for x in 0..<picture.width {
                        let basis = across[x] * down[y]
                        let place = (y * picture.width + x) * 3
                        for channel in 0..<3 { sums[channel] += basis * linear[Int(picture.pixels[place + channel])] }
                    }
                }
                let scale = (row == 0 && column == 0 ? 1.0 : 2.0) / Double(picture.width * picture.height)
                factors.append(sums.map { $0 * scale })
            }
        }
        let mean = factors[0].reduce(UInt32(0)) { $0 << 8 | UInt32(Self.encoded($1)) }
        let largest = factors.dropFirst().joined().map(abs).max() ?? 0
        let quantised = max(0, min(82, Int((largest * 166 - 0.5).rounded(.down))))
        let scale = Double(quantised + 1) / 166
        var letters = Self.base83(Self.columns - 1 + (Self.rows - 1) * 9, 1) + Self.base83(quantised, 1)
        letters += Self.base83(Int(mean), 4)
        for factor in factors.dropFirst() {
            let value = factor.reduce(0) { sum, part in
                let root = (part / scale).magnitude.squareRoot()
                let level = (part < 0 ? -root : root) * 9 + 9.5
                return sum * 19 + max(0, min(18, Int(level.rounded(.down))))
            }
            letters += Self.base83(value, 2)
        }
        text = String(decoding: letters, as: UTF8.self)
        meanColour = mean
    }

    private static func wave(_ cycles: Int, _ length: Int) -> [Double] {
        (0..<length).map { cos(.pi * Double(cycles) * Double($0) / Double(length)) }
    }

    /// sRGB to linear light (IEC 61966-2-1), and back.
    private static func linear(_ value: UInt8) -> Double {
        let part = Double(value) / 255
        return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
    }

    private static func encoded(_ linear: Double) -> UInt8 {
        let part = max(0, min(1, linear))
        let value = part <= 0.0031308 ? part * 12.92 : 1.055 * pow(part, 1 / 2.4) - 0.055
        return UInt8(max(0, min(255, value * 255 + 0.5)))
    }

    private static func base83(_ value: Int, _ length: Int) -> [UInt8] {
        var value = value
        var letters: [UInt8] = []
        for _ in 0..<length {
            letters.append(digits[value % 83])
            value /= 83
        }
        return letters.reversed()
    }
}
