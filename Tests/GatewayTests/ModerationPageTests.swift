import Accounts
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
