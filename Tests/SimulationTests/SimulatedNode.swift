import Digests
import Foundation
import GRDB
import Identity
import Moderation
import PostLog
import WaggleProtocol

@testable import Federation
@testable import Node
@testable import PostLog

/// One honest node: the real log with its intake, key chains, slots, deletes and parking, the real admission with its rates and
/// rooms, gossip, reconciliation, scores, refusals and addresses. Only the connections are made up. What is on disk outlives
/// a restart, the rest does not.
struct SimulatedNode {
    /// What is reconciled.
    enum Scope: Hashable {
        /// Unix seconds; 0 for everything.
        case since(UInt64)
        case author(Hash32)
    }

    enum Message {
        /// Whole copies, and ids that can be had.
        case give([Data], naming: [Hash32])
        /// `parked`: authors whose keys are missing.
        case results([(id: Hash32, outcome: Gossip.Outcome)], wanted: [Hash32], parked: [Hash32])
        case get([Hash32])
        case posts([Data], asked: [Hash32])
        case sync(Scope, [UInt8])
        case syncAnswer(Scope, [UInt8])
        case askAddresses
        case addresses([String])
    }

    enum Action {
        case send(to: Int, Message)
        case again(to: Int, after: Duration, [Hash32])
    }

    /// A rule that is switched off, to see that the simulation finds out.
    enum Mutant: CaseIterable {
        /// What gossip missed is never looked for.
        case reconcilesNothing
        /// Nothing is refused, and strangers have no bounds.
        case admitsAll
        /// Who is followed is forgotten: all are strangers.
        case knowsNobody
        /// Lists of checkpoints are never read.
        case readsNoLists
        /// Bad deeds have no consequence.
        case forgivesAll
        /// A start forgets the disk.
        case losesDisk
    }

    private typealias Window = ReconciliationWindow<ReconciliationIndex>

    private struct Running {
        var session: ReconciliationSession<Window>
        var deadline: Duration
    }

    private struct Key: Hashable {
        let peer: Int
        let scope: Scope
    }

    let number: Int
    /// Seconds that its clock is off.
    let skew: Int64
    let ceiling: Level
    /// Peers that it dials and peers that dial it; of the first those that its operator named.
    let dials: [Int]
    let isDialledBy: [Int]
    let trusts: Set<Int>
    /// Authors whom somebody here follows.
    let followed: Set<Hash32>
    let mutant: Mutant?
    private let folder: String
    private let lists: SimulatedLists
    private let clock = SimulatedClock()
    private var log: PostLog?
    private var store: PeerStore?
    private(set) var gossip: Gossip
    private(set) var book = PeerBook()
    private(set) var addresses = AddressBook()
    private var running: [Key: Running] = [:]
    private var spreadSeq: UInt64 = 0
    private var savedAt = Duration.zero
    private var askedAt = Duration.zero
    private var random: SplitMix
    private(set) var lives = 0
    /// Posts whose form or signature did not hold, by who sent them.
    private(set) var broken: [Int: Int] = [:]
    /// Whole copies that came, and of them those that were here.
    private(set) var copies = 0
    private(set) var repeats = 0
    private(set) var arrivals: [Hash32: Duration] = [:]

    init(
        number: Int, skew: Int64, ceiling: Level, dials: [Int], isDialledBy: [Int], trusts: Set<Int>,
        followed: Set<Hash32>, mutant: Mutant?, folder: String, lists: SimulatedLists, seed: UInt64
    ) throws {
        (self.number, self.skew, self.ceiling) = (number, skew, ceiling)
        (self.dials, self.isDialledBy, self.trusts) = (dials, isDialledBy, trusts)
        (self.followed, self.mutant, self.lists) = (followed, mutant, lists)
        self.folder = folder + "/node\(number)"
        random = SplitMix(seed: seed)
        gossip = Gossip(random: SplitMix(seed: seed), seenIDs: 4096)
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
    }

    static func id(of node: Int) -> Hash32 { SHA256.hash(Array("node \(node)".utf8)) }
    static func url(of node: Int) -> String { "http://node-\(node).example:7700" }

    func seconds(_ now: Duration) -> UInt64 { UInt64(Int64(1_700_000_000 + now.components.seconds) + skew) }

    private var peers: [Int] { dials + isDialledBy.filter { !dials.contains($0) } }

