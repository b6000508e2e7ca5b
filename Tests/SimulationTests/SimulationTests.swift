import Digests
import Foundation
import Identity
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Federation

/// `SEEDS` says how many seeds run, `FIRST_SEED` where they begin.
private let seeds: Range<UInt64> = {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["FIRST_SEED"].flatMap { UInt64($0) } ?? 0
    return first..<first + (environment["SEEDS"].flatMap { UInt64($0) } ?? 200)
}()

@Suite("Nodes in a simulated network")
struct SimulationTests {
    /// Time enough for every node to reconcile with each of its peers, however the dice fall.
    private static let quiet = Duration.seconds(90 + 1500)

    @Test("whatever the network and hostile peers do, every honest node ends with the same posts, and no others")
    func sameSet() async throws {
        let failures = try await withThrowingTaskGroup(of: [String].self) { group in
            // Two for each core: while the database of a simulated node answers on its own thread, another lane goes on.
            let lanes = 2 * UInt64(ProcessInfo.processInfo.activeProcessorCount)
            for lane in 0..<lanes {
                group.addTask {
                    var found: [String] = []
                    for seed in seeds where seed % lanes == lane { found += try await Self.problems(of: seed) }
                    return found
                }
            }
            var all: [String] = []
            for try await found in group { all += found }
            return all.sorted()
        }
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        print("simulated \(seeds.count) seeds, \(seeds.lowerBound) to \(seeds.upperBound - 1)")
    }

    private static func problems(
        of seed: UInt64, weather: Simulation.Weather? = nil, mutant: SimulatedNode.Mutant? = nil
    ) async throws -> [String] {
        let simulation = try Simulation(seed: seed, weather: weather, mutant: mutant)
        var problems: Set<String> = []
        try await simulation.run(until: quiet) { simulation in
            for node in simulation.nodes { problems.formUnion(try await excess(node, simulation.attackers)) }
        }
        let expected = try await simulation.expected()
        let said = Set(simulation.published.map(\.post.id))
        let madeUp = simulation.attackers.reduce(into: Set<Hash32>()) { $0.formUnion($1.ownPosts) }
        for node in simulation.nodes {
            let refused = Set(
                simulation.published.filter { published in
                    PostLevel.highest(of: published.post.post).map { $0 > node.ceiling } ?? false
                }.map(\.post.id))
            let here = node.offered
            // Where the newest post of a slot is refused, the one before it stands: the others do not offer that.
            let missing = expected.subtracting(refused).subtracting(here)
            if !missing.isEmpty { problems.insert("node \(node.number) lacks \(missing.count) of \(expected.count)") }
            let surplus = here.subtracting(expected).subtracting(madeUp)
            if refused.isEmpty ? !surplus.isEmpty : !surplus.isSubset(of: said) {
                problems.insert("node \(node.number) shows \(surplus.count) posts that do not stand")
            }
            if !here.isDisjoint(with: refused) { problems.insert("node \(node.number) shows what it refused") }
            for (id, envelope) in try await node.stored().posts {
                guard let post = try? SignedPost(envelope: envelope), post.id == id else {
                    problems.insert("node \(node.number) stored what is not signed")
                    continue
                }
                if refused.contains(id) { problems.insert("node \(node.number) stored what it refused") }
            }
            problems.formUnion(lostAddresses(node))
        }
        return problems.sorted().map { "seed \(seed): \($0); FIRST_SEED=\(seed) SEEDS=1 runs it again" }
    }

    /// What must hold at any time.
    private static func excess(_ node: SimulatedNode, _ attackers: [SimulatedAttacker]) async throws -> [String] {
        var found: [String] = []
        func demand(_ holds: Bool, _ what: String) { if !holds { found.append("node \(node.number): \(what)") } }
        // The author that makes room necessary may go over it for a moment.
        let room = Simulation.strangerBytes + Limits.Room.strangerBytes
        demand(try await node.strangerBytes() <= room, "strangers' disk")
        demand(node.gossip.seenCount <= 4096 + 1, "seen cache")
        demand(node.gossip.pullCount <= Limits.Gossip.pulls, "pulls")
        demand(node.book.records.count <= Limits.Peers.table, "peer table")
        demand(node.addresses.entries.count <= Limits.Peers.table, "address table")
        demand(await node.parkedCount() <= Limits.Parking.bytes / 256, "parked posts")
        // Squared: the eighth broken post is one too many, and two more may come with it.
        for attacker in attackers {
            demand(node.broken[attacker.number] ?? 0 <= 12 * node.lives, "goes on taking forgeries")
        }
        return found
    }

