import Digests
import Foundation
import Testing
import WaggleProtocol

@testable import Moderation

/// `SEEDS` says how many seeds run, `FIRST_SEED` where they begin.
private let seeds: Range<UInt64> = {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["FIRST_SEED"].flatMap { UInt64($0) } ?? 0
    return first..<first + (environment["SEEDS"].flatMap { UInt64($0) } ?? 100)
}()

/// Nodes that subscribe to each other's lists over a network that loses, doubles, reorders and splits, among keepers of
/// lists that poison them, with restarts and operators who change their minds.
@Suite("Lists among nodes")
struct ListSimulationTests {
    @Test("bytes purged are never served, leaving a list leaves nothing, programs' entries never act by themselves")
    func simulated() throws {
        for seed in seeds {
            var world = ListWorld(seed: seed)
            for problem in world.run(steps: 150) { Issue.record("seed \(seed): \(problem)") }
        }
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<count, using: &self) }
}

/// An entry of a list as a post that travels.
private struct Said: Hashable {
    let list: ListID
    let entry: ListEntry
}

private struct ListNode {
    var policy = ListPolicy()
    /// What is on the disk: decisions, posts, purges, bytes.
    var kept: [PolicyChange] = []
    var posts: Set<Said> = []
    var purged: Set<ListSubject> = []
    var bytes: Set<ListSubject> = []

    mutating func keep() { kept += policy.takeChanges() }

    /// What a process that starts again knows.
    func restarted() -> ListPolicy {
        var policy = ListPolicy(kept: kept)
        // Of a slot the newest post is in force, and only those are read again.
        struct Slot: Hashable {
            let list: ListID
            let subject: ListSubject
        }
        var newest: [Slot: Said] = [:]
        for said in posts where !said.entry.isPurge {
            newest.merge([Slot(list: said.list, subject: said.entry.subject): said]) { known, other in
                other.entry.stands(before: known.entry) ? other : known
            }
        }
        let inForce = posts.filter(\.entry.isPurge) + Array(newest.values)
        for said in inForce { policy.take(said.entry, of: said.list) }
        return policy
    }
}

private struct ListWorld {
    private var random: SplitMix
    private var nodes: [ListNode] = []
    private var lists: [ListID] = []
    /// Lists whose keeper's key was revoked.
    private var revoked: Set<ListID> = []
    private var network: [(to: Int, said: Said)] = []
    private var isCut: [Bool] = []
    private var now: UInt64 = 1_000_000
    private var problems: [String] = []
    /// Nodes that something happened to.
    private var touched: Set<Int> = []
    private var count: UInt64 = 0
    private let subjects: [ListSubject] = (0..<60).map { number in
        .exact(.blob(SHA256.hash(Array("bytes \(number)".utf8))))
    }

    init(seed: UInt64) {
        random = SplitMix(state: seed)
        nodes = (0..<4).map { _ in ListNode() }
        isCut = nodes.map { _ in false }
        lists = (0..<4).map { ListID(author: SHA256.hash([UInt8($0)]), slug: "list") }
        for node in nodes.indices {
            nodes[node].bytes = Set(subjects.filter { _ in random.below(3) > 0 })
            let source = source(lists[node])
            try? nodes[node].policy.subscribe(source, by: "me", now: now)
            nodes[node].keep()
        }
    }

    private mutating func source(_ list: ListID) -> ListSource {
        ListSource(
            id: list, mode: random.below(3) > 0 ? .automatic : .draft, grant: Severity.allCases[random.below(5)],
            isShadow: random.below(8) == 0)
    }

    mutating func run(steps: Int) -> [String] {
        for _ in 0..<steps {
            now += UInt64(random.below(4000))
            step()
            if !problems.isEmpty { break }
        }
        heal()
        return problems
    }

    private mutating func step() {
        switch random.below(100) {
        case 0..<30: publish(count: 1)
        case 30..<33: publish(count: 50)  // Poison: everything is to go.
        case 33..<65: deliver()
        case 65..<85: decide()
        case 85..<90: restart(random.below(nodes.count))
        case 90..<93: isCut[random.below(nodes.count)].toggle()
        case 93..<95: revoke()
        default: fetch()
        }
        for node in touched.sorted() { act(node) }
        touched = []
    }

