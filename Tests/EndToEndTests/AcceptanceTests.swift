import Digests
import Foundation
import Testing

/// The whole path of the product: two servers, one release, and the death of the one that published it.
@Suite("A signed release travels from one node to another", .nodes, .logsOnFailure)
struct AcceptanceTests {
    @Test("a follower serves a release after its publisher has died, and anybody can verify it offline")
    func travels() async throws {
        let world = try World.current
        let bytes = try Samples.lora(mebibytes: 6, seed: 0xbee)
        let facts = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        let file = try world.write(bytes, as: "honeycomb-style.safetensors")
        let small = try world.write(Samples.picture(side: 40, seed: 11, usesFile: facts.sha256), as: "small.png")
        let large = try world.write(Samples.picture(side: 220, seed: 12, usesFile: facts.sha256), as: "large.png")

        let a = try await world.node("a")
        let published = try await a.json(
            Published.self, "publish", file, "--model", "@me/honeycomb", "--version", "1.0", "--type", "LORA",
            "--base", "SDXL 1.0", "--name", "Honeycomb", "--trigger", "honeycomb style",
            "--sample", small, "--sample", large, "--real-person", "no", "--yes")
        #expect(published.isNew)
        #expect(published.version == "1.0")
        #expect(published.files.map(\.name) == ["honeycomb-style.safetensors"])
        #expect(published.files.map(\.sha256) == [facts.sha256.hex])
        #expect(published.files.map(\.piecesRoot) == [facts.piecesRoot.hex])
        #expect(published.files.map(\.size) == [bytes.count])
        #expect(published.url.hasPrefix(a.url + "/models/"))

        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await b.ok("mirror", "add", "--all", "--budget", "1GB")
        try await eventually("b holds the file and both pictures") {
            try await b.json(NodeStatus.self, "status").blobs == 3
        }
        let shown = Shown(release: published.release, bytes: bytes, facts: facts, file: file)
        try await check(b, shows: shown)

        await a.kill()
        try await check(b, shows: shown)
        // Not even a start of b needs a.
        await b.kill()
        try await b.restart()
        try await check(b, shows: shown)
        try await verifiesOffline(b, shown)
    }

    private struct Shown {
        let release: String
        let bytes: [UInt8]
        let facts: FileDigests
        let file: String
    }

