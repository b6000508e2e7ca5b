import Digests
import Foundation

/// A picture of hexagonal cells in three colours, drawn by a few lines of arithmetic: made-up models have something to
/// show, and no picture claims to come from a model that draws nothing.
struct DrawnPicture {
    let width: Int
    let height: Int
    /// Dark, middle and light: 0xRRGGBB.
    let colours: (Int, Int, Int)
    /// Distance of neighbouring cells in pixels.
    let cell: Double
    let seed: UInt64

    /// An 8-bit PNG with a palette (ISO/IEC 15948).
    func png() -> Data {
        var bytes = Data([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
        bytes += chunk("IHDR", big(width) + big(height) + [8, 3, 0, 0, 0])
        bytes += chunk("PLTE", (0..<256).flatMap(colour))
        bytes += chunk("IDAT", stored(pixels()))
        bytes += chunk("IEND", [])
        return bytes
    }

    /// A gradient through the three colours.
    private func colour(_ index: Int) -> [UInt8] {
        let (low, high) = index < 128 ? (colours.0, colours.1) : (colours.1, colours.2)
        let share = index % 128
        return [16, 8, 0].map { shift in
            let (a, b) = (low >> shift & 255, high >> shift & 255)
            return UInt8(a + (b - a) * share / 127)
        }
    }

    /// Rows of palette numbers, each after a filter byte.
    private func pixels() -> [UInt8] {
        var rows: [UInt8] = []
        rows.reserveCapacity((width + 1) * height)
        for y in 0..<height {
            rows.append(0)
            for x in 0..<width { rows.append(shade(Double(x), Double(y))) }
        }
        return rows
    }

    /// Cells are lighter towards their middle and have each a shade of their own.
    private func shade(_ x: Double, _ y: Double) -> UInt8 {
        let rowHeight = cell * 0.866
        let row = (y / rowHeight).rounded()
        var nearest = (distance: Double.infinity, tone: 0.0)
        for r in [row - 1, row, row + 1] {
            let shift = Int(r) % 2 == 0 ? 0 : cell / 2
            let column = ((x - shift) / cell).rounded()
            let (dx, dy) = (x - column * cell - shift, y - r * rowHeight)
            let distance = dx * dx + dy * dy
            if distance < nearest.distance { nearest = (distance, tone(Int(column), Int(r))) }
        }
        let depth = min(1, nearest.distance.squareRoot() / (cell / 2))
        let slope = (x / Double(width) + y / Double(height)) / 2
        let light = nearest.tone * 0.45 + slope * 0.4 + (1 - depth * depth * depth) * 0.28 - 0.1
        return UInt8(max(0, min(255, light * 255)))
    }

    private func tone(_ column: Int, _ row: Int) -> Double {
        var mixed = seed &+ UInt64(bitPattern: Int64(column &* 73_856_093 ^ row &* 19_349_663))
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return Double((mixed ^ mixed >> 31) >> 11) / Double(1 << 53)
    }

    // MARK: Bytes

    private func big(_ number: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
        let named = Array(type.utf8) + body
        var sum = CRC32()
        named.withUnsafeBytes { sum.update($0) }
        return big(body.count) + named + big(Int(sum.value))
    }

    /// A zlib stream of stored blocks (RFC 1950, RFC 1951).
    private func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: bytes.count, by: 65_535) {
            let end = min(start + 65_535, bytes.count)
            let count = end - start
            stream += [end == bytes.count ? 1 : 0, UInt8(count & 255), UInt8(count >> 8)]
            stream += [UInt8(~count & 255), UInt8(~count >> 8 & 255)]
            stream += bytes[start..<end]
        }
        var (a, b) = (1, 0)
        for byte in bytes {
            a = (a + Int(byte)) % 65_521
            b = (b + a) % 65_521
        }
        return stream + big(b << 16 | a)
    }
}
