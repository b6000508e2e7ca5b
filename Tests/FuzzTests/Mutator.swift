/// Damages inputs, from a seed: what mutational fuzzers do first.
struct Mutator {
    private var state: UInt64
    private let corpus: [[UInt8]]

    init(seed: UInt64, corpus: [[UInt8]]) {
        state = seed
        self.corpus = corpus
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    private mutating func below(_ limit: Int) -> Int { limit <= 1 ? 0 : Int(next() % UInt64(limit)) }
    private mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }

    /// The next input: one of the corpus, damaged a few times.
    mutating func input() -> [UInt8] {
        guard !corpus.isEmpty else { return [] }
        var bytes = corpus[below(corpus.count)]
        for _ in 0..<below(6) { damage(&bytes) }
        return bytes
    }

    private mutating func damage(_ bytes: inout [UInt8]) {
        let at = below(bytes.count)
        switch below(9) {
        case 0 where !bytes.isEmpty: bytes[at] ^= 1 << UInt8(below(8))
        case 1 where !bytes.isEmpty: bytes[at] = byte()
        case 2: bytes.insert(byte(), at: at)
        case 3 where !bytes.isEmpty: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(16)))
        case 4: bytes = Array(bytes.prefix(at))
        case 5:
            // Numbers that are nearly too large, in the three forms that are read here.
            let numbers: [[UInt8]] = [
                [0xff, 0xff, 0xff, 0xff, 0x7f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
                [0x80, 0x80, 0x80, 0x00], [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
                Array("999999999999999".utf8), [0], [0xff],
            ]
            bytes.insert(contentsOf: numbers[below(numbers.count)], at: at)
        case 6 where !bytes.isEmpty:
            // A part twice.
            let end = min(bytes.count, at + 1 + below(64))
            bytes.insert(contentsOf: Array(bytes[at..<end]), at: below(bytes.count))
        case 7:
            // The beginning of one and the end of another.
            let other = corpus[below(corpus.count)]
            bytes = Array(bytes.prefix(at)) + other.suffix(below(other.count + 1))
        default: bytes.append(contentsOf: (0..<below(32)).map { _ in byte() })
        }
        if bytes.count > 1 << 16 { bytes.removeSubrange((1 << 16)...) }
    }
}