    // MARK: What happens

    private mutating func publish(count many: Int) {
        let list = lists[random.below(lists.count)]
        guard !revoked.contains(list) else { return }
        for number in 0..<many {
            count += 1
            let subject = many > 1 ? subjects[number] : subjects[random.below(subjects.count)]
            let entry = ListEntry(
                subject: subject, severity: many > 1 ? .purge : Severity.allCases[random.below(5)],
                reason: ["likeness", "spam"][random.below(2)], basis: EntryBasis.allCases[random.below(3)],
                until: random.below(6) == 0 ? now + 20_000 : 0, isWithdrawn: many == 1 && random.below(3) == 0,
                post: SHA256.hash(Array("post \(count)".utf8)), created: now,
                isPurge: many == 1 && random.below(20) == 0)
            for node in nodes.indices { network.append((node, Said(list: list, entry: entry))) }
        }
    }

    private mutating func deliver() {
        for _ in 0..<min(network.count, 60) {
            let place = random.below(network.count)
            let message = network[place]
            if isCut[message.to] { continue }
            // Some come twice.
            if random.below(10) > 0 {
                network.swapAt(place, network.count - 1)
                network.removeLast()
            }
            arrive(message.said, at: message.to)
        }
    }

    private mutating func arrive(_ said: Said, at node: Int) {
        guard !revoked.contains(said.list) else { return }
        touched.insert(node)
        nodes[node].posts.insert(said)
        nodes[node].policy.take(said.entry, of: said.list)
        nodes[node].keep()
    }

    private mutating func decide() {
        let node = random.below(nodes.count)
        let list = lists[random.below(lists.count)]
        touched.insert(node)
        let before = nodes[node].policy
        var policy = before
        switch random.below(7) {
        case 0: try? policy.subscribe(source(list), at: random.below(3), by: "me", now: now)
        case 1: try? policy.unsubscribe(list, by: "me", now: now)
        case 2, 3:
            let chosen = Set(policy.waiting(list, at: now).map(\.subject).filter { _ in random.below(2) == 0 })
            _ = try? policy.approve(list, chosen, by: "me", now: now)
        case 4:
            if policy.source(list) != nil { try? policy.change(source(list), to: random.below(3), by: "me", now: now) }
        case 5:
            _ = try? policy.reject(
                list, Set(policy.waiting(list, at: now).prefix(3).map(\.subject)), by: "me", now: now)
        default: _ = try? policy.undo(list, now: now)
        }
        if policy.steps.count == before.steps.count + 1 { checkUndo(before, policy, list) }
        nodes[node].policy = policy
        nodes[node].keep()
        checkLeaving(nodes[node].policy, list)
    }

    private mutating func restart(_ node: Int) {
        touched.insert(node)
        let before = nodes[node].policy
        let after = nodes[node].restarted()
        expect(after.effects(at: now) == before.effects(at: now), "a restart changed what acts")
        expect(after.sources == before.sources && after.steps == before.steps, "a restart lost decisions")
        for source in after.sources {
            expect(
                after.waiting(source.id, at: now) == before.waiting(source.id, at: now), "a restart changed what waits")
        }
        nodes[node].policy = after
        // What the entries that were read again took back is written down, as when they came.
        nodes[node].keep()
    }

    private mutating func revoke() {
        guard random.below(4) == 0 else { return }
        let list = lists[random.below(lists.count)]
        revoked.insert(list)
        for node in nodes.indices {
            for said in nodes[node].posts where said.list == list {
                nodes[node].posts.remove(said)
                nodes[node].policy.drop(post: said.entry.post, saying: said.entry.subject, of: list)
            }
            expect(
                !nodes[node].policy.effects(at: now).values.contains { $0.source == list },
                "entries of a revoked key act")
        }
    }

