import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Feeds, health, directories and the first sign-in")
struct OperatorTests {
    @Test("feeds have an entry for each release with its file, and stand what authors write")
    func feeds() async throws {
        let node = try await TestNode.make()
        let alpha = try await node.publishModel("Alpha", age: 1) { $0.name = "A <b>&\"\u{202e}\u{1}" }
        let model = try #require(
            try await node.catalog.model(post: alpha.model.id, node.moderation.filter(for: .anonymous)))
        try await node.test { client in
            for path in [
                "/feeds/models.atom", "/feeds/creators/maker.atom", "/feeds/tags/tag-alpha.atom",
                "/feeds/models/\(model.id).atom",
            ] {
                let answer = try await client(.get, path)
                #expect(answer.status == .ok && answer.headers[.contentType]?.hasPrefix("application/atom+xml") == true)
                #expect(answer.text.contains("<id>urn:waggle:\(alpha.release.id.hex)</id>"))
                #expect(answer.text.contains("A &lt;b&gt;&amp;&quot;"))
                #expect(answer.text.contains("/blobs/\(alpha.file.hex)/"))
                #expect(!answer.text.unicodeScalars.contains { $0 == "\u{202e}" || $0 == "\u{1}" })
                let tag = try #require(answer.headers[.eTag])
                #expect(try await client(.get, path, [.ifNoneMatch: tag]).status == .notModified)
            }
            #expect(try await client(.get, "/feeds/tags/nothing.atom").status == .notFound)
            #expect(try await client(.get, "/feeds/creators/nobody.atom").status == .notFound)
            #expect(try await client(.get, "/feeds/models/999.atom").status == .notFound)
            let map = try await client(.get, "/sitemap.xml")
            #expect(map.text.contains("<loc>https://hive.example/models/\(model.id)</loc>"))
            #expect(try await client(.get, "/robots.txt").text.contains("Sitemap: https://hive.example/sitemap.xml"))
        }
    }

    @Test("a node says whether it lives and can serve, and describes itself to directories")
    func health() async throws {
        let node = try await TestNode.make()
        _ = try await node.publishModel("Alpha")
        try await node.test { client in
            #expect(try await client(.get, "/healthz").json()["status"] as? String == "ok")
            #expect(try await client(.get, "/readyz").json()["status"] as? String == "ready")
            let links = try await client(.get, "/.well-known/nodeinfo").json()
            let link = try #require((links["links"] as? [[String: String]])?.first)
            #expect(link["rel"] == "http://nodeinfo.diaspora.software/ns/schema/2.1")
            #expect(link["href"] == "https://hive.example/nodeinfo/2.1")
            let answer = try await client(.get, "/nodeinfo/2.1")
            #expect(answer.headers[.contentType]?.contains("ns/schema/2.1#") == true)
            let info = try answer.json()
            #expect(info["version"] as? String == "2.1" && info["openRegistrations"] as? Bool == true)
            #expect((info["protocols"] as? [String]) == [])
            #expect(((info["usage"] as? [String: Any])?["users"] as? [String: Any])?["total"] as? Int == 1)
        }
    }

    @Test("metrics are for the operator and for tokens with the scope admin")
    func metrics() async throws {
        let node = try await TestNode.make()
        func fields(_ scope: TokenScope) async throws -> HTTPFields {
            let token = try await node.accounts.newToken(NewToken(label: "", scopes: [scope]), for: "maker")
            return [.authorization: "Bearer \(token.secret.text)"]
        }
        let (reader, admin) = (try await fields(.read), try await fields(.admin))
        try await node.test { client in
            #expect(try await client(.get, "/metrics").status == .unauthorized)
            #expect(try await client(.get, "/metrics", reader).status == .forbidden)
            #expect(try await client(.get, "/metrics", [.authorization: "Bearer wgl_owner"]).status == .ok)
            let text = try await client(.get, "/metrics", admin).text
            #expect(text.contains("# TYPE waggle_models gauge\nwaggle_models 0\n"))
            #expect(text.contains("waggle_http_answers_total{class=\"4xx\"} 2\n"))
            #expect(text.contains("waggle_http_seconds_bucket{le=\"+Inf\"} 3\nwaggle_http_seconds_sum "))
        }
    }

    @Test("the set-up page takes the token once, from its own pages alone")
    func setup() async throws {
        let node = try await TestNode.make()
        try await node.accounts.adopt(handle: "me", author: node.node.id, role: .admin, levels: 31)
        let token = try await node.accounts.newSetupToken().text
        try await node.test { client in
            let page = try await client(.get, "/setup")
            #expect(page.status == .ok && page.text.contains("<form action=\"/setup\" method=\"post\">"))
            let form = Array("token=\(token)&passphrase=nine+bees+in+a+row".utf8)
            #expect(try await client(.post, "/setup", body: form).status == .forbidden)
            let own: HTTPFields = [.origin: "https://hive.example"]
            let short = Array("token=\(token)&passphrase=x".utf8)
            let weak = try await client(.post, "/setup", own, body: short)
            #expect(weak.status == .unprocessableContent && weak.text.contains("at least 10 characters"))
            let done = try await client(.post, "/setup", own, body: form)
            #expect(done.status == .ok && done.headers[.setCookie]?.hasPrefix("__Host-waggle=wgl_s") == true)
            let again = try await client(.post, "/setup", own, body: form)
            #expect(again.status == .unprocessableContent && again.headers[.setCookie] == nil)
            #expect(!again.text.contains(token))
        }
    }
}
