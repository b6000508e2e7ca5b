public import Digests

/// The records of all offered posts, sorted, with sums: what a node reconciles from without touching its database.
///
/// Records lie in blocks of at most 256. Beside each block stand the number of records and the sum of ids before it, so
/// the sum of any range of ranks is two look-ups and at most two half blocks of additions. Posts arrive nearly in the
/// order of `created`: adding near the end touches the last blocks only, and blocks filled in order stay full, at about 41
/// bytes a record. A copy shares its blocks until one side changes them, so a snapshot for a running reconciliation is
/// cheap.
public struct ReconciliationIndex: ReconciliationSet {
    /// Records and sum of ids before a block.
    private struct Mark {
        var rank = 0
        var sum = ReconciliationSum.zero
    }

    /// A block that is about to be put in.
    private struct Piece {
        let records: [ReconciliationRecord]
        let sum: ReconciliationSum

        init(_ records: [ReconciliationRecord], sum: ReconciliationSum) {
            self.records = records
            self.sum = sum
        }

        init(_ records: [ReconciliationRecord]) {
            self.init(records, sum: records.reduce(into: .zero) { $0 += $1.id })
        }
    }

    static let blockCapacity = 256

    /// Sorted within and across; none is empty.
    private var blocks: [[ReconciliationRecord]] = []
    /// One a block, and a last one that holds the totals.
    private var marks = [Mark()]

    public init() {}

    /// Holds each of `records` once; fastest when they come sorted. One with `created` of infinity is left out.
    public init(_ records: some Sequence<ReconciliationRecord>) {
        insert(contentsOf: records)
    }

    public var count: Int { marks[blocks.count].rank }

    // MARK: Changing

    /// False when the record is there already, or its `created` is infinity, which no record may have.
    @discardableResult
    public mutating func insert(_ record: ReconciliationRecord) -> Bool {
        guard record.created != .max else { return false }
        guard !blocks.isEmpty else {
            replace(0..<0, with: [Piece([record])])
            return true
        }
        let block = blockIndex(of: record)
        let offset = Self.lowerBound(of: record, in: blocks[block])
        guard offset == blocks[block].count || blocks[block][offset] != record else { return false }

        if blocks[block].count < Self.blockCapacity {
            blocks[block].insert(record, at: offset)
            shiftMarks(behind: block, ranks: 1, sum: ReconciliationSum(record.id))
        } else if block == blocks.count - 1, offset == Self.blockCapacity {
            // A full last block stays full when the set grows at its end, as it nearly always does.
            replace(blocks.count..<blocks.count, with: [Piece([record])])
        } else {
            var halves = [blocks[block][..<(Self.blockCapacity / 2)], blocks[block][(Self.blockCapacity / 2)...]]
            halves[offset < halves[1].startIndex ? 0 : 1].insert(record, at: offset)
            replace(block..<block + 1, with: halves.map { Piece(Array($0)) })
        }
        return true
    }

    /// Adds many at once and returns how many were new. Records may repeat and come in any order; sorted ones need no
    /// sorting here. The cost is that of the blocks they fall into, and the number of blocks behind the first of these.
    @discardableResult
    public mutating func insert(contentsOf records: some Sequence<ReconciliationRecord>) -> Int {
        var incoming = records.filter { $0.created != .max }
        if zip(incoming, incoming.dropFirst()).contains(where: { $0 > $1 }) {
            incoming.sort()
        }
        guard let first = incoming.first else { return 0 }
        let countBefore = count

        let start = blocks.isEmpty ? 0 : blockIndex(of: first)
        var pieces: [Piece] = []
        var rest = incoming[...]
        var block = start
        repeat {
            let isLast = block + 1 >= blocks.count
            let end = isLast ? rest.endIndex : Self.lowerBound(of: blocks[block + 1][0], in: rest)
            if rest.startIndex == end {
                pieces.append(Piece(blocks[block], sum: blockSum(block)))
            } else {
                let old = block < blocks.count ? blocks[block] : []
                Self.cut(Self.merge(old, rest[..<end]), packed: isLast, into: &pieces)
            }
            rest = rest[end...]
            block += 1
        } while !rest.isEmpty
        replace(start..<min(block, blocks.count), with: pieces)
        return count - countBefore
    }

    /// False when the record is not there.
    @discardableResult
    public mutating func remove(_ record: ReconciliationRecord) -> Bool {
        guard let (block, offset) = position(of: record) else { return false }
        blocks[block].remove(at: offset)
        var gone = ReconciliationSum.zero
        gone -= record.id
        shiftMarks(behind: block, ranks: -1, sum: gone)
        if blocks[block].isEmpty {
            replace(block..<block + 1, with: [])
        } else if block + 1 < blocks.count, blocks[block].count + blocks[block + 1].count <= Self.blockCapacity / 2 {
            replace(block..<block + 2, with: [Piece(blocks[block] + blocks[block + 1])])
        }
        return true
    }

    // MARK: Asking

    public func contains(_ record: ReconciliationRecord) -> Bool {
        position(of: record) != nil
    }

    public subscript(rank: Int) -> ReconciliationRecord {
        precondition((0..<count).contains(rank), "rank \(rank) is outside 0..<\(count)")
        let block = blockIndex(ofRank: rank)
        return blocks[block][rank - marks[block].rank]
    }

