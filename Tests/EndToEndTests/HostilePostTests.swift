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
        #expect(try await node.json(NodeStatus.self, "status").posts == before + kept.count)
        let given = try await client.posts(kept.map { try $0.envelope.postID })
        #expect(given == kept.map(\.envelope))
        let refused = entries.filter { [.invalid, .future].contains($0.status) }
        let ids = Set(kept.map { try? $0.envelope.postID })
        let others = refused.compactMap { try? $0.envelope.postID }.filter { !ids.contains($0) }
        #expect(try await client.posts(others) == [])

        // All of it again is nothing new, also after a crash.
        await node.kill()
        try await node.restart()
        let again = try await WireClient(persona: peer, url: node.url).offer(kept.map(\.envelope))
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
        var unlisted = try comment("unlisted")
        unlisted = try person.payload {
            $0.device = stranger.device.publicKey.data
            $0.comment.subject = person.author.data
            $0.comment.text = "a key that the author does not list"
        }
        add("a device that waits for its key document", .parked, try stranger.seal(unlisted))
        add("an author nobody knows", .parked, try stranger.post {
            $0.comment.subject = person.author.data
            $0.comment.text = "who am I"
        })
        add("a node's key under a person's post", .invalid, try peer.post {
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
        add("an unknown kind with a body", .new, try person.seal(
            person.payload { $0.kind = 998 } + varint(UInt64(1098) << 3 | 2) + [4, 1, 2, 3, 4]))
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
            let field: [UInt8] = varint(121 << 3 | 2) + varint(UInt64(deep.count)) + deep
            add("groups \(depth) deep in a body", status, try person.seal(head + field))
        }
        add("the kind twice", .invalid, try person.seal(comment("x") + [0x30, 21]))
        add("a length beyond the end", .invalid, try person.seal(comment("x") + [0x4a, 0x7f, 1]))
        add("a length beyond all ends", .invalid, try person.seal(comment("x") + [0x4a] + varint(.max)))
        add("a text that is no UTF-8", .invalid, try person.seal(comment("x") + [0x4a, 2, 0xc3, 0x28]))
        add("a NUL in a slot", .invalid, try person.post {
            $0.kind = 996
            $0.slot = "a\0b"
        })
        return entries
    }

    private static func varint(_ number: UInt64) -> [UInt8] {
        var (rest, bytes) = (number, [UInt8]())
        repeat {
            bytes.append(UInt8(rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
            rest >>= 7
        } while rest > 0
        return bytes
    }

    /// Groups (wire types 3 and 4) in groups.
    private static func nested(_ depth: Int, field: UInt64) -> [UInt8] {
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

    @Test("a peer whose lists and stream are full of rubbish loses nothing but its own credit")
    func rubbish() async throws {
        let world = try World.current
        let fake = try FakeNode(world)
        let person = try Persona(.person)
        let facts = [UInt8](repeating: 7, count: 100_000).withUnsafeBytes { FileHasher.digests(of: $0) }
        let real = try person.release(slug: "real", fileName: "real.safetensors", facts: facts)
        var broken = real[1]
        broken[broken.count - 1] ^= 1
        try fake.have(person.documents + real)
        // Under an id stands another post, a broken one, noise, or nothing.
        let ids = (1...4).map { SHA256.hash(Data([UInt8($0)])) }
        try fake.have([real[0], broken, Data("noise".utf8), Data()], under: ids)

        let node = try await world.node("reader")
        try await node.ok("peer", "add", fake.url, "--yes")
        try await eventually("the reader shows the one real model") {
            try await node.api(APIModels.self, "/api/v1/models").items.map(\.name) == ["Model real"]
        }

        // Posts that are none do not end the exchange; frames that are none do, and it begins again.
        for envelope in [broken, Data(repeating: 0, count: 70_000), Data("noise".utf8)] {
            fake.stream(try FakeNode.frame(envelope, cursor: 2))
        }
        let notFrames = [FakeNode.varint(900 << 20), [UInt8](repeating: 0xff, count: 64)]
        for (number, bytes) in notFrames.enumerated() {
            try await eventually("stream \(number + 1) is open") { fake.streamsOpened == number + 1 }
            fake.stream(bytes)
        }
        try await eventually("a stream is open again") { fake.streamsOpened == notFrames.count + 1 }
        let state = try await node.json([PeerState].self, "peer", "ls")
        #expect(state.count == 1)
        for envelope in try person.release(slug: "late", fileName: "late.safetensors", facts: facts) {
            fake.stream(try FakeNode.frame(envelope, cursor: 9))
        }
        try await eventually("a good post gets through after all that") {
            try await node.api(APIModels.self, "/api/v1/models").items.count == 2
        }
        #expect(node.isRunning)
        #expect(node.log.contains("a post was refused"), "the refusal is in the log")
        #expect(node.log.contains("exchange ended"), "so is the end of the exchange")
    }

    @Test("an answer that is no node, or another node, is named in peer ls")
    func impostor() async throws {
        let world = try World.current
        let node = try await world.node("reader")
        let garbage = try FakeNode(world) { _, connection in connection.write(FakeNode.reply("200 OK", [1, 2, 3])) }
        let refused = try await node.run("peer", "add", garbage.url, "--yes")
        #expect(refused.exit == 4, "\(refused)")
        #expect(refused.errors.contains(garbage.url), "\(refused)")
        let person = try Persona(.person)
        let notANode = try FakeNode(world) { call, connection in
            guard call.path == "/w/1/node" else { return false }
            let body: [UInt8]? = try? WireNodeInfo.with { $0.keyChain = person.documents }.serializedBytes()
            return connection.write(FakeNode.reply("200 OK", body ?? []))
        }
        #expect(try await node.run("peer", "add", notANode.url, "--yes").exit == 4)
        let endless = try FakeNode(world) { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n")
            while connection.write([UInt8](repeating: 0, count: 1 << 20)) {}
            return true
        }
        let cut = try await node.run("peer", "add", endless.url, "--yes")
        #expect(cut.exit == 4, "\(cut)")
        #expect(try await node.json([PeerState].self, "peer", "ls").isEmpty)

        // The address of a peer is taken over by someone else's keys.
        let second = try Persona(.node)
        let isTaken = World.Flag()
        let changing = try FakeNode(world) { call, connection in
            guard call.path == "/w/1/node", isTaken.isRaised(within: 0) else { return false }
            let body: [UInt8]? = try? WireNodeInfo.with { $0.keyChain = second.documents }.serializedBytes()
            return connection.write(FakeNode.reply("200 OK", body ?? []))
        }
        try await node.ok("peer", "add", changing.url, "--yes")
        try await eventually("the stream is open") { changing.streamsOpened == 1 }
        isTaken.raise()
        changing.cutStreams()
        let state = try await eventually("peer ls says that it is another node") {
            try await node.json([PeerState].self, "peer", "ls").first { $0.lastError.contains(" is node ") }
        }
        #expect(state.lastError.contains(String(AuthorID.text(second.author).prefix(10))), "\(state)")
    }

    @Test("hostile file names are refused with the post, or made harmless before they become a path")
    func fileNames() async throws {
        let world = try World.current
        let fake = try FakeNode(world)
        let person = try Persona(.person)
        let bytes = try Samples.lora(mebibytes: 1, seed: 77)
        let facts = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        let refused = [
            "..", ".", "../../evil.safetensors", "/etc/passwd", "a/b", "a\\b", "..\\..\\evil", "a\0b.safetensors",
            "a\nb", "a\u{7f}b", String(repeating: "n", count: 300), String(repeating: "🐝", count: 64) + ".safetensors", "",
        ]
        let accepted = [
            "🐝 honeycomb style (v1.1).safetensors", "..hidden.safetensors", "~root", "-rf", "CON.safetensors", "a:b*c?.ckpt",
            "name\u{202e}srotensefas.exe", "\"quoted\"; filename=evil.sh", "%2e%2e%2f.safetensors",
            String(repeating: "n", count: 243) + ".safetensors", "é\u{301}\u{200b}.safetensors", "<script>alert(1)</script>",
        ]
        for (number, name) in (refused + accepted).enumerated() {
            try fake.have(try person.release(slug: "model-\(number)", fileName: name, facts: facts))
        }
        try fake.have(person.documents)
        fake.claim(facts)
        let node = try await world.node("reader")
        try await node.ok("peer", "add", fake.url, "--yes")
        try await node.ok("peer", "ls")
        for _ in 0..<20 { print(try await node.run("status").output, try await node.run("peer","ls").output, fake.calls("/").map(\.path)) ; try await Task.sleep(for: .seconds(1)) } //DBG
        // The models came, and of the releases those with a name that a file may have.
        try await eventually("the releases are there") {
            try await node.json(NodeStatus.self, "status").releases >= accepted.count
        }
        #expect(try await node.json(NodeStatus.self, "status").releases == accepted.count)

        // The bytes are put into the store as a publisher of the same file would.
        _ = try await node.publish(try world.write(bytes, as: "own.safetensors"), "own")
        let folder = world.path("out")
        for (number, name) in accepted.enumerated() {
            let reference = "@\(AuthorID.text(person.author))/model-\(refused.count + number)"
            let result = try await node.run("get", reference, "-o", folder + "/\(number)/", "--json")
            #expect(result.exit == 0, "\(name): \(result)")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder + "/\(number)")
            #expect(names.count == 1, "\(name)")
            let written = try #require(names.first)
            #expect(written.utf8.count <= 255)
            #expect(!written.hasPrefix(".") && !written.hasPrefix("-") && !written.hasPrefix("~"), "\(written)")
            let harmless = written.unicodeScalars.allSatisfy { scalar in
                scalar.value >= 0x20 && !"/\\:*?\"<>|\u{202e}\u{200b}".unicodeScalars.contains(scalar)
            }
            #expect(harmless, "\(written)")
            #expect(try [UInt8](Data(contentsOf: URL(filePath: folder + "/\(number)/\(written)"))) == bytes)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == accepted.count)
        try await namesInFields(node)
    }

    /// Names reach headers and pages too: no line is broken and no markup comes alive.
    private func namesInFields(_ node: TestNode) async throws {
        for model in try await node.api(APIModels.self, "/api/v1/models?limit=100").items {
            let page = try await node.get("/models/\(model.id)")
            #expect(page.status == 200)
            #expect(!page.text.contains("<script>alert"))
            let version = try #require(model.modelVersions.first)
            let download = try await node.get("/api/download/models/\(version.id)")
            #expect(download.status == 302)
            let place = try #require(download["location"])
            #expect(place.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }, "\(place)")
            let reply = try await HTTP.send("HEAD", place)
            #expect(reply.status == 200, "\(place)")
            let disposition = try #require(reply["content-disposition"])
            #expect(disposition.hasPrefix("attachment"))
            #expect(disposition.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }, "\(disposition)")
        }
    }
}
