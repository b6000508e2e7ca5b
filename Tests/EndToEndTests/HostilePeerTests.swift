import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

@Suite("Peers that are not what they say", .nodes, .logsOnFailure)
struct HostilePeerTests {
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
            "a\nb", "a\u{7f}b", String(repeating: "n", count: 300), String(repeating: "🐝", count: 64) + ".safetensors",
            "",
        ]
        let accepted = [
            "🐝 honeycomb style (v1.1).safetensors", "..hidden.safetensors", "~root", "-rf", "CON.safetensors",
            "a:b*c?.ckpt",
            "name\u{202e}srotensefas.exe", "\"quoted\"; filename=evil.sh", "%2e%2e%2f.safetensors",
            String(repeating: "n", count: 243) + ".safetensors", "é\u{301}\u{200b}.safetensors",
            "<b onclick=alert(1)>.ckpt",
        ]
        for (number, name) in (refused + accepted).enumerated() {
            try fake.have(try person.release(slug: "model-\(number)", fileName: name, facts: facts))
        }
        try fake.have(person.documents)
        fake.claim(facts)
        let node = try await world.node("reader")
        try await node.ok("peer", "add", fake.url, "--yes")
        try await node.ok("peer", "ls")
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
            #expect(!page.text.contains("<b onclick"))
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
