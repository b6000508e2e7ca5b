import AsyncHTTPClient
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import NIOCore
import NIOHTTP1
import PostLog
import ServiceLifecycle
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("The stream of posts")
struct StreamTests {
    private static func world(ceiling: Level = .xxx, clock: any Clock<Duration> = ContinuousClock()) async throws -> (
        TestNode, Person
    ) {
        let node = try await TestNode.make(ceiling: ceiling, clock: clock)
        let peer = try Person(seed: 9, role: .node)
        try await node.take([peer.genesis])
        return (node, peer)
    }

    @Test("a stream begins with the cursor, then brings what comes into force, and goes on from any cursor")
    func live() async throws {
        let (node, peer) = try await Self.world()
        let start = "\(node.log.logID).\(node.log.newestSeq)"
        try await node.serve { live in
            let (model, cursor) = try await live.stream(by: peer) { frames async throws in
                let first = try #require(try await frames.next())
                #expect(first.cursor == start && first.envelope.isEmpty && first.id.isEmpty)
                let model = try await node.publishModel("Alpha")
                var cursors: [String] = []
                for post in [model.model, model.release, model.picture] {
                    var frame = try #require(try await frames.next())
                    // A sign of life in between, when all this takes long.
                    while frame.envelope.isEmpty { frame = try #require(try await frames.next()) }
                    #expect(frame.envelope == post.envelope)
                    cursors.append(frame.cursor)
                }
                return (model, cursors[0])
            }
            try await live.stream("?cursor=\(cursor)", by: peer) { frames async throws in
                #expect(try await frames.next()?.cursor == cursor)
                #expect(try await frames.next()?.envelope == model.release.envelope)
            }
            try await live.stream("?cursor=\(start)&kinds=13&ids=true", by: peer) { frames async throws in
                #expect(try await frames.next()?.cursor == start)
                let frame = try await frames.next()
                #expect(frame?.id == model.picture.id.data)
                #expect(frame?.envelope.isEmpty == true)
            }
        }
    }

    @Test("a cursor of another log, or from beyond the end, answers 409")
    func unknownLog() async throws {
        let (node, peer) = try await Self.world()
        try await node.test { client in
            let beyond = "\(node.log.logID).\(node.log.newestSeq + 1)"
            for (cursor, code) in [("other.1", "unknown-log"), (beyond, "unknown-log"), ("x", "bad-cursor")] {
                let answer = try await client.signed(.get, "/w/1/stream?cursor=\(cursor)", by: peer)
                #expect(answer.status.code == (code == "bad-cursor" ? 400 : 409))
                #expect(try answer.errorCode() == code)
            }
            #expect(try await client(.get, "/w/1/stream").status == .unauthorized)
            #expect(try await client.signed(.get, "/w/1/stream?kinds=x", by: peer).status == .badRequest)
        }
    }

    @Test("the backlog leaves out what is no longer in force and what is above the ceiling")
    func backlog() async throws {
        let (node, peer) = try await Self.world(ceiling: .r)
        let start = "\(node.log.logID).\(node.log.newestSeq)"
        let deleted = try await node.publishModel("Deleted")
        let kept = try await node.publishModel("Kept", age: 1)
        _ = try await node.publishModel("Hard", level: .x, age: 2)
        let delete = try await node.publish(by: node.maker) { post in
            post.delete.ids = [deleted.release.id.data, deleted.model.id.data, deleted.picture.id.data]
        }
        let replaced = try await node.publish(by: node.maker) { post in
            post.created = TestNode.time - 10
            post.profile.name = "Maker again"
        }
        let expected = [kept.model, kept.release, kept.picture, delete, replaced].map(\.id)
        try await node.serve { live in
            // Twice: from the log, then from the shared memory after it was filled by a live reader.
            for _ in 0..<2 {
                let got = try await live.stream("?cursor=\(start)&ids=true", by: peer) { frames async throws in
                    _ = try await frames.next()
                    var ids: [Hash32] = []
                    while ids.count < expected.count, let frame = try await frames.next() {
                        ids.append(try #require(Hash32(frame.id)))
                    }
                    return ids
                }
                #expect(got == expected)
            }
        }
    }

    @Test("posts in the shared memory that go out of force are not given to later readers")
    func forgotten() async throws {
        let (node, _) = try await Self.world()
        let feed = LogFeed(log: node.log, offer: PeerOffer(catalog: node.catalog, moderation: node.moderation))
        let start = node.log.newestSeq
        let model = try await node.publishModel("Alpha")
        let before = try await feed.lines(after: start)
        #expect(before.lines.map(\.id) == [model.model.id, model.release.id, model.picture.id])
        let delete = try await node.publish(by: node.maker) { post in
            post.delete.ids = [model.picture.id.data]
        }
        let after = try await feed.lines(after: start)
        #expect(after.lines.map(\.id) == [model.model.id, model.release.id, delete.id])
        #expect(after.reached == node.log.newestSeq)
        #expect(try await feed.lines(after: after.reached).lines.isEmpty)
    }

    @Test("the memory is bounded, and a reader that fell out of it reads the log, missing nothing")
    func bounded() async throws {
        let (node, _) = try await Self.world()
        let feed = LogFeed(log: node.log, offer: PeerOffer(catalog: node.catalog, moderation: node.moderation))
        let start = node.log.newestSeq
        var posts: [SignedPost] = []
        for number in 0..<(Limits.Gateway.recentFrames + 100) {
            var post = WirePost()
            post.created = TestNode.time - 500
            post.comment.subject = Data(repeating: 1, count: 32)
            post.comment.text = "comment \(number)"
            posts.append(try node.maker.signer.sign(post))
        }
        for first in stride(from: 0, to: posts.count, by: 1000) {
            _ = try await node.log.intake.submit(
                posts[first..<min(first + 1000, posts.count)].map(\.envelope), from: .local)
            _ = try await feed.lines(after: node.log.newestSeq)
        }
        var seen: [Hash32] = []
        var position = start
        while position < node.log.newestSeq {
            let (lines, reached) = try await feed.lines(after: position)
            #expect(reached > position)
            seen += lines.map(\.id)
            position = reached
        }
        #expect(seen == posts.map(\.id))
    }

    @Test("a heartbeat comes every 20 seconds, with the cursor")
    func heartbeat() async throws {
        let clock = ManualClock()
        let (node, peer) = try await Self.world(clock: clock)
        try await node.serve { live in
            try await live.stream(by: peer) { frames async throws in
                let first = try #require(try await frames.next())
                for _ in 0..<3 {
                    await clock.waitForSleepers(1)
                    clock.advance(by: .seconds(20))
                    let beat = try #require(try await frames.next())
                    #expect(beat == first)
                }
            }
        }
    }

    @Test("one peer opens four streams, not five; a closed one makes room")
    func slots() throws {
        let slots = StreamSlots()
        let (one, other) = (SHA256.hash([1]), SHA256.hash([2]))
        var open = try (0..<4).map { _ in try slots.take(for: one) }
        #expect(throws: GatewayError.tooManyRequests(retryAfter: 60)) { _ = try slots.take(for: one) }
        open.append(try slots.take(for: other))
        open.removeFirst()
        open.append(try slots.take(for: one))
        #expect(throws: GatewayError.self) { _ = try slots.take(for: one) }
        #expect(open.count == 5)
    }

    @Test("free node ids do not take every place: so many nodes have one, and each has one when it gets tight")
    func manyNodes() throws {
        let slots = StreamSlots()
        func name(_ number: Int) -> Hash32 { SHA256.hash(Array("\(number)".utf8)) }
        let open = try (0..<Limits.Peers.inbound).map { try slots.take(for: name($0)) }
        #expect(throws: GatewayError.self) { _ = try slots.take(for: name(-1)) }
        #expect(throws: GatewayError.self) { _ = try slots.take(for: name(0)) }
        #expect(open.count == Limits.Peers.inbound)
    }

    @Test("a stopping node ends its streams and does not wait for them")
    func shutdown() async throws {
        let (node, peer) = try await Self.world()
        try await node.serve { live in
            try await live.stream(by: peer) { frames async throws in
                _ = try await frames.next()
                await live.group.triggerGracefulShutdown()
                #expect(try await frames.next() == nil)
            }
        }
    }

    @Test("a reader of bytes that takes nothing is cut when the node stops")
    func stalledDownload() async throws {
        let node = try await TestNode.make { $0.shutdownTimeout = .milliseconds(200) }
        let model = try await node.publishModel("Large", bytes: 40 << 20)
        try await node.serve { live in
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: live.base + "/blobs/\(model.file)"), timeout: .seconds(60))
            #expect(response.status == .ok)
            // The body is not read; `serve` ends only if the gateway does.
        }
    }
}
