import Digests
import Federation
import Foundation
import PostLog
import Testing
import WaggleProtocol

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
    func sameSet() async {
        let failures = await withTaskGroup(of: [String].self) { group in
            let lanes = 4
            for lane in 0..<lanes {
                group.addTask {
                    var found: [String] = []
                    for seed in seeds where Int(seed) % lanes == lane { found += Self.problems(of: seed) }
                    return found
                }
            }
            var all: [String] = []
            for await found in group { all += found }
            return all.sorted()
        }
        #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
        print("simulated \(seeds.count) seeds, \(seeds.lowerBound) to \(seeds.upperBound - 1)")
    }

    private static func problems(of seed: UInt64) -> [String] {
        var simulation = Simulation(seed: seed)
        var problems: Set<String> = []
        simulation.run(until: quiet) { simulation in
            for node in simulation.nodes { problems.formUnion(Self.excess(node)) }
        }
        for node in simulation.nodes {
            let wanted = Set(simulation.published.keys.filter { !node.unwanted.contains($0.author) }.map(\.id))
            let here = node.durable.posts.values.filter { $0.author < Simulation.honest }
            let missing = wanted.subtracting(here.map(\.id))
            if !missing.isEmpty {
                problems.insert("node \(node.number) lacks \(missing.count) of \(wanted.count) posts")
            }
            if here.contains(where: { !wanted.contains($0.id) }) {
                problems.insert("node \(node.number) has what nobody said")
            }
            if node.durable.posts.values.contains(where: { !$0.isSigned }) {
                problems.insert("node \(node.number) stored what is not signed")
            }
            if node.durable.posts.values.contains(where: { node.unwanted.contains($0.author) }) {
                problems.insert("node \(node.number) stored what it refused")
            }
            if node.index.count != node.durable.posts.count {
                problems.insert("node \(node.number): index and posts differ")
            }
        }
        return problems.sorted().map { "seed \(seed): \($0); FIRST_SEED=\(seed) SEEDS=1 runs it again" }
    }

    private static func excess(_ node: SimulatedNode) -> [String] {
        var found: [String] = []
        if node.durable.strangerBytes > Simulation.strangerBytes {
            found.append("node \(node.number): strangers' disk")
        }
        if node.gossip.seenCount > 4096 + 1 { found.append("node \(node.number): seen cache") }
        if node.gossip.pullCount > Limits.Gossip.pulls { found.append("node \(node.number): pulls") }
        if node.book.records.count > Limits.Peers.table { found.append("node \(node.number): peer table") }
        return found
    }

    @Test("one seed gives one run", arguments: [1, 7, 42] as [UInt64])
    func reproducible(seed: UInt64) {
        func run() -> (UInt64, Int, [Int]) {
            var simulation = Simulation(seed: seed)
            simulation.run(until: .seconds(200))
            return (simulation.trace, simulation.steps, simulation.nodes.map(\.durable.posts.count))
        }
        #expect(run() == run())
    }

    @Test("a flood of fresh keys does not hold up those who are followed", arguments: 0..<8 as Range<UInt64>)
    func flood(seed: UInt64) {
        var weather = Simulation.Weather()
        weather.attackers = [.floods, .floods, .claimsMuch]
        var simulation = Simulation(seed: seed, weather: weather, active: .seconds(60), posts: 60)
        simulation.run(until: .seconds(70))
        for node in simulation.nodes {
            #expect(node.durable.strangerBytes <= Simulation.strangerBytes)
            for (post, time) in simulation.published {
                let delay = node.arrivals[post.id].map { $0 - time }
                #expect(delay ?? .seconds(999) <= .seconds(2), "seed \(seed), node \(node.number)")
            }
        }
    }

    @Test(
        "in calm weather posts arrive within a second, in less than two copies a node",
        arguments: 0..<8 as Range<UInt64>)
    func calm(seed: UInt64) {
        var weather = Simulation.Weather()
        weather.latency = 5...60
        var simulation = Simulation(seed: seed, weather: weather, active: .seconds(120), posts: 200)
        simulation.run(until: .seconds(130))
        var delays: [Duration] = []
        for node in simulation.nodes {
            delays += simulation.published.compactMap { post, time in node.arrivals[post.id].map { $0 - time } }
        }
        #expect(delays.count == simulation.published.count * Simulation.honest)
        delays.sort()
        #expect(delays[delays.count * 99 / 100] <= .seconds(1), "seed \(seed)")
        let copies = simulation.nodes.map(\.copies).reduce(0, +)
        let foreign = simulation.published.count * (Simulation.honest - 1)
        #expect(Double(copies) / Double(foreign) <= 2, "seed \(seed): \(copies) copies for \(foreign)")
    }
}
