import Digests
import Federation
import PostLog
import WaggleProtocol

/// One honest node: the real gossip, scores, rates, reconciliation and index, over a log that is a dictionary. What is
/// durable outlives a restart, the rest does not.
struct SimulatedNode {
    enum Message {
        /// Whole copies, ids that can be had, and whether an answer is due (a POST) or not (a stream).
        case give([SimulatedPost], naming: [Hash32])
        case results([Hash32: Gossip.Outcome], wanted: [Hash32])
        case get([Hash32])
        case posts([SimulatedPost], asked: [Hash32])
        case sync(since: UInt64, [UInt8])
        case syncAnswer([UInt8])
    }

    enum Action {
        case send(to: Int, Message)
        case again(to: Int, after: Duration, [Hash32])
    }

    /// On disk.
    struct Durable {
        var posts: [Hash32: SimulatedPost] = [:]
        /// Lines of the log, in order of arrival.
        var lines: [Hash32] = []
        var refused: Set<Hash32> = []
        var strangerBytes = 0
    }

    private struct Running {
        var session: ReconciliationSession<ReconciliationIndex>
        var since: UInt64
        var deadline: Duration
    }

    let number: Int
    /// Seconds that its clock is off.
    let skew: Int64
    /// Authors that somebody here follows.
    let followed: Set<Int>
    /// Authors whose posts are refused here.
    let unwanted: Set<Int>
    /// Peers that it dials and peers that dial it.
    let dials: [Int]
    let isDialledBy: [Int]
    var durable = Durable()
    private(set) var gossip: Gossip
    private(set) var book = PeerBook()
    private var room = PostRoom()
    private(set) var index = ReconciliationIndex()
    private var running: [Int: Running] = [:]
    private var sent: [Int: Int] = [:]
    /// Whole copies that came, and those of them that were here.
    private(set) var copies = 0
    private(set) var repeats = 0
    private(set) var arrivals: [Hash32: Duration] = [:]
    private(set) var mostPulls = 0

    init(
        number: Int, skew: Int64, followed: Set<Int>, unwanted: Set<Int>, dials: [Int], isDialledBy: [Int], seed: UInt64
    ) {
        self.number = number
        self.skew = skew
        self.followed = followed
        self.unwanted = unwanted
        self.dials = dials
        self.isDialledBy = isDialledBy
        gossip = Gossip(random: SplitMix(seed: seed), seenIDs: 4096)
    }

    func seconds(_ now: Duration) -> UInt64 { UInt64(Int64(1_700_000_000 + now.components.seconds) + skew) }

    private var peers: [Int] { dials + isDialledBy.filter { !dials.contains($0) } }

    // MARK: Life

    /// Starts with what is on disk.
    mutating func start(now: Duration, seed: UInt64) -> [Action] {
        gossip = Gossip(random: SplitMix(seed: seed), seenIDs: 4096)
        (book, room, running) = (PeerBook(), PostRoom(), [:])
        index = ReconciliationIndex(durable.posts.values.map(\.record).sorted())
        var actions: [Action] = []
        for peer in peers {
            let id = SimulatedPost.nodeID(peer)
            if dials.contains(peer) {
                _ = gossip.handle(.joined(id, canAsk: true), now: now)
                actions += reconcile(with: peer, since: 0, now)
            }
            if isDialledBy.contains(peer) { _ = gossip.handle(.joined(id, canAsk: false), now: now) }
            sent[peer] = durable.lines.count
        }
        return actions
    }

    /// A peer started anew.
    mutating func connectionBroke(with peer: Int, now: Duration) -> [Action] {
        let id = SimulatedPost.nodeID(peer)
        var actions: [Action] = []
        running[peer] = nil
        if isDialledBy.contains(peer) {
            _ = gossip.handle(.left(id, canAsk: false), now: now)
            _ = gossip.handle(.joined(id, canAsk: false), now: now)
        }
        if dials.contains(peer) {
            _ = gossip.handle(.left(id, canAsk: true), now: now)
            _ = gossip.handle(.joined(id, canAsk: true), now: now)
            actions = reconcile(with: peer, since: 0, now)
        }
        return actions
    }

    mutating func publish(_ post: SimulatedPost, now: Duration) -> [Action] {
        store(post, now)
        return spread(now)
    }

    mutating func tick(now: Duration) -> [Action] {
        var actions: [Action] = []
        for (peer, run) in running.sorted(by: { $0.key < $1.key }) where run.deadline <= now { running[peer] = nil }
        for effect in gossip.handle(.tick, now: now) { actions += act(effect, now) }
        mostPulls = max(mostPulls, gossip.pullCount)
        return actions + spread(now)
    }

