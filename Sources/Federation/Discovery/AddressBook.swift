public import Digests
import WaggleProtocol

/// Addresses of nodes: those that were dialled and proved, and those that others named and are still to be tried. A value
/// that is told the time and hands out what to dial next.
///
/// At most `Limits.Peers.table` entries. Proved ones are never pushed out by unproved ones, and one source has no more than
/// `Limits.Peers.exchanged` of the unproved: a liar fills its own share.
public struct AddressBook: Sendable {
    public struct Entry: Hashable, Sendable, Codable {
        public let url: String
        /// Who answered there last; nil before it was dialled.
        public var node: Hash32?
        /// Who named it; nil for the configuration.
        public var source: Hash32?
        /// Unix seconds of the last time that it answered; 0 for never.
        public var provedAt: UInt64 = 0
        /// Unix seconds since which it does not answer; 0 while it does.
        public var failingSince: UInt64 = 0
        public var failures = 0
        /// Unix seconds before which it is not tried again.
        public var nextTry: UInt64 = 0
        /// Where in the node's stream this node has read to; nil before the first reconciliation.
        public var cursor: String?
        /// Dialled before all others after a restart; nil for no.
        public var isAnchor: Bool?
    }

    public private(set) var entries: [String: Entry] = [:]

    public init(_ entries: [Entry] = []) {
        for entry in entries.prefix(Limits.Peers.table) { self.entries[entry.url] = entry }
    }

    /// Addresses that answered lately, the latest first.
    public var proved: [Entry] {
        entries.values.filter { $0.provedAt > 0 && $0.failingSince == 0 }
            .sorted { ($1.provedAt, $0.url) < ($0.provedAt, $1.url) }
    }

    /// Somebody named addresses. Those that are known stay as they are.
    public mutating func learn(_ urls: [String], from source: Hash32?, now: UInt64) {
        var share = entries.values.count { $0.source == source && $0.provedAt == 0 }
        for url in urls.prefix(Limits.Peers.exchanged) where entries[url] == nil {
            guard share < Limits.Peers.exchanged, makeRoom(now) else { return }
            entries[url] = Entry(url: url, source: source)
            share += 1
        }
    }

    /// A node answered at an address. A node has one: what it answered at before is given up.
    public mutating func prove(_ url: String, node: Hash32, now: UInt64) {
        for (other, entry) in entries where entry.node == node && other != url { entries[other] = nil }
        guard entries[url] != nil || makeRoom(now) else { return }
        var entry = entries[url] ?? Entry(url: url)
        (entry.node, entry.provedAt, entry.failingSince, entry.failures) = (node, now, 0, 0)
        entry.nextTry = now
        entries[url] = entry
    }

    /// An address did not answer as a node does. It is tried again after a pause that doubles, up to an hour, each drawn
    /// between two thirds and the whole of it; after two weeks it is forgotten.
    public mutating func fail(_ url: String, now: UInt64, random: inout some RandomNumberGenerator) {
        guard var entry = entries[url] else { return }
        entry.failures += 1
        if entry.failingSince == 0 { entry.failingSince = max(now, 1) }
        if entry.provedAt == 0 ? entry.failures >= 5 : now >= entry.failingSince + Limits.Peers.forgottenSeconds {
            entries[url] = nil
            return
        }
        let doubled = Limits.Peers.backoffSeconds << UInt64(min(entry.failures, 20))
        let pause = min(doubled, Limits.Peers.backoffSecondsAtMost)
        entry.nextTry = now + UInt64.random(in: max(1, pause * 2 / 3)...pause, using: &random)
        entries[url] = entry
    }

    /// The stream of the node at an address was read up to here.
    public mutating func advance(_ url: String, cursor: String) {
        entries[url]?.cursor = cursor
    }

    /// Says which addresses are to be dialled first after a restart: whoever waits for that moment to surround this node
    /// with its own finds some places taken.
    public mutating func setAnchors(_ urls: [String]) {
        let urls = Set(urls.prefix(Limits.Peers.anchors))
        for url in entries.keys {
            let isAnchor = urls.contains(url)
            if (entries[url]?.isAnchor == true) != isAnchor { entries[url]?.isAnchor = isAnchor ? true : nil }
        }
    }

    /// Up to `count` addresses to dial now, none of a node in `except`: anchors first, and of the others half proved ones,
    /// where there are any.
    public func candidates(
        _ count: Int, except nodes: Set<Hash32>, now: UInt64, random: inout some RandomNumberGenerator
    ) -> [Entry] {
        let due = entries.values.filter { entry in
            entry.nextTry <= now && !(entry.node.map { nodes.contains($0) } ?? false)
        }.sorted { $0.url < $1.url }
        let (anchors, others) = (due.filter { $0.isAnchor == true }, due.filter { $0.isAnchor != true })
        var known = others.filter { $0.provedAt > 0 }.shuffled(using: &random)[...]
        var fresh = others.filter { $0.provedAt == 0 }.shuffled(using: &random)[...]
        var chosen = Array(anchors.prefix(max(0, count)))
        while chosen.count < count, !known.isEmpty || !fresh.isEmpty {
            let takesKnown = chosen.count % 2 == 0 ? !known.isEmpty : fresh.isEmpty
            if let entry = takesKnown ? known.popFirst() : fresh.popFirst() { chosen.append(entry) }
        }
        return chosen
    }

    /// False when there is nothing that may go.
    private mutating func makeRoom(_ now: UInt64) -> Bool {
        guard entries.count >= Limits.Peers.table else { return true }
        let victims = entries.values.filter { $0.provedAt == 0 || $0.failingSince > 0 }
        let worst = victims.max { left, right in
            let (a, b) = (left.provedAt == 0, right.provedAt == 0)
            return a != b ? b : (left.failures, left.url) < (right.failures, right.url)
        }
        guard let worst else { return false }
        entries[worst.url] = nil
        return true
    }
}