    /// Somebody brings bytes.
    private mutating func fetch() {
        let (node, subject) = (random.below(nodes.count), subjects[random.below(subjects.count)])
        let action = nodes[node].policy.effects(at: now)[subject]?.action ?? .note
        guard !nodes[node].purged.contains(subject), action < .block else { return }
        nodes[node].bytes.insert(subject)
        touched.insert(node)
    }

    /// What a node does after anything happened to it.
    private mutating func act(_ node: Int) {
        let bytes = nodes[node].bytes
        let before = nodes[node].policy
        _ = nodes[node].policy.settle(at: now, catalog: subjects.count) { subject in
            Reach(items: bytes.contains(subject) ? 1 : 0, local: 0)
        }
        if nodes[node].policy.steps.count > before.steps.count {
            for source in nodes[node].policy.sources { checkBrake(nodes[node].policy, source.id) }
        }
        nodes[node].keep()
        for (subject, effect) in nodes[node].policy.effects(at: now) {
            checkBasis(nodes[node].policy, subject, effect)
            guard effect.action == .purge else { continue }
            nodes[node].purged.insert(subject)
            nodes[node].bytes.remove(subject)
        }
        expect(nodes[node].bytes.isDisjoint(with: nodes[node].purged), "purged bytes are served")
    }

    // MARK: What must hold

    private mutating func expect(_ isTrue: Bool, _ what: String) {
        if !isTrue { problems.append("\(what), at \(now)") }
    }

    private mutating func checkBasis(_ policy: ListPolicy, _ subject: ListSubject, _ effect: ListEffect) {
        guard let approval = policy.approvals[effect.source]?[subject] else {
            return expect(false, "something acts that nobody approved")
        }
        expect(effect.entry.basis == .human || !approval.isAutomatic, "an entry of a program acts by itself")
        let grant = policy.source(effect.source)?.grant ?? .note
        expect(!approval.isAutomatic || effect.action <= grant, "a list does more than it was granted")
        expect(effect.action < .purge || grant == .purge, "a list deletes that may not")
    }

    private mutating func checkBrake(_ policy: ListPolicy, _ list: ListID) {
        let used = (policy.spent[list] ?? []).filter { $0.at + Limits.Policy.brakeSeconds > now }.reduce(0) {
            $0 + $1.items
        }
        expect(used <= ListPolicy.brake(catalog: subjects.count), "the brake did not hold")
    }

    /// A decision that is taken back leaves no trace in what acts.
    private mutating func checkUndo(_ before: ListPolicy, _ after: ListPolicy, _ list: ListID) {
        var undone = after
        _ = try? undone.undo(list, now: now)
        expect(undone.effects(at: now) == before.effects(at: now), "taking back did not restore what acted")
        expect(undone.sources == before.sources, "taking back did not restore the lists")
    }

    /// Joining and leaving a list restores what acted before, whatever happened in between.
    private mutating func checkLeaving(_ policy: ListPolicy, _ list: ListID) {
        guard policy.source(list) == nil else { return }
        var joined = policy
        try? joined.subscribe(ListSource(id: list, mode: .automatic, grant: .block), at: 0, by: "me", now: now)
        _ = joined.settle(at: now, catalog: subjects.count) { _ in .none }
        _ = try? joined.approve(list, by: "me", now: now)
        try? joined.unsubscribe(list, by: "me", now: now)
        expect(joined.effects(at: now) == policy.effects(at: now), "leaving a list left something behind")
        expect(joined.sources == policy.sources, "leaving a list changed the others")
    }

    /// All partitions end: every node knows the same of every list.
    private mutating func heal() {
        isCut = nodes.map { _ in false }
        while let message = network.popLast() { arrive(message.said, at: message.to) }
        for node in nodes.indices { act(node) }
        for list in lists {
            let first = Set(nodes[0].policy.entries(of: list))
            for node in nodes.dropFirst() {
                expect(Set(node.policy.entries(of: list)) == first, "nodes disagree about a list")
            }
        }
        for node in nodes.indices { restart(node) }
    }
}
