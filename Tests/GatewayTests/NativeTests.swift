import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import NIOCore
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("The native API")
struct NativeTests {
    private static let json: HTTPFields = [.contentType: "application/json"]

    private func token(_ node: TestNode, _ scopes: Set<TokenScope> = [.read, .publish, .review, .social]) async throws
        -> HTTPFields
    {
        let made = try await node.accounts.newToken(NewToken(label: "test", scopes: scopes), for: "maker")
        return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
    }

    private func body(_ value: [String: Any]) throws -> [UInt8] {
        [UInt8](try JSONSerialization.data(withJSONObject: value, options: .sortedKeys))
    }

    @Test("models, releases, images, creators, collections, reviews and comments are told by number and by post")
    func reads() async throws {
        let node = try await TestNode.make()
        let alpha = try await node.publishModel("Alpha")
        let works = try await node.publishWorks("Alpha", of: alpha)
        let numbers = try await node.numbers(of: works)
        try await node.test { client in
            let list = try await client(.get, "/api/w1/models")
            #expect(list.status == .ok)
            let model = try #require((try list.json()["items"] as? [[String: Any]])?.first)
            let id = try #require(model["id"] as? Int)
            #expect(model["post"] as? String == alpha.model.id.hex && model["name"] as? String == "Model Alpha")
            for path in ["/api/w1/models/\(id)", "/api/w1/models/\(alpha.model.id.hex)"] {
                let one = try await client(.get, path).json()
                #expect(one["id"] as? Int == id)
                let release = try #require((one["releases"] as? [[String: Any]])?.first)
                let file = try #require((release["files"] as? [[String: Any]])?.first)
                #expect(file["sha256"] as? String == alpha.file.hex && file["is_primary"] as? Bool == true)
                #expect(file["blake3"] is NSNull || file["blake3"] == nil)
                #expect((release["trained_words"] as? [String]) == ["word Alpha"])
            }
            let release = try await client(.get, "/api/w1/releases/\(alpha.release.id.hex)").json()
            #expect(release["model_id"] as? Int == id && release["version"] as? String == "v1 Alpha")
            let releaseID = try #require(release["id"] as? Int)
            let found = try await client(.get, "/api/w1/hashes/\(alpha.file.hex.prefix(10))").json()
            #expect((found["items"] as? [[String: Any]])?.first?["id"] as? Int == releaseID)
            let reviews = try await client(.get, "/api/w1/releases/\(releaseID)/reviews").json()
            #expect((reviews["items"] as? [[String: Any]])?.first?["is_recommended"] as? Bool == true)
            #expect((try await client(.get, "/api/w1/models/\(id)/comments").json()["items"] as? [Any])?.count == 2)
            #expect(
                (try await client(.get, "/api/w1/comments?subject=\(alpha.model.id.hex)").json()["items"] as? [Any])?
                    .count == 2)
            let images = try await client(.get, "/api/w1/images?model=\(id)").json()
            let image = try #require((images["items"] as? [[String: Any]])?.first)
            #expect((image["recipe"] as? [String: Any])?["prompt"] as? String == "prompt of Alpha")
            #expect(try await client(.get, "/api/w1/images/\(image["id"] as? Int ?? 0)").status == .ok)
            #expect(try await client(.get, "/api/w1/creators/maker").json()["models"] as? Int == 1)
            #expect(
                (try await client(.get, "/api/w1/search?q=alpha").json()["items"] as? [Any])?.count == 1)
            let items = try await client(.get, "/api/w1/collections/\(numbers[0])/items").json()
            #expect((items["items"] as? [[String: Any]])?.count == 3)
            #expect(try await client(.get, "/api/w1/collections").status == .ok)
            let node = try await client(.get, "/api/w1/node").json()
            #expect(node["models"] as? Int == 1 && node["registration"] as? String == "open")
            // The shape is a promise.
            try Golden.check(
                Data(try await client(.get, "/api/w1/models/\(id)").bytes), "native-model")
            try Golden.check(
                Data(try await client(.get, "/api/w1/images/\(image["id"] as? Int ?? 0)").bytes), "native-image")
        }
    }

    @Test("lists go on by cursor and by link, every item once while others arrive; what is known is not sent again")
    func paging() async throws {
        let node = try await TestNode.make()
        for number in 0..<5 { _ = try await node.publishModel("M\(number)", age: UInt64(number)) }
        try await node.test { client in
            let linkName = try #require(HTTPField.Name("Link"))
            var names: [String] = []
            var path = "/api/w1/models?limit=2"
            while true {
                let answer = try await client(.get, path)
                let page = try answer.json()
                names += try #require(page["items"] as? [[String: Any]]).compactMap { $0["slug"] as? String }
                guard let cursor = page["next_cursor"] as? String else {
                    #expect(answer.headers[linkName] == nil)
                    break
                }
                let link = try #require(answer.headers[linkName])
                #expect(link == "<https://hive.example/api/w1/models?limit=2&cursor=\(cursor)>; rel=\"next\"")
                if names.count == 2 { _ = try await node.publishModel("Late") }
                path = "/api/w1/models?limit=2&cursor=\(cursor)"
            }
            #expect(names == ["m0", "m1", "m2", "m3", "m4"])
            let answer = try await client(.get, "/api/w1/models")
            let tag = try #require(answer.headers[.eTag])
            #expect(answer.headers[.accessControlAllowOrigin] == "*")
            let same = try await client(.get, "/api/w1/models", [.ifNoneMatch: tag])
            #expect(same.status == .notModified && same.bytes.isEmpty && same.headers[.eTag] == tag)
            #expect(try await client(.get, "/api/w1/models?cursor=x").json()["code"] as? String == "bad-cursor")
            for bad in [
                "limit=0", "limit=101", "limit=-1", "limit=x", "sort=best", "level=PG99", "days=0", "limit=", "level=",
                "limit=1&limit=x", "from_here=", "sort=",
            ] {
                #expect(try await client(.get, "/api/w1/models?\(bad)").status == .badRequest, "\(bad)")
            }
        }
    }

    @Test("errors are problems with stable codes")
    func problems() async throws {
        let node = try await TestNode.make()
        let fields = try await token(node, [.read])
        try await node.test { client in
            func code(_ answer: Answer, _ status: Int) throws -> String {
                #expect(answer.status.code == status, "\(answer.text)")
                #expect(answer.headers[.contentType] == "application/problem+json")
                let problem = try answer.json()
                #expect(problem["status"] as? Int == status && problem["detail"] is String)
                return try #require(problem["code"] as? String)
            }
            #expect(try code(try await client(.get, "/api/w1/models/99"), 404) == "not-found")
            #expect(try code(try await client(.get, "/api/w1/models/99999999999999999999"), 404) == "not-found")
            #expect(try code(try await client(.get, "/api/w1/nothing"), 404) == "not-found")
            #expect(try code(try await client(.delete, "/api/w1/models"), 405) == "method-not-allowed")
            #expect(try code(try await client(.get, "/api/w1/me"), 401) == "unauthorized")
            #expect(try code(try await client(.get, "/api/w1/models?token=x"), 400) == "token-in-query")
            #expect(
                try code(try await client(.get, "/api/w1/models", [.authorization: "Bearer wgl_t"]), 401)
                    == "unauthorized")
            let me = try await client(.get, "/api/w1/me", fields).json()
            #expect(me["account"] as? String == "maker" && me["scopes"] as? [String] == ["read"])
            #expect(
                try code(try await client(.post, "/api/w1/comments", fields, body: Array("{}".utf8)), 403)
                    == "scope-missing")
        }
    }

    @Test(
        "bodies that are no such JSON are refused by words, whatever they are",
        arguments: [
            "", "{", "[]", "null", "5", "{\"subject\":5,\"text\":\"x\"}", "{\"text\":\"x\"}",
            "{\"subject\":\"\\ud800\",\"text\":\"x\"}", "{\"subject\":null,\"text\":null}",
            String(repeating: "[", count: 100_000), "{\"subject\":\"'; DROP TABLE posts; --\",\"text\":\"x\"}",
        ])
    func hostileBodies(_ text: String) async throws {
        let node = try await TestNode.make()
        let fields = try await token(node)
        try await node.test { client in
            let answer = try await client(.post, "/api/w1/comments", fields, body: Array(text.utf8))
            #expect(answer.status == .badRequest, "\(answer.text)")
            #expect(try answer.json()["code"] as? String == "bad-body")
        }
    }

    @Test("a body that is too large, or no JSON by its own word, is refused")
    func largeBodies() async throws {
        let node = try await TestNode.make()
        let fields = try await token(node)
        try await node.test { client in
            let large = [UInt8](repeating: 0x20, count: Limits.API.bodyBytes + 1)
            let refused = try await client(.post, "/api/w1/comments", fields, body: large)
            #expect(refused.status == .contentTooLarge)
            var other = fields
            other[.contentType] = "application/x-www-form-urlencoded"
            let form = try await client(.post, "/api/w1/comments", other, body: Array("text=x".utf8))
            #expect(form.status == .unsupportedMediaType)
        }
    }

    @Test("requests are counted, told about, and refused beyond the limit")
    func limits() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            let rate = try #require(HTTPField.Name("RateLimit"))
            let first = try await client(.get, "/api/w1/node")
            #expect(first.headers[rate] == "\"default\";r=\(Limits.API.requestsPerAddress - 1);t=1")
            for _ in 0..<Limits.API.knocksPerMinute {
                _ = try await client(.post, "/api/w1/challenges", body: Array("{}".utf8))
            }
            let refused = try await client(.post, "/api/w1/challenges", body: Array("{}".utf8))
            #expect(refused.status == .tooManyRequests && refused.headers[.retryAfter] == "2")
            #expect(refused.headers[rate]?.hasPrefix("\"default\";r=0;") == true)
            #expect(try await client(.get, "/api/w1/node").status == .ok)
        }
    }

    @Test("a bucket fills up again within a minute")
    func buckets() {
        var limiter = RequestLimiter()
        for number in 0..<60 {
            let standing = limiter.take("a", limit: 60, now: 100)
            #expect(standing.wait == nil && standing.remaining == 59 - number)
        }
        #expect(limiter.take("a", limit: 60, now: 100).wait == 1)
        #expect(limiter.take("b", limit: 60, now: 100).wait == nil)
        #expect(limiter.take("a", limit: 60, now: 101).wait == nil)
        #expect(limiter.take("a", limit: 60, now: 101).wait == 1)
        #expect(limiter.take("a", limit: 60, now: 300).remaining == 59)
        // A clock that went back takes nothing away.
        #expect(limiter.take("a", limit: 60, now: 10).remaining == 58)
    }

    @Test("a browser's session is a cookie of this host, and other sites make it do nothing")
    func sessions() async throws {
        let node = try await TestNode.make()
        try await node.following {
            try await node.test { try await sessions($0, node) }
        }
    }

    private func sessions(_ client: Client, _ node: TestNode) async throws {
        let asked = try body(["account": "ada", "passphrase": "nine bees in a row", "name": "Ada"])
        let made = try await client(.post, "/api/w1/accounts", Self.json, body: asked)
        #expect(made.status == .created, "\(made.text)")
        #expect((try made.json()["words"] as? String)?.split(separator: " ").count == 24)
        let cookie = try #require(made.headers[.setCookie])
        #expect(cookie.hasPrefix("__Host-waggle=wgl_s") && cookie.contains("Secure; HttpOnly; SameSite=Lax"))
        let session = String(try #require(cookie.split(separator: ";").first))
        #expect(
            try await client(.post, "/api/w1/accounts", Self.json, body: asked).json()["code"] as? String
                == "handle-taken")
        var fields: HTTPFields = [.cookie: session, .contentType: "application/json"]
        #expect(try await client(.get, "/api/w1/me", fields).json()["account"] as? String == "ada")
        let change = try body(["levels": ["PG", "R"], "is_adult": true, "blur_from": "R"])
        #expect(
            try await client(.patch, "/api/w1/me", fields, body: change).json()["code"] as? String == "cross-site")
        fields[.origin] = "https://evil.example"
        #expect(try await client(.patch, "/api/w1/me", fields, body: change).status == .forbidden)
        let site = try #require(HTTPField.Name("Sec-Fetch-Site"))
        for value in ["cross-site", "same-site", "none"] {
            fields[site] = value
            #expect(try await client(.patch, "/api/w1/me", fields, body: change).status == .forbidden)
        }
        fields[site] = nil
        fields[.origin] = "https://hive.example"
        let young = try body(["levels": ["PG", "R"]])
        #expect(try await client(.patch, "/api/w1/me", fields, body: young).json()["code"] as? String == "age-needed")
        let me = try await client(.patch, "/api/w1/me", fields, body: change).json()
        #expect(me["levels"] as? [String] == ["PG", "R"])
        #expect(me["is_adult"] as? Bool == true && me["blur_from"] as? String == "R")
        // Only a session makes tokens.
        let wanted = try body(["scopes": ["read", "review"], "label": "bot", "expires_in": 60])
        let token = try await client(.post, "/api/w1/tokens", fields, body: wanted)
        #expect(token.status == .created, "\(token.text)")
        let bearer: HTTPFields = [
            .authorization: "Bearer \(try token.json()["token"] as? String ?? "")",
            .contentType: "application/json",
        ]
        #expect(try await client(.get, "/api/w1/me", bearer).status == .ok)
        #expect(
            try await client(.post, "/api/w1/tokens", bearer, body: wanted).json()["code"] as? String
                == "session-needed")
        let tooMuch = try body(["scopes": ["admin"]])
        #expect(try await client(.post, "/api/w1/tokens", fields, body: tooMuch).status == .badRequest)
        let old = try body(["old": "nine bees in a row", "new": "ten bees in a row"])
        #expect(try await client(.put, "/api/w1/me/passphrase", fields, body: old).status == .noContent)
        let out = try await client(.delete, "/api/w1/sessions/current", fields)
        #expect(out.status == .noContent && out.headers[.setCookie]?.contains("Max-Age=0") == true)
        #expect(try await client(.get, "/api/w1/me", fields).status == .unauthorized)
        let wrong = try body(["account": "ada", "passphrase": "nine bees in a row"])
        #expect(
            try await client(.post, "/api/w1/sessions", Self.json, body: wrong).json()["code"] as? String
                == "wrong-credentials")
        let right = try body(["account": "ada", "passphrase": "ten bees in a row"])
        #expect(try await client(.post, "/api/w1/sessions", Self.json, body: right).status == .ok)
        var forged = Self.json
        forged[.origin] = "https://evil.example"
        #expect(try await client(.post, "/api/w1/sessions", forged, body: right).status == .forbidden)
    }

    @Test("who keeps the keys registers and signs in with them, and hands in posts that they signed")
    func ownKeys() async throws {
        let node = try await TestNode.make()
        let guest = try Person(seed: 30, role: .person)
        try await node.test { client in
            func proof(base: String = "hive.example") async throws -> [String: Any] {
                let challenge = try await client(.post, "/api/w1/challenges", body: Array("{}".utf8)).json()
                let text = try #require(challenge["text"] as? String)
                #expect(text.contains("origin: https://hive.example\n"))
                let signature = guest.device.sign(Array(text.replacing("hive.example", with: base).utf8))
                return [
                    "author": AuthorID.text(guest.id), "nonce": challenge["nonce"] as? String ?? "",
                    "key": guest.device.publicKey.hex, "signature": Hex.encode(signature),
                ]
            }
            let document = guest.genesis.envelope.base64EncodedString()
            let about: [String: Any] = [
                "account": "guest", "passphrase": "nine bees in a row", "documents": [document],
            ]
            let relayed = try body(about.merging(try await proof(base: "evil.example")) { $1 })
            #expect(
                try await client(.post, "/api/w1/accounts", Self.json, body: relayed).json()["code"] as? String
                    == "bad-challenge")
            let asked = try body(about.merging(try await proof()) { $1 })
            let made = try await client(.post, "/api/w1/accounts", Self.json, body: asked)
            #expect(made.status == .created, "\(made.text)")
            #expect(try made.json()["words"] == nil)
            let again = try await client(.post, "/api/w1/sessions", Self.json, body: try body(try await proof()))
            #expect(again.status == .ok, "\(again.text)")
            let used = try body(try await proof())
            #expect(try await client(.post, "/api/w1/sessions", Self.json, body: used).status == .ok)
            #expect(try await client(.post, "/api/w1/sessions", Self.json, body: used).status == .unauthorized)

            let token = try await node.accounts.newToken(
                NewToken(label: "", scopes: [.read, .publish, .review]), for: "guest")
            let fields: HTTPFields = [
                .authorization: "Bearer \(token.secret.text)", .contentType: "application/json",
            ]
            var post = WirePost()
            post.created = TestNode.time
            post.profile.name = "A Guest"
            let signed = try guest.signer.sign(post)
            let other = try node.maker.signer.sign(post)
            func submit(_ envelopes: [Data]) async throws -> Answer {
                let body = try body(["envelopes": envelopes.map { $0.base64EncodedString() }])
                return try await node.following { try await client(.post, "/api/w1/posts", fields, body: body) }
            }
            let taken = try await submit([signed.envelope, Data([1, 2, 3])])
            #expect(taken.status == .ok, "\(taken.text)")
            #expect(
                (try taken.json()["items"] as? [[String: Any]])?.map { $0["result"] as? String } == ["new", "invalid"])
            #expect(try await submit([other.envelope]).status == .forbidden)
        }
    }
}

