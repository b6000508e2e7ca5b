import Digests
import Foundation
import Testing

/// `waggle buzz charter … --json`.
private struct CharterState: Decodable {
    let currency: String?
    let faults: Int?
    let isComplete: Bool
}

/// Four nodes that decide together in one currency, behind stable addresses: a node can come back elsewhere, or be cut off.
struct Operators {
    let world: World
    private(set) var gates: [CountingProxy] = []
    private(set) var nodes: [TestNode] = []

    /// Starts the nodes and makes them peers of each other.
    ///
    /// - Parameter liar: the name of a node that votes for whatever it is asked to.
    init(_ names: [String] = ["a", "b", "c", "d"], liar: String? = nil) async throws {
        world = try World.current
        for name in names {
            let gate = try CountingProxy(world)
            // Read by programs that are built for tests, and by no other.
            world.setEnvironment("WAGGLE_BROKEN_LEDGER_RULE", name == liar ? "oneVoteARound" : "")
            let node = try await world.node(name, "--public-url", gate.url)
            gate.lead(to: node.url)
            gates.append(gate)
            nodes.append(node)
        }
        world.setEnvironment("WAGGLE_BROKEN_LEDGER_RULE", "")
        for (index, node) in nodes.enumerated() {
            for (other, gate) in gates.enumerated() where other != index {
                try await node.ok("peer", "add", gate.url, "--yes")
            }
        }
    }

    func restart(_ index: Int) async throws {
        try await nodes[index].restart()
        gates[index].lead(to: nodes[index].url)
    }

    /// The ceremony: each adds their node to the file, all sign it, each takes their place.
    ///
    /// - Parameter rules: further choices of whoever begins it.
    /// - Returns: the currency's name.
    func found(_ rules: [String] = ["--no-rewards"]) async throws -> Hash32 {
        let file = world.path("honey.json")
        let begun = try await Waggle.run(
            [
                "buzz", "charter", "draft", file, "--name", "Honey", "--symbol", "HNY", "--cap", "10000", "--home",
                nodes[0].home,
            ] + rules)
        try #require(begun.exit == 0, "\(begun)")
        #expect(try await nodes[0].run("buzz", "charter", "sign", file).exit == 7, "there is one operator so far")
        for node in nodes.dropFirst() { try await node.ok("buzz", "charter", "draft", file) }
        for node in nodes.dropLast() { try await node.ok("buzz", "charter", "sign", file) }
        let early = try await nodes[0].run("buzz", "found", "--charter", file)
        #expect(early.exit == 7 && early.errors.contains(gates[nodes.count - 1].url), "one has not signed: \(early)")
        try await nodes[nodes.count - 1].ok("buzz", "charter", "sign", file)
        let shown = try await Waggle.run(["buzz", "charter", "show", file, "--json"]).json(CharterState.self)
        #expect(shown.isComplete && shown.faults == (nodes.count - 1) / 3)
        for node in nodes { try await node.ok("buzz", "found", "--charter", file) }
        return try #require(shown.currency.flatMap { Hash32(hex: $0) })
    }
}
