import Glibc

/// What PDQ says of a picture.
public struct PDQ: Hashable, Sendable {
    /// The pictures turned and mirrored, the picture as it is first: what is looked up in a list of one hash each.
    public let dihedral: [PDQHash]
    /// 0 to 100. Below 50 the picture is so flat that unlike ones have like hashes: it is compared with nothing.
    public let quality: Int

    public var hash: PDQHash { dihedral[0] }

    /// What was computed before.
    ///
    /// - Parameter dihedral: eight hashes, the picture as it is first; nil for another number.
    public init?(dihedral: [PDQHash], quality: Int) {
        guard dihedral.count == 8 else { return nil }
        (self.dihedral, self.quality) = (dihedral, quality)
    }

    /// - Parameter pixels: `width * height * 3` values, RGB, row after row.
    public init?(pixels: [UInt8], width: Int, height: Int) {
        guard width > 0, height > 0, pixels.count == width * height * 3 else { return nil }
        var luma = [Float](repeating: 0, count: width * height)
        for index in 0..<width * height {
            luma[index] =
                0.299 * Float(pixels[3 * index]) + 0.587 * Float(pixels[3 * index + 1])
                + 0.114 * Float(pixels[3 * index + 2])
        }
        guard width >= Self.leastSide, height >= Self.leastSide else {
            dihedral = [PDQHash](repeating: PDQHash(bits: []), count: 8)
            quality = 0
            return
        }
        if width != 64 || height != 64 {
            var other = luma
            let across = (width + 127) / 128
            let down = (height + 127) / 128
            for _ in 0..<2 {
                Self.smoothRows(&luma, &other, width, height, across)
                Self.smoothColumns(&other, &luma, width, height, down)
            }
        }
        var small = [Float](repeating: 0, count: 64 * 64)
        for row in 0..<64 {
            let from = Int((Double(row) + 0.5) * Double(height) / 64)
            for column in 0..<64 {
                small[row * 64 + column] = luma[from * width + Int((Double(column) + 0.5) * Double(width) / 64)]
            }
        }
        quality = Self.quality(small)
        dihedral = Self.turns(Self.transform(small))
    }

    private static let leastSide = 5

    // MARK: Smoothing: two passes of a box, which make a tent (Jarosz)

    private static func smoothRows(
        _ from: inout [Float], _ to: inout [Float], _ width: Int, _ height: Int, _ window: Int
    ) {
        let half = (window + 2) / 2
        for row in 0..<height {
            let start = row * width
            var (left, right, out) = (start, start, start)
            var sum: Float = 0
            var size: Float = 0
            for _ in 0..<half - 1 {
                sum += from[right]
                size += 1
                right += 1
            }
            for _ in 0..<window - half + 1 {
                sum += from[right]
                size += 1
                to[out] = sum / size
                right += 1
                out += 1
            }
            for _ in 0..<width - window {
                sum += from[right]
                sum -= from[left]
                to[out] = sum / size
                left += 1
                right += 1
                out += 1
            }
            for _ in 0..<half - 1 {
                sum -= from[left]
                size -= 1
                to[out] = sum / size
                left += 1
                out += 1
            }
        }
    }

    /// The same down the columns, all columns at once: in memory they lie side by side.
    private static func smoothColumns(
        _ from: inout [Float], _ to: inout [Float], _ width: Int, _ height: Int, _ window: Int
    ) {
        let half = (window + 2) / 2
        var sums = [Float](repeating: 0, count: width)
        var size: Float = 0
        var (left, right, out) = (0, 0, 0)
        func write() {
            let scale = size
            for column in 0..<width { to[out + column] = sums[column] / scale }
            out += width
        }
        func add() {
            for column in 0..<width { sums[column] += from[right + column] }
            right += width
        }
        func remove() {
            for column in 0..<width { sums[column] -= from[left + column] }
            left += width
        }
        for _ in 0..<half - 1 {
            add()
            size += 1
        }
        for _ in 0..<window - half + 1 {
            add()
            size += 1
            write()
        }
        for _ in 0..<height - window {
            add()
            remove()
            write()
        }
        for _ in 0..<half - 1 {
            remove()
            size -= 1
            write()
        }
    }

    /// How much the neighbours differ, in the reference implementation's steps.
    private static func quality(_ small: [Float]) -> Int {
        var sum = 0
        for row in 0..<64 {
            for column in 0..<64 {
                let value = small[row * 64 + column]
                if row < 63 { sum += abs(Int((value - small[(row + 1) * 64 + column]) * 100 / 255)) }
                if column < 63 { sum += abs(Int((value - small[row * 64 + column + 1]) * 100 / 255)) }
            }
        }
        return min(100, sum / 90)
    }

    // MARK: Coefficients

    /// Rows 1 to 16 of the cosine transform of 64 values.
    private static let cosines: [Float] = {
        var cosines: [Float] = []
        let scale = (2.0 / 64.0).squareRoot()
        for row in 1...16 {
            for column in 0..<64 {
                cosines.append(Float(scale * cos(.pi / 128 * Double(row) * Double(2 * column + 1))))
            }
        }
        return cosines
    }()

    /// 16 x 16 coefficients, the constant ones left out.
    private static func transform(_ small: [Float]) -> [Float] {
        var half = [Float](repeating: 0, count: 16 * 64)
        for row in 0..<16 {
            for column in 0..<64 {
                var sum: Float = 0
                for index in 0..<64 { sum += cosines[row * 64 + index] * small[index * 64 + column] }
                half[row * 64 + column] = sum
            }
        }
        var coefficients = [Float](repeating: 0, count: 256)
        for row in 0..<16 {
            for column in 0..<16 {
                var sum: Float = 0
                for index in 0..<64 { sum += half[row * 64 + index] * cosines[column * 64 + index] }
                coefficients[row * 16 + column] = sum
            }
        }
        return coefficients
    }

    /// A mirrored picture changes the sign of every second coefficient; a turned one exchanges rows and columns too.
    private static func turns(_ coefficients: [Float]) -> [PDQHash] {
        var hashes: [PDQHash] = []
        for isTransposed in [false, true] {
            for isMirrored in [false, true] {
                for isFlipped in [false, true] {
                    var turned = [Float](repeating: 0, count: 256)
                    for row in 0..<16 {
                        for column in 0..<16 {
                            var value = isTransposed ? coefficients[column * 16 + row] : coefficients[row * 16 + column]
                            if isMirrored, column.isMultiple(of: 2) { value = -value }
                            if isFlipped, row.isMultiple(of: 2) { value = -value }
                            turned[row * 16 + column] = value
                        }
                    }
                    let median = turned.sorted()[127]
                    hashes.append(PDQHash(bits: turned.map { $0 > median }))
                }
            }
        }
        return hashes
    }
}
