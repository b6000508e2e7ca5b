/// A small picture without compression: three bytes a pixel, row after row.
public struct PixelMap: Hashable, Sendable {
    public let width: Int
    public let height: Int
    /// `width * height * 3` values.
    public let pixels: [UInt8]

    /// The largest side that is read. They are made this small to be looked at as a whole.
    public static let side = 64

    /// Reads a PPM or PGM file (Netpbm, `P6` and `P5`) of at most `side` pixels a side; nil for anything else.
    public init?(netpbm bytes: [UInt8], side: Int = PixelMap.side) {
        guard bytes.count > 2, bytes[0] == UInt8(ascii: "P"),
            bytes[1] == UInt8(ascii: "6") || bytes[1] == UInt8(ascii: "5")
        else { return nil }
        let channels = bytes[1] == UInt8(ascii: "6") ? 3 : 1
        var offset = 2
        var numbers: [Int] = []
        while numbers.count < 3 {
            guard let number = Self.number(bytes, &offset) else { return nil }
            numbers.append(number)
        }
        let (width, height, most) = (numbers[0], numbers[1], numbers[2])
        guard (1...side).contains(width), (1...side).contains(height), (1...65_535).contains(most) else {
            return nil
        }
        let depth = most > 255 ? 2 : 1
        // One white space ends the numbers.
        let start = offset + 1
        guard bytes.count >= start + width * height * channels * depth else { return nil }
        if channels == 3, depth == 1, most == 255 {
            (self.width, self.height) = (width, height)
            pixels = Array(bytes[start..<start + width * height * 3])
            return
        }
        var pixels: [UInt8] = []
        pixels.reserveCapacity(width * height * 3)
        for pixel in 0..<width * height {
            for channel in 0..<3 {
                let place = start + (pixel * channels + min(channel, channels - 1)) * depth
                let value = depth == 1 ? Int(bytes[place]) : Int(bytes[place]) << 8 | Int(bytes[place + 1])
                pixels.append(UInt8(min(value, most) * 255 / most))
            }
        }
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }

    /// Whether all pixels are equal.
    var isFlat: Bool { stride(from: 3, to: pixels.count, by: 3).allSatisfy { pixels[$0..<$0 + 3] == pixels[0..<3] } }

    /// The next number, over white space and comments.
    private static func number(_ bytes: [UInt8], _ offset: inout Int) -> Int? {
        while offset < bytes.count {
            if bytes[offset] == UInt8(ascii: "#") {
                while offset < bytes.count, bytes[offset] != 0x0a { offset += 1 }
            } else if [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) {
                offset += 1
            } else {
                break
            }
        }
        var number: Int?
        while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) {
            number = (number ?? 0) * 10 + Int(bytes[offset] - 0x30)
            guard let number, number <= 65_535 else { return nil }
            offset += 1
        }
        return number
    }
}
