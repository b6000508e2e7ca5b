import Digests
import PostLog
import Testing

/// SplitMix64, so that a failure can be repeated from its seed.
private struct SeededRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func record(times: UInt64) -> ReconciliationRecord {
        let id = Hash32(words: (next(), next(), next(), next()))
        return ReconciliationRecord(created: .random(in: 0..<times, using: &self), id: id)
    }
}

/// The obvious implementation: a sorted array, summed by scanning.
private struct NaiveSet: ReconciliationSet {
    var records: [ReconciliationRecord] = []

    var count: Int { records.count }
    subscript(rank: Int) -> ReconciliationRecord { records[rank] }
    func lowerBound(of bound: ReconciliationRecord) -> Int {
        records.firstIndex { $0 >= bound } ?? records.count
    }
    func sum(of ranks: Range<Int>) -> ReconciliationSum {
        records[ranks].reduce(into: .zero) { $0 += $1.id }
    }
    func forEachID(in ranks: Range<Int>, _ body: (Hash32) -> Void) {
        records[ranks].forEach { body($0.id) }
    }

    mutating func insert(_ record: ReconciliationRecord) -> Bool {
        let rank = lowerBound(of: record)
        guard rank == count || records[rank] != record else { return false }
        records.insert(record, at: rank)
        return true
    }
    mutating func remove(_ record: ReconciliationRecord) -> Bool {
        guard let rank = records.firstIndex(of: record) else { return false }
        records.remove(at: rank)
        return true
    }
}

private func ids(_ set: some ReconciliationSet, _ ranks: Range<Int>) -> [Hash32] {
    var ids: [Hash32] = []
    set.forEachID(in: ranks) { ids.append($0) }
    return ids
}