@Suite("The description of the native API")
struct OpenAPITests {
    @Test("it has every route of the router, and no other; everything that it refers to is there")
    func isComplete() async throws {
        let node = try await TestNode.make()
        let gateway = try Gateway(node.services)
        try await node.test { client in
            let answer = try await client(.get, "/openapi.json")
            #expect(answer.headers[.contentType] == "application/json")
            let document = try answer.json()
            #expect(document["openapi"] as? String == "3.1.0")
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            let described = Set(paths.flatMap { path, methods in methods.keys.map { "\($0.uppercased()) \(path)" } })
            let registered = Set(
                gateway.routes.filter { $0.path.hasPrefix("/api/w1/") && $0.method != "HEAD" }
                    .map { "\($0.method) \($0.path)" })
            #expect(described == registered)
            let schemas = try #require(
                (document["components"] as? [String: Any])?["schemas"] as? [String: Any])
            let text = answer.text
            let referred = text.matches(of: #/"#\/components\/schemas\/(\w+)"/#).map { String($0.1) }
            #expect(Set(referred).subtracting(schemas.keys) == [])
            #expect(Set(schemas.keys).subtracting(referred) == [])
            let names = paths.values.flatMap(\.values).compactMap { ($0 as? [String: Any])?["operationId"] as? String }
            #expect(Set(names).count == names.count)
            for route in gateway.routes where route.path.hasPrefix("/api/w1/") && route.method != "HEAD" {
                let method = paths[route.path]?[route.method.lowercased()] as? [String: Any]
                #expect((method?["security"] != nil) == (route.subject == .account), "\(route.path)")
            }
        }
    }
}

extension TestNode {
    /// Has the catalog follow the log while `body` runs, as the node does all the time.
    func following<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            let changes = log.changes()
            group.addTask { [self] in
                for await _ in changes {
                    while catalog.appliedSeq < log.newestSeq {
                        try await catalog.apply(log.entries(after: catalog.appliedSeq, limit: 1000))
                    }
                }
            }
            return try await body()
        }
    }
}
