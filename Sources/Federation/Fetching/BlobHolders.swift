import AsyncHTTPClient
public import Digests
import Identity
import WaggleProtocol

/// Which peers hold a blob whole, for those who hand its addresses on.
///
/// A stranger's question makes this node ask its peers, so it is bounded: few peers, one question at a time, and an answer
/// counts for a while. A question that comes meanwhile gets what is known already.
public actor BlobHolders {
    private let peers: PeerStore
    private let neighbours: Neighbours
    private let http: HTTPClient
    private let identity: NodeIdentity
    private let now: @Sendable () -> UInt64
    private var answers: [Hash32: (urls: [String], until: UInt64)] = [:]
    private var isAsking = false

    /// How long peers that stall are waited for.
    private static let patience: Duration = .seconds(2)

    init(
        peers: PeerStore, neighbours: Neighbours, http: HTTPClient, identity: NodeIdentity,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.peers = peers
        self.neighbours = neighbours
        self.http = http
        self.identity = identity
        self.now = now
    }

    /// Base URLs of peers that say they hold it, without a slash at the end.
    public func urls(of blob: Hash32) async -> [String] {
        let known = answers[blob]
        if let known, known.until > now() { return known.urls }
        guard !isAsking else { return known?.urls ?? [] }
        isAsking = true
        defer { isAsking = false }
        let urls = await ask(blob)
        if answers.count >= Limits.Torrent.keptAnswers { answers = [:] }
        answers[blob] = (urls, now() + Limits.Torrent.answerSeconds)
        return urls
    }

    private func ask(_ blob: Hash32) async -> [String] {
        let known = ((try? await peers.unblockedPeers()) ?? []).filter { $0.lastContact > 0 && !$0.url.isEmpty }
        // Those that answered lately are the likeliest to answer now.
        let newest = known.sorted { $0.lastContact > $1.lastContact }.prefix(Limits.Torrent.askedPeers)
        let typed = newest.compactMap { peer in
            (try? PeerURL(peer.url)).map { NodeClient(url: $0, http: http, identity: identity, now: now) }
        }
        let named = Set(known.map(\.node))
        let found = neighbours.blobPeers.filter { !named.contains($0.node) }.map(\.client)
        let clients = (typed + found).prefix(Limits.Torrent.askedPeers)
        let answers = await earlyAnswers(of: Array(clients), patience: Self.patience, isOfUse: { _ in true }) {
            client in
            (url: client.url.description, presence: (try? await client.have([blob]).first) ?? .none)
        }
        return answers.filter { $0.presence == .whole }.map(\.url).sorted()
    }
}
