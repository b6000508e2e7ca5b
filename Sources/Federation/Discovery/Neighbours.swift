import AsyncHTTPClient
import Digests
import Logging
import Synchronization
import WaggleProtocol

/// Nodes that this one found by itself: named by peers, or by the configuration's list of first addresses. Posts are
/// exchanged with up to eight of them, no two in one neighbourhood.
///
/// Their addresses are strangers' words: each is resolved once, refused when it leads to an address that is not public, and
/// connected to there and nowhere else.
final class Neighbours: Sendable {
    private struct Session {
        let url: String
        let name: String
        let places: Set<Neighbourhood>
        /// Unix seconds.
        let since: UInt64
        let client: NodeClient
        let task: Task<Void, Never>
    }

    private struct State {
        var book = AddressBook()
        var sessions: [Hash32: Session] = [:]
        var askedAt: [Hash32: UInt64] = [:]
    }

    private let state = Mutex(State())

    /// Addresses that answered lately.
    var proved: [String] { state.withLock { $0.book.proved.map(\.url) } }

    /// Nodes that are talked to now.
    var nodes: Set<Hash32> { state.withLock { Set($0.sessions.keys) } }

    /// The same, for the operator's eyes.
    var overview: [Overview] {
        state.withLock { state in
            state.sessions.map { Overview(node: $0.key, url: $0.value.url, name: $0.value.name, since: $0.value.since) }
                .sorted { ($0.since, $0.url) < ($1.since, $1.url) }
        }
    }

    struct Overview {
        let node: Hash32
        let url: String
        let name: String
        /// Unix seconds.
        let since: UInt64
    }

    /// Ends the exchange with a node, where there is one.
    func hangUp(_ node: Hash32) { state.withLock { $0.sessions[node] }?.task.cancel() }

    /// The same, to be asked for blobs: each is connected to at the address that was looked at, as its session is.
    var blobPeers: [BlobPeer] {
        state.withLock { $0.sessions.map { BlobPeer(node: $0.key, client: $0.value.client) } }
    }

    /// Looks for nodes and talks to them until the task is cancelled.
    func run(_ federation: Federation, first addresses: [String]) async {
        let loaded = (try? await federation.peers.loadAddresses()) ?? AddressBook()
        state.withLock { state in
            state.book = loaded
            state.book.learn(addresses, from: nil, now: federation.now())
        }
        var isCancelled = false
        while !isCancelled {
            // Who is kept away because of what it sent is not listened to either.
            for node in nodes where federation.gossip.isIgnored(node) { hangUp(node) }
            await ask(federation)
            await fill(federation)
            let book = state.withLock { state in
                // The longest up are the likeliest to be there again.
                let longest = state.sessions.values.sorted { ($0.since, $0.url) < ($1.since, $1.url) }
                if !longest.isEmpty { state.book.setAnchors(longest.map(\.url)) }
                return state.book
            }
            try? await federation.peers.save(book)
            isCancelled = (try? await Task.sleep(for: .seconds(30))) == nil
        }
        let tasks = state.withLock { state in
            defer { state.sessions = [:] }
            return state.sessions.values.map(\.task)
        }
        for task in tasks {
            task.cancel()
            await task.value
        }
    }

    /// Asks peers in good standing for addresses, each once an hour.
    private func ask(_ federation: Federation) async {
        let (now, scores) = (federation.now(), federation.gossip.book)
        for peer in (try? await federation.peers.unblockedPeers()) ?? [] {
            let asked = state.withLock { $0.askedAt[peer.node] ?? 0 }
            guard peer.lastContact > 0, asked + Limits.Peers.exchangeSeconds <= now,
                scores.value(of: peer.node, at: now) >= 0, let url = try? PeerURL(peer.url)
            else { continue }
            state.withLock { $0.askedAt[peer.node] = now }
            if let urls = try? await federation.client(for: url).peerAddresses() { learn(urls, from: peer.node, now) }
        }
    }

    private func learn(_ urls: [String], from node: Hash32, _ now: UInt64) {
        // In the one form that each has.
        let sound = urls.compactMap { (try? PeerURL($0))?.description }
        state.withLock { $0.book.learn(sound, from: node, now: now) }
    }

    private func fill(_ federation: Federation) async {
        let known = (try? await federation.peers.peers()) ?? []
        let typed = known.filter { !$0.url.isEmpty }.count
        let goal = max(4, Limits.Peers.outbound - typed)
        var except = Set(known.map(\.node))
        except.insert(federation.identity.id)
        let chosen = state.withLock { state in
            var random = SystemRandomNumberGenerator()
            let missing = goal - state.sessions.count
            return state.book.candidates(
                min(max(0, missing), 4), except: except.union(state.sessions.keys), now: federation.now(),
                random: &random)
        }
        for entry in chosen where !Task.isCancelled {
            do {
                try await meet(entry.url, except: except, federation)
            } catch {
                federation.logger.info("an address does not do", metadata: ["url": "\(entry.url)", "why": "\(error)"])
                state.withLock { state in
                    var random = SystemRandomNumberGenerator()
                    state.book.fail(entry.url, now: federation.now(), random: &random)
                }
            }
        }
    }

    private func meet(_ text: String, except: Set<Hash32>, _ federation: Federation) async throws {
        let url = try PeerURL(text)
        let dial = try await Dial.decide(url, from: .stranger, resolver: SystemResolver())
        guard case .pinned(_, let addresses) = dial else { return }
        let places = Neighbourhood.all(of: url, addresses)
        let isFree = state.withLock { state in state.sessions.values.allSatisfy { $0.places.isDisjoint(with: places) } }
        guard isFree else { return }
        let http = federation.pinnedHTTP(url, addresses)
        let client = federation.client(for: url, over: http)
        let card: NodeCard
        do {
            card = try await client.node()
        } catch {
            try? await http.shutdown()
            throw error
        }
        let now = federation.now()
        state.withLock { $0.book.prove(url.description, node: card.id, now: now) }
        let isBlocked = (try? await federation.peers.isBlocked(card.id)) ?? false
        guard !except.contains(card.id), !isBlocked, !federation.gossip.isIgnored(card.id), !nodes.contains(card.id)
        else {
            try? await http.shutdown()
            return
        }
        let address = url.description
        let peer = Peer(
            n: 0, node: card.id, url: address, name: card.name, added: now, isTyped: false,
            cursor: state.withLock { $0.book.entries[address]?.cursor ?? "" }, lastContact: now, lastError: "")
        let task = Task { [weak self] in
            await federation.exchange(with: peer, client) { [weak self] cursor in
                self?.state.withLock { $0.book.advance(address, cursor: cursor) }
            }
            try? await http.shutdown()
            self?.state.withLock { state in
                state.sessions[card.id] = nil
                var random = SystemRandomNumberGenerator()
                state.book.fail(address, now: federation.now(), random: &random)
            }
        }
        let session = Session(url: address, name: card.name, places: places, since: now, client: client, task: task)
        state.withLock { $0.sessions[card.id] = session }
    }
}