    private mutating func store(_ post: SimulatedPost, _ now: Duration) {
        durable.posts[post.id] = post
        durable.lines.append(post.id)
        index.insert(post.record)
        arrivals[post.id] = now
    }

    /// Each new line to each peer, as the gossip says.
    private mutating func spread(_ now: Duration) -> [Action] {
        var actions: [Action] = []
        for peer in peers {
            let id = SimulatedPost.nodeID(peer)
            var whole: [SimulatedPost] = []
            var names: [Hash32] = []
            let start = sent[peer] ?? 0
            for line in durable.lines[min(start, durable.lines.count)...] {
                switch gossip.delivery(of: line, to: id, now: now) {
                case .whole: durable.posts[line].map { whole.append($0) }
                case .name: names.append(line)
                case .nothing: break
                }
            }
            sent[peer] = durable.lines.count
            if !whole.isEmpty { actions.append(.send(to: peer, .give(whole, naming: []))) }
            if !names.isEmpty {
                actions.append(.again(to: peer, after: .milliseconds(Limits.Gossip.lazyMilliseconds), names))
            }
        }
        return actions
    }

    /// Ids that were put off are due.
    mutating func name(_ ids: [Hash32], to peer: Int) -> [Action] {
        let due = ids.filter { gossip.lacks($0, SimulatedPost.nodeID(peer)) }
        return due.isEmpty ? [] : [.send(to: peer, .give([], naming: due))]
    }

    // MARK: Messages

    mutating func receive(_ message: Message, from peer: Int, now: Duration) -> [Action] {
        let id = SimulatedPost.nodeID(peer)
        let second = seconds(now)
        if book.isIgnored(id, at: second) { return [] }
        switch message {
        case .give(let posts, let names):
            let results = take(posts, from: peer, now)
            let wanted = want(names, from: peer, now)
            return [.send(to: peer, .results(results, wanted: wanted))] + spread(now)
        case .results(let results, let wanted):
            for (post, outcome) in results.sorted(by: { $0.key < $1.key }) {
                _ = gossip.handle(.answered(post, by: id, outcome), now: now)
            }
            guard !wanted.isEmpty else { return [] }
            _ = gossip.handle(.requested(wanted, by: id), now: now)
            return give(wanted, to: peer, now)
        case .get(let ids):
            let found = ids.prefix(Limits.Wire.idsPerGet).compactMap { durable.posts[$0] }
            _ = gossip.handle(.requested(found.map(\.id), by: id), now: now)
            for post in found { gossip.sends(post.id, to: id, now: now) }
            return [.send(to: peer, .posts(found, asked: ids))]
        case .posts(let posts, let asked):
            _ = take(posts, from: peer, now)
            let came = Set(posts.map(\.id))
            var actions: [Action] = []
            for effect in gossip.handle(.delivered(missing: asked.filter { !came.contains($0) }, from: id), now: now) {
                actions += act(effect, now)
            }
            return actions + spread(now)
        case .sync(let since, let bytes):
            guard let set = try? Negentropy(window(since), frameLimit: 4096),
                let answer = try? set.respond(to: bytes)
            else {
                score(.invalid, id, now)
                return []
            }
            return [.send(to: peer, .syncAnswer(answer))]
        case .syncAnswer(let bytes):
            return advance(bytes, with: peer, now)
        }
    }

    private func window(_ since: UInt64) -> ReconciliationIndex {
        guard since > 0 else { return index }
        let start = index.lowerBound(of: ReconciliationRecord(created: since, id: .zero))
        return ReconciliationIndex((start..<index.count).map { index[$0] })
    }

    private mutating func give(_ ids: [Hash32], to peer: Int, _ now: Duration) -> [Action] {
        let posts = ids.prefix(Limits.Wire.idsPerGet).compactMap { durable.posts[$0] }
        for post in posts { gossip.sends(post.id, to: SimulatedPost.nodeID(peer), now: now) }
        return posts.isEmpty ? [] : [.send(to: peer, .give(posts, naming: []))]
    }

    private mutating func want(_ names: [Hash32], from peer: Int, _ now: Duration) -> [Hash32] {
        let id = SimulatedPost.nodeID(peer)
        let listed = names.prefix(Limits.Wire.idsPerGet)
        for name in listed where durable.posts[name] != nil { gossip.named(name, by: id, now) }
        return gossip.offered(
            listed.filter { durable.posts[$0] == nil && !durable.refused.contains($0) }, by: id, now: now)
    }

