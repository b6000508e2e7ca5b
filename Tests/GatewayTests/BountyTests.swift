import Accounts
import Digests
import Foundation
import HTTPTypes
import Identity
import Ledger
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Bounties over HTTP")
struct BountyTests {
    /// A node that decides in a currency and arbitrates, with a poster and a hunter at home there.
    private func world() async throws -> (node: TestNode, poster: HTTPFields, hunter: HTTPFields, charter: Charter) {
        let node = try await TestNode.make()
        let currencies = node.services.context().currencies
        let charter = try await currencies.found(
            CharterDraft(name: "Honey", symbol: "HNY"), url: "https://hive.example")
        var tokens: [HTTPFields] = []
        for (seed, name) in [(UInt8(40), "poster"), (41, "hunter")] {
            let person = try Person(seed: seed, role: .person, scopes: [.release, .review, .post, .ledger])
            try await node.take([person.genesis])
            node.services.context().keyring.add(person.signer, as: name)
            try await node.accounts.adopt(handle: name, author: person.id, role: .member, levels: 1)
            _ = try await currencies.grant(
                [Output(account: person.device.publicKey, amount: 100)], reference: nil, in: charter.currency)
            let made = try await node.accounts.newToken(
                NewToken(label: "test", scopes: [.read, .spend, .social], buzzLimit: 90), for: name)
            tokens.append([.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"])
        }
        return (node, tokens[0], tokens[1], charter)
    }

    private func body(_ value: [String: Any]) throws -> [UInt8] {
        [UInt8](try JSONSerialization.data(withJSONObject: value, options: .sortedKeys))
    }

    private func bounty(_ changes: [String: Any] = [:]) -> [String: Any] {
        [
            "title": "Old <b>maps</b>", "text": "Of *anywhere*.", "wanted": "LORA", "amount": 60,
            "deadline": TestNode.time + 86400, "decided": TestNode.time + 2 * 86400, "rule": "first",
        ].merging(changes) { $1 }
    }

    @Test("post, back, enter, award: the money goes where it should, and a token spends no more than it may")
    func life() async throws {
        let (node, poster, hunter, charter) = try await world()
        try await node.following {
            try await node.test { client in
                func post(_ path: String, _ fields: HTTPFields, _ value: [String: Any]) async throws -> Answer {
                    try await client(.post, path, fields, body: body(value))
                }
                for bad in [
                    ["amount": 101], ["amount": -1], ["deadline": TestNode.time], ["decided": TestNode.time + 86399],
                    ["decided": TestNode.time + 86400 * 29], ["rule": "mine"], ["title": ""], ["currency": "XXX"],
                ] as [[String: Any]] {
                    let answer = try await post("/api/w1/bounties", poster, bounty(bad))
                    #expect((400..<500).contains(answer.status.code), "\(bad): \(answer.status) \(answer.text)")
                }
                let made = try await post("/api/w1/bounties", poster, bounty())
                #expect(made.status == .created, "\(made.text)")
                let summary = try #require(try made.json()["summary"] as? [String: Any])
                let id = try #require(summary["bounty"] as? String)
                #expect(summary["escrowed"] as? Int == 60 && summary["phase"] as? String == "open")
                #expect(try await post("/api/w1/bounties/\(id)/backings", poster, ["amount": 31]).status != .created)
                #expect(try await post("/api/w1/bounties/\(id)/backings", poster, ["amount": 10]).status == .created)
                #expect(try await post("/api/w1/bounties/\(id)/entries", hunter, [:]).status == .badRequest)
                let entered = try await post(
                    "/api/w1/bounties/\(id)/entries", hunter, ["text": "Here <i>be</i> dragons."])
                #expect(entered.status == .created, "\(entered.text)")
                let entry = try #require(try entered.json()["post"] as? String)
                #expect(
                    try await post(
                        "/api/w1/bounties/\(id)/awards", hunter, ["shares": [["entry": entry, "weight": 1]]]
                    )
                    .status == .notFound, "the hunter set nothing aside")
                #expect(try await post("/api/w1/bounties/\(id)/refund", poster, [:]).status == .conflict)
                #expect(
                    try await post(
                        "/api/w1/bounties/\(id)/awards", poster, ["shares": [["entry": entry, "weight": 0]]]
                    )
                    .status == .badRequest)
                let awarded = try await post(
                    "/api/w1/bounties/\(id)/awards", poster, ["shares": [["entry": entry, "weight": 3]]])
                #expect(awarded.status == .created, "\(awarded.text)")
                let after = try #require(try awarded.json()["summary"] as? [String: Any])
                #expect(after["paid"] as? Int == 70 && after["escrowed"] as? Int == 0)
                let author = try #require(node.services.context().keyring.accounts["hunter"]?.author)
                let balance = try await client(.get, "/api/w1/buzz/HNY/accounts/\(AuthorID.text(author))").json()
                #expect(balance["balance"] as? Int == 170)

                for path in ["/bounties", "/bounties?show=open", "/bounties/\(id)", "/bounties/new"] {
                    let page = try await client(.get, path)
                    #expect(page.status == .ok, "\(path)")
                    #expect(HTMLLint.problems(page.text) == [], "\(path)")
                    #expect(!page.text.contains("<b>maps") && !page.text.contains("<i>be"), "\(path)")
                }
                #expect(try await client(.get, "/bounties/\(id)").text.contains("trust: 1 operator, 0 witnesses"))
                let list = try await client(.get, "/api/w1/bounties?open=true&limit=1").json()
                #expect((list["items"] as? [[String: Any]])?.first?["bounty"] as? String == id)
                let tip = try await client(.get, "/buzz/tip?to=\(AuthorID.text(author))")
                #expect(tip.status == .ok && HTMLLint.problems(tip.text) == [])
                #expect(try await client(.get, "/buzz/tip?to=nobody").status == .notFound)
                _ = charter
            }
        }
    }

