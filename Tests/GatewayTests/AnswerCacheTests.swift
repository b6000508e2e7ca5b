import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Synchronization
import Testing
import WaggleProtocol

@testable import Gateway

private final class Moment: Sendable {
    let seconds = Mutex<UInt64>(1000)
}

@Suite("Answers that are kept for visitors")
struct AnswerCacheTests {
    private func key(_ target: String, mask: UInt32 = 1) -> AnswerCache<String>.Key {
        .init(target: target, base: "http://hive", filter: ViewerFilter(mask: mask))
    }

    @Test("an answer is made once, until something changes or its time is over; each viewer has their own")
    func once() async throws {
        let node = try await TestNode.make()
        let time = Moment()
        var services = node.services
        services.now = { time.seconds.withLock { $0 } }
        let cache = AnswerCache<String>(services) { $0.utf8.count }
        let made = Mutex(0)
        func ask(_ target: String, mask: UInt32 = 1) async throws -> String {
            try await cache.answer(key(target, mask: mask)) {
                made.withLock { made in
                    made += 1
                    return "\(target) \(made)"
                }
            }
        }
        #expect(try await [ask("/a"), ask("/a"), ask("/b"), ask("/a", mask: 3)] == ["/a 1", "/a 1", "/b 2", "/a 3"])
        time.seconds.withLock { $0 += Limits.Gateway.answerSeconds - 1 }
        #expect(try await ask("/a") == "/a 1")
        time.seconds.withLock { $0 += 1 }
        #expect(try await ask("/a") == "/a 4")
        _ = try await node.publishModel("Clean")
        #expect(try await [ask("/a"), ask("/a")] == ["/a 5", "/a 5"])
        await #expect(throws: GatewayError.self) {
            try await cache.answer(key("/c")) { throw GatewayError.notFound("nothing") }
        }
        #expect(try await ask("/c") == "/c 6")
    }

    @Test("however many are asked for, no more is kept than there is room for, and what is asked for stays")
    func room() async throws {
        let node = try await TestNode.make()
        let cache = AnswerCache<Int>(node.services) { $0 }
        let made = Mutex(0)
        func ask(_ number: Int, _ bytes: Int) async throws {
            _ = try await cache.answer(.init(target: "/\(number)", base: "", filter: ViewerFilter(mask: 1))) {
                made.withLock { $0 += 1 }
                return bytes
            }
        }
        let bytes = Limits.Gateway.answersBytes / 32
        for number in 1...100 {
            try await ask(0, bytes)
            try await ask(number, bytes)
        }
        #expect(made.withLock { $0 } == 101)
        try await ask(1, bytes)
        #expect(made.withLock { $0 } == 102)
        // Too large to be kept.
        for _ in 0..<2 { try await ask(1000, Limits.Gateway.answersBytes) }
        #expect(made.withLock { $0 } == 104)
    }

    @Test("visitors see what is published, downloaded and hidden at once, whatever they asked before")
    func fresh() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alder")
        let paths = ["/api/v1/models", "/api/w1/models", "/api/w1/search?q=alder"]
        try await node.test { client in
            func texts(_ paths: [String]) async throws -> [String] {
                var texts: [String] = []
                for path in paths { texts.append(try await client(.get, path).text) }
                return texts
            }
            for text in try await texts(paths) + texts(paths) { #expect(text.contains("Alder")) }
            let byHash = "/api/v1/model-versions/by-hash/\(model.file.hex)"
            #expect(try await client(.get, byHash).text.contains("\"downloadCount\":0"))
            let release = try #require(
                try await node.catalog.release(post: model.release.id, node.moderation.filter(for: .anonymous)))
            try await node.catalog.recordDownload(release.id)
            #expect(try await client(.get, byHash).text.contains("\"downloadCount\":1"))

            _ = try await node.publishModel("Birch")
            for text in try await texts(Array(paths.prefix(2))) { #expect(text.contains("Birch")) }

            try await node.catalog.setHidden([.post(model.release.id), .post(model.model.id)], true)
            for text in try await texts(paths) { #expect(!text.contains("Alder")) }
            #expect(try await client(.get, byHash).status == .notFound)
        }
    }
}
