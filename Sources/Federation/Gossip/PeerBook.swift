public import Digests
import WaggleProtocol

/// What is remembered of the conduct of nodes, at most `Limits.Peers.table` of them.
public struct PeerBook: Sendable {
    public struct Record: Hashable, Sendable, Codable {
        public var score = PeerScore()
        /// Posts that it was the first to bring, and posts that it took from here.
        public var postsIn: UInt64 = 0
        public var postsOut: UInt64 = 0
        /// Whole copies that it sent, of posts that were here too.
        public var copiesIn: UInt64 = 0
        /// Unix seconds.
        public var firstSeen: UInt64 = 0
        public var lastSeen: UInt64 = 0
    }

    public private(set) var records: [Hash32: Record] = [:]

    public init(_ records: [Hash32: Record] = [:]) {
        self.records = records
    }

    public func value(of peer: Hash32, at now: UInt64) -> Double {
        records[peer]?.score.value(at: now) ?? 0
    }

    public func isIgnored(_ peer: Hash32, at now: UInt64) -> Bool {
        records[peer]?.score.isIgnored(at: now) ?? false
    }

    public mutating func note(_ deed: PeerDeed, count: Int = 1, by peer: Hash32, now: UInt64) {
        change(peer, now) { _ = $0.score.note(deed, count: count, now: now) }
    }

    /// - Parameter copies: whole copies, of which `count` were stored.
    public mutating func countIn(_ count: Int, copies: Int, from peer: Hash32, now: UInt64) {
        change(peer, now) { record in
            record.postsIn += UInt64(count)
            record.copiesIn += UInt64(copies)
        }
    }

    public mutating func countOut(_ count: Int, to peer: Hash32, now: UInt64) {
        change(peer, now) { $0.postsOut += UInt64(count) }
    }

    private mutating func change(_ peer: Hash32, _ now: UInt64, _ body: (inout Record) -> Void) {
        if records[peer] == nil, records.count >= Limits.Peers.table { makeRoom(now) }
        var record = records[peer] ?? Record(firstSeen: now)
        record.lastSeen = max(record.lastSeen, now)
        body(&record)
        records[peer] = record
    }

    /// Forgets an eighth: whom nothing was heard of for longest, those that are ignored last.
    private mutating func makeRoom(_ now: UInt64) {
        let order = records.sorted { left, right in
            let (a, b) = (left.value, right.value)
            if a.score.isIgnored(at: now) != b.score.isIgnored(at: now) { return b.score.isIgnored(at: now) }
            return a.lastSeen != b.lastSeen ? a.lastSeen < b.lastSeen : left.key < right.key
        }
        for (peer, _) in order.prefix(max(1, records.count / 8)) { records[peer] = nil }
    }
}