    @Test("nobody acts without a session or token, and a form from elsewhere does nothing")
    func strangers() async throws {
        let (node, _, _, _) = try await world()
        let id = String(repeating: "a", count: 64)
        try await node.following {
            try await node.test { client in
                for path in [
                    "/bounties", "/bounties/\(id)/fund", "/bounties/\(id)/award", "/buzz/tip", "/setup/currency",
                ] {
                    let answer = try await client(
                        .post, path, [.contentType: "application/x-www-form-urlencoded"], body: Array("amount=1".utf8))
                    #expect(answer.status == .unauthorized, "\(path)")
                }
                #expect(try await client(.get, "/bounties/\(id)").status == .notFound)
                #expect(try await client(.get, "/api/w1/bounties/\(id)").status == .notFound)
            }
        }
    }

    @Test("forms of bounties and tips do their work once, and what was typed is shown again with what is wrong")
    func forms() async throws {
        let (node, _, _, charter) = try await world()
        // Whoever is tipped has said who they are, and what they take.
        try await node.publish(by: Person(seed: 41, role: .person, scopes: [.release, .review, .post, .ledger])) {
            $0.profile.name = "Hunter"
            $0.profile.currencies = [charter.currency.hex]
        }
        try await node.following {
            try await node.test { client in
                let poster = try await node.member("poster", client)
                let hunter = try #require(node.services.context().keyring.accounts["hunter"]?.author)
                func balance() async throws -> Int? {
                    try await client(.get, "/api/w1/buzz/HNY/accounts/\(AuthorID.text(hunter))").json()["balance"]
                        as? Int
                }
                let tip = "/buzz/tip?to=\(AuthorID.text(hunter))"
                let page = try await poster.get(tip)
                #expect(page.status == .ok && HTMLLint.problems(page.text) == [])
                let action = try #require(page.action("/buzz/tip"))
                let before = try #require(try await balance())
                let much = try await poster.post(action, ["amount": "1000000"])
                #expect((400..<500).contains(much.status.code) && much.text.contains("1000000"), "\(much.status)")
                let again = try #require(much.action("/buzz/tip"))
                let first = try await poster.post(again, ["amount": "5"])
                #expect(first.status == .seeOther && first.location.hasPrefix("/buzz/"), "\(first.text)")
                // A double click, and the second of two tabs with one form.
                #expect(try await poster.post(again, ["amount": "5"]).location == first.location)
                #expect(try await poster.post(again, ["amount": "6"]).status == .conflict)
                #expect(try await balance() == before + 5)
                #expect(HTMLLint.problems(try await poster.get(first.location).text) == [])
                // Whoever is tipped is told, once.
                let winner = try await node.member("hunter", client)
                let news = try await winner.get("/account/notifications").text
                #expect(news.contains("tipped you 5 HNY") && HTMLLint.problems(news) == [], "\(news)")
                let told = try await node.accounts.notifications(
                    of: try await node.accounts.existing("hunter"), limit: 9)
                #expect(told.map(\.kind) == [.tip])
                // Without a token of this session nothing is paid.
                #expect(
                    try await poster.post("/buzz/tip?to=\(AuthorID.text(hunter))", ["amount": "5"]).status == .conflict)
                #expect(try await balance() == before + 5)

                let fields: KeyValuePairs = [
                    "title": "Old maps", "text": "A long wish.", "wanted": "LORA", "amount": "20", "days": "14",
                    "judging": "3", "rule": "mine",
                ]
                let wrong = try await poster.fill("/bounties/new", "/bounties", fields)
                #expect((400..<500).contains(wrong.status.code) && wrong.text.contains("A long wish."), "\(wrong.text)")
                #expect(HTMLLint.problems(wrong.text) == [])
                let made = try await poster.post(
                    try #require(wrong.action("/bounties")),
                    [
                        "title": "Old maps", "text": "A long wish.", "wanted": "LORA", "amount": "20", "days": "14",
                        "judging": "3", "rule": "first",
                    ])
                #expect(made.status == .seeOther && made.location.hasPrefix("/bounties/"), "\(made.text)")
                let shown = try await poster.get(made.location)
                #expect(HTMLLint.problems(shown.text) == [], "\(shown.text)")
                let more = try #require(shown.action("\(made.location)/fund"))
                for _ in 0..<2 { #expect(try await poster.post(more, ["amount": "7"]).status == .seeOther) }
                let summary =
                    try await client(
                        .get, "/api/w1\(made.location)"
                    ).json()["summary"] as? [String: Any]
                #expect(summary?["escrowed"] as? Int == 27)
            }
        }
    }