    public func lowerBound(of bound: ReconciliationRecord) -> Int {
        guard !blocks.isEmpty else { return 0 }
        let block = blockIndex(of: bound)
        return marks[block].rank + Self.lowerBound(of: bound, in: blocks[block])
    }

    public func sum(of ranks: Range<Int>) -> ReconciliationSum {
        precondition(ranks.lowerBound >= 0 && ranks.upperBound <= count, "ranks \(ranks) are outside 0..<\(count)")
        var sum = prefixSum(ranks.upperBound)
        sum -= prefixSum(ranks.lowerBound)
        return sum
    }

    public func forEachID(in ranks: Range<Int>, _ body: (Hash32) -> Void) {
        precondition(ranks.lowerBound >= 0 && ranks.upperBound <= count, "ranks \(ranks) are outside 0..<\(count)")
        var rank = ranks.lowerBound
        while rank < ranks.upperBound {
            let block = blockIndex(ofRank: rank)
            let start = marks[block].rank
            let end = min(ranks.upperBound, marks[block + 1].rank)
            for record in blocks[block][rank - start..<end - start] {
                body(record.id)
            }
            rank = end
        }
    }

    // MARK: Inside

    /// The sum of the first `rank` ids, counted from whichever end of the block is nearer.
    private func prefixSum(_ rank: Int) -> ReconciliationSum {
        guard rank < count else { return marks[blocks.count].sum }
        let block = blockIndex(ofRank: rank)
        let offset = rank - marks[block].rank
        let records = blocks[block]
        if offset <= records.count / 2 {
            var sum = marks[block].sum
            for record in records[..<offset] { sum += record.id }
            return sum
        }
        var sum = marks[block + 1].sum
        for record in records[offset...] { sum -= record.id }
        return sum
    }

    private func position(of record: ReconciliationRecord) -> (block: Int, offset: Int)? {
        guard !blocks.isEmpty else { return nil }
        let block = blockIndex(of: record)
        let offset = Self.lowerBound(of: record, in: blocks[block])
        guard offset < blocks[block].count, blocks[block][offset] == record else { return nil }
        return (block, offset)
    }

    /// The last block that starts at or below `record`, or the first block.
    private func blockIndex(of record: ReconciliationRecord) -> Int {
        max(Self.partition(0..<blocks.count) { blocks[$0][0] <= record } - 1, 0)
    }

    private func blockIndex(ofRank rank: Int) -> Int {
        Self.partition(0..<blocks.count) { marks[$0].rank <= rank } - 1
    }

    private func blockSum(_ block: Int) -> ReconciliationSum {
        var sum = marks[block + 1].sum
        sum -= marks[block].sum
        return sum
    }

    private mutating func shiftMarks(behind block: Int, ranks: Int, sum: ReconciliationSum) {
        for index in block + 1..<marks.count {
            marks[index].rank += ranks
            marks[index].sum += sum
        }
    }

    /// Puts `pieces` in the place of `range` and moves the marks behind them; no record of another block is read.
    private mutating func replace(_ range: Range<Int>, with pieces: [Piece]) {
        var mark = marks[range.lowerBound]
        var renewed: [Mark] = []
        renewed.reserveCapacity(pieces.count)
        for piece in pieces {
            mark.rank += piece.records.count
            mark.sum += piece.sum
            renewed.append(mark)
        }
        let ranks = mark.rank - marks[range.upperBound].rank
        mark.sum -= marks[range.upperBound].sum
        blocks.replaceSubrange(range, with: pieces.lazy.map(\.records))
        marks.replaceSubrange(range.lowerBound + 1..<range.upperBound + 1, with: renewed)
        shiftMarks(behind: range.lowerBound + pieces.count, ranks: ranks, sum: mark.sum)
    }

    /// The union of a block and a sorted run, repeats of the run left out.
    private static func merge(
        _ block: [ReconciliationRecord], _ run: ArraySlice<ReconciliationRecord>
    ) -> [ReconciliationRecord] {
        var merged: [ReconciliationRecord] = []
        merged.reserveCapacity(block.count + run.count)
        var next = 0
        for record in run {
            while next < block.count, block[next] <= record {
                merged.append(block[next])
                next += 1
            }
            if merged.last != record { merged.append(record) }
        }
        merged += block[next...]
        return merged
    }

    /// Cuts records into blocks: full ones where only the end will grow, otherwise even ones with room left.
    private static func cut(
        _ records: [ReconciliationRecord], packed: Bool, into cut: inout [Piece]
    ) {
        let pieces = (records.count + blockCapacity - 1) / blockCapacity
        var start = 0
        for piece in 1...pieces {
            let end = packed ? min(start + blockCapacity, records.count) : records.count * piece / pieces
            cut.append(Piece(Array(records[start..<end])))
            start = end
        }
    }

    private static func lowerBound<Records: RandomAccessCollection>(
        of record: ReconciliationRecord, in records: Records
    ) -> Int where Records.Element == ReconciliationRecord, Records.Index == Int {
        partition(records.startIndex..<records.endIndex) { records[$0] < record }
    }

    /// The first index that `isBefore` is false for; it must be true before that index and false from there on.
    private static func partition(_ indices: Range<Int>, where isBefore: (Int) -> Bool) -> Int {
        var low = indices.lowerBound
        var high = indices.upperBound
        while low < high {
            let middle = low + (high - low) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
