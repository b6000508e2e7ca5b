public import Digests
public import WaggleProtocol

/// Who gets the bytes of a new post, who its id, and who is asked for what others named: a value that is told what happens
/// and says what to do. The connections, the log and the clock are the caller's.
///
/// Posts of this node go whole to every peer, those of others whole to at most four *eager* peers; everybody else gets the
/// id a moment later and asks for what is still missing. A peer that twice had a post before it got it from here becomes
/// lazy, one that asks for a post it was offered becomes eager: the eager links grow into a tree over which each node gets
/// about one copy (Plumtree; Leitão, Pereira, Rodrigues 2007), and the ids mend the tree when links break. What falls through
/// all that is found by reconciliation, once a minute with one peer.
public struct Gossip: Sendable {
    /// What became of a whole copy at its receiver.
    public enum Outcome: Hashable, Sendable {
        /// Stored, and not here before.
        case first
        /// Was here.
        case repeated
        case invalid
        /// Refused for good.
        case unwanted
        /// Not now: too many, too early, or its keys are missing.
        case later
    }

    public enum Input: Sendable {
        /// A connection with a peer is up. `canAsk`: this node dialled, so it can ask the peer for posts.
        case joined(Hash32, canAsk: Bool)
        /// The same connection is over.
        case left(Hash32, canAsk: Bool)
        /// A peer sent whole copies; to be said before they are handed to the intake.
        case received([Hash32], from: Hash32)
        /// What the intake made of a copy.
        case judged(Hash32, from: Hash32, Outcome)
        /// What a peer made of a copy from here.
        case answered(Hash32, by: Hash32, Outcome)
        /// A peer asked for posts that it was offered.
        case requested([Hash32], by: Hash32)
        /// A peer gave an answer about posts that it was asked for; `missing` were not in it.
        case delivered(missing: [Hash32], from: Hash32)
        /// Time goes by; to be said a few times a second.
        case tick
    }

    public enum Effect: Hashable, Sendable {
        /// Ask a peer that can be asked for these posts.
        case pull([Hash32], from: Hash32)
        /// Name these posts to a peer.
        case name([Hash32], to: Hash32)
        /// Reconcile the last two days with a peer.
        case reconcileWindow(with: Hash32)
        /// Reconcile everything with a peer.
        case reconcileAll(with: Hash32)
        /// A deed for the peer's score.
        case score(Hash32, PeerDeed)
    }

    /// How a post goes to a peer.
    public enum Delivery: Hashable, Sendable {
        case whole
        /// The id alone, after `Limits.Gossip.lazyMilliseconds`.
        case name
        /// The peer has it.
        case nothing
    }

    private struct Link: Sendable {
        var place: Int
        /// Connections that this node dialled, and others.
        var dialled = 0
        var accepted = 0
        var isEager = false
        /// Copies in a row that the peer had already.
        var repeats = 0
        var isMuted = false
        var reconciledAllAt: Duration
        var asked = 0

        var isUp: Bool { dialled + accepted > 0 }
        var canAsk: Bool { dialled > 0 }
        var mask: SeenCache.Places { 1 << SeenCache.Places(place) }
    }

    /// A post that a peer was asked for.
    private struct Pull: Sendable {
        var from: Hash32
        var deadline: Duration
        var others: [Hash32] = []
    }

    private var seen: SeenCache
    private var links: [Hash32: Link] = [:]
    /// Which peer each place belongs to, and since when it is down.
    private var places: [Int: (peer: Hash32, downSince: Duration?)] = [:]
    private var pulls: [Hash32: Pull] = [:]
    private var random: any RandomNumberGenerator & Sendable
    private var reconciledAt: Duration?
    private var sweptAt = Duration.zero

    /// - Parameter random: chooses peers to reconcile with and eager ones.
    public init(
        random: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator(),
        seenIDs: Int = Limits.Gossip.seenIDs
    ) {
        self.random = random
        seen = SeenCache(capacity: seenIDs, lifetime: .seconds(Limits.Gossip.seenSeconds))
    }

    // MARK: Asking

    /// Peers that a connection is up with.
    public var peers: [Hash32] { links.filter(\.value.isUp).map(\.key).sorted() }

