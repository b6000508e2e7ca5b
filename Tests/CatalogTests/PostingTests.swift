import Foundation
import Testing

@testable import Catalog

@Suite("Posting lists and sets of models")
struct PostingTests {
    private func numbers(_ count: Int, below limit: Int32, _ random: inout SeededRandom) -> Set<Int32> {
        Set((0..<count).map { _ in Int32.random(in: 0..<limit, using: &random) })
    }

    @Test("a block comes back from its stored form, listed or mapped", arguments: [0, 1, 17, 255, 256, 2000, 4096])
    func blocks(count: Int) {
        var random = SeededRandom(UInt64(count))
        var block = PostingBlock()
        for place in (0..<Int(PostingBlock.size)).shuffled(using: &random).prefix(count) { block[place] = true }
        let bytes = block.bytes
        #expect(bytes.count == min(2 * count, 512))
        #expect(bytes.withUnsafeBytes { PostingBlock($0) }.words == block.words)
        #expect(block.count == count)
    }

    @Test("what no node wrote is read without harm")
    func hostileBlocks() {
        var random = SeededRandom(1)
        for count in [1, 3, 511, 513, 4000] {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(bytes.withUnsafeBytes { PostingBlock($0) }.words.count == PostingBlock.wordCount)
        }
    }

    @Test("sets of models are joined as sets are", arguments: 1...20 as ClosedRange<UInt64>)
    func sets(seed: UInt64) {
        var random = SeededRandom(seed)
        let limit: Int32 = [5000, 100_000, .max].randomElement(using: &random)!
        let left = numbers(Int.random(in: 0...3000, using: &random), below: limit, &random)
        let right = numbers(Int.random(in: 0...3000, using: &random), below: limit, &random)
            .union(left.filter { $0 % 2 == 0 })
        let (set, other) = (ModelSet(left), ModelSet(right.shuffled(using: &random)))
        func down(_ numbers: Set<Int32>) -> [Int32] { numbers.sorted(by: >) }
        #expect(set.count == left.count && set.last() == down(left), "seed \(seed)")
        #expect(set.last(10) == Array(down(left).prefix(10)))
        for end in left.prefix(20) + [0, limit] {
            #expect(set.last(10, below: end) == Array(down(left.filter { $0 < end }).prefix(10)), "seed \(seed)")
        }
        #expect(set.intersection(other).last() == down(left.intersection(right)), "seed \(seed)")
        #expect(set.subtracting(other).last() == down(left.subtracting(right)), "seed \(seed)")
        var union = set
        union.formUnion(other)
        #expect(union.last() == down(left.union(right)), "seed \(seed)")
        #expect(set.intersection(other) == ModelSet(left.intersection(right)))
        #expect(set.subtracting(set).isEmpty)
        for number in left.union(right).prefix(200) { #expect(set.contains(number) == left.contains(number)) }
    }
}
