import Accounts
import Digests
import Federation
import Foundation
import HTTPTypes
import Identity
import Logging
import Moderation
import NIOCore
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("The door of the native API")
struct NativeDoorTests {
    private static let json: HTTPFields = [.contentType: "application/json"]
    private static let replayed = HTTPField.Name("Idempotency-Replayed")!
    private static let key = HTTPField.Name("Idempotency-Key")!

    private func body(_ value: [String: Any]) throws -> [UInt8] {
        [UInt8](try JSONSerialization.data(withJSONObject: value, options: .sortedKeys))
    }

    private func token(_ node: TestNode, _ scopes: Set<TokenScope>, key: String? = nil) async throws -> HTTPFields {
        let made = try await node.accounts.newToken(NewToken(label: "test", scopes: scopes), for: "maker")
        var fields: HTTPFields = [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
        fields[Self.key] = key
        return fields
    }

    // MARK: Registering with keys of one's own

    @Test("who registers with keys of their own hands in the documents of those keys and nothing else")
    func introducedDocuments() async throws {
        let node = try await TestNode.make()
        let guest = try Person(seed: 30, role: .person)
        let other = try Person(seed: 31, role: .person)
        var post = WirePost()
        post.created = TestNode.time
        post.profile.name = "Injected"
        let (foreign, own) = (try node.maker.signer.sign(post), try guest.signer.sign(post))
        let before = node.log.newestSeq
        try await node.test { client in
            func register(_ documents: [Data], by key: SigningKey) async throws -> Answer {
                let challenge = try await client(.post, "/api/w1/challenges", body: Array("{}".utf8)).json()
                let signature = key.sign(Array(try #require(challenge["text"] as? String).utf8))
                let asked = try body([
                    "account": "guest", "passphrase": "nine bees in a row",
                    "documents": documents.map { $0.base64EncodedString() }, "author": AuthorID.text(guest.id),
                    "nonce": challenge["nonce"] as? String ?? "", "key": key.publicKey.hex,
                    "signature": Hex.encode(signature),
                ])
                return try await client(.post, "/api/w1/accounts", Self.json, body: asked)
            }
            let genesis = guest.genesis.envelope
            for documents in [
                [genesis, foreign.envelope], [genesis, own.envelope], [genesis, other.genesis.envelope],
                [genesis, Data([1, 2, 3])], [other.genesis.envelope], [],
            ] {
                let refused = try await register(documents, by: guest.device)
                #expect(try refused.json()["code"] as? String == "bad-challenge", "\(refused.text)")
            }
            // A key that the documents do not list: they stay out with whoever holds it.
            let stranger = try await register([genesis], by: other.device)
            #expect(try stranger.json()["code"] as? String == "bad-challenge", "\(stranger.text)")
            #expect(node.log.newestSeq == before)
            let made = try await register([genesis], by: guest.device)
            #expect(made.status == .created, "\(made.text)")
            #expect(node.log.newestSeq > before)
        }
    }

    // MARK: Repeated requests

    @Test("a token is shown once: its answer is not kept, and a weaker token learns nothing by the same key")
    func secrets() async throws {
        let node = try await TestNode.make()
        let maker = try await node.accounts.existing("maker")
        let session = try await node.accounts.openSession(for: maker)
        let weak = try await token(node, [.read], key: "k")
        try await node.test { client in
            let fields: HTTPFields = [
                .cookie: "\(CallerIdentity.cookieName)=\(session.token.text)", .origin: "https://hive.example",
                .contentType: "application/json", Self.key: "k",
            ]
            let wanted = try body(["scopes": ["read", "review"], "label": "bot"])
            let first = try await client(.post, "/api/w1/tokens", fields, body: wanted)
            #expect(first.status == .created, "\(first.text)")
            let secret = try #require(try first.json()["token"] as? String)
            let stolen = try await client(.post, "/api/w1/tokens", weak, body: wanted)
            #expect(stolen.status == .forbidden && !stolen.text.contains(secret), "\(stolen.text)")
            #expect(try stolen.json()["code"] as? String == "session-needed")
            let second = try await client(.post, "/api/w1/tokens", fields, body: wanted)
            #expect(second.headers[Self.replayed] == nil && !second.text.contains(secret))
            let files = ["accounts.db", "accounts.db-wal"].map { node.directory.appending(path: "db/\($0)").path }
            for bytes in files.compactMap({ FileManager.default.contents(atPath: $0) }) {
                #expect(bytes.firstRange(of: Data(secret.utf8)) == nil)
            }
        }
    }

    @Test("a kept answer is for whoever may do the same")
    func keptAnswers() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let (one, same) = (
            try await token(node, [.read, .review], key: "k"), try await token(node, [.read, .review], key: "k")
        )
        let other = try await token(node, [.review], key: "k")
        let asked = try body(["subject": model.model.id.hex, "text": "Fine work"])
        try await node.following {
            try await node.test { client in
                let first = try await client(.post, "/api/w1/comments", one, body: asked)
                #expect(first.status == .created, "\(first.text)")
                let refused = try await client(.post, "/api/w1/comments", other, body: asked)
                #expect(try refused.json()["code"] as? String == "idempotency-key-reused", "\(refused.text)")
                let again = try await client(.post, "/api/w1/comments", same, body: asked)
                #expect(again.headers[Self.replayed] == "true" && again.bytes == first.bytes)
            }
        }
    }

    @Test("what was carried out is not carried out again, even if the request was cancelled right after")
    func cancelled() async throws {
        let node = try await TestNode.make()
        let maker = try await node.accounts.existing("maker")
        let requests = RepeatedRequests(accounts: node.accounts)
        let send: @Sendable () async throws -> NativeReply = {
            try await requests.answer(
                to: "k", fingerprint: SHA256.hash([1]), of: maker, logger: Logger(label: "test")
            ) {
                withUnsafeCurrentTask { $0?.cancel() }
                return try NativeReply(["signed": true], status: .created)
            }
        }
        let first = try await Task(operation: send).value
        let again = try await Task(operation: send).value
        #expect(first.headers[Self.replayed] == nil)
        #expect(first.body == again.body && again.headers[Self.replayed] == "true")
    }

    @Test("what failed may be sent again under its key, and what is secret is made anew")
    func failed() async throws {
        struct Failed: Error {}
        let node = try await TestNode.make()
        let maker = try await node.accounts.existing("maker")
        let requests = RepeatedRequests(accounts: node.accounts)
        func send(_ handler: () async throws -> NativeReply) async throws -> NativeReply {
            try await requests.answer(
                to: "k", fingerprint: SHA256.hash([1]), of: maker, logger: Logger(label: "test"), handler)
        }
        await #expect(throws: Failed.self) { try await send { throw Failed() } }
        var secret = try NativeReply(["token": "x"])
        secret.isSecret = true
        for _ in 0..<2 {
            let reply = try await send { [secret] in secret }
            #expect(reply.headers[Self.replayed] == nil)
        }
    }

    // MARK: Reading

    @Test("a token without the scope to read sees what visitors see")
    func readScope() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha", level: .xxx)
        let path = "/api/w1/models/\(model.model.id.hex)"
        let (reader, writer) = (try await token(node, [.read]), try await token(node, [.review]))
        try await node.test { client in
            #expect(try await client(.get, path, reader).status == .ok)
            let visitor = try await client(.get, path)
            let answer = try await client(.get, path, writer)
            #expect(visitor.status == .notFound || visitor.status == .forbidden)
            #expect(answer.status == visitor.status && answer.bytes == visitor.bytes)
            let all = try await client(.get, "/api/w1/models", reader).json()
            #expect((all["items"] as? [Any])?.count == 1)
            let list = try await client(.get, "/api/w1/models", writer)
            let items = try #require(try list.json()["items"] as? [Any])
            #expect(items.isEmpty)
            #expect(list.headers[.cacheControl] == "public, max-age=10")
        }
    }

    // MARK: Addresses

    @Test(
        "addresses are counted by whoever holds them",
        arguments: [
            ("192.0.2.7", nil, "192.0.2.7"), ("::ffff:192.0.2.7", nil, "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", nil, "2001:db8:1:2::/64"), ("2001:db8:1:2::1", nil, "2001:db8:1:2::/64"),
            ("192.0.2.7", "198.51.100.1", "192.0.2.7"), ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("::1", "203.0.113.9, 198.51.100.1", "198.51.100.1"), ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"), ("127.0.0.1", "2001:db8::1", "2001:db8::/64"),
            ("127.0.0.1", "made-up-17", "127.0.0.1"), ("127.0.0.1", "", "127.0.0.1"), ("::1", "1.2.3", "::1"),
            (nil, "198.51.100.1", "unknown"),
        ] as [(String?, String?, String)])
    func addresses(_ peer: String?, _ forwarded: String?, _ counted: String) throws {
        var fields = HTTPFields()
        fields[try #require(HTTPField.Name("X-Forwarded-For"))] = forwarded
        #expect(RemoteAddress.of(peer: peer, fields, .onThisMachine) == counted)
    }

    @Test("an address is read from a socket as from its text")
    func sockets() throws {
        for text in ["192.0.2.7", "127.0.0.1", "::1", "2001:db8:1:2:3:4:5:6", "::ffff:192.0.2.7"] {
            #expect(try IPAddress(SocketAddress(ipAddress: text, port: 443)) == IPAddress(text))
        }
        #expect(try IPAddress(SocketAddress(unixDomainSocketPath: "/run/waggle")) == nil)
    }

    @Test(
        "a visitor's address is believed from the operator's proxies alone, and past all of them",
        arguments: [
            ("10.1.2.3", "203.0.113.9", "203.0.113.9"), ("11.1.2.3", "203.0.113.9", "11.1.2.3"),
            ("127.0.0.1", "203.0.113.9", "127.0.0.1"), ("::ffff:10.1.2.3", "203.0.113.9", "203.0.113.9"),
            ("fd00::7", "198.51.100.1, 10.0.0.1", "198.51.100.1"), ("fd00::7", "6.6.6.6, 7.7.7.7, 10.0.0.1", "7.7.7.7"),
            ("10.1.2.3", "10.0.0.1", "10.0.0.1"), ("10.1.2.3", "7.7.7.7, junk", "10.1.2.3"),
            ("10.1.2.3", "7.7.7.7,", "10.1.2.3"), ("10.1.2.3", nil, "10.1.2.3"),
        ] as [(String, String?, String)])
    func proxies(_ peer: String, _ named: String?, _ counted: String) throws {
        let field = try #require(HTTPField.Name("X-Real-IP"))
        var fields: HTTPFields = [:]
        fields[field] = named
        // Another field than the one that the proxies write is anybody's.
        fields[try #require(HTTPField.Name("X-Forwarded-For"))] = "192.0.2.66"
        let proxies = try #require(TrustedProxies("10.0.0.0/8, fd00::/64", field: "X-Real-IP"))
        #expect(RemoteAddress.of(peer: peer, fields, proxies) == counted)
        let counts = ConnectionCounts(limit: 1, proxies: proxies)
        #expect(counts.address(of: "10.1.2.3") == nil && counts.address(of: "11.1.2.3") == "11.1.2.3")
    }

    @Test("networks and fields that cannot be read are refused")
    func proxySettings() {
        for bad in ["proxy.example", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "::/129", "1.2.3.4/8/8", "1.2.3.4/"] {
            #expect(TrustedProxies(bad, field: "X-Real-IP") == nil, "\(bad)")
        }
        for bad in ["", "X Real IP", "Forwarded", "a:b"] { #expect(TrustedProxies("", field: bad) == nil, "\(bad)") }
        let whole = TrustedProxies(" 0.0.0.0/0 ,::/0,", field: "cf-connecting-ip")
        #expect(whole?.contains(.v4(7)) == true && whole?.contains(.v6(7)) == true)
    }

    @Test("a full table of buckets forgets its oldest quarter, and whoever is at their limit stays there")
    func fullTable() {
        var limiter = RequestLimiter()
        for number in 0..<Limits.API.buckets - 1 {
            _ = limiter.take("\(number)", limit: 1, now: 100 + UInt64(number * 40 / Limits.API.buckets))
        }
        #expect(limiter.take("busy", limit: 1, now: 140).wait == nil)
        _ = limiter.take("one more", limit: 1, now: 140)
        #expect(limiter.take("busy", limit: 1, now: 140).wait != nil)
        #expect(limiter.take("0", limit: 1, now: 140).wait == nil)
    }
}
