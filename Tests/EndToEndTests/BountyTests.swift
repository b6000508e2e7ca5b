import Foundation
import Testing

/// `waggle bounty show --json`.
private struct BountyState: Decodable {
    struct Line: Decodable {
        let bounty: String
        let phase: String
        let escrowed: Int
        let pledged: Int
        let paid: Int
        let returned: Int
        let entries: Int
    }

    struct Backing: Decodable {
        let hold: String
        let state: String
        let amount: Int
    }

    struct Entry: Decodable {
        let post: String
        let won: Int
    }

    let summary: Line
    let isArbiterKnown: Bool
    let backings: [Backing]
    let entries: [Entry]
}

private struct SettledState: Decodable {
    let settled: Int
    let expired: Int
    let troubles: [String]
}

@Suite("A bounty across three instances", .nodes, .logsOnFailure)
struct BountyTests {
    private static let hour = 3600
    private static let day = 86400

    /// The backer's node decides in the currency, the poster's is the arbiter, the hunter lives on a third.
    private struct Three {
        let world: World
        let clock: TestClock
        let backer: TestNode
        let poster: TestNode
        let hunter: TestNode

        var all: [TestNode] { [backer, poster, hunter] }
    }

    private func three() async throws -> Three {
        let world = try World.current
        let clock = try await TestClock(world)
        let three = Three(
            world: world, clock: clock, backer: try await world.node("backer"), poster: try await world.node("poster"),
            hunter: try await world.node("hunter"))
        for one in three.all {
            for other in three.all where other.home != one.home { try await one.ok("peer", "add", other.url, "--yes") }
        }
        try await three.backer.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--no-rewards")
        for node in [three.poster, three.hunter] { try await node.ok("buzz", "join", three.backer.url) }
        for (node, amount) in [(three.poster, "100"), (three.backer, "300")] {
            try await three.backer.ok("buzz", "grant", try await balance(node).account, amount)
        }
        return three
    }

    private func balance(_ node: TestNode) async throws -> BalanceState {
        try #require(try await node.json([BalanceState].self, "buzz", "balance").first)
    }

    private func show(_ node: TestNode, _ bounty: String) async throws -> BountyState {
        try await node.json(BountyState.self, "bounty", "show", bounty)
    }

    private func settle(_ node: TestNode) async throws -> SettledState {
        try await node.json(SettledState.self, "bounty", "settle")
    }

    /// A bounty of the poster with 100, to which the backer adds 300.
    private func posted(_ three: Three, rule: String) async throws -> String {
        let made = try await three.poster.json(
            BountyState.self, "bounty", "new", "Old maps", "--amount", "100", "--deadline", "1h", "--judging", "1h",
            "--rule", rule)
        let bounty = made.summary.bounty
        #expect(made.summary.escrowed == 100 && made.isArbiterKnown && made.summary.phase == "open")
        #expect(try await balance(three.poster).balance == 0)
        let funded = try await eventually("the backer's node knows the bounty and who decides it") {
            let result = try await three.backer.run("bounty", "fund", String(bounty.prefix(12)), "300", "--json")
            return result.exit == 0 ? try result.json(BountyState.self) : nil
        }
        #expect(funded.summary.escrowed == 400 && funded.backings.count == 2)
        return bounty
    }

    private func enter(_ three: Three, _ bounty: String) async throws -> String {
        let entry = try await eventually("the hunter's node knows the bounty") {
            let result = try await three.hunter.run("bounty", "enter", bounty, "--text", "Here be dragons.", "--json")
            return result.exit == 0 ? try result.json(Said.self).post : nil
        }
        for node in [three.poster, three.backer] {
            try await eventually("the entry has arrived") { try await show(node, bounty).entries.count == 1 }
        }
        return entry
    }

    private struct Said: Decodable {
        let post: String
    }

