import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Pages of moderation")
struct ModerationPageTests {
    private func form(_ fields: [(String, String)]) -> [UInt8] {
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        return Array(
            fields.map { name, value in
                "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
            }.joined(separator: "&").utf8)
    }

    private let own: HTTPFields = {
        var fields: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
        if let site = HTTPField.Name("Sec-Fetch-Site") { fields[site] = "same-origin" }
        return fields
    }()

    private func token(_ node: TestNode, _ scopes: Set<TokenScope>) async throws -> HTTPFields {
        let made = try await node.accounts.newToken(NewToken(label: "test", scopes: scopes), for: "maker")
        return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
    }

    @Test("anybody reports, twice is once, and what was written stands only on the moderators' page")
    func reports() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Clean")
        let moderator = try await token(node, [.read, .moderate])
        let reader = try await token(node, [.read])
        try await node.test { client in
            let about = model.release.id.hex
            #expect(try await client(.get, "/report?about=\(about)").text.contains(about))
            let fields = [("about", about), ("reason", "spam"), ("text", "a <b>secret</b> word")]
            let sent = try await client(.post, "/report", own, body: form(fields))
            #expect(sent.status == .created && sent.text.contains("R-1"))
            // Not from a page of this node.
            let foreign = try await client(
                .post, "/report", [.contentType: "application/x-www-form-urlencoded"], body: form(fields))
            #expect(foreign.status == .forbidden)
            let unknown = try await client(
                .post, "/report", own, body: form([("about", "@nobody/nothing"), ("reason", "spam")]))
            #expect(unknown.status == .unprocessableContent)
            let json = try await client(
                .post, "/api/w1/reports", moderator, body: Array(#"{"subject":"\#(about)","reason":"ncii"}"#.utf8))
            #expect(try json.json()["number"] as? String == "R-1")
            let twice = try await client(
                .post, "/api/w1/reports", moderator, body: Array(#"{"subject":"\#(about)","reason":"ncii"}"#.utf8))
            #expect(try twice.json()["is_new"] as? Bool == false)

            for path in ["/moderation", "/moderation/R-1"] {
                #expect(try await client(.get, path).status == .unauthorized)
                #expect(try await client(.get, path, reader).status == .forbidden)
                let page = try await client(.get, path, moderator)
                #expect(page.status == .ok && page.text.contains("R-1"))
                #expect(page.headers[.cacheControl] == "private, no-store")
                #expect(!page.text.contains("<b>secret"))
            }
            let page = try await client(.get, "/moderation/R-1", moderator)
            #expect(page.text.contains("a &lt;b&gt;secret&lt;/b&gt; word"))
            #expect(try await client(.get, "/moderation/R-9", moderator).status == .notFound)
        }
    }

    @Test("a report learns of nothing that its sender does not see, and a request is answered the same for all names")
    func nothingIsTold() async throws {
        let node = try await TestNode.make()
        let seen = try await node.publishModel("Clean")
        let above = try await node.publishModel("Grown", level: .x)
        _ = try await node.moderation.block(
            [.exact(.post(seen.model.id))], reason: "spam", by: "operator", when: TestNode.time)
        try await node.catalog.setHidden([.post(seen.model.id)], true)
        let handle = AuthorID.text(node.maker.id)
        let moderator = try await token(node, [.read, .moderate])
        let json: HTTPFields = [.contentType: "application/json"]
        let page = try await node.catalog.model(
            post: above.model.id, node.moderation.filter(for: .owner), detail: .brief)
        let number = try #require(page?.id)
        let hidden = ["@\(handle)/clean", "@\(handle)/grown", "https://hive.example/models/\(number)"]
        try await node.test { client in
            func report(_ about: String) async throws -> (Int, String) {
                let form = form([("about", about), ("reason", "spam")])
                let answer = try await client(.post, "/report", own, body: form)
                let typed = try #require(
                    about.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["-", ".", "_", "~"])))
                return (answer.status.code, answer.text.replacing(about, with: "NAME").replacing(typed, with: "NAME"))
            }
            let unknown = try await report("@\(handle)/nothing")
            #expect(unknown.0 == 422)
            for name in hidden.prefix(2) {
                let answer = try await report(name)
                #expect(answer == unknown, "\(name)")
            }
            let far = try await report("https://hive.example/models/99999")
            let near = try await report(hidden[2])
            #expect(near == far && far.0 == 422)

            // Whoever asks for something to be taken down need not see it: the answer is the same for all names.
            func ask(_ about: String) async throws -> [String: Any] {
                let body = """
                    {"subjects":["\(about)"],"reason":"ncii","right":"depicted","statement":"x","signature":"y","contact":"z"}
                    """
                let answer = try await client(.post, "/api/w1/takedowns", json, body: Array(body.utf8))
                #expect(answer.status == .created, "\(answer.text)")
                return try answer.json()
            }
            var receipts: [[String: Any]] = []
            for name in hidden + ["@\(handle)/nothing", "https://hive.example/models/99999"] {
                receipts.append(try await ask(name))
            }
            #expect(Set(receipts.map { $0.keys.sorted() }).count == 1)
            #expect(receipts.allSatisfy { $0["is_new"] as? Bool == true })
            let numbers = try receipts.map { try #require($0["number"] as? String) }
            #expect(numbers == ["T-1", "T-2", "T-3", "T-4", "T-5"])
            // Moderators see what was meant, or what was written.
            #expect(try await client(.get, "/moderation/T-2", moderator).text.contains("Model Grown"))
            let lost = try await client(.get, "/moderation/T-4", moderator)
            #expect(lost.status == .ok && lost.text.contains("@\(handle)/nothing"))
            let odd = try await client(
                .post, "/api/w1/takedowns", json,
                body: Array(
                    #"{"subjects":["all of it"],"reason":"ncii","right":"agent","statement":"x","signature":"y","contact":"z"}"#
                        .utf8))
            #expect(odd.status == .badRequest || odd.status == .unprocessableContent)
        }
    }

    @Test("a moderator hides, decides and takes back over the API; the file answers 451 with the case and comes back")
    func decisions() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Clean")
        let moderator = try await token(node, [.read, .moderate])
        let blob = "/blobs/\(model.file.hex)"
        try await node.test { client in
            let asked = try await client(
                .post, "/api/w1/takedowns", [.contentType: "application/json"],
                body: Array(
                    #"{"subjects":["\#(model.release.id.hex)"],"reason":"likeness","right":"depicted","statement":"x","signature":"y","contact":"z"}"#
                        .utf8))
            #expect(asked.status == .created, "\(asked.text)")
            let secret = try #require(try asked.json()["secret"] as? String)
            func act(_ action: String, _ body: String) async throws -> HTTPResponse.Status {
                try await client(.post, "/api/w1/moderation/cases/T-1/\(action)", moderator, body: Array(body.utf8))
                    .status
            }
            #expect(try await client(.get, blob).status == .ok)
            #expect(try await act("hide", "{}") == .ok)
            let hidden = try await client(.get, blob)
            #expect(hidden.status.code == 451 && hidden.text.contains("T-1"))
            #expect(try await act("decide", #"{"action":"fly"}"#) != .ok)
            #expect(try await act("decide", #"{"action":"block","letter":"Gone."}"#) == .ok)
            #expect(try await act("decide", #"{"action":"keep"}"#) == .conflict)
            let status = try await client(.get, "/report/status/\(secret)")
            #expect(status.text.contains("Gone.") && !status.text.contains(model.file.hex))
            let appeal = try await client(.post, "/report/status/\(secret)", own, body: form([("text", "why")]))
            #expect(appeal.status == .seeOther)
            #expect(
                try await client(.post, "/report/status/\(secret)", own, body: form([("text", "again")])).status
                    == .unprocessableContent)
            #expect(try await act("answer", #"{"outcome":"upheld","text":"You are right."}"#) == .ok)
            #expect(try await client(.get, blob).status == .ok)
            #expect(try await act("undo", "{}") == .conflict)
            let shown = try await client(.get, "/api/w1/moderation/cases/T-1", moderator).json()
            let done = (shown["audit"] as? [[String: Any]])?.compactMap { $0["action"] as? String } ?? []
            #expect(Set(done).isSuperset(of: ["mod hide", "mod decide", "mod answer"]))
            let page = try await client(.get, "/transparency")
            #expect(page.text.contains("appeal-upheld") && !page.text.contains(model.file.hex))
        }
    }
}
