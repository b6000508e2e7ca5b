import Digests
import FoundationEssentials
import Identity
import Logging
import PostLog
import WaggleProtocol

/// The exchange with one peer that this node dials: introduce, reconcile, then follow the peer's stream and push what is
/// new here. Ends with an error when the connection does; the caller dials again after a pause.
struct PeerSession: Sendable {
    let peer: Peer
    let client: NodeClient
    let identity: NodeIdentity
    let log: PostLog
    let store: PeerStore
    let logger: Logger
    let now: @Sendable () -> UInt64
    /// Called when the first reconciliation is through.
    let onSettled: @Sendable () async -> Void

    /// Reconciliation looks back so far while the stream works.
    static let windowSeconds: UInt64 = 48 * 3600
    static let reconcileEvery: Duration = .seconds(60)

    func run() async throws {
        let card = try await client.node()
        guard card.id == peer.node else {
            throw PeerError.wrongNode(url: peer.url, expected: peer.node, found: card.id)
        }
        _ = try await log.intake.submit(card.envelopes, from: .peer(peer.node))
        try await introduce()
        // Only what the peer told us in this session: it need not be told again. Older repeats cost one `have` each.
        let heard = RecentIDs(capacity: 1 << 16)
        let pushFrom = log.newestSeq
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow(heard) }
            group.addTask { try await push(after: pushFrom, heard) }
            group.addTask { try await reconcileAgain(heard) }
            // The first to end ends the session; the others are cancelled.
            try await group.next()
            group.cancelAll()
        }
    }

    /// Tells the peer this node's keys, so that it can check the signatures of our requests.
    private func introduce() async throws {
        var envelopes = identity.keyDocuments
        if let announce = try await log.post(author: identity.id, kind: .nodeAnnounce, slot: "") {
            envelopes.append(announce.envelope)
        }
        _ = try await client.offer(envelopes)
    }

    // MARK: Pull

    private func follow(_ heard: RecentIDs) async throws {
        var cursor = peer.cursor
        while true {
            do {
                if cursor.isEmpty { cursor = try await catchUp(heard) }
                try await client.stream(cursor: cursor) { frames in
                    try await take(frames.map(\.envelope).filter { !$0.isEmpty }, heard)
                    if let last = frames.last { try await store.advance(peer.node, cursor: last.cursor, now: now()) }
                }
                throw PeerError.unreachable(url: peer.url, reason: "it closed the stream")
            } catch PeerError.cursorUnknown {
                cursor = ""
            }
        }
    }

    /// Reconciles everything. The cursor is taken first, so that what the peer gets meanwhile is in the stream after it.
    private func catchUp(_ heard: RecentIDs) async throws -> String {
        let cursor = try await client.newestCursor()
        try await reconcile(.all, heard)
        try await store.advance(peer.node, cursor: cursor, now: now())
        await onSettled()
        return cursor
    }

    /// Hands envelopes to the intake, and asks for the keys of authors who are not known here.
    private func take(_ envelopes: [Data], _ heard: RecentIDs) async throws {
        guard !envelopes.isEmpty else { return }
        let results = try await log.intake.submit(envelopes, from: .peer(peer.node))
        for envelope in envelopes {
            if let post = try? UnverifiedPost(envelope: envelope) { heard.insert(post.id) }
        }
        var strangers: Set<Hash32> = []
        for result in results {
            if case .parked(let author) = result { strangers.insert(author) }
            if case .invalid(let reason) = result {
                logger.notice("a post was refused", metadata: ["peer": "\(peer.url)", "reason": "\(reason)"])
            }
        }
        for author in strangers { try await fetchKeys(of: author, heard) }
    }

    /// An author's genesis by its id, then what else the peer has of the author.
    private func fetchKeys(of author: Hash32, _ heard: RecentIDs) async throws {
        let genesis = try await client.posts(ids: [author])
        guard !genesis.isEmpty else { return }
        _ = try await log.intake.submit(genesis, from: .peer(peer.node))
        try await reconcile(.author(author), heard)
    }

    // MARK: Push

    /// Offers what comes into force here, except what the peer itself sent.
    private func push(after start: UInt64, _ heard: RecentIDs) async throws {
        var seq = start
        for await newest in log.changes() {
            while seq < newest {
                let entries = try await log.entries(after: seq, limit: 256)
                guard let last = entries.last else { break }
                seq = last.seq
                let fresh = entries.filter { $0.event == .shown && !heard.contains($0.post.id) }
                try await offer(fresh.map(\.post.envelope))
            }
            try Task.checkCancellation()
        }
    }

    private func offer(_ envelopes: [Data]) async throws {
        var rest = envelopes.filter { !$0.isEmpty }[...]
        while !rest.isEmpty {
            var bytes = 0
            let batch = rest.prefix { envelope in
                bytes += envelope.count + 8
                return bytes < Limits.Wire.bodyBytes / 2
            }
            rest = rest.dropFirst(batch.count)
            let results = try await client.offer(Array(batch))
            for result in results where result.status == .invalid {
                logger.notice("the peer refused a post", metadata: ["peer": "\(peer.url)", "why": "\(result.reason)"])
            }
        }
    }

    // MARK: Reconcile

    private func reconcileAgain(_ heard: RecentIDs) async throws {
        while true {
            try await Task.sleep(for: Self.reconcileEvery)
            try await reconcile(.window(since: now() - Self.windowSeconds), heard)
        }
    }

    private enum Scope {
        case all
        case window(since: UInt64)
        case author(Hash32)
    }

    private func reconcile(_ scope: Scope, _ heard: RecentIDs) async throws {
        var wire = WireSyncScope()
        switch scope {
        case .all:
            wire.all = .init()
            try await reconcile(wire, log.offered.all, heard)
        case .window(let since):
            wire.windowFrom = since
            try await reconcile(wire, ReconciliationWindow(log.offered.all, since: since), heard)
        case .author(let author):
            wire.author = author.data
            let index = try await log.index(ofAuthor: author, limit: Limits.Reconciliation.neededIDs)
            try await reconcile(wire, index, heard)
        }
    }

    private func reconcile(_ wire: WireSyncScope, _ set: some ReconciliationSet, _ heard: RecentIDs) async throws {
        var session = ReconciliationSession(try Negentropy(set, frameLimit: Limits.Wire.syncMessageBytes))
        var message = session.start()
        while true {
            let progress = try session.handle(try await client.sync(wire, message: message))
            try await fetch(progress.need, heard)
            try await send(progress.have)
            guard case .send(let next) = progress.next else { return }
            message = next
        }
    }

    private func fetch(_ ids: [Hash32], _ heard: RecentIDs) async throws {
        let here = try await log.known(ids)
        var missing = ids.filter { !here.contains($0) }[...]
        while !missing.isEmpty {
            // Replies are at most 1 MiB; posts are at most 66 KiB but mostly small, so the peer may send fewer than asked.
            let envelopes = try await client.posts(ids: Array(missing.prefix(Limits.Wire.idsPerGet)))
            try await take(envelopes, heard)
            let came = Set(envelopes.compactMap { try? UnverifiedPost(envelope: $0).id })
            let before = missing.count
            missing = missing.filter { !came.contains($0) }[...]
            guard missing.count < before else { return }
        }
    }

    private func send(_ ids: [Hash32]) async throws {
        for start in stride(from: 0, to: ids.count, by: 500) {
            let posts = try await log.posts(ids: Array(ids[start..<min(start + 500, ids.count)]))
            // Keys first, so that the peer need not park the rest.
            let ordered = posts.values.sorted { ($0.kind.rawValue, $0.created) < ($1.kind.rawValue, $1.created) }
            try await offer(ordered.map(\.envelope))
        }
    }
}
