import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@Suite("Posts that nobody should believe", .nodes, .logsOnFailure)
struct HostilePostTests {
    /// A batch entry and what must become of it.
    private struct Entry {
        let what: String
        let envelope: Data
        let status: WirePostResult.Status
    }

    @Test("each post of a pushed batch gets its own verdict; only what is valid is kept, and passed on verbatim")
    func verdicts() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let peer = try Persona(.node)
        let person = try Persona(.person)
        let stranger = try Persona(.person)
        let client = WireClient(persona: peer, url: node.url)
        let introduced = try await client.offer(peer.documents + person.documents)
        #expect(introduced.map(\.status) == [.new, .new, .new, .new])
        let before = try await node.json(NodeStatus.self, "status").posts

        let entries = try Self.entries(person, stranger, device: peer)
        let results = try await client.offer(entries.map(\.envelope))
        for (entry, result) in zip(entries, results) {
            #expect(result.status == entry.status, "\(entry.what): \(result.status) \(result.reason)")
            if entry.status == .invalid { #expect(!result.reason.isEmpty, "\(entry.what)") }
            if entry.status == .future { #expect(result.retryAfter > 0, "\(entry.what)") }
        }
        let kept = entries.filter { $0.status == .new }
        // Who sends so much rubbish is not listened to any more; others are.
        await #expect(throws: (any Error).self) { try await client.posts([person.author]) }
        let other = try Persona(.node)
        let reader = WireClient(persona: other, url: node.url)
        _ = try await reader.offer(other.documents)
        #expect(try await node.json(NodeStatus.self, "status").posts == before + kept.count + other.documents.count)
        let given = try await reader.posts(kept.map { try $0.envelope.postID })
        #expect(given == kept.map(\.envelope))
        let refused = entries.filter { [.invalid, .future].contains($0.status) }
        let ids = Set(kept.map { try? $0.envelope.postID })
        let others = refused.compactMap { try? $0.envelope.postID }.filter { !ids.contains($0) }
        #expect(try await reader.posts(others) == [])

        // All of it again is nothing new, also after a crash.
        await node.kill()
        try await node.restart()
        let again = try await WireClient(persona: other, url: node.url).offer(kept.map(\.envelope))
        #expect(again.allSatisfy { $0.status == .have })
        #expect(try await node.get("/").status == 200)
    }

    private static func entries(_ person: Persona, _ stranger: Persona, device peer: Persona) throws -> [Entry] {
        var entries: [Entry] = []
        func add(_ what: String, _ status: WirePostResult.Status, _ envelope: Data) {
            entries.append(Entry(what: what, envelope: envelope, status: status))
        }
        func comment(_ text: String, _ fill: (inout WirePost) -> Void = { _ in }) throws -> Data {
            try person.payload {
                $0.comment.subject = person.author.data
                $0.comment.text = text
                fill(&$0)
            }
        }
        let good = try person.seal(comment("good"))
        add("valid", .new, good)
        add("the same twice in a batch", .have, good)
        add("nothing", .invalid, Data())
        for count in [1, 7, good.count / 2, good.count - 1] { add("cut to \(count)", .invalid, good.prefix(count)) }
        add("a byte behind it", .invalid, good + [0])
        add("noise", .invalid, Data((0..<300).map { UInt8($0 % 251) }))
        add("a text over its limit", .invalid, try person.seal(comment(String(repeating: "x", count: 40 << 10))))
        add("a payload over 64 KiB", .invalid, try person.seal(comment(String(repeating: "x", count: 65 << 10))))

        var flipped = good
        flipped[flipped.count - 1] ^= 1
        add("a bit of the signature", .invalid, flipped)
        flipped = good
        flipped[20] ^= 1
        add("a bit of the payload", .invalid, flipped)
        add("someone else's signature", .invalid, try stranger.seal(comment("forged")))
        let unlisted = try person.payload {
            $0.device = stranger.device.publicKey.data
            $0.comment.subject = person.author.data
            $0.comment.text = "a key that the author does not list"
        }
        add("a device that waits for its key document", .parked, try stranger.seal(unlisted))
        add(
            "an author nobody knows", .parked,
            try stranger.post {
                $0.comment.subject = person.author.data
                $0.comment.text = "who am I"
            })
        add(
            "a node's key under a person's post", .invalid,
            try peer.post {
                $0.comment.subject = person.author.data
                $0.comment.text = "nodes do not comment"
            })
        add("a body of another kind", .invalid, try person.seal(comment("x") { $0.kind = 10 }))
        add("no kind's body", .invalid, try person.post { $0.kind = 21 })
        add("another version of the format", .invalid, try person.seal(comment("x") { $0.v = 2 }))
        add("no time", .invalid, try person.seal(comment("x") { $0.created = 0 }))
        add("the end of time", .invalid, try person.seal(comment("x") { $0.created = .max }))
        add("an hour ahead", .future, try person.seal(comment("x") { $0.created = Persona.now + 3600 }))
        add("five minutes ahead", .new, try person.seal(comment("soon") { $0.created = Persona.now + 300 }))
        add("an unknown kind", .new, try person.post { $0.kind = 999 })
        add(
            "an unknown kind with a body", .new,
            try person.seal(
                person.payload { $0.kind = 998 } + varint(1098 << 3 | 2) + [4, 1, 2, 3, 4]))
        let head = try person.payload { $0.kind = 997 }
        add("a group", .invalid, try person.seal(head + nested(1, field: 1097)))
        add("groups 20,000 deep", .invalid, try person.seal(head + nested(10_000, field: 500)))
        for (depth, status) in [(10, WirePostResult.Status.new), (40, .invalid), (10_000, .invalid)] {
            // Unknown fields inside a body that is known.
            let body: [UInt8] = try WireComment.with {
                $0.subject = person.author.data
                $0.text = "deep \(depth)"
            }.serializedBytes()
            let deep = body + nested(depth, field: 500)
            let head = try person.payload { $0.kind = 21 }
            let field: [UInt8] = varint(121 << 3 | 2) + varint(deep.count) + deep
            add("groups \(depth) deep in a body", status, try person.seal(head + field))
        }
        add("the kind twice", .invalid, try person.seal(comment("x") + [0x30, 21]))
        add("a length beyond the end", .invalid, try person.seal(comment("x") + [0x4a, 0x7f, 1]))
        add("a length beyond all ends", .invalid, try person.seal(comment("x") + [0x4a] + varint(.max)))
        add("a text that is no UTF-8", .invalid, try person.seal(comment("x") + [0x4a, 2, 0xc3, 0x28]))
        add(
            "a NUL in a slot", .invalid,
            try person.post {
                $0.kind = 996
                $0.slot = "a\0b"
            })
        return entries
    }

    private static func varint(_ number: Int) -> [UInt8] { FakeNode.varint(number) }

    /// Groups (wire types 3 and 4) in groups.
    private static func nested(_ depth: Int, field: Int) -> [UInt8] {
        let (open, close) = (varint(field << 3 | 3), varint(field << 3 | 4))
        return (0..<depth).flatMap { _ in open } + (0..<depth).flatMap { _ in close }
    }

    @Test("batches over a limit, and calls that are not rightly signed, are refused as a whole")
    func refusedWhole() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let peer = try Persona(.node)
        let client = WireClient(persona: peer, url: node.url)
        let body: [UInt8] = try WirePostBatch.with { $0.envelopes = peer.documents }.serializedBytes()

        let kind = ["Content-Type": "application/x-protobuf"]
        // Before the node knows the keys, and with a body that is not the one that was signed.
        #expect(try await client.send("GET", "/w/1/stream").status == 401)
        #expect(try await HTTP.send("POST", node.url + "/w/1/posts", kind, body: body).status == 401)
        let other = WireClient(persona: try Persona(.node), url: node.url)
        #expect(try await other.send("POST", "/w/1/posts", body: body).status == 401, "somebody else's introduction")
        #expect(try await client.offer(peer.documents).count == 2)
        let elsewhere = WireClient(persona: peer, url: "http://127.0.0.1:1")
        let fields = elsewhere.fields("GET", "http://127.0.0.1:1/w/1/stream", body: nil)
        #expect(try await HTTP.send("GET", node.url + "/w/1/stream", fields).status == 401, "signed for another node")
        // The same signature twice.
        let target = "\(node.url)/w/1/blobs/\(String(repeating: "0", count: 64))/pieces"
        let once = client.fields("GET", target, body: nil)
        #expect(try await HTTP.send("GET", target, once).status == 404)
        #expect(try await HTTP.send("GET", target, once).status == 401, "a nonce is used once")

        let many: [UInt8] = try WirePostBatch.with {
            $0.envelopes = Array(repeating: Data([1]), count: 1001)
        }.serializedBytes()
        #expect((400..<500).contains(try await client.send("POST", "/w/1/posts", body: many).status))
        let large = [UInt8](repeating: 0x0a, count: 3 << 20)
        #expect(try await client.send("POST", "/w/1/posts", body: large).status == 413)
        #expect(try await client.send("POST", "/w/1/posts", body: [0xff, 0xff, 0xff]).status == 400)
        #expect(try await client.send("POST", "/w/1/sync", body: [0x12, 3, 0x61, 9, 9]).status == 400)
        #expect(try await node.get("/").status == 200)
        #expect(node.isRunning)
    }
}