    /// Peers that get others' posts whole.
    public var eagerPeers: [Hash32] { links.filter { $0.value.isUp && $0.value.isEager }.map(\.key).sorted() }

    /// Posts that are waited for.
    public var pullCount: Int { pulls.count }

    /// Ids that are remembered.
    public var seenCount: Int { seen.count }

    /// Ids among these that nothing is known of: only for those the log need be asked.
    public func unsettled(_ ids: [Hash32]) -> [Hash32] {
        ids.filter { seen.entry($0)?.isSettled != true }
    }

    /// Whether a peer is not known to have a post: asked again when a name is due.
    public func lacks(_ id: Hash32, _ peer: Hash32) -> Bool {
        guard let link = links[peer] else { return false }
        return ((seen.entry(id)?.holders ?? 0) | (seen.entry(id)?.sent ?? 0)) & link.mask == 0
    }

    /// How a post that came into force here goes to a peer; whoever gets `whole` sends it.
    ///
    /// - Parameter isBacklog: it came into force before the peer began to listen. Such posts go by name: many peers have
    ///   them to give.
    public mutating func delivery(of id: Hash32, to peer: Hash32, isBacklog: Bool = false, now: Duration) -> Delivery {
        guard let link = links[peer], link.isUp else { return .nothing }
        let entry = seen.entry(id)
        guard (entry?.holders ?? 0) & link.mask == 0, !link.isMuted else { return .nothing }
        // What was sent on a connection that broke may never have arrived.
        if isBacklog { return .name }
        guard (entry?.sent ?? 0) & link.mask == 0 else { return .nothing }
        guard entry?.isForeign != true || link.isEager else { return .name }
        markSent(id, link, now)
        return .whole
    }

    /// A post goes whole to a peer that asked for it.
    public mutating func sends(_ id: Hash32, to peer: Hash32, now: Duration) {
        guard let link = links[peer] else { return }
        markSent(id, link, now)
    }

    private mutating func markSent(_ id: Hash32, _ link: Link, _ now: Duration) {
        seen.update(id, now: now) { entry in
            entry.sent |= link.mask
            entry.isSettled = true
        }
    }

    /// A peer named posts that are not in the log here: which of them to ask it for now. The others are on their way.
    public mutating func offered(_ ids: [Hash32], by peer: Hash32, now: Duration) -> [Hash32] {
        var wanted: [Hash32] = []
        for id in ids {
            named(id, by: peer, now)
            guard seen.entry(id)?.isSettled != true else { continue }
            if let pull = pulls[id] {
                let isNew = pull.from != peer && !pull.others.contains(peer)
                if isNew, links[peer]?.canAsk == true, pull.others.count < Limits.Gossip.otherSources {
                    pulls[id]?.others.append(peer)
                }
                continue
            }
            guard pulls.count < Limits.Gossip.pulls, links[peer]?.asked ?? 0 < Limits.Gossip.pullsPerPeer else {
                continue
            }
            pulls[id] = Pull(from: peer, deadline: now + .milliseconds(Limits.Gossip.pullMilliseconds))
            links[peer]?.asked += 1
            wanted.append(id)
        }
        return wanted
    }

    /// A peer named a post that is here: it has it. If it got it from here too, once was enough.
    public mutating func named(_ id: Hash32, by peer: Hash32, _ now: Duration) {
        let mask = links[peer]?.mask ?? 0
        if (seen.entry(id)?.sent ?? 0) & mask != 0 { repeated(peer) }
        seen.update(id, now: now) { entry in
            entry.holders |= mask
            if !entry.isSettled { entry.isForeign = true }
        }
    }

    // MARK: Being told

    public mutating func handle(_ input: Input, now: Duration) -> [Effect] {
        switch input {
        case .joined(let peer, let canAsk):
            join(peer, canAsk: canAsk, now)
            return []
        case .left(let peer, let canAsk):
            leave(peer, canAsk: canAsk, now)
            return []
        case .received(let ids, let peer):
            return received(ids, from: peer, now)
        case .judged(let id, let peer, let outcome):
            return judged(id, from: peer, outcome, now)
        case .answered(let id, let peer, let outcome):
            answered(id, by: peer, outcome, now)
            return []
        case .requested(let ids, let peer):
            if !ids.isEmpty { graft(peer) }
            return []
        case .delivered(let missing, let peer):
            return missing.flatMap { askAnother(for: $0, insteadOf: peer, now) }.merged()
        case .tick:
            return tick(now)
        }
    }

