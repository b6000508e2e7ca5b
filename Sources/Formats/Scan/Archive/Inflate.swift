/// Why a compressed stream cannot be read.
enum InflateError: Error, Hashable, Sendable {
    case source(ByteSourceError)
    /// It is no DEFLATE stream.
    case malformed(String)
    /// It holds more than may be made of it.
    case tooLarge(limit: Int)
}

/// Reads DEFLATE streams (RFC 1951), for looking into them: into memory and never further than a limit.
struct Inflate {
    private var cursor: SourceCursor
    private var bits: UInt64 = 0
    private var bitCount = 0
    private(set) var output: [UInt8] = []
    private let limit: Int
    /// - Parameter limit: bytes that may come out.
    init(_ source: any ByteSource, at offset: UInt64 = 0, limit: Int) {
        cursor = SourceCursor(source, at: offset)
        self.limit = limit
    }

    /// Where the stream ended, after `run`.
    var end: UInt64 { cursor.offset - UInt64(bitCount / 8) }

    mutating func run() throws(InflateError) {
        var isLast = false
        while !isLast {
            isLast = try take(1) == 1
            switch try take(2) {
            case 0: try stored()
            case 1: try block(Self.fixedLengths, Self.fixedDistances)
            case 2:
                let (lengths, distances) = try tables()
                try block(lengths, distances)
            default: throw .malformed("a block of no known type")
            }
        }
    }

    // MARK: Bits

    @inline(__always)
    private mutating func fill(_ wanted: Int) throws(InflateError) {
        while bitCount < wanted {
            let next: UInt8?
            do { next = try cursor.byte() } catch { throw .source(error) }
            guard let next else { throw .malformed("it ends too early") }
            bits |= UInt64(next) << UInt64(bitCount)
            bitCount += 8
        }
    }

    @inline(__always)
    private mutating func take(_ wanted: Int) throws(InflateError) -> Int {
        guard wanted > 0 else { return 0 }
        try fill(wanted)
        let value = Int(bits & (1 << UInt64(wanted) - 1))
        bits >>= UInt64(wanted)
        bitCount -= wanted
        return value
    }

    private mutating func stored() throws(InflateError) {
        let drop = bitCount % 8
        bits >>= UInt64(drop)
        bitCount -= drop
        let length = try take(16)
        guard try take(16) == length ^ 0xffff else { throw .malformed("a stored block contradicts itself") }
        guard output.count + length <= limit else { throw .tooLarge(limit: limit) }
        for _ in 0..<length { output.append(UInt8(truncatingIfNeeded: try take(8))) }
    }

    // MARK: Codes

    /// A canonical Huffman code, decoded bit by bit from the counts of its lengths (as in Mark Adler's "puff"), with a
    /// table for the short words.
    struct Code {
        private static let fastBits = 10
        private var counts = [Int](repeating: 0, count: 16)
        private var symbols: [UInt16]
        /// Symbol and length of words of at most `fastBits` bits.
        private var fast: [UInt16]

        /// Nil where the lengths are no code: more words than there can be, or too few.
        init?(_ lengths: ArraySlice<UInt8>, isDistance: Bool = false) {
            for length in lengths { counts[Int(length)] += 1 }
            var left = 1
            for length in 1...15 {
                left = left * 2 - counts[length]
                guard left >= 0 else { return nil }
            }
            let used = lengths.count - counts[0]
            // One distance of one bit is a code that writers use; none at all is one too.
            if left > 0, !(isDistance && used <= 1) { return nil }
            var offsets = [Int](repeating: 0, count: 16)
            for length in 1..<15 { offsets[length + 1] = offsets[length] + counts[length] }
            symbols = [UInt16](repeating: 0, count: lengths.count)
            for (symbol, length) in lengths.enumerated() where length != 0 {
                symbols[offsets[Int(length)]] = UInt16(symbol)
                offsets[Int(length)] += 1
            }
            fast = [UInt16](repeating: 0, count: 1 << Self.fastBits)
            var code = 0
            var index = 0
            for length in 1...Self.fastBits {
                for _ in 0..<counts[length] {
                    var reversed = 0
                    for bit in 0..<length where code >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
                    let word = symbols[index] << 4 | UInt16(length)
                    for place in stride(from: reversed, to: 1 << Self.fastBits, by: 1 << length) { fast[place] = word }
                    code += 1
                    index += 1
                }
                code <<= 1
            }
        }

        @inline(__always)
        func fastWord(_ bits: UInt64) -> (symbol: Int, length: Int)? {
            let word = fast[Int(bits & (1 << UInt64(Self.fastBits) - 1))]
            return word == 0 ? nil : (Int(word >> 4), Int(word & 15))
        }

