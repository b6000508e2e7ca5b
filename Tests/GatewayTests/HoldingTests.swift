import Accounts
import AsyncHTTPClient
import BlobStore
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import NIOCore
import NIOHTTP1
import Operations
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("What refused, revoked and hasty callers leave behind")
struct HoldingTests {
    @Test("the pictures of a post that is refused are not kept")
    func refusedPost() async throws {
        let node = try await TestNode.make()
        let path = node.directory.appending(path: "picture.png")
        try Data(TestNode.wholePNG).write(to: path)
        let hash = SHA256.hash(TestNode.wholePNG)
        await #expect(throws: OperationError.self) {
            try await PostImages(
                account: "maker", images: [path.path], level: "PG", title: String(repeating: "x", count: 20_000)
            ).run(in: node.services.context())
        }
        #expect(try await node.blobs.pins(hash) == [])
    }

    @Test("a stream of events ends with its token")
    func revokedToken() async throws {
        let node = try await TestNode.make()
        let made = try await node.accounts.newToken(NewToken(label: "bot", scopes: [.read]), for: "maker")
        try await node.serve { live in
            var request = HTTPClientRequest(url: live.base + "/api/w1/events")
            request.headers.add(name: "authorization", value: "Bearer \(made.secret.text)")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            #expect(response.status == .ok)
            var chunks = response.body.makeAsyncIterator()
            let begin = try await chunks.next().map { String(buffer: $0) }
            #expect(begin?.contains("event: begin") == true)
            try await node.accounts.revoke(token: made.token.id)
            _ = try await node.publishModel("Late")
            var rest = ""
            while let chunk = try await chunks.next() { rest += String(buffer: chunk) }
            #expect(!rest.contains("event: shown"), "\(rest)")
        }
    }

    @Test("an address has so many pages a minute; this machine is not counted, and whom a proxy here speaks for is")
    func flood() async throws {
        let node = try await TestNode.make { $0.pagesPerAddress = 2 }
        let flood = FloodLimit(node.services)
        let address = RemoteAddress.of(peer: "203.0.113.9")
        try flood.admit(address)
        try flood.admit(address)
        #expect(throws: GatewayError.tooManyRequests(retryAfter: 30)) { try flood.admit(address) }
        try flood.admit("203.0.113.10")
        for _ in 0..<10 { try flood.admit(RemoteAddress.of(peer: "127.0.0.1")) }
        try await node.serve { live in
            var statuses: [UInt] = []
            for _ in 0..<3 {
                var request = HTTPClientRequest(url: live.base + "/")
                request.headers.add(name: "x-forwarded-for", value: "198.51.100.4")
                statuses.append(try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status.code)
            }
            #expect(statuses == [200, 200, 429])
        }
    }

    @Test("pages of tags are counted off in one question")
    func tagPages() async throws {
        let node = try await TestNode.make()
        for mark in ["Alpha", "Beta", "Gamma"] { _ = try await node.publishModel(mark) }
        try await node.test { client in
            var names: [String] = []
            for page in 1...5 {
                let answer = try await client(.get, "/api/v1/tags?limit=1&page=\(page)")
                let items = try #require(try answer.json()["items"] as? [[String: Any]])
                names += items.compactMap { $0["name"] as? String }
            }
            #expect(names == ["bees", "tag-alpha", "tag-beta", "tag-gamma"])
        }
    }

    @Test("a commit of a Hub client has so many lines, however they are made")
    func commitLines() throws {
        #expect(try HubCommit([UInt8](repeating: 10, count: 1 << 20)).summary == "")
        let line = #"{"key":"deletedFile","value":{"path":"a"}}"#
        let lines = Array(Array(repeating: line, count: Limits.API.commitLines + 1).joined(separator: "\n").utf8)
        #expect(throws: GatewayError.tooManyItems(limit: Limits.API.commitLines)) { try HubCommit(lines) }
        #expect(try HubCommit(Array(lines.dropFirst(line.utf8.count + 1))).deleted.count == Limits.API.commitLines)
    }

    @Test("a commit that says to be larger than any may be is refused before it is read")
    func commitMemory() async throws {
        let node = try await TestNode.make()
        let made = try await node.accounts.newToken(NewToken(label: "hub", scopes: [.publish]), for: "maker")
        let head = """
            POST /api/models/maker/wax/commit/main HTTP/1.1\r
            Host: hive.example\r
            Authorization: Bearer \(made.secret.text)\r
            Content-Length: \(Limits.API.commitBytes + 1)\r
            Connection: close\r\n\r\n
            """
        try await node.serve { live in
            let answer = try await RawConnection.run(port: live.port) { connection in
                connection.send(head)
                return connection.rest(drip: "x")
            }
            #expect(try #require(answer).hasPrefix("HTTP/1.1 413 "))
        }
    }

    @Test("a dump that was begun before a purge is not given out")
    func dumpBeforePurge() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let dump = try await WriteDump().run(in: node.services.context())
        try await node.test { client in
            #expect(try await client(.get, "/dumps/\(dump.name)").status == .ok)
            _ = try await node.moderation.purge(
                PurgeOrder(subjects: [.post(model.model.id)], reason: "test", by: "maker", when: TestNode.time))
            #expect(try await client(.get, "/dumps/\(dump.name)").status == .notFound)
            #expect(try #require(try await client(.get, "/dumps").json()["items"] as? [Any]).isEmpty)
        }
    }
}