    private func check(_ node: TestNode, shows shown: Shown) async throws {
        let model = try #require(try await node.api(APIModels.self, "/api/v1/models").items.first)
        let version = try #require(model.modelVersions.first)
        #expect(model.name == "Honeycomb")
        #expect(model.type == "LORA")
        #expect(version.baseModel == "SDXL 1.0")
        #expect(version.trainedWords.contains("honeycomb style"))

        let home = try await node.get("/")
        #expect(home.status == 200)
        #expect(home.text.contains("Honeycomb"))
        #expect(home.text.contains("/models/\(model.id)"))
        let page = try await node.get("/models/\(model.id)")
        #expect(page.status == 200)
        #expect(page.text.contains(shown.facts.sha256.hex))
        let same = try await node.api(APIModel.self, "/api/v1/models/\(model.id)")
        #expect(same.modelVersions.map(\.id) == [version.id])

        // By every hash, in Civitai's spelling.
        let hashes = try #require(version.files.first).hashes
        #expect(hashes["SHA256"] == shown.facts.sha256.hex.uppercased())
        for name in ["SHA256", "AutoV1", "AutoV2", "AutoV3", "CRC32"] {
            let hash = try #require(hashes[name], "\(name)")
            let found = try await node.api(APIModel.Version.self, "/api/v1/model-versions/by-hash/\(hash)")
            #expect(found.id == version.id, "\(name)")
        }

        // The bytes: by the download route, by the file's name, and by hash alone.
        let download = try await node.get("/api/download/models/\(version.id)")
        #expect(download.status == 302)
        let place = try #require(download["location"])
        #expect(place == "\(node.url)/blobs/\(shown.facts.sha256.hex)/honeycomb-style.safetensors")
        for url in [place, "\(node.url)/blobs/\(shown.facts.sha256.hex)"] {
            let reply = try await HTTP.send("GET", url)
            #expect(reply.status == 200)
            #expect(reply.body == shown.bytes, "\(url)")
            #expect(reply["etag"] == "\"\(shown.facts.sha256.hex)\"")
        }

        // The samples, with the recipe that names the very file.
        #expect(version.images.count == 2)
        for image in version.images {
            let reply = try await HTTP.send("GET", image.url)
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "image/png")
            let name = try #require(image.url.split(separator: "/").dropFirst(3).first)
            #expect(SHA256.hash(Data(reply.body)).hex == name)
            #expect(image.meta?.steps == 24)
            #expect(image.meta?.resources?.contains { $0.hash == String(shown.facts.sha256.hex.prefix(10)) } == true)
        }
    }

    private func verifiesOffline(_ node: TestNode, _ shown: Shown) async throws {
        let world = try World.current
        let bundle = world.path("honeycomb.waggle")
        struct Written: Decodable { let file, check: String }
        let written = try await node.json(Written.self, "export", shown.release, "--format", "waggle", "-o", bundle)
        #expect(written.file == bundle && written.check.hasPrefix("waggle verify"), "\(written)")
        await node.kill()

        let empty = world.path("nobody")
        let good = try await Waggle.run(["verify", shown.file, "--release", bundle, "--home", empty])
        #expect(good.exit == 0, "\(good)")
        #expect(good.output.contains(shown.release))
        #expect(good.output.contains(shown.facts.sha256.hex))

        var flipped = shown.bytes
        flipped[3 << 20 | 0x4d2] ^= 1
        let changed = try world.write(flipped, as: "changed.safetensors")
        let bad = try await Waggle.run(["verify", changed, "--release", bundle, "--home", empty])
        #expect(bad.exit == 6, "\(bad)")
        #expect(bad.errors.contains("unit 3"), "\(bad)")

        let cut = try world.write(Array(shown.bytes.dropLast()), as: "cut.safetensors")
        #expect(try await Waggle.run(["verify", cut, "--release", bundle, "--home", empty]).exit == 6)
        var proof = [UInt8](try Data(contentsOf: URL(filePath: bundle)))
        proof[200] ^= 1
        let forged = try world.write(proof, as: "forged.waggle")
        #expect(try await Waggle.run(["verify", shown.file, "--release", forged, "--home", empty]).exit == 6)
        #expect(!FileManager.default.fileExists(atPath: empty), "verifying needs no home and makes none")
    }

    @Test("publishing the same again changes nothing; another file under the same version is refused")
    func publishesOnce() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "x.safetensors")
        let other = try world.write(Samples.lora(mebibytes: 1, seed: 2), as: "y.safetensors")
        let picture = try world.write(Samples.picture(side: 32, seed: 1), as: "x.png")

        let first = try await node.publish(file, "x", "--sample", picture)
        let posts = try await node.json(NodeStatus.self, "status").posts
        let again = try await node.publish(file, "x", "--sample", picture)
        #expect(first.isNew)
        #expect(!again.isNew)
        #expect(again.release == first.release)
        #expect(again.model == first.model)
        #expect(try await node.json(NodeStatus.self, "status").posts == posts)

        let refused = try await node.run(
            "publish", other, "--model", "@me/x", "--version", "1.0", "--type", "LORA", "--yes", "--json")
        #expect(refused.exit == 7, "\(refused)")
        #expect(refused.output.isEmpty)
        let bytes = try await node.get("/blobs/\(first.files[0].sha256)").body
        #expect(SHA256.hash(Data(bytes)).hex == first.files[0].sha256)
    }

    @Test("a follower shows a new post within two seconds of its publication")
    func isLive() async throws {
        let world = try World.current
        let a = try await world.node("a")
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await eventually("b talks to a") {
            try await b.json([PeerState].self, "peer", "ls").contains { $0.lastContact > 0 }
        }
        // Of three, the middle one: other programs may be using this machine too.
        var delays: [Duration] = []
        let clock = ContinuousClock()
        for number in 1...3 {
            let file = try world.write(Samples.lora(mebibytes: 1, seed: UInt64(number)), as: "\(number).safetensors")
            let published = try await a.publish(file, "live-\(number)")
            let began = clock.now
            try await eventually("b shows model \(number)") {
                try await b.get("/api/v1/model-versions/by-hash/\(published.files[0].sha256)").status == 200
            }
            delays.append(clock.now - began)
        }
        #expect(delays.sorted()[1] < .seconds(2), "\(delays)")
    }
}

extension TestNode {
    /// Publishes a file as version 1.0 of a LoRA.
    func publish(
        _ file: String, _ slug: String, _ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Published {
        let words = [
            "publish", file, "--model", "@me/\(slug)", "--version", "1.0", "--type", "LORA", "--yes", "--json",
        ]
        let result = try await Waggle.run(words + arguments + ["--home", home])
        try #require(result.exit == 0, "\(result)", sourceLocation: sourceLocation)
        return try result.json(Published.self)
    }
}
