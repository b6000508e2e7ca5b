import Digests
import Foundation
import Identity
import Ledger
import Testing

/// `waggle buzz fraud --json`.
private struct FraudState: Decodable {
    let offence: String
    let operators: [String]
    let isOverload: Bool
}

/// `waggle buzz operators --json`.
private struct OperatorState: Decodable {
    let url: String
    let isOwn: Bool
    let isAnswering: Bool
    let isLiar: Bool
}

/// Four processes decide in one currency. One is killed, one is cut off, one votes for whatever it is asked to.
@Suite("A currency that survives its operators", .nodes, .logsOnFailure)
struct QuorumNodeTests {
    private func balance(_ node: TestNode, _ account: String = "@me") async throws -> BalanceState {
        try #require(try await node.json([BalanceState].self, "buzz", "balance", account).first)
    }

    private func ask(_ url: String, _ requests: [AuthorityRequest], _ currency: Hash32) async throws -> [AuthorityReply]
    {
        let reply = try await HTTP.send(
            "POST", url + "/w/1/buzz/requests", ["Content-Type": "application/x-protobuf"],
            body: Array(RequestBatch.encode(requests, in: currency)))
        try #require(reply.status == 200, "\(reply.text)")
        return try ReplyBatch.decode(Data(reply.body))
    }

    private struct Bounty: Decodable {
        struct Line: Decodable {
            let bounty: String
            let phase: String
            let paid: Int
        }

        let summary: Line
        let entries: [Entry]

        struct Entry: Decodable {
            let post: String
        }
    }

    private struct Said: Decodable {
        let post: String
    }

    private struct Person: Decodable {
        let author: String
    }

    @Test(
        "transfers, holds and a bounty go on while one is killed, one cut off and one lies; the liar is named everywhere"
    )
    func survives() async throws {
        let four = try await Operators(liar: "d")
        let currency = try await four.found()
        let (a, b, c, d) = (four.nodes[0], four.nodes[1], four.nodes[2], four.nodes[3])
        let accounts = try await four.nodes.asyncMap { try await balance($0).account }
        let key = SigningKey.random()
        for (account, amount) in [(accounts[1], "300"), (accounts[2], "50"), (key.publicKey.hex, "40")] {
            try await a.ok("buzz", "grant", account, amount)
        }
        #expect(try await balance(b).balance == 300)
        #expect(try await b.ok("buzz", "ls").output.contains("trust: 3 of 4 operators"))
        let bounty = try await b.json(
            Bounty.self, "bounty", "new", "Old maps", "--amount", "100", "--deadline", "1h", "--judging", "1h"
        ).summary.bounty
        let author = try #require(try await c.json([Person].self, "account", "ls").first).author
        try await eventually("b knows who takes the currency at c", within: 120) {
            try await b.run("buzz", "tip", author, "1").exit == 0
        }

        // One is killed, and one of the three that are left lies: it signs whatever it is shown.
        await a.kill()
        try await b.ok("buzz", "tip", author, "10")
        func order(_ amount: Int64) throws -> SignedOrder {
            SignedOrder(
                try Order(
                    currency: currency, slot: .account(key.publicKey, seq: 1),
                    .transfer([Output(account: try #require(Hash32(hex: accounts[2])), amount: amount)])),
                signedBy: [key])
        }
        var votes: [AuthoritySignature] = []
        for amount in [Int64(1), 2] {
            let reply = try await ask(d.url, [.order(try order(amount))], currency)[0]
            guard case .ballot(let ballot) = reply else { throw HarnessError("d does not vote: \(reply)") }
            votes.append(ballot.by)
        }
        for honest in [b, c] {
            for (amount, isVote) in [(Int64(1), true), (2, false)] {
                let reply = try await ask(honest.url, [.order(try order(amount))], currency)[0]
                if case .ballot = reply { #expect(isVote) } else { #expect(!isVote, "\(reply)") }
            }
        }
        let entry = try await eventually("c knows the bounty", within: 120) {
            let result = try await c.run("bounty", "enter", bounty, "--text", "Here be dragons.", "--json")
            return result.exit == 0 ? try result.json(Said.self).post : nil
        }
        // Whoever collects votes shows them to somebody else, as clients do: no certificate, and enough.
        for (amount, vote) in zip([Int64(1), 2], votes) {
            let shown = QuorumCertificate(order: try order(amount), round: 0, votes: [vote])
            guard case .refusal = try await ask(b.url, [.certificate(shown)], currency)[0] else {
                throw HarnessError("one vote made a certificate")
            }
        }

        // The first comes back, and another one's answers reach nobody.
        try await four.restart(0)
        four.gates[2].hold(after: four.gates[2].passed)
        try await b.ok("buzz", "tip", author, "20")
        try await eventually("the entry has arrived", within: 120) {
            try await b.json(Bounty.self, "bounty", "show", bounty).entries.count == 1
        }
        try await b.ok("bounty", "award", bounty, String(entry.prefix(12)), "--text", "Lovely.")
        try await eventually("the bounty is paid", within: 120) {
            _ = try await b.run("bounty", "settle")
            return try await b.json(Bounty.self, "bounty", "show", bounty).summary.paid == 100
        }
        let cut = try await b.json([OperatorState].self, "buzz", "operators")
        #expect(cut.count == 4 && cut.contains { $0.isOwn })
        four.gates[2].hold(after: .max)

        // Healed: everybody has the same, and everybody names the same liar.
        for node in four.nodes {
            for (account, amount) in zip(accounts, [0, 169, 181, 0]) {
                try await eventually("\(node.name) has read what was decided", within: 120) {
                    try await balance(node, account).balance == amount
                }
            }
            #expect(try await balance(node, key.publicKey.hex).balance == 40)
            try await node.ok("buzz", "audit")
            let frauds = try await eventually("\(node.name) knows of the lie", within: 120) {
                let found = try await node.json([FraudState].self, "buzz", "fraud")
                return found.isEmpty ? nil : found
            }
            #expect(frauds.allSatisfy { $0.offence == "doubleVote" && !$0.isOverload })
            #expect(Set(frauds.flatMap(\.operators)) == [four.gates[3].url])
            #expect(try await node.ok("buzz", "ls").errors.contains("proven to lie"))
            let page = try await node.get("/buzz/\(currency.hex)/accounts/\(accounts[1])").text
            #expect(page.contains("proven to lie") && page.contains("3 of 4 operators"))
            #expect(try await node.get("/federation").text.contains("proven to lie"))
        }
        // A new operator's word is not needed: the same account goes on.
        try await b.ok("buzz", "tip", author, "1")
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