    /// A liar fills its own share of the addresses, and pushes out none that was proved.
    private static func lostAddresses(_ node: SimulatedNode) -> [String] {
        var found: [String] = []
        let proved = Set(node.addresses.proved.map(\.url))
        for peer in node.dials where !proved.contains(SimulatedNode.url(of: peer)) {
            found.append("node \(node.number) lost the address of \(peer)")
        }
        let shares = Dictionary(grouping: node.addresses.entries.values.filter { $0.provedAt == 0 }, by: \.source)
        if shares.values.contains(where: { $0.count > Limits.Peers.exchanged }) {
            found.append("node \(node.number): one peer filled more than its share of the addresses")
        }
        return found
    }

    @Test("one seed gives one run", arguments: [1, 7, 42] as [UInt64])
    func reproducible(seed: UInt64) async throws {
        func run() async throws -> (UInt64, Int, [Int]) {
            let simulation = try Simulation(seed: seed)
            try await simulation.run(until: .seconds(200))
            return (simulation.trace, simulation.steps, simulation.nodes.map(\.offered.count))
        }
        let (first, second) = (try await run(), try await run())
        #expect(first == second)
    }

    @Test("a rule that is switched off is found out", arguments: SimulatedNode.Mutant.allCases)
    func mutants(_ mutant: SimulatedNode.Mutant) async throws {
        var weather = Simulation.Weather()
        switch mutant {
        case .reconcilesNothing: (weather.hasPartition, weather.lossPercent) = (true, 30)
        case .admitsAll: (weather.hasRefusals, weather.attackers) = (true, [.floods])
        case .readsNoLists: weather.attackers = [.steals]
        case .forgivesAll: weather.attackers = [.forges]
        case .losesDisk: (weather.hasRestarts, weather.lossPercent) = (true, 30)
        case .knowsNobody: break
        }
        for seed in 0..<12 as Range<UInt64> {
            if mutant == .knowsNobody {
                guard try await Self.late(inFlood: seed, mutant: mutant).isEmpty else { return }
            } else {
                // A node that cannot take what its own people say was found out, too.
                guard let problems = try? await Self.problems(of: seed, weather: weather, mutant: mutant),
                    problems.isEmpty
                else { return }
            }
        }
        Issue.record("nobody notices the mutant \(mutant)")
    }

    @Test("a flood of fresh keys does not hold up those who are followed", arguments: 0..<8 as Range<UInt64>)
    func flood(seed: UInt64) async throws {
        let late = try await Self.late(inFlood: seed)
        #expect(late.isEmpty, "seed \(seed): \(late)")
    }

    /// Posts that took more than two seconds to a node while fresh keys flood it.
    private static func late(inFlood seed: UInt64, mutant: SimulatedNode.Mutant? = nil) async throws -> [String] {
        var weather = Simulation.Weather()
        weather.attackers = [.floods, .floods, .claimsMuch]
        let simulation = try Simulation(seed: seed, weather: weather, active: .seconds(60), posts: 60, mutant: mutant)
        try await simulation.run(until: .seconds(70))
        var late: [String] = []
        // What another post replaced or a delete took before it came need not come.
        let expected = try await simulation.expected()
        for node in simulation.nodes {
            for published in simulation.published where expected.contains(published.post.id) {
                let delay = node.arrivals[published.post.id].map { $0 - published.at }
                if delay ?? .seconds(999) > .seconds(2) {
                    late.append("node \(node.number): \(delay.map { "\($0)" } ?? "never"), kind \(published.post.kind)")
                }
            }
        }
        return late
    }

    @Test(
        "in calm weather posts arrive within a second, in less than two copies a node",
        arguments: 0..<8 as Range<UInt64>)
    func calm(seed: UInt64) async throws {
        var weather = Simulation.Weather()
        weather.latency = 5...60
        let simulation = try Simulation(seed: seed, weather: weather, active: .seconds(120), posts: 200)
        try await simulation.run(until: .seconds(130))
        var delays: [Duration] = []
        let expected = try await simulation.expected()
        let lasting = simulation.published.filter { expected.contains($0.post.id) }
        for node in simulation.nodes {
            delays += lasting.compactMap { published in
                node.arrivals[published.post.id].map { $0 - published.at }
            }
        }
        #expect(delays.count == lasting.count * Simulation.honest, "seed \(seed)")
        delays.sort()
        #expect(delays[delays.count * 99 / 100] <= .seconds(1), "seed \(seed)")
        let copies = simulation.nodes.map(\.copies).reduce(0, +)
        let foreign = simulation.published.count * (Simulation.honest - 1)
        #expect(Double(copies) / Double(foreign) <= 2, "seed \(seed): \(copies) copies for \(foreign)")
    }
}