    /// The intake: rate of the peer, signature, what is here, clock, wishes, room.
    private mutating func take(_ posts: [SimulatedPost], from peer: Int, _ now: Duration) -> [Hash32: Gossip.Outcome] {
        let id = SimulatedPost.nodeID(peer)
        var results: [Hash32: Gossip.Outcome] = [:]
        for effect in gossip.handle(.received(posts.map(\.id), from: id), now: now) { _ = act(effect, now) }
        for post in posts.prefix(Limits.Wire.idsPerGet) {
            copies += 1
            let outcome = judge(post, from: id, now)
            if outcome == .repeated { repeats += 1 }
            results[post.id] = outcome
            for effect in gossip.handle(.judged(post.id, from: id, outcome), now: now) { _ = act(effect, now) }
        }
        return results
    }

    private mutating func judge(_ post: SimulatedPost, from peer: Hash32, _ now: Duration) -> Gossip.Outcome {
        let second = seconds(now)
        if durable.posts[post.id] != nil { return .repeated }
        if room.postpone(bytes: post.bytes, from: peer, isTrusted: false, now: second) != nil {
            score(.rateExcess, peer, now)
            return .later
        }
        guard post.isSigned else { return .invalid }
        guard post.created <= second + Limits.Post.clockSkew else { return .later }
        if unwanted.contains(post.author) {
            durable.refused.insert(post.id)
            return .unwanted
        }
        let isKnown = followed.contains(post.author)
        let author = SimulatedPost.authorID(post.author)
        if room.postpone(author: author, isKnown: isKnown, isTrusted: false, now: second) != nil { return .later }
        if !isKnown {
            guard durable.strangerBytes + post.bytes <= Simulation.strangerBytes else { return .later }
            durable.strangerBytes += post.bytes
        }
        store(post, now)
        return .first
    }

    private mutating func score(_ deed: PeerDeed, _ peer: Hash32, _ now: Duration) {
        book.note(deed, by: peer, now: seconds(now))
        gossip.mute(peer, book.value(of: peer, at: seconds(now)) < 0)
    }

    // MARK: Effects

    private mutating func act(_ effect: Gossip.Effect, _ now: Duration) -> [Action] {
        switch effect {
        case .score(let peer, let deed):
            score(deed, peer, now)
            return []
        case .pull(let ids, let peer):
            return number(of: peer).map { [.send(to: $0, .get(ids))] } ?? []
        case .name(let ids, let peer):
            return number(of: peer).map { [.send(to: $0, .give([], naming: ids))] } ?? []
        case .reconcileWindow(let peer):
            let start = seconds(now)
            return number(of: peer).map { reconcile(with: $0, since: start - Limits.Gossip.windowSeconds, now) } ?? []
        case .reconcileAll(let peer):
            return number(of: peer).map { reconcile(with: $0, since: 0, now) } ?? []
        }
    }

    private func number(of id: Hash32) -> Int? { peers.first { SimulatedPost.nodeID($0) == id } }

    private mutating func reconcile(with peer: Int, since: UInt64, _ now: Duration) -> [Action] {
        guard running[peer] == nil, let negentropy = try? Negentropy(window(since), frameLimit: 4096) else { return [] }
        var session = ReconciliationSession(negentropy, roundLimit: 200, needLimit: 5000)
        let first = session.start()
        running[peer] = Running(session: session, since: since, deadline: now + .seconds(10))
        return [.send(to: peer, .sync(since: since, first))]
    }

    private mutating func advance(_ bytes: [UInt8], with peer: Int, _ now: Duration) -> [Action] {
        guard var run = running.removeValue(forKey: peer) else { return [] }
        let id = SimulatedPost.nodeID(peer)
        guard let progress = try? run.session.handle(bytes) else {
            score(.invalid, id, now)
            return []
        }
        var actions: [Action] = []
        let need = progress.need.filter { durable.posts[$0] == nil && !durable.refused.contains($0) }
        for start in stride(from: 0, to: need.count, by: Limits.Wire.idsPerGet) {
            actions.append(.send(to: peer, .get(Array(need[start..<min(start + Limits.Wire.idsPerGet, need.count)]))))
        }
        for start in stride(from: 0, to: progress.have.count, by: 200) {
            actions += give(Array(progress.have[start..<min(start + 200, progress.have.count)]), to: peer, now)
        }
        if case .send(let next) = progress.next {
            run.deadline = now + .seconds(10)
            running[peer] = run
            actions.append(.send(to: peer, .sync(since: run.since, next)))
        }
        return actions
    }
}