    /// Says whether posts are pushed to a peer: not while its score is below 0.
    public mutating func mute(_ peer: Hash32, _ isMuted: Bool) {
        links[peer]?.isMuted = isMuted
    }

    private mutating func received(_ ids: [Hash32], from peer: Hash32, _ now: Duration) -> [Effect] {
        let mask = links[peer]?.mask ?? 0
        var repeats: [Hash32] = []
        // It is at it: what else it was asked for has time, and what came waits for the intake, not for the peer.
        let deadline = now + .milliseconds(Limits.Gossip.pullMilliseconds)
        if links[peer]?.asked ?? 0 > 0 {
            for (id, pull) in pulls where pull.from == peer { pulls[id]?.deadline = deadline }
        }
        for id in ids {
            // Two copies crossed, or it came another way before. The sender is told that it need not have sent it.
            if let entry = seen.entry(id), entry.isSettled, entry.sent & mask == 0 { repeats.append(id) }
            seen.update(id, now: now) { entry in
                entry.holders |= mask
                if !entry.isSettled { entry.isForeign = true }
            }
        }
        return repeats.isEmpty || links[peer]?.canAsk != true ? [] : [.name(repeats, to: peer)]
    }

    private mutating func judged(_ id: Hash32, from peer: Hash32, _ outcome: Outcome, _ now: Duration) -> [Effect] {
        // A copy with a bad signature says nothing of the post: its signature is no part of its id.
        if outcome != .invalid { end(id) }
        switch outcome {
        case .first, .repeated, .unwanted: seen.update(id, now: now) { $0.isSettled = true }
        case .invalid, .later: break
        }
        switch outcome {
        case .first: return [.score(peer, .firstDelivery)]
        case .invalid: return [.score(peer, .invalid)]
        case .unwanted: return [.score(peer, .unwanted)]
        case .repeated, .later: return []
        }
    }

    private mutating func answered(_ id: Hash32, by peer: Hash32, _ outcome: Outcome, _ now: Duration) {
        let mask = links[peer]?.mask ?? 0
        switch outcome {
        case .first, .repeated:
            seen.update(id, now: now) { $0.holders |= mask }
            if outcome == .first { links[peer]?.repeats = 0 } else { repeated(peer) }
        case .later:
            // It does not have it yet; a later reconciliation brings it.
            seen.update(id, now: now) { $0.sent &= ~mask }
        case .invalid, .unwanted: break
        }
    }

    private mutating func repeated(_ peer: Hash32) {
        links[peer]?.repeats += 1
        if links[peer]?.repeats ?? 0 >= Limits.Gossip.repeatsOfEager { links[peer]?.isEager = false }
    }

    private mutating func graft(_ peer: Hash32) {
        guard let link = links[peer], link.isUp, !link.isEager, eagerCount < Limits.Gossip.eagerPeers else { return }
        links[peer]?.isEager = true
        links[peer]?.repeats = 0
    }

    private var eagerCount: Int { links.values.count { $0.isUp && $0.isEager } }

    // MARK: Links

    private mutating func join(_ peer: Hash32, canAsk: Bool, _ now: Duration) {
        if links[peer] == nil {
            guard let place = freePlace(now) else { return }
            links[peer] = Link(place: place, reconciledAllAt: now)
        }
        let wasUp = links[peer]?.isUp == true
        if canAsk { links[peer]?.dialled += 1 } else { links[peer]?.accepted += 1 }
        guard let link = links[peer] else { return }
        places[link.place] = (peer, nil)
        guard !wasUp else { return }
        links[peer]?.repeats = 0
        links[peer]?.asked = 0
        let others = eagerCount - (link.isEager ? 1 : 0)
        links[peer]?.isEager = others < Limits.Gossip.eagerPeers
    }

    private mutating func leave(_ peer: Hash32, canAsk: Bool, _ now: Duration) {
        guard let link = links[peer] else { return }
        if canAsk {
            links[peer]?.dialled = max(0, link.dialled - 1)
        } else {
            links[peer]?.accepted = max(0, link.accepted - 1)
        }
        guard links[peer]?.isUp == false else { return }
        links[peer]?.isEager = false
        places[link.place] = (peer, now)
        promoteOne()
    }

