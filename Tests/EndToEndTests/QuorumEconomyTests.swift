import Digests
import Foundation
import Testing

private struct Token: Decodable {
    let token: String
}

private struct Quote: Decodable {
    let price: Int
}

private struct Made: Decodable {
    let words: String
}

private struct Person: Decodable {
    let author: String
}

/// `waggle buzz ls --json`.
private struct HeldState: Decodable {
    let held: Int
    let role: String
    let operators: Int
}

private struct PaidState: Decodable {
    let troubles: [String]
}

/// `waggle buzz rewards --json`.
private struct RewardState: Decodable {
    struct Granter: Decodable {
        let url: String
    }

    let granter: Granter
    let granters: [Granter]
    let evidence: String
    let granted: Int
    let missing: Int
}

/// `waggle account move --json`.
private struct Moved: Decodable {
    struct Balance: Decodable {
        let balance: Int
        let outcome: String
        let silent: [String]?
    }

    let balances: [Balance]
}

/// What is built on currencies, in one of four operators of which one is gone.
@Suite("Buzz of several operators, put to use", .nodes, .logsOnFailure)
struct QuorumEconomyTests {
    private static let day = 86400
    private static let order = #"{"model": "comb", "prompt": "a bee", "seed": 7}"#

    private func balance(_ node: TestNode, _ account: String) async throws -> BalanceState {
        try #require(try await node.json([BalanceState].self, "buzz", "balance", account).first)
    }

    private func send(_ node: TestNode, _ token: String, _ path: String) async throws -> HTTPReply {
        try await HTTP.send(
            "POST", node.url + "/api/w1/" + path,
            ["Authorization": "Bearer \(token)", "Content-Type": "application/json"],
            body: Array(Self.order.utf8))
    }

    /// Orders a picture and waits for its end.
    private func draw(_ node: TestNode, _ token: String) async throws -> JobState {
        let reply = try await send(node, token, "generate")
        try #require(reply.status == 202, "\(reply.text)")
        let id = try JSONDecoder().decode(JobState.self, from: Data(reply.body)).id
        return try await eventually("the job is over", within: 120) {
            let job = try await node.json(JobState.self, "gen", "show", id)
            return ["done", "failed", "cancelled"].contains(job.state) ? job : nil
        }
    }

