public import Digests

/// A sorted set of records that a reconciliation runs over. A rank is a position in that order, from 0.
///
/// `ReconciliationIndex` is the one that lasts; `ReconciliationWindow` shows the recent part of another set.
public protocol ReconciliationSet: Sendable {
    var count: Int { get }

    /// The record at `rank`, which must be below `count`.
    subscript(rank: Int) -> ReconciliationRecord { get }

    /// The rank of the first record that is not below `bound`; `count` when all are. An id prefix is asked for as the id
    /// that has zeros in the place of the bytes left out.
    func lowerBound(of bound: ReconciliationRecord) -> Int

    /// The sum of the ids at `ranks`, which must lie in `0..<count`.
    func sum(of ranks: Range<Int>) -> ReconciliationSum

    /// Calls `body` with the id at each of `ranks`, in order.
    func forEachID(in ranks: Range<Int>, _ body: (Hash32) -> Void)
}

/// The records of another set that were created at a given time or later.
public struct ReconciliationWindow<Base: ReconciliationSet>: ReconciliationSet {
    private let base: Base
    private let first: Int

    /// Both sides of a reconciliation must use the same `start` (unix seconds).
    public init(_ base: Base, since start: UInt64) {
        self.base = base
        first = base.lowerBound(of: ReconciliationRecord(created: start, id: .zero))
    }

    public var count: Int { base.count - first }

    public subscript(rank: Int) -> ReconciliationRecord {
        base[first + rank]
    }

    public func lowerBound(of bound: ReconciliationRecord) -> Int {
        max(base.lowerBound(of: bound), first) - first
    }

    public func sum(of ranks: Range<Int>) -> ReconciliationSum {
        base.sum(of: shifted(ranks))
    }

    public func forEachID(in ranks: Range<Int>, _ body: (Hash32) -> Void) {
        base.forEachID(in: shifted(ranks), body)
    }

    private func shifted(_ ranks: Range<Int>) -> Range<Int> {
        ranks.lowerBound + first..<ranks.upperBound + first
    }
}
