import Foundation
import Testing

/// `waggle buzz rewards --json`.
private struct RewardState: Decodable {
    struct Action: Decodable {
        let action: String
        let facts: Int
        let amount: Int
    }

    let epoch: Int
    let evidence: String
    let granted: Int
    let actions: [Action]
    let faults: [String]
    let missing: Int
}

private struct PaidState: Decodable {
    let grants: Int
    let troubles: [String]
}

@Suite("Rewards, and balances that move", .nodes, .logsOnFailure)
struct RewardTests {
    private static let day = 86400

    private func balance(_ node: TestNode, _ account: String) async throws -> Int {
        try #require(try await node.json([BalanceState].self, "buzz", "balance", account).first).balance
    }

    @Test("an epoch is paid once, whatever kills the node, and another node counts to the same")
    func rewards() async throws {
        let world = try World.current
        let clock = try await TestClock(world)
        let a = try await world.node("a")
        let b = try await world.node("b")
        try await a.ok("peer", "add", b.url, "--yes")
        try await b.ok("peer", "add", a.url, "--yes")
        try await a.ok("account", "new", "ada", "--name", "Ada")
        try await a.ok("account", "new", "eve", "--name", "Eve")
        try await a.ok("account", "household", "me", "eve")
        try await a.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY")
        try await b.ok("buzz", "join", a.url)
        // Noon in two days: members of two days before, and a day that does not end meanwhile.
        let noon = Self.day / 2 - Int(Date().timeIntervalSince1970) % Self.day
        try clock.set(2 * Self.day + noon)
        let published = try await a.publish(
            world.write(Samples.lora(mebibytes: 1, seed: 1), as: "x.safetensors"), "honey")
        try await a.ok("react", published.release, "🐝", "--as", "ada")
        try await a.ok("react", published.release, "🎉", "--as", "ada")
        try await a.ok("react", published.release, "🐝")
        // Eve lives with whom she likes so much.
        try await a.ok("react", published.release, "🐝", "--as", "eve")
        try await a.ok("follow", "add", "@me", "--as", "eve")
        try await a.ok("collection", "new", "best", "--as", "eve")
        try await a.ok("collection", "add", "best", published.release, "--as", "eve")
        try await eventually("b has what was said") { try await b.run("show", published.release).exit == 0 }
        #expect(try await a.json(PaidState.self, "buzz", "rewards", "--pay").grants == 0, "the epoch has not ended")

        try clock.set(3 * Self.day + noon)
        for _ in 0..<3 {
            // Killed while it is asked to count and pay.
            let paying = Task { try? await a.run("buzz", "rewards", "--pay") }
            await a.kill()
            _ = await paying.value
            try await a.start(["--listen", String(a.url.dropFirst("http://".count))])
        }
        #expect(try await a.json(PaidState.self, "buzz", "rewards", "--pay").troubles == [])
        #expect(try await a.json(PaidState.self, "buzz", "rewards", "--pay").grants == 0, "once is enough")
        // 25 for the day, 25 for the first post, 2 for a reaction received; 25 and 2 for what ada did.
        #expect(try await balance(a, "@me") == 52)
        #expect(try await balance(a, "@ada") == 27)
        // What she did counts as if for herself.
        #expect(try await balance(a, "@eve") == 50)
        let own = try await a.json(RewardState.self, "buzz", "rewards")
        let other = try await eventually("b has all the posts") {
            let state = try await b.json(RewardState.self, "buzz", "rewards", "--epoch", "\(own.epoch)")
            return state.missing == 0 ? state : nil
        }
        for state in [own, other] {
            #expect(state.granted == 129 && state.faults == [] && state.missing == 0, "\(state)")
        }
        #expect(own.evidence == other.evidence)
        for node in [a, b] { try await node.ok("buzz", "audit") }
        #expect(try await b.get("/buzz/HNY/rewards/\(own.epoch)").text.contains("129"))
    }

    private struct Moved: Decodable {
        struct Balance: Decodable {
            let symbol: String
            let balance: Int
            let outcome: String
        }

        let balances: [Balance]
    }

    @Test("who moves takes the balance along, twice, and the home before can spend nothing any more")
    func move() async throws {
        let world = try World.current
        let bank = try await world.node("bank")
        let homes = [try await world.node("first"), try await world.node("second"), try await world.node("third")]
        try await bank.ok("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--no-rewards")
        for home in homes { try await home.ok("buzz", "join", bank.url) }
        struct Made: Decodable {
            let words: String
        }
        let ada = try await homes[0].json(Made.self, "account", "new", "ada", "--name", "Ada")
        let words = try world.write(Array(ada.words.utf8), as: "words")
        let account = try #require(
            try await homes[0].json([BalanceState].self, "buzz", "balance", "@ada").first
        ).account
        try await bank.ok("buzz", "grant", account, "50")
        for (index, home) in homes.enumerated().dropFirst() {
            let moved = try await home.json(
                Moved.self, "account", "move", "ada", "--from", homes[index - 1].url, "--words-file", words)
            #expect(moved.balances.map(\.outcome) == ["rotated"], "\(moved)")
            #expect(moved.balances.map(\.balance) == [52 - 2 * index])
            try await home.ok("buzz", "tip", "@me", "2", "--as", "ada")
            #expect(try await balance(home, "@ada") == 50 - 2 * index)
            let before = try await homes[index - 1].run("buzz", "tip", "@me", "1", "--as", "ada")
            #expect(before.exit != 0, "\(before)")
        }
        #expect(try await balance(bank, account) == 46)
        try await bank.ok("buzz", "audit")
    }
}
