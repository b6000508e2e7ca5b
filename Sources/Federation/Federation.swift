public import AsyncHTTPClient
public import BlobStore
public import Catalog
import Digests
import FoundationEssentials
import Identity
public import Logging
public import Moderation
import NIOCore
public import PostLog
import Synchronization

/// This node among other nodes: its peers, the exchange of posts with them, and the copies it keeps of their blobs.
public final class Federation: Sendable {
    public let peers: PeerStore
    public let fetcher: BlobFetcher
    public let holders: BlobHolders
    /// Who gets new posts, and how peers behave.
    public let gossip: GossipHub
    /// Which nodes that call here are exchanged with.
    public var policy: FollowPolicy { policyNow.withLock { $0 } }
    private let policyNow: Mutex<FollowPolicy>
    /// Nodes that this one found by itself.
    let neighbours = Neighbours()
    private let firstAddresses: [String]
    let identity: NodeIdentity
    let log: PostLog
    let catalog: Catalog
    let blobs: BlobStore
    let moderation: Moderation
    let http: HTTPClient
    let logger: Logger
    let now: @Sendable () -> UInt64
    private let clock: any Clock<Duration>
    private let admit: NodeClient.Admit
    /// What the answers of other nodes tell of this one's clock.
    public let clocks = PeerClocks()
    private let mirrorActivity = MirrorActivity()
    private let dialling = Mutex<[Hash32: Task<Void, Never>]>([:])
    private let (wakeups, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    public init(
        peers: PeerStore, identity: NodeIdentity, log: PostLog, catalog: Catalog, blobs: BlobStore,
        moderation: Moderation, http: HTTPClient, logger: Logger, now: @escaping @Sendable () -> UInt64,
        clock: any Clock<Duration> = ContinuousClock(), receiving: TransferLimiter = TransferLimiter(),
        policy: FollowPolicy = .open, firstAddresses: [String] = []
    ) {
        self.firstAddresses = firstAddresses
        policyNow = Mutex(policy)
        self.peers = peers
        self.identity = identity
        self.log = log
        self.catalog = catalog
        self.blobs = blobs
        self.moderation = moderation
        self.http = http
        self.logger = logger
        self.now = now
        self.clock = clock
        gossip = GossipHub(seconds: now)
        holders = BlobHolders(peers: peers, neighbours: neighbours, http: http, identity: identity, now: now)
        let admit: NodeClient.Admit = { try await receiving.admit($0, for: .current, peer: $1) }
        self.admit = admit
        let mirrors = ReleaseMirrors(
            catalog: catalog, moderation: moderation, peers: peers, logger: logger, admit: admit)
        let (gossip, neighbours) = (gossip, neighbours)
        let brought: @Sendable (Hash32, Int) -> Void = { gossip.note(.goodBytes($1), by: $0) }
        fetcher = BlobFetcher(store: blobs, logger: logger, brought: brought) { [peers, http, identity, now] node in
            let known = (try? await peers.unblockedPeers()) ?? []
            let typed = known.compactMap { peer in
                (try? PeerURL(peer.url)).map { url in
                    let client = NodeClient(url: url, http: http, identity: identity, now: now, admit: admit)
                    return BlobPeer(node: peer.node, client: client)
                }
            }
            let named = Set(typed.map(\.node))
            let all = typed + neighbours.blobPeers.filter { !named.contains($0.node) }
            return all.filter { node == nil || $0.node == node }
        } mirrors: { wanted in
            await mirrors.open(for: wanted)
        } weights: { wanted in
            await mirrors.weights(of: wanted)
        }
    }

    /// Another policy from now on. Connections that stand are not cut by it.
    public func setPolicy(_ policy: FollowPolicy) {
        policyNow.withLock { $0 = policy }
    }

    /// A client for a node at an address that the operator typed.
    public func client(for url: PeerURL) -> NodeClient {
        client(for: url, over: http)
    }

    /// Waits for another node no longer than `patience`, however often it sends a byte: then what `body` does is cancelled.
    ///
    /// - Throws: what `body` throws; `late` when it takes too long.
    public func waiting<Value: Sendable>(
        _ patience: Duration, orThrow late: some Error, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await body() }
            group.addTask { [clock] in
                try await clock.sleep(for: patience)
                throw late
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    func client(for url: PeerURL, over http: HTTPClient) -> NodeClient {
        NodeClient(url: url, http: http, identity: identity, now: now, admit: admit, clocks: clocks)
    }

    // MARK: Peers

    /// Reads who answers at an address, without adding it.
    public func probe(_ text: String) async throws(PeerError) -> (url: PeerURL, card: NodeCard) {
        let url: PeerURL
        do throws(PeerURLError) {
            url = try PeerURL(text.contains("://") ? text : "http://" + text)
        } catch {
            throw .invalidAddress(text, reason: "\(error)")
        }
        let card = try await client(for: url).node()
        guard card.id != identity.id else { throw .ownNode(url: url.description) }
        return (url, card)
    }

    /// Adds a peer and begins to talk to it.
    public func add(_ card: NodeCard, at url: PeerURL) async throws(PeerStoreError) -> Peer {
        // Until the peer knows this node's keys it refuses every question; the next command may ask one. A peer that does
        // not take them says so again when the exchange begins, and that is what `peer ls` shows.
        _ = try? await client(for: url).offer(identity.keyDocuments)
        let peer = try await peers.add(node: card.id, url: url.description, name: card.name, typed: true, now: now())
        wake.yield()
        return peer
    }

    public func remove(_ name: String) async throws(PeerStoreError) -> Peer {
        let peer = try await peers.remove(name)
        dialling.withLock { $0.removeValue(forKey: peer.node) }?.cancel()
        return peer
    }

    /// Ends the exchange with a node; `dialSoon` begins it again where that is due.
    func hangUp(_ node: Hash32) {
        dialling.withLock { $0.removeValue(forKey: node) }?.cancel()
    }

    func dialSoon() { wake.yield() }

    // MARK: Running

    /// Talks to every peer, works the mirror rules and keeps the store sound until the task is cancelled.
    public func run() async {
        wake.yield()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.dialPeers() }
            group.addTask { await self.gossip.run() }
            group.addTask { await self.keepBook() }
            if policy != .closed { group.addTask { await self.neighbours.run(self, first: self.firstAddresses) } }
            group.addTask { await self.keepMirroring() }
            group.addTask { await self.storeKeeper.run() }
            await group.waitForAll()
        }
    }