        /// Where a word that is read bit by bit stands.
        struct Walk {
            var length = 0
            var code = 0
            var first = 0
            var index = 0
        }

        /// The symbol, once the word is whole.
        func advance(_ walk: inout Walk, by bit: Int) throws(InflateError) -> Int? {
            guard walk.length < 15 else { throw .malformed("a word of no code") }
            walk.length += 1
            walk.code |= bit
            let count = counts[walk.length]
            if walk.code - count < walk.first { return Int(symbols[walk.index + walk.code - walk.first]) }
            walk.index += count
            walk.first = (walk.first + count) << 1
            walk.code <<= 1
            return nil
        }
    }

    @inline(__always)
    private mutating func symbol(_ code: Code) throws(InflateError) -> Int {
        // Near the end there may be fewer bits than the table is wide.
        while bitCount < 16 {
            let next: UInt8?
            do { next = try cursor.byte() } catch { throw .source(error) }
            guard let next else { break }
            bits |= UInt64(next) << UInt64(bitCount)
            bitCount += 8
        }
        if let word = code.fastWord(bits), word.length <= bitCount {
            bits >>= UInt64(word.length)
            bitCount -= word.length
            return word.symbol
        }
        var walk = Code.Walk()
        while true {
            if let symbol = try code.advance(&walk, by: try take(1)) { return symbol }
        }
    }

    private mutating func tables() throws(InflateError) -> (Code, Code) {
        let lengthCount = try take(5) + 257
        let distanceCount = try take(5) + 1
        let codeCount = try take(4) + 4
        guard lengthCount <= 286, distanceCount <= 30 else { throw .malformed("too many words") }
        var lengths = [UInt8](repeating: 0, count: 19)
        for index in 0..<codeCount { lengths[Self.order[index]] = UInt8(try take(3)) }
        guard let code = Code(lengths[...]) else { throw .malformed("the code of the lengths is none") }
        var all: [UInt8] = []
        while all.count < lengthCount + distanceCount {
            let word = try symbol(code)
            switch word {
            case 0..<16: all.append(UInt8(word))
            case 16:
                guard let last = all.last else { throw .malformed("nothing to repeat") }
                all.append(contentsOf: repeatElement(last, count: 3 + (try take(2))))
            case 17: all.append(contentsOf: repeatElement(0, count: 3 + (try take(3))))
            default: all.append(contentsOf: repeatElement(0, count: 11 + (try take(7))))
            }
        }
        guard all.count == lengthCount + distanceCount, all[256] != 0, let words = Code(all[..<lengthCount]),
            let distances = Code(all[lengthCount...], isDistance: true)
        else { throw .malformed("the code of a block is none") }
        return (words, distances)
    }

    private mutating func block(_ words: Code, _ distances: Code) throws(InflateError) {
        while true {
            let word = try symbol(words)
            if word < 256 {
                guard output.count < limit else { throw .tooLarge(limit: limit) }
                output.append(UInt8(word))
            } else if word == 256 {
                return
            } else {
                guard word - 257 < 29 else { throw .malformed("a length of no meaning") }
                let length = Self.lengthBases[word - 257] + (try take(Self.lengthExtra[word - 257]))
                let place = try symbol(distances)
                guard place < 30 else { throw .malformed("a distance of no meaning") }
                let distance = Self.distanceBases[place] + (try take(Self.distanceExtra[place]))
                guard distance <= output.count else { throw .malformed("it looks back before its start") }
                guard output.count + length <= limit else { throw .tooLarge(limit: limit) }
                let start = output.count - distance
                for index in 0..<length { output.append(output[start + index]) }
            }
        }
    }

    private static let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    private static let lengthBases = [
        3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227,
        258,
    ]
    private static let lengthExtra = [
        0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
    ]
    private static let distanceBases = [
        1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
        6145,
        8193, 12289, 16385, 24577,
    ]
    private static let distanceExtra = [
        0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
    ]
    private static let fixedLengths: Code = {
        let lengths =
            [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112) + [UInt8](repeating: 7, count: 24)
            + [UInt8](repeating: 8, count: 8)
        guard let code = Code(lengths[...]) else { preconditionFailure("RFC 1951, 3.2.6 is a code") }
        return code
    }()
    private static let fixedDistances: Code = {
        guard let code = Code([UInt8](repeating: 5, count: 32)[...]) else {
            preconditionFailure("RFC 1951, 3.2.6 is a code")
        }
        return code
    }()
}