    @Test(
        "pictures are paid for, an epoch is rewarded, tips arrive and an account takes another key while one operator is gone"
    )
    func economy() async throws {
        let world = try World.current
        let clock = try await TestClock(world)
        let bytes = try Samples.checkpoint(seed: 1)
        let program = try DrawingProgram(
            .a1111, world, checkpoint: (name: "comb", sha256: SHA256.hash(bytes).hex), lora: "honey")
        world.setEnvironment("WAGGLE_GENERATION_BACKEND", program.setting)
        world.setEnvironment("WAGGLE_GENERATION_PRICE", "3000")
        let four = try await Operators()
        _ = try await four.found([])
        let (a, b, c, d) = (four.nodes[0], four.nodes[1], four.nodes[2], four.nodes[3])
        let member = try await world.node("member")
        try await member.ok("peer", "add", four.gates[0].url, "--yes")
        try await a.ok("peer", "add", member.url, "--yes")
        let words = try await a.json(Made.self, "account", "new", "ada", "--name", "Ada").words
        try await a.ok("account", "new", "bea", "--name", "Bea")
        try await a.ok("buzz", "accept", "--as", "bea")
        // Noon in two days: members of two days before, and a day that does not end meanwhile.
        let noon = Self.day / 2 - Int(Date().timeIntervalSince1970) % Self.day
        try clock.set(2 * Self.day + noon)
        await d.kill()

        // Somebody else's node joins with the three that are left.
        try await member.ok("buzz", "join", four.gates[1].url)
        let seen = try #require(try await member.json([HeldState].self, "buzz", "ls").first)
        #expect(seen.role == "member" && seen.operators == 4)
        let accounts = try await [
            "ada": balance(a, "@ada").account, "bea": balance(a, "@bea").account, "node": balance(a, "@me").account,
            "member": balance(member, "@me").account,
        ]
        let ada = try #require(accounts["ada"])
        try await b.ok("buzz", "grant", ada, "1000")

        // Pictures: one is captured with the maker's share, one that failed is given back.
        let release = try await Waggle.run(
            [
                "publish", try world.write(bytes, as: "comb.safetensors"), "--model", "@bea/comb", "--type",
                "Checkpoint", "--steps", "4", "--size", "64x64", "--base", "SD 1.5", "--version", "1.0",
                "--real-person", "no", "--yes", "--json", "--home", a.home,
            ]
        ).json(Published.self).release
        let token = try await a.json(Token.self, "token", "new", "--account", "ada", "--scope", "generate,read").token
        let price = try JSONDecoder().decode(
            Quote.self, from: Data(try await send(a, token, "generate/quote").body)
        ).price
        try #require(price > 20)
        let drawn = try await draw(a, token)
        #expect(drawn.state == "done" && drawn.captured == price, "\(drawn)")
        program.become(.fails)
        let failed = try await draw(a, token)
        #expect(failed.state == "failed" && failed.captured == 0, "\(failed)")
        let share = price / 4
        #expect(try await balance(a, "@ada").balance == 1000 - price)
        #expect(try await balance(a, "@bea").balance == share)
        #expect(try await balance(a, "@me").balance == price - share)

        // A tip to somebody of another node.
        let person = try #require(try await member.json([Person].self, "account", "ls").first).author
        try await eventually("a knows who takes the currency there", within: 120) {
            try await a.run("buzz", "tip", person, "7", "--as", "ada").exit == 0
        }

        // An epoch is rewarded by the operator whose members did something, once.
        try await a.ok("react", release, "🐝", "--as", "ada")
        try clock.set(3 * Self.day + noon)
        for _ in 0..<2 {
            #expect(try await a.json(PaidState.self, "buzz", "rewards", "--pay").troubles == [])
        }
        // Bea's day, first post and reaction; Ada's day and what she said.
        #expect(try await balance(a, "@bea").balance == share + 52)
        #expect(try await balance(a, "@ada").balance == 1000 - price - 7 + 27)
        // The operators that are left say the same of it, and whoever joined fetches the list from the one that granted.
        let readers: [(node: TestNode, arguments: [String])] = [
            (a, []), (c, ["--granter", four.gates[0].url]), (member, []),
        ]
        for (node, arguments) in readers {
            let found = try await eventually("\(node.name) has all that was said", within: 120) { () -> RewardState? in
                let result = try await Waggle.run(
                    ["buzz", "rewards", "--epoch", "2", "--json", "--home", node.home] + arguments)
                guard result.exit == 0 else { return nil }
                let state = try result.json(RewardState.self)
                return state.missing == 0 ? state : nil
            }
            #expect(found.granter.url == four.gates[0].url && found.granted == 79, "\(found)")
            #expect(found.granters.map(\.url) == four.gates.map(\.url))
        }
        let page = try await member.get("/buzz/HNY/rewards/2").text
        #expect(page.contains("79 HNY") && page.contains(four.gates[0].url + "/w/1/buzz/rewards/"), "\(page)")
        try await c.ok("buzz", "rewards", "--pay")
        let own = try await c.json(RewardState.self, "buzz", "rewards", "--epoch", "2")
        #expect(own.granter.url == four.gates[2].url && own.granted == 0, "nobody there did anything: \(own)")

        // Who moves takes the balance along; the operator that is gone is named, and asked for nothing.
        let moved = try await member.json(
            Moved.self, "account", "move", "ada", "--from", four.gates[0].url, "--words-file",
            try world.write(Array(words.utf8), as: "words"))
        #expect(moved.balances.map(\.outcome) == ["rotated"], "\(moved)")
        #expect(moved.balances.first?.silent == [four.gates[3].url], "\(moved)")
        let tip = try await eventually("the release is known there", within: 120) {
            let result = try await member.run("buzz", "tip", release, "2", "--as", "ada", "--json")
            return result.exit == 0 ? try result.json(FinalState.self) : nil
        }
        #expect(
            try await a.run("buzz", "tip", "@bea", "1", "--as", "ada").exit != 0, "the key of before spends nothing")

        // A receipt at a node that is no operator: a quorum's signatures, which need nobody.
        let receipt = try await member.get("/buzz/HNY/finals/\(tip.slot)").text
        #expect(receipt.contains("3 of 4 operators signed it") && receipt.contains("receipt.json"), "\(receipt)")
        let path = world.path("tip.receipt")
        try await member.ok("buzz", "explain", tip.slot, "--receipt", path)
        #expect(try await Waggle.run(["buzz", "verify", path]).output.contains("signed by 3 of 4 operators"))
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let older = try world.write(
            Array(text.replacing("\"version\" : 2", with: "\"version\" : 1").utf8), as: "older")
        #expect(try await Waggle.run(["buzz", "verify", older]).exit == 6)

        // Who was gone comes back to the same.
        try await four.restart(3)
        let expected = [
            "ada": 1000 - price - 7 + 27 - 2, "bea": share + 52 + 2, "node": price - share, "member": 7,
        ]
        for node in [a, b, c, d, member] {
            for (name, amount) in expected {
                let account = try #require(accounts[name])
                try await eventually("\(node.name) has what \(name) has", within: 120) {
                    try await balance(node, account).balance == amount
                }
            }
            #expect(try await node.json([HeldState].self, "buzz", "ls").map(\.held) == [0])
            try await node.ok("buzz", "audit")
        }
    }
}
