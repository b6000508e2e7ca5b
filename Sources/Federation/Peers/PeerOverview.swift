public import Digests
import Identity

/// One node as the operator and visitors see it.
public struct PeerOverview: Sendable, Hashable {
    public enum Standing: String, Sendable, Codable {
        /// Added by the operator.
        case peer
        /// Found by this node itself, and exchanged with now.
        case found
        /// Calls this node and is exchanged with.
        case caller
        /// Called, and waits for the operator's yes.
        case waiting
        case blocked
        /// Kept away for a while because of what it did.
        case ignored
    }

    public let node: Hash32
    public let standing: Standing
    /// The number of a peer; 0 of any other node.
    public let n: Int64
    /// Empty for a node that only calls.
    public let url: String
    public let name: String
    /// Unix seconds since which it is known here, or blocked.
    public let since: UInt64
    /// Unix seconds of the last exchange that worked; 0 for never.
    public let lastContact: UInt64
    public let lastError: String
    /// Seconds since something of its stream was read; nil while no exchange is up.
    public let lag: UInt64?
    public let score: Double
    /// Posts that it was the first to bring, and posts that it took from here.
    public let postsIn: UInt64
    public let postsOut: UInt64
    /// Whole copies that it sent, of posts that were here too.
    public let copiesIn: UInt64
    /// It gets the posts of others whole.
    public let isEager: Bool
    /// Why it is blocked.
    public let reason: String
}

extension Federation {
    /// Every node that is known here: peers first, then those that this node found, nodes that call, and those that are kept away.
    public func overview() async throws(PeerStoreError) -> [PeerOverview] {
        let (known, callers, blocks) = (try await peers.peers(), try await peers.callers(), try await peers.blocks())
        let blocked = Dictionary(blocks.map { ($0.node, $0) }) { first, _ in first }
        let (book, connected, second) = (gossip.book, gossip.connected, now())
        func line(
            _ node: Hash32, _ standing: PeerOverview.Standing, _ peer: Peer? = nil, url: String = "", name: String = "",
            since: UInt64, last: UInt64
        ) -> PeerOverview {
            let record = book.records[node]
            let isUp = connected.all.contains(node)
            let isIgnored = record?.score.isIgnored(at: second) ?? false
            return PeerOverview(
                node: node, standing: blocked[node] != nil ? .blocked : isIgnored && peer == nil ? .ignored : standing,
                n: peer?.n ?? 0, url: peer?.url ?? url, name: peer?.name ?? name, since: since, lastContact: last,
                lastError: peer?.lastError ?? "", lag: isUp && last > 0 ? second - min(second, last) : nil,
                score: record?.score.value(at: second) ?? 0, postsIn: record?.postsIn ?? 0,
                postsOut: record?.postsOut ?? 0, copiesIn: record?.copiesIn ?? 0,
                isEager: connected.eager.contains(node),
                reason: blocked[node]?.reason ?? "")
        }
        var lines = known.map { line($0.node, .peer, $0, since: $0.added, last: $0.lastContact) }
        let named = Set(known.map(\.node))
        let found = neighbours.overview.filter { !named.contains($0.node) }
        lines += found.map { line($0.node, .found, url: $0.url, name: $0.name, since: $0.since, last: second) }
        let met = Set(found.map(\.node))
        lines += callers.filter { !met.contains($0.node) }.map { caller in
            let isIn = caller.isApproved || policy == .open
            return line(caller.node, isIn ? .caller : .waiting, since: caller.first, last: caller.last)
        }
        let listed = Set(lines.map(\.node))
        lines += blocks.filter { !listed.contains($0.node) }.map { line($0.node, .blocked, since: $0.since, last: 0) }
        return lines
    }

    /// A node by number, address or node id, whether it is a peer or not.
    public func nodeID(_ name: String) async throws(PeerStoreError) -> Hash32 {
        if let id = AuthorID.parse(name) { return id }
        return try await peers.find(name).node
    }

    /// Keeps a node away at once: nothing is taken from it or given to it until it is unblocked.
    public func block(_ node: Hash32, reason: String) async throws(PeerStoreError) -> PeerBlock {
        let block = try await peers.block(node, reason: reason, now: now())
        gossip.setBlocked(Set(try await peers.blocks().map(\.node)))
        hangUp(node)
        neighbours.hangUp(node)
        return block
    }

    /// False when it was not blocked.
    public func unblock(_ node: Hash32) async throws(PeerStoreError) -> Bool {
        let wasBlocked = try await peers.unblock(node)
        gossip.setBlocked(Set(try await peers.blocks().map(\.node)))
        dialSoon()
        return wasBlocked
    }
}