/// Compares everything that can be asked of two sets, at a few random places.
private func expectEqual(
    _ index: some ReconciliationSet, _ naive: NaiveSet, _ random: inout SeededRandom, times: UInt64, _ seed: UInt64
) {
    #expect(index.count == naive.count, "seed \(seed)")
    #expect(index.sum(of: 0..<index.count) == naive.sum(of: 0..<naive.count), "seed \(seed)")
    for _ in 0..<4 {
        let ends = [Int.random(in: 0...naive.count, using: &random), .random(in: 0...naive.count, using: &random)]
        let ranks = ends.min()!..<ends.max()!
        #expect(index.sum(of: ranks) == naive.sum(of: ranks), "seed \(seed), ranks \(ranks)")
        #expect(ids(index, ranks) == ids(naive, ranks), "seed \(seed), ranks \(ranks)")
        if let rank = ranks.first { #expect(index[rank] == naive[rank], "seed \(seed), rank \(rank)") }
        let bound = random.record(times: times)
        #expect(index.lowerBound(of: bound) == naive.lowerBound(of: bound), "seed \(seed), bound \(bound)")
        if let rank = ranks.first {
            #expect(index.lowerBound(of: naive[rank]) == rank, "seed \(seed), rank \(rank)")
        }
    }
}

@Suite struct ReconciliationIndexTests {
    @Test("the index answers like a sorted array after any sequence of changes", arguments: 0..<12 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let times: UInt64 = [1, 3, 1000, 1 << 40].randomElement(using: &random)!
        var index = ReconciliationIndex()
        var naive = NaiveSet()
        for _ in 0..<25 {
            switch UInt8.random(in: 0..<10, using: &random) {
            case 0..<4:
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    let record = random.record(times: times)
                    let isNew = index.insert(record)
                    let isNewHere = naive.insert(record)
                    #expect(isNew == isNewHere, "seed \(seed)")
                }
            case 4..<7:
                var batch = (0..<Int.random(in: 0...700, using: &random)).map { _ in random.record(times: times) }
                batch += naive.records.shuffled(using: &random).prefix(20)
                batch += batch.prefix(5)
                if Bool.random(using: &random) { batch.sort() }
                let new = batch.reduce(0) { $0 + (naive.insert($1) ? 1 : 0) }
                let added = index.insert(contentsOf: batch)
                #expect(added == new, "seed \(seed)")
            default:
                let share = Double.random(in: 0...0.6, using: &random)
                for record in naive.records where Double.random(in: 0..<1, using: &random) < share {
                    let isRemoved = index.remove(record) && naive.remove(record)
                    #expect(isRemoved, "seed \(seed)")
                }
                let isRemoved = index.remove(random.record(times: times))
                #expect(!isRemoved, "seed \(seed)")
            }
            expectEqual(index, naive, &random, times: times, seed)
        }
    }

    @Test("a record that is there already is not added again, and leaves when removed once")
    func duplicates() {
        let record = ReconciliationRecord(created: 5, id: .zero)
        var index = ReconciliationIndex([record, record])
        #expect(index.count == 1)
        let isAddedAgain = index.insert(record)
        #expect(!isAddedAgain)
        #expect(index.contains(record))
        let isRemoved = index.remove(record)
        #expect(isRemoved)
        #expect(!index.contains(record))
        #expect(index.count == 0)
        #expect(index.sum(of: 0..<0) == .zero)
        #expect(index.lowerBound(of: record) == 0)
    }

    @Test("no record has the time of infinity")
    func infinity() {
        let infinite = ReconciliationRecord(created: .max, id: .zero)
        var index = ReconciliationIndex([infinite])
        #expect(index.count == 0)
        let isAdded = index.insert(infinite)
        #expect(!isAdded)
        index.insert(ReconciliationRecord(created: .max - 1, id: .zero))
        #expect(index.count == 1)
        #expect(index.lowerBound(of: infinite) == 1)
    }

    @Test("a set that grows at its end, one by one, fills its blocks and counts right")
    func appending() {
        var random = SeededRandom(seed: 7)
        var index = ReconciliationIndex()
        var naive = NaiveSet()
        for created in 0..<2000 as Range<UInt64> {
            let record = ReconciliationRecord(created: created, id: random.record(times: 1).id)
            index.insert(record)
            naive.records.append(record)
        }
        expectEqual(index, naive, &random, times: 2000, 7)
    }

    @Test("a snapshot stays as it was while the index changes")
    func snapshot() {
        var random = SeededRandom(seed: 9)
        let records = (0..<1000).map { _ in random.record(times: 50) }.sorted()
        var index = ReconciliationIndex(records)
        let snapshot = index
        index.insert(contentsOf: (0..<500).map { _ in random.record(times: 50) })
        records.prefix(300).forEach { index.remove($0) }
        expectEqual(snapshot, NaiveSet(records: records), &random, times: 50, 9)
    }

    @Test("a window shows the records created at its start or later", arguments: 0..<8 as Range<UInt64>)
    func window(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let records = (0..<900).map { _ in random.record(times: 40) }.sorted()
        let index = ReconciliationIndex(records)
        for start: UInt64 in [0, 1, 20, 39, 40, .max] {
            let naive = NaiveSet(records: records.filter { $0.created >= start })
            expectEqual(ReconciliationWindow(index, since: start), naive, &random, times: 50, seed)
        }
    }

    @Test("the sum is little-endian, modulo 2^256, and adding then taking away changes nothing")
    func sums() {
        let one = Hash32([1] + Array(repeating: 0, count: 31))!
        let all = Hash32(Array(repeating: 0xff, count: 32))!
        var sum = ReconciliationSum(all)
        sum += one
        #expect(sum == .zero)
        sum -= one
        #expect(sum == ReconciliationSum(all))
        var shifted = ReconciliationSum(Hash32(Array(repeating: 0xff, count: 16) + Array(repeating: 0, count: 16))!)
        shifted += one
        let bytes = shifted.withUnsafeBytes { Array($0) }
        #expect(bytes == Array(repeating: 0, count: 16) + [1] + Array(repeating: 0, count: 15))
    }
}