    /// A place that nobody has, else the one that has been down longest. Peers that come back soon find theirs.
    private mutating func freePlace(_ now: Duration) -> Int? {
        if let place = (0..<Limits.Gossip.links).first(where: { places[$0] == nil }) { return place }
        let down = places.compactMap { place, owner in
            owner.downSince.map { (place: place, since: $0, peer: owner.peer) }
        }
        guard let oldest = down.min(by: { ($0.since, $0.place) < ($1.since, $1.place) }) else { return nil }
        links[oldest.peer] = nil
        seen.clear(1 << SeenCache.Places(oldest.place))
        return oldest.place
    }

    /// Somebody must get posts at once.
    private mutating func promoteOne() {
        guard eagerCount == 0 else { return }
        let candidates = links.filter { $0.value.isUp && !$0.value.isMuted }.map(\.key).sorted()
        guard let chosen = candidates.randomElement(using: &random) else { return }
        links[chosen]?.isEager = true
        links[chosen]?.repeats = 0
    }

    // MARK: Waiting

    private mutating func end(_ id: Hash32) {
        guard let pull = pulls.removeValue(forKey: id) else { return }
        links[pull.from]?.asked -= 1
    }

    private mutating func askAnother(for id: Hash32, insteadOf peer: Hash32, _ now: Duration) -> [Effect] {
        guard var pull = pulls[id], pull.from == peer else { return [] }
        links[peer]?.asked -= 1
        var effects: [Effect] = [.score(peer, .notDelivered)]
        while let next = pull.others.first {
            pull.others.removeFirst()
            guard links[next]?.canAsk == true else { continue }
            pulls[id] = Pull(
                from: next, deadline: now + .milliseconds(Limits.Gossip.pullMilliseconds), others: pull.others)
            links[next]?.asked += 1
            effects.append(.pull([id], from: next))
            return effects
        }
        pulls[id] = nil
        return effects
    }

    private mutating func tick(_ now: Duration) -> [Effect] {
        var effects: [Effect] = []
        if now >= sweptAt + .milliseconds(Limits.Gossip.pullMilliseconds / 4) {
            sweptAt = now
            let late = pulls.filter { $0.value.deadline <= now }.sorted { $0.key < $1.key }
            effects += late.flatMap { askAnother(for: $0.key, insteadOf: $0.value.from, now) }.blamedAtMost(
                Limits.Gossip.notDeliveredAtOnce)
        }
        promoteOne()
        let askable = links.filter { $0.value.isUp && $0.value.canAsk }.map(\.key).sorted()
        for peer in askable {
            guard let link = links[peer],
                now >= link.reconciledAllAt + .seconds(Limits.Gossip.reconcileAllSeconds)
            else { continue }
            links[peer]?.reconciledAllAt = now
            effects.append(.reconcileAll(with: peer))
        }
        guard let last = reconciledAt else {
            reconciledAt = now
            return effects.merged()
        }
        if now >= last + .seconds(Limits.Gossip.reconcileSeconds), let peer = askable.randomElement(using: &random) {
            reconciledAt = now
            effects.append(.reconcileWindow(with: peer))
        }
        return effects.merged()
    }
}

extension [Gossip.Effect] {
    /// A peer that is slow once is slow with everything that it was asked for: that is not so many deeds.
    fileprivate func blamedAtMost(_ limit: Int) -> [Gossip.Effect] {
        var blamed: [Hash32: Int] = [:]
        return filter { effect in
            guard case .score(let peer, _) = effect else { return true }
            blamed[peer, default: 0] += 1
            return blamed[peer, default: 0] <= limit
        }
    }

    /// Pulls from one peer as one, in the order of their first.
    fileprivate func merged() -> [Gossip.Effect] {
        var result: [Gossip.Effect] = []
        var places: [Hash32: Int] = [:]
        for effect in self {
            guard case .pull(let ids, let peer) = effect else {
                result.append(effect)
                continue
            }
            if let place = places[peer], case .pull(let before, _) = result[place] {
                result[place] = .pull(before + ids, from: peer)
            } else {
                places[peer] = result.count
                result.append(effect)
            }
        }
        return result
    }
}
