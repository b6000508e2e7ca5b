import Digests
import FoundationEssentials
import Identity
import Logging
import PostLog
import WaggleProtocol

/// The exchange with one peer that this node dials: introduce, reconcile, then follow the peer's stream and give the peer
/// what is new here, whole or by name as `Gossip` says. Ends with an error when the connection does; the caller dials again
/// after a pause.
struct PeerSession: Sendable {
    let peer: Peer
    let client: NodeClient
    let identity: NodeIdentity
    let log: PostLog
    let store: PeerStore
    let hub: GossipHub
    let logger: Logger
    let now: @Sendable () -> UInt64
    /// Called when the first reconciliation is through.
    let onSettled: @Sendable () async -> Void
    /// Keeps how far the peer's stream was read.
    let advance: @Sendable (String) async throws -> Void

    func run() async throws {
        let card = try await client.node()
        guard card.id == peer.node else {
            throw PeerError.wrongNode(url: peer.url, expected: peer.node, found: card.id)
        }
        hub.tell(.received(card.envelopes.compactMap { try? OpenedEnvelope($0).id }, from: peer.node))
        _ = try await log.intake.submit(card.envelopes, from: source)
        try await introduce()
        let link = hub.dialled(peer.node)
        let outbox = Outbox()
        let pushFrom = log.newestSeq
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow() }
            group.addTask { try await push(after: pushFrom, outbox) }
            group.addTask { try await name(outbox) }
            group.addTask { try await act(on: link.effects, outbox) }
            // What the stream of the last session did not carry to the end.
            if !peer.cursor.isEmpty { group.addTask { try await window() } }
            // The first to fail ends the session; the others are cancelled.
            while try await group.next() != nil {}
        }
        withExtendedLifetime(link) {}
    }

    /// What the operator typed is trusted to bring what its own room let in.
    private var source: IntakeSource { peer.isTyped ? .trusted(peer.node) : .peer(peer.node) }

    /// Tells the peer this node's keys, so that it can check the signatures of our requests.
    private func introduce() async throws {
        var envelopes = identity.keyDocuments
        if let announce = try await log.post(author: identity.id, kind: .nodeAnnounce, slot: "") {
            envelopes.append(announce.envelope)
        }
        _ = try await client.offer(envelopes)
    }

    // MARK: Pull

    private func follow() async throws {
        var cursor = peer.cursor
        while true {
            do {
                if cursor.isEmpty { cursor = try await catchUp() }
                try await client.stream(cursor: cursor, byGossip: true) { frames in
                    try await take(frames.map(\.envelope).filter { !$0.isEmpty })
                    try await pull(offered: frames.compactMap { $0.id.isEmpty ? nil : Hash32($0.id) })
                    if let last = frames.last { try await advance(last.cursor) }
                }
                throw PeerError.unreachable(url: peer.url, reason: "it closed the stream")
            } catch PeerError.cursorUnknown {
                cursor = ""
            }
        }
    }

    /// Reconciles everything. The cursor is taken first, so that what the peer gets meanwhile is in the stream after it.
    private func catchUp() async throws -> String {
        let cursor = try await client.newestCursor()
        try await reconcile(.all)
        try await advance(cursor)
        await onSettled()
        return cursor
    }

    /// Hands envelopes to the intake, and asks for the keys of authors who are not known here.
    ///
    /// - Returns: posts that were put off because there were too many for the moment.
    @discardableResult
    private func take(_ envelopes: [Data]) async throws -> Set<Hash32> {
        guard !envelopes.isEmpty else { return [] }
        let ids = envelopes.map { try? OpenedEnvelope($0).id }
        hub.tell(.received(ids.compactMap { $0 }, from: peer.node))
        let results = try await log.intake.submit(envelopes, from: source)
        hub.judged(ids, results, from: peer.node)
        var strangers: Set<Hash32> = []
        var unwanted: [Hash32] = []
        var early: Set<Hash32> = []
        for (id, result) in zip(ids, results) {
            if case .rate(let seconds) = result, seconds <= Limits.Room.peerPauseSeconds, let id { early.insert(id) }
            if case .parked(let author) = result { strangers.insert(author) }
            if case .policy = result, let id { unwanted.append(id) }
            if case .invalid(let reason) = result {
                logger.notice("a post was refused", metadata: ["peer": "\(peer.url)", "reason": "\(reason)"])
            }
        }
        try await store.remember(refusals: unwanted, of: peer.node, .refusedHere, now: now())
        for author in strangers { try await fetchKeys(of: author) }
        return early
    }

    /// Set while an author's posts are fetched for the sake of its keys: those that wait all the same ask for nothing more.
    @TaskLocal private static var isFetchingKeys = false

    /// An author's genesis by its id, then what else the peer has of the author.
    private func fetchKeys(of author: Hash32) async throws {
        guard !Self.isFetchingKeys else { return }
        let genesis = try await client.posts(ids: [author])
        guard !genesis.isEmpty else { return }
        hub.tell(.received([author], from: peer.node))
        _ = try await log.intake.submit(genesis, from: source)
        try await Self.$isFetchingKeys.withValue(true) { try await reconcile(.author(author)) }
    }

    /// Asks the peer for what it named and nobody is asked for yet.
    private func pull(offered ids: [Hash32]) async throws {
        guard !ids.isEmpty else { return }
        // What was refused here lately is not asked for, so nobody waits for it.
        let wanted = try await hub.wanted(
            try await unrefused(ids, .refusedHere), offeredBy: peer.node, log: log)
        try await pull(wanted)
    }

    private func pull(_ ids: [Hash32]) async throws {
        let missing = try await fetch(try await unrefused(ids, .refusedHere))
        hub.tell(.delivered(missing: missing, from: peer.node))
    }

    // MARK: Push

    /// Gives the peer what comes into force here, as far as it does not have it.
    private func push(after start: UInt64, _ outbox: Outbox) async throws {
        var seq = start
        for await newest in log.changes() {
            while seq < newest {
                let entries = try await log.entries(after: seq, limit: 256)
                guard let last = entries.last else { break }
                seq = last.seq
                var whole: [LoggedPost] = []
                for post in entries where post.event == .shown {
                    switch hub.delivery(of: post.post.id, to: peer.node) {
                    case .whole: whole.append(post.post)
                    case .name: outbox.add([post.post.id])
                    case .nothing: break
                    }
                }
                try await offer(whole)
            }
            try Task.checkCancellation()
        }
    }

    /// Names what the peer may lack, a moment after it came into force, and sends what the peer asks for then.
    private func name(_ outbox: Outbox) async throws {
        for await _ in outbox.filled {
            try await Task.sleep(for: .milliseconds(Limits.Gossip.lazyMilliseconds))
            var due = outbox.take().filter { $0.isRepeat || hub.lacks($0.id, peer.node) }.map(\.id)[...]
            while !due.isEmpty {
                let ids = due.prefix(Limits.Wire.idsPerGet)
                due = due.dropFirst(ids.count)
                try await offer(ids: Array(ids))
            }
        }
        try Task.checkCancellation()
    }

    private func offer(ids: [Hash32]) async throws {
        let wanted = try await client.give([], naming: ids).wanted
        guard !wanted.isEmpty else { return }
        hub.tell(.requested(wanted, by: peer.node))
        try await send(wanted)
    }

    /// Carries out what the gossip wants of this peer.
    private func act(on effects: AsyncStream<Gossip.Effect>, _ outbox: Outbox) async throws {
        for await effect in effects {
            switch effect {
            case .pull(let ids, _): try await pull(ids)
            case .name(let ids, _): outbox.add(ids, isRepeat: true)
            case .reconcileWindow: try await window()
            case .reconcileAll: try await reconcile(.all)
            case .score: break
            }
        }
        try Task.checkCancellation()
    }

    private func offer(_ posts: [LoggedPost]) async throws {
        var rest = posts.filter { !$0.envelope.isEmpty }[...]
        while !rest.isEmpty {
            var bytes = 0
            let batch = rest.prefix(Self.postsAtOnce).prefix { post in
                bytes += post.envelope.count + 8
                return bytes < Limits.Wire.bodyBytes / 2
            }
            rest = rest.dropFirst(batch.count)
            let ids = batch.map(\.id)
            hub.sends(ids, to: peer.node)
            let results = try await client.give(batch.map(\.envelope), naming: []).results
            hub.answered(ids, results, by: peer.node)
            let refused = zip(ids, results).filter { $1.status == .policy }.map(\.0)
            try await store.remember(refusals: refused, of: peer.node, .refusedThere, now: now())
            for result in results where result.status == .invalid {
                logger.notice("the peer refused a post", metadata: ["peer": "\(peer.url)", "why": "\(result.reason)"])
            }
            try await sendKeys(of: Set(zip(batch, results).filter { $1.status == .parked }.map(\.0.author)))
            // More is more than it takes now; reconciliation brings the rest.
            if results.contains(where: { $0.status == .rate && $0.retryAfter <= Limits.Room.peerPauseSeconds }) {
                return
            }
        }
    }

    /// Posts of one request: what is too much for the peer is not much.
    private static let postsAtOnce = 200

    /// The peer has posts that wait for these authors' keys.
    private func sendKeys(of authors: Set<Hash32>) async throws {
        for author in authors {
            let chain = try await log.keyChainEnvelopes(of: author)
            let keys = chain.keyDocuments + chain.checkpoints
            for start in stride(from: 0, to: keys.count, by: 32) {
                _ = try await client.offer(Array(keys[start..<min(start + 32, keys.count)]))
            }
        }
    }

    // MARK: Reconcile

    private func window() async throws {
        let start = now()
        try await reconcile(.window(since: start - min(start, Limits.Gossip.windowSeconds)))
    }

    private enum Scope {
        case all
        case window(since: UInt64)
        case author(Hash32)
    }

    private func reconcile(_ scope: Scope) async throws {
        var wire = WireSyncScope()
        switch scope {
        case .all:
            wire.all = .init()
            try await reconcile(wire, log.offered.all)
        case .window(let since):
            wire.windowFrom = since
            try await reconcile(wire, ReconciliationWindow(log.offered.all, since: since))
        case .author(let author):
            wire.author = author.data
            let index = try await log.index(ofAuthor: author, limit: Limits.Reconciliation.neededIDs)
            try await reconcile(wire, index)
        }
    }

    private func reconcile(_ wire: WireSyncScope, _ set: some ReconciliationSet) async throws {
        var session = ReconciliationSession(try Negentropy(set, frameLimit: Limits.Wire.syncMessageBytes))
        var message = session.start()
        while true {
            let progress = try session.handle(try await client.sync(wire, message: message))
            try await fetch(try await unrefused(progress.need, .refusedHere))
            try await send(try await unrefused(progress.have, .refusedThere))
            guard case .send(let next) = progress.next else { return }
            message = next
        }
    }

    /// What one side refused lately is neither fetched nor offered again.
    private func unrefused(_ ids: [Hash32], _ side: PeerStore.RefusingSide) async throws -> [Hash32] {
        let refused = try await store.refusals(among: ids, of: peer.node, side, now: now())
        return refused.isEmpty ? ids : ids.filter { !refused.contains($0) }
    }

    /// Asks for posts that are not here; returns those that the peer did not give.
    @discardableResult
    private func fetch(_ ids: [Hash32]) async throws -> [Hash32] {
        let here = try await log.known(ids)
        var missing = ids.filter { !here.contains($0) }
        while !missing.isEmpty {
            // Replies are at most 1 MiB; posts are at most 66 KiB but mostly small, so the peer may send fewer than asked.
            let envelopes = try await client.posts(ids: Array(missing.prefix(Limits.Wire.idsPerGet)))
            let early = try await take(envelopes)
            let came = Set(envelopes.compactMap { try? OpenedEnvelope($0).id }).subtracting(early)
            let before = missing.count
            missing = missing.filter { !came.contains($0) }
            // It was asked for, so it is asked for again when there is room.
            if !early.isEmpty {
                try await Task.sleep(for: .seconds(1))
            } else if missing.count == before {
                break
            }
        }
        return missing
    }

    private func send(_ ids: [Hash32]) async throws {
        for start in stride(from: 0, to: ids.count, by: 500) {
            let posts = try await log.posts(ids: Array(ids[start..<min(start + 500, ids.count)]))
            // Keys first, so that the peer need not park the rest.
            try await offer(posts.values.sorted { ($0.kind.rawValue, $0.created) < ($1.kind.rawValue, $1.created) })
        }
    }
}