    private func number(of id: Hash32) -> Int? { peers.first { Self.id(of: $0) == id } }

    private func source(_ peer: Int) -> IntakeSource {
        trusts.contains(peer) ? .trusted(Self.id(of: peer)) : .peer(Self.id(of: peer))
    }

    // MARK: Life

    /// Starts with what is on disk.
    mutating func start(now: Duration, seed: UInt64) async throws -> [Action] {
        clock.set(seconds(now))
        lives += 1
        if mutant == .losesDisk, lives > 1 {
            try FileManager.default.removeItem(atPath: folder)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        let (clock, known) = (clock, mutant == .knowsNobody ? [] : followed)
        let node = NodeAdmission(
            moderation: try Moderation(ceiling: ceiling, path: folder + "/moderation.db"),
            guestBytes: Simulation.strangerBytes, now: { clock.now })
        let welcome = node.setKnown(known)
        let admission: any Admission = mutant == .admitsAll ? AdmitAll() : node
        let checkpoints: any CheckpointSource = mutant == .readsNoLists ? NoCheckpoints() : lists
        let log = try PostLog(
            path: folder + "/posts.db", admission: admission, checkpoints: checkpoints, now: { clock.now })
        try await log.intake.welcome(welcome)
        let store = try PeerStore(path: folder + "/peers.db")
        book = try await store.loadBook()
        addresses = try await store.loadAddresses()
        (self.log, self.store, running, spreadSeq) = (log, store, [:], log.newestSeq)
        gossip = Gossip(random: SplitMix(seed: seed), seenIDs: 4096)
        var actions: [Action] = []
        for peer in peers {
            let id = Self.id(of: peer)
            if dials.contains(peer) {
                addresses.prove(Self.url(of: peer), node: id, now: clock.now)
                _ = gossip.handle(.joined(id, canAsk: true), now: now)
                actions += try await reconcile(.since(0), with: peer, now)
            }
            if isDialledBy.contains(peer) { _ = gossip.handle(.joined(id, canAsk: false), now: now) }
        }
        return actions
    }

    /// The process is gone, and with it what is not on disk.
    mutating func stop() {
        log?.close()
        (log, store, running) = (nil, nil, [:])
    }

    /// A peer started anew.
    mutating func connectionBroke(with peer: Int, now: Duration) async throws -> [Action] {
        let id = Self.id(of: peer)
        running = running.filter { $0.key.peer != peer }
        if isDialledBy.contains(peer) {
            _ = gossip.handle(.left(id, canAsk: false), now: now)
            _ = gossip.handle(.joined(id, canAsk: false), now: now)
        }
        guard dials.contains(peer) else { return [] }
        _ = gossip.handle(.left(id, canAsk: true), now: now)
        _ = gossip.handle(.joined(id, canAsk: true), now: now)
        return try await reconcile(.since(0), with: peer, now)
    }

    /// Somebody at home here says something.
    ///
    /// - Returns: the posts that his node took; what is above its ceiling goes nowhere.
    mutating func publish(_ posts: [SignedPost], now: Duration) async throws -> (taken: [SignedPost], [Action]) {
        guard let log else { return ([], []) }
        clock.set(seconds(now))
        let results = try await log.intake.submit(posts.map(\.envelope), from: .local)
        for result in results where !result.isHere {
            guard case .policy = result else { throw Refused(result: result) }
        }
        let taken = zip(posts, results).filter { $1.isHere }.map(\.0)
        return (taken, try await spread(now))
    }

    struct Refused: Error {
        let result: IntakeResult
    }

    mutating func tick(now: Duration) async throws -> [Action] {
        guard let log, let store else { return [] }
        clock.set(seconds(now))
        running = running.filter { $0.value.deadline > now }
        var actions: [Action] = []
        for effect in gossip.handle(.tick, now: now) { actions += try await act(effect, now) }
        if now >= savedAt + .seconds(60) {
            savedAt = now
            try await log.intake.tidy()
            try await store.save(book)
            try await store.save(addresses)
        }
        if now >= askedAt + .seconds(20) {
            askedAt = now
            let good = dials.filter { book.value(of: Self.id(of: $0), at: clock.now) >= 0 }
            if let peer = good.randomElement(using: &random) { actions.append(.send(to: peer, .askAddresses)) }
        }
        return actions + (try await spread(now))
    }

    /// Each new line to each peer, as the gossip says.
    private mutating func spread(_ now: Duration) async throws -> [Action] {
        guard let log else { return [] }
        var whole: [Int: [Data]] = [:]
        var names: [Int: [Hash32]] = [:]
        while spreadSeq < log.newestSeq {
            let entries = try await log.entries(after: spreadSeq, limit: 256)
            guard let last = entries.last else { break }
            spreadSeq = last.seq
            for entry in entries where entry.event == .shown && !entry.post.envelope.isEmpty {
                if arrivals[entry.post.id] == nil { arrivals[entry.post.id] = now }
                for peer in peers {
                    switch gossip.delivery(of: entry.post.id, to: Self.id(of: peer), now: now) {
                    case .whole: whole[peer, default: []].append(entry.post.envelope)
                    case .name: names[peer, default: []].append(entry.post.id)
                    case .nothing: break
                    }
                }
            }
        }
        return peers.flatMap { peer in
            (whole[peer].map { [Action.send(to: peer, .give($0, naming: []))] } ?? [])
                + (names[peer].map { [.again(to: peer, after: .milliseconds(Limits.Gossip.lazyMilliseconds), $0)] }
                    ?? [])
        }
    }

    /// Ids that were put off are due.
    func name(_ ids: [Hash32], to peer: Int) -> [Action] {
        let due = ids.filter { gossip.lacks($0, Self.id(of: peer)) }
        return due.isEmpty ? [] : [.send(to: peer, .give([], naming: due))]
    }

    // MARK: Messages

    mutating func receive(_ message: Message, from peer: Int, now: Duration) async throws -> [Action] {
        let id = Self.id(of: peer)
        clock.set(seconds(now))
        guard let log, let store, mutant == .forgivesAll || !book.isIgnored(id, at: clock.now) else { return [] }
        switch message {
        case .give(let posts, let names):
            let (results, parked) = try await take(posts, from: peer, isAsked: false, now)
            let wanted = try await want(names, from: peer, now)
            var actions: [Action] = [.send(to: peer, .results(results, wanted: wanted, parked: parked))]
            if dials.contains(peer) { actions += try await askForKeys(of: parked, peer, now) }
            return actions + (try await spread(now))
        case .results(let results, let wanted, let parked):
            for (post, outcome) in results { _ = gossip.handle(.answered(post, by: id, outcome), now: now) }
            try await store.remember(
                refusals: results.filter { $0.outcome == .unwanted }.map(\.id), of: id, .refusedThere, now: clock.now)
            var actions: [Action] = []
            for author in parked.prefix(32) {
                let keys = try await log.keyChainEnvelopes(of: author)
                let all = keys.keyDocuments + keys.checkpoints
                if !all.isEmpty { actions.append(.send(to: peer, .give(all, naming: []))) }
            }
            guard !wanted.isEmpty else { return actions }
            _ = gossip.handle(.requested(wanted, by: id), now: now)
            return actions + (try await give(wanted, to: peer, now))
        case .get(let ids):
            let asked = Array(ids.prefix(Limits.Wire.idsPerGet))
            let found = try await log.posts(ids: asked)
            _ = gossip.handle(.requested(asked.filter { found[$0] != nil }, by: id), now: now)
            let posts = asked.compactMap { found[$0] }
            for post in posts { gossip.sends(post.id, to: id, now: now) }
            return [.send(to: peer, .posts(posts.map(\.envelope), asked: ids))]
        case .posts(let posts, let asked):
            let (_, parked) = try await take(posts, from: peer, isAsked: true, now)
            let came = Set(posts.compactMap { try? OpenedEnvelope($0).id })
            var actions: [Action] = []
            for effect in gossip.handle(.delivered(missing: asked.filter { !came.contains($0) }, from: id), now: now) {
                actions += try await act(effect, now)
            }
            if dials.contains(peer) { actions += try await askForKeys(of: parked, peer, now) }
            return actions + (try await spread(now))
        case .sync(let scope, let bytes):
            guard let negentropy = try await negentropy(scope), let answer = try? negentropy.respond(to: bytes) else {
                score(.invalid, id, now)
                return []
            }
            return [.send(to: peer, .syncAnswer(scope, answer))]
        case .syncAnswer(let scope, let bytes): return try await advance(scope, bytes, with: peer, now)
        case .askAddresses:
            return [.send(to: peer, .addresses(addresses.proved.prefix(100).map(\.url)))]
        case .addresses(let urls):
            addresses.learn(urls, from: id, now: clock.now)
            return []
        }
    }

    private mutating func give(_ ids: [Hash32], to peer: Int, _ now: Duration) async throws -> [Action] {
        guard let log else { return [] }
        let asked = Array(ids.prefix(Limits.Wire.idsPerGet))
        let found = try await log.posts(ids: asked)
        // Keys first, as the real session does.
        let posts = asked.compactMap { found[$0] }.sorted {
            ($0.kind.rawValue, $0.created, $0.id) < ($1.kind.rawValue, $1.created, $1.id)
        }
        for post in posts { gossip.sends(post.id, to: Self.id(of: peer), now: now) }
        return posts.isEmpty ? [] : [.send(to: peer, .give(posts.map(\.envelope), naming: []))]
    }

    private mutating func want(_ names: [Hash32], from peer: Int, _ now: Duration) async throws -> [Hash32] {
        guard let log else { return [] }
        let id = Self.id(of: peer)
        let listed = Array(names.prefix(Limits.Wire.idsPerGet))
        let here = try await log.known(listed)
        for name in listed where here.contains(name) { gossip.named(name, by: id, now) }
        return gossip.offered(
            try await unrefused(listed.filter { !here.contains($0) }, peer, .refusedHere), by: id, now: now)
    }

    private func unrefused(_ ids: [Hash32], _ peer: Int, _ side: PeerStore.RefusingSide) async throws -> [Hash32] {
        guard let store else { return ids }
        let refused = try await store.refusals(among: ids, of: Self.id(of: peer), side, now: clock.now)
        return ids.filter { !refused.contains($0) }
    }

    /// The one intake, and what its results mean for gossip, scores and refusals.
    private mutating func take(
        _ envelopes: [Data], from peer: Int, isAsked: Bool, _ now: Duration
    ) async throws -> (results: [(id: Hash32, outcome: Gossip.Outcome)], parked: [Hash32]) {
        guard let log, let store, !envelopes.isEmpty else { return ([], []) }
        let id = Self.id(of: peer)
        let ids = envelopes.map { try? OpenedEnvelope($0).id }
        for effect in gossip.handle(.received(ids.compactMap { $0 }, from: id), now: now) {
            _ = try await act(effect, now)
        }
        let judged = try await log.intake.submit(envelopes, from: source(peer))
        copies += envelopes.count
        repeats += judged.count { $0 == .have }
        book.countIn(judged.count { $0 == .new }, copies: judged.count, from: id, now: clock.now)
        var results: [(id: Hash32, outcome: Gossip.Outcome)] = []
        var (parked, unwanted): ([Hash32], [Hash32]) = ([], [])
        for (post, result) in zip(ids, judged) {
            if case .invalid = result { broken[peer, default: 0] += 1 }
            switch result {
            case .parked(let author): if !parked.contains(author) { parked.append(author) }
            case .policy: if let post { unwanted.append(post) }
            case .rate(let seconds) where !isAsked && seconds <= Limits.Room.peerPauseSeconds:
                score(.rateExcess, id, now)
            default: break
            }
            guard let post else {
                score(.invalid, id, now)
                continue
            }
            let outcome = Gossip.Outcome(result)
            // The answer on the wire says of a revoked key what it says of a broken signature.
            if case .unauthorised = result { results.append((post, .invalid)) } else { results.append((post, outcome)) }
            for effect in gossip.handle(.judged(post, from: id, outcome), now: now) { _ = try await act(effect, now) }
        }
        try await store.remember(refusals: unwanted, of: id, .refusedHere, now: clock.now)
        return (results, parked)
    }

    private mutating func askForKeys(of authors: [Hash32], _ peer: Int, _ now: Duration) async throws -> [Action] {
        var actions: [Action] = []
        for author in authors.prefix(8) {
            actions.append(.send(to: peer, .get([author])))
            actions += try await reconcile(.author(author), with: peer, now)
        }
        return actions
    }

    private mutating func score(_ deed: PeerDeed, _ peer: Hash32, _ now: Duration) {
        book.note(deed, by: peer, now: clock.now)
        gossip.mute(peer, book.value(of: peer, at: clock.now) < 0)
    }

    // MARK: Effects

    private mutating func act(_ effect: Gossip.Effect, _ now: Duration) async throws -> [Action] {
        switch effect {
        case .score(let peer, let deed):
            score(deed, peer, now)
            return []
        case .pull(let ids, let peer):
            return number(of: peer).map { [.send(to: $0, .get(ids))] } ?? []
        case .name(let ids, let peer):
            return number(of: peer).map { [.send(to: $0, .give([], naming: ids))] } ?? []
        case .reconcileWindow(let peer):
            guard let peer = number(of: peer) else { return [] }
            return try await reconcile(.since(clock.now - Limits.Gossip.windowSeconds), with: peer, now)
        case .reconcileAll(let peer):
            guard let peer = number(of: peer) else { return [] }
            return try await reconcile(.since(0), with: peer, now)
        }
    }

    // MARK: Reconciliation

    private func negentropy(_ scope: Scope) async throws -> Negentropy<Window>? {
        guard let log else { return nil }
        let (index, since): (ReconciliationIndex, UInt64) =
            switch scope {
            case .since(let second): (log.offered.all, second)
            case .author(let author): (try await log.index(ofAuthor: author, limit: 100_000), 0)
            }
        return try? Negentropy(ReconciliationWindow(index, since: since), frameLimit: 4096)
    }

    private mutating func reconcile(_ scope: Scope, with peer: Int, _ now: Duration) async throws -> [Action] {
        let key = Key(peer: peer, scope: scope)
        guard mutant != .reconcilesNothing, running[key] == nil, let negentropy = try await negentropy(scope) else {
            return []
        }
        var session = ReconciliationSession(negentropy, roundLimit: 200, needLimit: 5000)
        let first = session.start()
        running[key] = Running(session: session, deadline: now + .seconds(10))
        return [.send(to: peer, .sync(scope, first))]
    }

    private mutating func advance(_ scope: Scope, _ bytes: [UInt8], with peer: Int, _ now: Duration) async throws
        -> [Action]
    {
        let key = Key(peer: peer, scope: scope)
        guard let log, var run = running.removeValue(forKey: key) else { return [] }
        guard let progress = try? run.session.handle(bytes) else {
            score(.invalid, Self.id(of: peer), now)
            return []
        }
        var actions: [Action] = []
        let here = try await log.known(progress.need)
        let need = try await unrefused(progress.need.filter { !here.contains($0) }, peer, .refusedHere)
        for start in stride(from: 0, to: need.count, by: 300) {
            actions.append(.send(to: peer, .get(Array(need[start..<min(start + 300, need.count)]))))
        }
        let have = try await unrefused(progress.have, peer, .refusedThere)
        for start in stride(from: 0, to: have.count, by: 200) {
            actions += try await give(Array(have[start..<min(start + 200, have.count)]), to: peer, now)
        }
        if case .send(let next) = progress.next {
            run.deadline = now + .seconds(10)
            running[key] = run
            actions.append(.send(to: peer, .sync(scope, next)))
        }
        return actions
    }

    // MARK: Looking in

    /// Ids that are offered to peers.
    var offered: Set<Hash32> {
        var ids: Set<Hash32> = []
        guard let index = log?.offered.all else { return ids }
        index.forEachID(in: 0..<index.count) { ids.insert($0) }
        return ids
    }

    /// What is on disk: of each post its id and bytes; and what strangers take.
    func stored() async throws -> (posts: [(id: Hash32, envelope: Data)], strangerBytes: Int) {
        guard let log else { return ([], 0) }
        return try await log.pool.read { db in
            let rows = try Row.fetchAll(db, sql: "SELECT id, envelope FROM post WHERE length(envelope) > 0")
            let posts = rows.compactMap { row in Hash32(row[0] as Data).map { ($0, row[1] as Data) } }
            return (posts, try Int.fetchOne(db, sql: "SELECT bytes FROM guest_room") ?? 0)
        }
    }

    /// Bytes that strangers take, for looking often.
    func strangerBytes() async throws -> Int {
        try await log?.pool.read { db in try Int.fetchOne(db, sql: "SELECT bytes FROM guest_room") ?? 0 } ?? 0
    }

    func parkedCount() async -> Int { await log?.intake.parkedCount ?? 0 }
}