    /// Keeps what is known of the conduct of peers over a restart.
    private func keepBook() async {
        if let book = try? await peers.loadBook() { gossip.load(book) }
        if let blocks = try? await peers.blocks() { gossip.setBlocked(Set(blocks.map(\.node))) }
        var isCancelled = false
        while !isCancelled {
            isCancelled = (try? await Task.sleep(for: .seconds(60))) == nil
            try? await peers.save(gossip.book)
        }
    }

    /// Keeps one dialling task for each peer that has an address.
    private func dialPeers() async {
        await withDiscardingTaskGroup { group in
            for await _ in wakeups {
                let known = (try? await peers.peers()) ?? []
                for peer in known where !peer.url.isEmpty {
                    guard !Task.isCancelled, let task = startDialling(peer.node) else { continue }
                    group.addTask {
                        await withTaskCancellationHandler {
                            await task.value
                        } onCancel: {
                            task.cancel()
                        }
                    }
                }
                if Task.isCancelled { return }
            }
        }
    }

    /// Nil while the peer is dialled already.
    private func startDialling(_ node: Hash32) -> Task<Void, Never>? {
        dialling.withLock { dialling in
            guard dialling[node] == nil else { return nil }
            let task = Task {
                await self.talk(to: node)
                // It may get another address, and be dialled again.
                guard !Task.isCancelled else { return }
                self.dialling.withLock { _ = $0.removeValue(forKey: node) }
            }
            dialling[node] = task
            return task
        }
    }

