public import Digests
public import PostLog
import Synchronization
import WaggleProtocol

/// The one `Gossip` of a node, for all its connections, and what is known of each peer's conduct.
///
/// Whoever dials or serves a peer takes a `GossipLink` while the connection is up. `run` moves the time.
public final class GossipHub: Sendable {
    private struct State {
        var gossip: Gossip
        var book = PeerBook()
        var blocked: Set<Hash32> = []
        var nextTicket: UInt64 = 0
        /// The newest stream that each peer reads.
        var newestStream: [Hash32: UInt64] = [:]
        var dialled: [Hash32: [UInt64: AsyncStream<Gossip.Effect>.Continuation]] = [:]
    }

    private let state: Mutex<State>
    private let clock: @Sendable () -> Duration
    private let seconds: @Sendable () -> UInt64

    /// - Parameters:
    ///   - clock: time since any fixed point.
    ///   - seconds: unix seconds, for scores that outlast the process.
    public init(
        gossip: Gossip = Gossip(), clock: @escaping @Sendable () -> Duration = GossipHub.sinceStart,
        seconds: @escaping @Sendable () -> UInt64
    ) {
        state = Mutex(State(gossip: gossip))
        self.clock = clock
        self.seconds = seconds
    }

    private static let start = ContinuousClock.now

    /// Time since the process first asked.
    @Sendable public static func sinceStart() -> Duration { start.duration(to: .now) }

    // MARK: Connections

    /// A connection that this node dialled is up, while the link is held.
    func dialled(_ peer: Hash32) -> GossipLink {
        let (effects, continuation) = AsyncStream.makeStream(of: Gossip.Effect.self)
        let ticket = state.withLock { state in
            state.nextTicket += 1
            state.dialled[peer, default: [:]][state.nextTicket] = continuation
            return state.nextTicket
        }
        tell(.joined(peer, canAsk: true))
        return GossipLink(hub: self, peer: peer, ticket: ticket, effects: effects)
    }

    /// A peer reads this node's stream, while the link is held.
    public func accepted(_ peer: Hash32) -> GossipLink {
        let (effects, continuation) = AsyncStream.makeStream(of: Gossip.Effect.self)
        continuation.finish()
        let ticket = state.withLock { state in
            state.nextTicket += 1
            state.newestStream[peer] = state.nextTicket
            return state.nextTicket
        }
        tell(.joined(peer, canAsk: false))
        return GossipLink(hub: self, peer: peer, ticket: ticket, effects: effects)
    }

    fileprivate func end(_ peer: Hash32, ticket: UInt64) {
        let wasDialled = state.withLock { state in
            if state.newestStream[peer] == ticket { state.newestStream[peer] = nil }
            guard let continuation = state.dialled[peer]?.removeValue(forKey: ticket) else { return false }
            continuation.finish()
            if state.dialled[peer]?.isEmpty == true { state.dialled[peer] = nil }
            return true
        }
        tell(.left(peer, canAsk: wasDialled))
    }

    fileprivate func isNewest(_ peer: Hash32, ticket: UInt64) -> Bool {
        state.withLock { $0.newestStream[peer] == ticket }
    }

    /// Moves the time until the task is cancelled.
    func run() async {
        var ticks = 0
        while (try? await Task.sleep(for: .milliseconds(250))) != nil {
            tell(.tick)
            ticks += 1
            if ticks % 40 == 0 { muteByScore() }
        }
    }

    /// Scores fade by themselves, and with them the reason to give a peer nothing.
    private func muteByScore() {
        let second = seconds()
        state.withLock { state in
            for peer in state.gossip.peers { state.gossip.mute(peer, state.book.value(of: peer, at: second) < 0) }
        }
    }

    // MARK: Telling and asking

    public func tell(_ input: Gossip.Input) {
        let (now, second) = (clock(), seconds())
        state.withLock { state in
            let effects = state.gossip.handle(input, now: now)
            for effect in effects { Self.carryOut(effect, &state, second) }
        }
    }

    private static func carryOut(_ effect: Gossip.Effect, _ state: inout State, _ second: UInt64) {
        switch effect {
        case .score(let peer, let deed):
            state.book.note(deed, by: peer, now: second)
            state.gossip.mute(peer, state.book.value(of: peer, at: second) < 0)
        case .pull(_, let peer), .name(_, let peer), .reconcileAll(let peer), .reconcileWindow(let peer):
            state.dialled[peer]?.values.first?.yield(effect)
        }
    }

    public func delivery(of id: Hash32, to peer: Hash32, isBacklog: Bool = false) -> Gossip.Delivery {
        let now = clock()
        return state.withLock { $0.gossip.delivery(of: id, to: peer, isBacklog: isBacklog, now: now) }
    }

    public func lacks(_ id: Hash32, _ peer: Hash32) -> Bool {
        state.withLock { $0.gossip.lacks(id, peer) }
    }