    @Test("the poster falls silent: the backer's award is paid, and the rule that was fixed at the start pays the rest")
    func ruleAndAward() async throws {
        let three = try await three()
        let bounty = try await posted(three, rule: "first")
        let early = try await three.backer.run("bounty", "award", bounty, String(repeating: "0", count: 16))
        #expect(early.exit == 3, "there is nothing to award yet: \(early)")
        let entry = try await enter(three, bounty)
        #expect(try await three.backer.run("bounty", "refund", bounty).exit == 7, "an entry binds")
        try await three.backer.ok("bounty", "award", bounty, String(entry.prefix(12)), "--text", "Lovely.")
        try await eventually("the arbiter has the award and paid") {
            _ = try await settle(three.poster)
            return try await balance(three.hunter).balance == 300
        }
        // The poster never says anything again.
        try three.clock.set(Self.hour + Self.hour / 2)
        #expect(try await settle(three.poster).settled == 0, "there is time to decide")
        #expect(try await show(three.poster, bounty).summary.phase == "judging")
        #expect(try await three.hunter.run("bounty", "enter", bounty, "--text", "late").exit == 7)
        try three.clock.set(2 * Self.hour + 60)
        #expect(try await settle(three.poster).troubles == [])
        try await eventually("the rule paid") { try await balance(three.hunter).balance == 400 }
        for node in three.all {
            let state = try await show(node, bounty)
            #expect(state.summary.phase == "closed" && state.summary.paid == 400 && state.summary.returned == 0)
            #expect(state.entries.map(\.won) == [400])
            try await node.ok("buzz", "audit")
        }
        #expect(try await three.hunter.ok("bounty", "ls").output.contains("400 paid"))
    }

    @Test("nobody enters: everybody gets back what they set aside; a pledge can be withdrawn at any time")
    func refund() async throws {
        let three = try await three()
        let bounty = try await posted(three, rule: "split")
        try await three.backer.ok("bounty", "refund", bounty)
        try await eventually("the arbiter gave it back") {
            _ = try await settle(three.poster)
            return try await balance(three.backer).balance == 300
        }
        let pledged = try await three.backer.json(BountyState.self, "bounty", "fund", bounty, "20", "--pledge")
        #expect(pledged.summary.pledged == 20 && pledged.summary.escrowed == 100)
        let withdrawn = try await three.backer.json(BountyState.self, "bounty", "refund", bounty)
        #expect(withdrawn.summary.pledged == 0)
        try three.clock.set(2 * Self.hour + 60)
        _ = try await settle(three.poster)
        try await eventually("the deadline passed") { try await balance(three.poster).balance == 100 }
        #expect(try await show(three.hunter, bounty).summary.phase == "closed")
    }

    @Test("the arbiter's node is gone for good: holds expire where the authority answers")
    func arbiterGone() async throws {
        let three = try await three()
        let bounty = try await posted(three, rule: "first")
        _ = try await enter(three, bounty)
        await three.poster.kill()
        try FileManager.default.removeItem(atPath: three.poster.home)
        try three.clock.set(2 * Self.day)
        #expect(try await settle(three.backer).expired == 0, "the arbiter could still come back")
        #expect(try await show(three.hunter, bounty).summary.escrowed == 400)
        try three.clock.set(5 * Self.day)
        // The node does it by itself too: whichever comes first.
        _ = try await settle(three.backer)
        try await eventually("what was set aside is back") { try await balance(three.backer).balance == 300 }
        let after = try await show(three.hunter, bounty)
        #expect(after.summary.phase == "closed" && after.summary.returned == 400 && after.summary.paid == 0)
        try await three.hunter.ok("buzz", "audit")
    }

    @Test("the authority's node is gone for good: what was set aside can be proved, and nothing is said to have moved")
    func authorityGone() async throws {
        let three = try await three()
        let bounty = try await posted(three, rule: "first")
        _ = try await enter(three, bounty)
        let hold = try #require(try await show(three.hunter, bounty).backings.first).hold
        await three.backer.kill()
        try FileManager.default.removeItem(atPath: three.backer.home)
        try three.clock.set(5 * Self.day)
        let settled = try await settle(three.poster)
        #expect(settled.expired == 0 && settled.settled == 0 && !settled.troubles.isEmpty, "\(settled)")
        let state = try await show(three.hunter, bounty)
        #expect(state.summary.escrowed == 400 && state.backings.allSatisfy { $0.state == "expired" })
        let receipt = three.world.path("hold.receipt")
        try await three.hunter.ok("buzz", "explain", hold, "--receipt", receipt)
        #expect(try await Waggle.run(["buzz", "verify", receipt]).exit == 0)
        try await three.hunter.ok("buzz", "audit")
    }
}
