import BlobStore
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

    @Test("what the time makes no difference to is kept until the catalog, a file or a picture changes")
    func timeless() async throws {
        let node = try await TestNode.make()
        let (time, pictures) = (Moment(), Moment())
        var services = node.services
        services.now = { time.seconds.withLock { $0 } }
        services.picturesRevision = { pictures.seconds.withLock { $0 } }
        let cache = AnswerCache<String>(services) { _ in 1 }
        let made = Mutex(0)
        func ask() async throws -> String {
            try await cache.answer(key("/a"), isTimeless: true) {
                made.withLock { made in
                    made += 1
                    return "\(made)"
                }
            }
        }
        #expect(try await ask() == "1")
        time.seconds.withLock { $0 += 1_000_000 }
        #expect(try await ask() == "1")
        pictures.seconds.withLock { $0 += 1 }
        #expect(try await [ask(), ask()] == ["2", "2"])
        _ = try await node.blobs.add(bytes: Array("a file that comes".utf8))
        #expect(try await [ask(), ask()] == ["3", "3"])
        let before = node.catalog.revision
        _ = try await node.publishModel("Clean")
        #expect(node.catalog.revision != before)
        #expect(try await [ask(), ask()] == ["4", "4"])
    }

    @Test("what all has room for stays, in whatever turn it is asked for; else what is asked for most stays")
    func shelf() {
        var shelf = AnswerShelf<Int, Int>(bytes: 100)
        func look(_ key: Int, bytes: Int = 1) -> Bool {
            if shelf.find(key) == key { return true }
            shelf.put(key, key, bytes: bytes)
            #expect(shelf.bytes <= 100)
            return false
        }
        for round in 0..<3 {
            for key in 0..<100 { #expect(look(key) == (round > 0)) }
        }
        // Twice as much as there is room for, and some that are asked for all the time.
        for key in 200..<400 {
            _ = look(key)
            for often in 50..<55 { #expect(look(often)) }
        }
        // A larger one takes the place of several, and another answer to the same question that of the one before.
        #expect(!look(1000, bytes: 90))
        #expect(look(1000))
        shelf.put(1, 1000, bytes: 100)
        #expect(shelf.find(1000) == 1 && shelf.bytes == 100)
        #expect(!look(0))
        #expect(shelf.bytes == 1 && shelf.find(1000) == nil)
    }

    @Test("other answers to questions that are kept already take the room of those before, whatever their size")
    func replaced() {
        var shelf = AnswerShelf<Int, Int>(bytes: 64 << 20)
        let sizes = [512, 2 << 20, 100, 2 << 20, 300 << 10, 4 << 20]
        for round in 0..<12 {
            for key in 0..<200 {
                let bytes = sizes[(round + key) % sizes.count]
                shelf.put(bytes, key, bytes: bytes)
                #expect(shelf.find(key) == bytes)
            }
            let kept = (0..<200).compactMap { shelf.find($0) }
            #expect(kept.reduce(0, +) == shelf.bytes && shelf.bytes <= 64 << 20, "round \(round)")
            #expect(kept.count > 1, "one that is replaced makes room for itself")
        }
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
