/// A set of models by their places, as bits in blocks of neighbours: what posting lists are joined in.
struct ModelSet: Equatable {
    /// The numbers of the blocks that have members, in their order.
    private var blocks: [Int32] = []
    /// `PostingBlock.wordCount` for each block.
    private var words: [UInt64] = []

    private static let wordCount = PostingBlock.wordCount

    init() {}

    init(_ places: some Sequence<Int32>) {
        for place in places.sorted() {
            let block = place / PostingBlock.size
            if blocks.last != block { append(block) { _ in } }
            let bit = Int(place % PostingBlock.size)
            words[words.count - Self.wordCount + bit / 64] |= 1 << UInt64(bit % 64)
        }
    }

    /// Adds a block after all others.
    mutating func append(_ block: Int32, _ fill: (UnsafeMutableBufferPointer<UInt64>) -> Void) {
        let start = words.count
        blocks.append(block)
        words.append(contentsOf: repeatElement(0, count: Self.wordCount))
        words.withUnsafeMutableBufferPointer { fill(UnsafeMutableBufferPointer(rebasing: $0[start...])) }
    }

    var isEmpty: Bool { blocks.isEmpty }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    func contains(_ place: Int32) -> Bool {
        let block = place / PostingBlock.size
        var (low, high) = (0, blocks.count)
        while low < high {
            let middle = (low + high) / 2
            if blocks[middle] < block { low = middle + 1 } else { high = middle }
        }
        guard low < blocks.count, blocks[low] == block else { return false }
        let bit = Int(place % PostingBlock.size)
        return words[low * Self.wordCount + bit / 64] & 1 << UInt64(bit % 64) != 0
    }

    /// The members at the highest places below one, at most so many, downwards.
    func last(_ limit: Int = .max, below end: Int32 = .max) -> [Int32] {
        var places: [Int32] = []
        for index in words.indices.reversed() {
            let start = blocks[index / Self.wordCount] * PostingBlock.size + Int32(64 * (index % Self.wordCount))
            guard start < end else { continue }
            var rest = words[index]
            if end - start < 64 { rest &= 1 << UInt64(end - start) - 1 }
            while rest != 0 {
                if places.count == limit { return places }
                let bit = 63 - rest.leadingZeroBitCount
                places.append(start + Int32(bit))
                rest ^= 1 << UInt64(bit)
            }
        }
        return places
    }

    // MARK: Joining

    mutating func formUnion(_ other: ModelSet) {
        self = isEmpty ? other : joined(other, keepsOwn: true, keepsOther: true) { $0 | $1 }
    }

    func intersection(_ other: ModelSet) -> ModelSet {
        joined(other, keepsOwn: false, keepsOther: false) { $0 & $1 }
    }

    func subtracting(_ other: ModelSet) -> ModelSet {
        joined(other, keepsOwn: true, keepsOther: false) { $0 & ~$1 }
    }

    /// Joins blocks that both have, and takes over those that one has.
    private func joined(
        _ other: ModelSet, keepsOwn: Bool, keepsOther: Bool, _ join: (UInt64, UInt64) -> UInt64
    ) -> ModelSet {
        var result = ModelSet()
        var (own, others) = (0, 0)
        while own < blocks.count || others < other.blocks.count {
            let left = own < blocks.count ? blocks[own] : .max
            let right = others < other.blocks.count ? other.blocks[others] : .max
            if left == right {
                var isEmpty = true
                let (start, otherStart) = (own * Self.wordCount, others * Self.wordCount)
                result.append(left) { place in
                    for index in 0..<Self.wordCount {
                        let word = join(words[start + index], other.words[otherStart + index])
                        place[index] = word
                        if word != 0 { isEmpty = false }
                    }
                }
                if isEmpty { result.removeLast() }
                (own, others) = (own + 1, others + 1)
            } else if left < right {
                if keepsOwn { result.append(self, own) }
                own += 1
            } else {
                if keepsOther { result.append(other, others) }
                others += 1
            }
        }
        return result
    }

    private mutating func append(_ other: ModelSet, _ index: Int) {
        blocks.append(other.blocks[index])
        words.append(contentsOf: other.words[index * Self.wordCount..<(index + 1) * Self.wordCount])
    }

    private mutating func removeLast() {
        blocks.removeLast()
        words.removeLast(Self.wordCount)
    }
}