    public func sends(_ ids: [Hash32], to peer: Hash32) {
        let now = clock()
        state.withLock { state in
            for id in ids { state.gossip.sends(id, to: peer, now: now) }
        }
    }

    /// Of the posts that a peer offers, those that it is to be asked for now.
    public func wanted(_ ids: [Hash32], offeredBy peer: Hash32, log: PostLog) async throws(PostLogError) -> [Hash32] {
        let unsettled = state.withLock { $0.gossip.unsettled(ids) }
        let here = unsettled.isEmpty ? [] : try await log.known(unsettled)
        let now = clock()
        return state.withLock { state in
            for id in ids where here.contains(id) { state.gossip.named(id, by: peer, now) }
            return state.gossip.offered(ids.filter { !here.contains($0) }, by: peer, now: now)
        }
    }

    /// Tells what the intake made of copies that a peer sent.
    public func judged(_ ids: [Hash32?], _ results: [IntakeResult], from peer: Hash32) {
        let stored = results.count { $0 == .new }
        if !results.isEmpty {
            state.withLock { $0.book.countIn(stored, copies: results.count, from: peer, now: seconds()) }
        }
        for (id, result) in zip(ids, results) {
            guard let id else {
                note(.invalid, by: peer)
                continue
            }
            tell(.judged(id, from: peer, Gossip.Outcome(result)))
        }
    }

    /// A peer sent posts without being asked, and some were more than a peer may send.
    public func countExcess(_ results: [IntakeResult], from peer: Hash32) {
        let count = results.count { result in
            if case .rate(let seconds) = result { seconds <= Limits.Room.peerPauseSeconds } else { false }
        }
        guard count > 0 else { return }
        let second = seconds()
        state.withLock { state in
            state.book.note(.rateExcess, count: count, by: peer, now: second)
            state.gossip.mute(peer, state.book.value(of: peer, at: second) < 0)
        }
    }

    /// Tells what a peer made of copies from here.
    func answered(_ ids: [Hash32], _ results: [WirePostResult], by peer: Hash32) {
        let taken = results.count { $0.status == .new }
        if taken > 0 { state.withLock { $0.book.countOut(taken, to: peer, now: seconds()) } }
        for (id, result) in zip(ids, results) { tell(.answered(id, by: peer, Gossip.Outcome(result))) }
    }

    // MARK: Conduct

    public func note(_ deed: PeerDeed, by peer: Hash32) {
        let second = seconds()
        state.withLock { Self.carryOut(.score(peer, deed), &$0, second) }
    }

    /// Posts went out to a reader of the stream.
    public func countOut(_ count: Int, to peer: Hash32) {
        let second = seconds()
        state.withLock { $0.book.countOut(count, to: peer, now: second) }
    }

    /// Nothing is given to these on connections that are up.
    func setBlocked(_ nodes: Set<Hash32>) { state.withLock { $0.blocked = nodes } }

    public func isBlocked(_ peer: Hash32) -> Bool { state.withLock { $0.blocked.contains(peer) } }

    public func isIgnored(_ peer: Hash32) -> Bool {
        let second = seconds()
        return state.withLock { $0.book.isIgnored(peer, at: second) }
    }

    /// What is known of peers: to be shown, and to be kept over a restart.
    public var book: PeerBook { state.withLock { $0.book } }

    func load(_ book: PeerBook) { state.withLock { $0.book = book } }

    /// Peers that a connection is up with, and which of them get posts whole.
    public var connected: (all: [Hash32], eager: [Hash32]) {
        state.withLock { ($0.gossip.peers, $0.gossip.eagerPeers) }
    }
}

/// A connection that is up. It is over when this is.
public final class GossipLink: Sendable {
    public let peer: Hash32
    /// What to do on this connection.
    let effects: AsyncStream<Gossip.Effect>
    private let hub: GossipHub
    private let ticket: UInt64

    /// False for a stream whose reader has opened another since: its own may be dead.
    public var isNewest: Bool { hub.isNewest(peer, ticket: ticket) }

    fileprivate init(hub: GossipHub, peer: Hash32, ticket: UInt64, effects: AsyncStream<Gossip.Effect>) {
        self.hub = hub
        self.peer = peer
        self.ticket = ticket
        self.effects = effects
    }

    deinit { hub.end(peer, ticket: ticket) }
}

extension Gossip.Outcome {
    init(_ result: IntakeResult) {
        self =
            switch result {
            case .new: .first
            case .have: .repeated
            case .invalid: .invalid
            // No fault of a peer that has not heard yet that the key was revoked: were it one, whoever stole a key could
            // make nodes that know of it shut out those that do not.
            case .unauthorised, .policy: .unwanted
            case .rate, .future, .parked: .later
            }
    }

    init(_ result: WirePostResult) {
        self =
            switch result.status {
            case .new: .first
            case .have: .repeated
            case .policy: .unwanted
            case .rate, .future, .parked: .later
            case .invalid, .unspecified, .UNRECOGNIZED: .invalid
            }
    }
}