    @Test("a bounty that is not for visitors is none for them, wherever its money is")
    func levels() async throws {
        let (node, poster, _, _) = try await world()
        try await node.following {
            try await node.test { client in
                let made = try await client(
                    .post, "/api/w1/bounties", poster, body: body(bounty(["level": "XXX", "amount": 5])))
                let id = try #require((try made.json()["summary"] as? [String: Any])?["bounty"] as? String)
                #expect(try await client(.get, "/bounties/\(id)").status == .notFound)
                #expect(try await client(.get, "/api/w1/bounties/\(id)").status == .notFound)
                #expect(try await !client(.get, "/bounties").text.contains(id))
            }
        }
    }

    /// Forms with which somebody does something of their own: their money, their entry.
    private static let ownOnly: Set = ["/bounties/{bounty}/fund", "/bounties/{bounty}/enter"]

    @Test("no form of a bounty moves what somebody else set aside, whoever sends it; one's own share is one's own")
    func ownership() async throws {
        let (node, poster, hunter, charter) = try await world()
        let eve = try Person(seed: 42, role: .person, scopes: [.release, .review, .post, .ledger])
        try await node.take([eve.genesis])
        node.services.context().keyring.add(eve.signer, as: "eve")
        try await node.accounts.adopt(handle: "eve", author: eve.id, role: .member, levels: 1)
        let currencies = node.services.context().currencies
        _ = try await currencies.grant(
            [Output(account: eve.device.publicKey, amount: 50)], reference: nil, in: charter.currency)
        let routes = try Gateway(node.services).routes.filter {
            $0.face == .page && $0.subject == .account && $0.path.hasPrefix("/bounties/{bounty}")
        }
        #expect(Set(routes.map(\.path)).isSuperset(of: Self.ownOnly) && routes.count > Self.ownOnly.count)
        try await node.following {
            try await node.test { client in
                let made = try await client(.post, "/api/w1/bounties", poster, body: body(bounty()))
                let id = try #require((try made.json()["summary"] as? [String: Any])?["bounty"] as? String)
                let entered = try await client(
                    .post, "/api/w1/bounties/\(id)/entries", hunter, body: body(["text": "Maps."]))
                let entry = try #require(try entered.json()["post"] as? String)
                func summary() async throws -> BountyLine {
                    try await ShowBounty(bounty: id).run(in: node.services.context()).summary
                }
                func finals() async throws -> UInt64 { try await currencies.view(charter.currency).size }
                func send(_ name: String, _ route: String, _ fields: KeyValuePairs<String, String>) async throws
                    -> Answer
                {
                    let member = try await node.member(name, client)
                    let token = FormToken.make(session: member.session)
                    let path = route.replacing("{bounty}", with: id)
                    return try await member.post(PageAddress.adding(FormToken.parameter, token, to: path), fields)
                }
                let before = (node.log.newestSeq, try await finals())
                // Neither a stranger nor whoever would get it.
                for name in ["eve", "hunter", "maker"] {
                    for route in routes where !Self.ownOnly.contains(route.path) {
                        let answer = try await send(
                            name, route.path, [entry: "1", "amount": "60", "account": "poster"])
                        #expect((400..<500).contains(answer.status.code), "\(name) \(route.path): \(answer.status)")
                    }
                }
                #expect(node.log.newestSeq == before.0)
                #expect(try await finals() == before.1)
                let untouched = try await summary()
                #expect(untouched.escrowed == 60 && untouched.paid == 0 && untouched.returned == 0)

                // A backer awards what that backer set aside, and the rest stays where it is.
                let backed = try await send("eve", "/bounties/{bounty}/fund", ["amount": "5", "account": "poster"])
                #expect(backed.status == .seeOther, "\(backed.text)")
                #expect(try await summary().escrowed == 65)
                let awarded = try await send("eve", "/bounties/{bounty}/award", [entry: "1"])
                #expect(awarded.status == .seeOther, "\(awarded.text)")
                let after = try await summary()
                #expect(after.escrowed == 60 && after.paid == 5)
                let late = try await send("eve", "/bounties/{bounty}/refund", [:])
                #expect((400..<500).contains(late.status.code), "\(late.status)")
                #expect(try await summary().escrowed == 60)
            }
        }
    }
}