    /// Dials one peer again and again, with growing pauses while it does not answer.
    private func talk(to node: Hash32) async {
        var backoff = Backoff()
        while !Task.isCancelled {
            let known: Peer?
            do {
                known = try await peers.peer(node: node)
            } catch {
                logger.warning("peers cannot be read", metadata: ["why": "\(error)"])
                guard (try? await Task.sleep(for: backoff.next())) != nil else { return }
                continue
            }
            guard let peer = known, let url = try? PeerURL(peer.url) else { return }
            let isListed = moderation.takedown(ofNode: node) != nil || moderation.refuses(url)
            let isBlocked = (try? await peers.isBlocked(node)) ?? isListed || isListed
            if isBlocked {
                guard (try? await Task.sleep(for: .seconds(60))) != nil else { return }
                continue
            }
            let session = PeerSession(
                peer: peer, client: client(for: url), identity: identity, log: log, store: peers, hub: gossip,
                logger: logger,
                now: now, onSettled: { [wakeMirrors] in wakeMirrors.yield() },
                advance: { [peers, now] in try await peers.advance(node, cursor: $0, now: now()) })
            let began = now()
            do {
                try await session.run()
            } catch is CancellationError {
                return
            } catch {
                let words = Self.words(error)
                logger.info("exchange ended", metadata: ["peer": "\(peer.url)", "why": "\(words)"])
                try? await peers.note(node, error: words)
            }
            if now() >= began + 60 { backoff = Backoff() }
            guard (try? await Task.sleep(for: backoff.next())) != nil else { return }
        }
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let error as PeerError: error.message
        case let error as PeerStoreError: error.message
        case let error as PostLogError: error.message
        case let error as NegentropyError: "its reconciliation makes no sense: \(error)"
        default: "\(error)"
        }
    }

    // MARK: Mirroring

    let (mirrorWakeups, wakeMirrors) = AsyncStream.makeStream(
        of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// Works the rules whenever the log has grown, a peer has settled, or a rule was added.
    private func keepMirroring() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in self.log.changes() { self.wakeMirrors.yield() }
            }
            group.addTask {
                // What failed is tried again even when nothing new arrives.
                while (try? await Task.sleep(for: .seconds(60))) != nil { self.wakeMirrors.yield() }
            }
            for await _ in mirrorWakeups {
                if Task.isCancelled { break }
                await catalog.waitUntilApplied(log.newestSeq)
                do {
                    _ = try await mirrorRunner.run { _, _, _ in }
                } catch {
                    logger.notice("mirroring stopped", metadata: ["why": "\(error)"])
                }
            }
            group.cancelAll()
        }
    }

    /// The runner of this node's rules.
    public var mirrorRunner: MirrorRunner {
        let survey = MirrorSurvey(peers: peers, catalog: catalog, blobs: blobs, moderation: moderation) { [self] in
            await fetcher.peers(nil).map { ($0.node, $0.client) }
        }
        return MirrorRunner(survey: survey, fetcher: fetcher, activity: mirrorActivity, logger: logger, now: now)
    }

    /// The rules have changed: look at once.
    public func mirrorSoon() { wakeMirrors.yield() }

    /// Pauses or resumes a rule, or all when `n` is nil. What is under way for a paused rule stops within moments; its
    /// verified units stay.
    public func setMirrors(_ n: Int64?, paused: Bool) async throws(PeerStoreError) -> [MirrorRule] {
        let chosen = try await mirrorRules(n)
        for rule in chosen { try await peers.setMirrorRule(rule.n, paused: paused) }
        if paused { mirrorActivity.interrupt() }
        wakeMirrors.yield()
        return try await mirrorRules(n)
    }

    /// Forgets a rule. What it fetched stays until room is needed.
    public func removeMirror(_ n: Int64) async throws -> MirrorRule {
        let rule = try await mirrorRules(n)[0]
        try await peers.removeMirrorRule(n)
        mirrorActivity.interrupt()
        try await blobs.unpinAll(rule.pin)
        wakeMirrors.yield()
        return rule
    }

    private func mirrorRules(_ n: Int64?) async throws(PeerStoreError) -> [MirrorRule] {
        let rules = try await peers.mirrorRules()
        guard let n else { return rules }
        guard let rule = rules.first(where: { $0.n == n }) else { throw .noSuchRule(n) }
        return [rule]
    }

    /// How each rule stands: a plan for which no peer is asked, and what is going on.
    public func mirrorStatus() async throws -> [MirrorStatus] {
        let plan = try await mirrorRunner.survey.plan(asking: false)
        let parts = mirrorActivity.parts
        let second = now()
        return plan.rules.map { rule in
            MirrorStatus(rule, unfit: plan.unfit, part: parts[rule.rule.n], at: second)
        }
    }
}

/// Pauses between tries: 1 s doubling to 5 minutes, each shortened at random by up to a third so that nodes that lost one
/// peer together do not come back together.
struct Backoff {
    private var seconds = 1.0

    mutating func next() -> Duration {
        defer { seconds = min(seconds * 2, 300) }
        return .seconds(seconds * .random(in: 0.67...1))
    }
}
