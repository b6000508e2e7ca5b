import Digests
import Formats
import Foundation
import Testing

/// Every name of a file, and the ways to it that need no node of ours at the other end.
@Suite("All names, and every way to a file", .nodes, .logsOnFailure)
struct NamesTests {
    @Test("a published file gets all six names after kill -9 in the next instant, and is found by the last")
    func names() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 3, seed: 31)
        let file = try world.write(bytes, as: "x.safetensors")
        _ = try await node.publish(file, "x")
        await node.kill()
        try await node.restart()
        let blake3 = bytes.withUnsafeBytes { BLAKE3.hash($0) }.hex.uppercased()
        let path = "/api/v1/model-versions/by-hash/\(blake3)"
        try await eventually("the file is found by its BLAKE3") { try await node.get(path).status == 200 }
        let version = try await node.api(APIModel.Version.self, path)
        #expect(version.files[0].hashes["BLAKE3"] == blake3)
        for name in ["SHA256", "AutoV1", "AutoV2", "AutoV3", "CRC32"] {
            #expect(version.files[0].hashes[name]?.isEmpty == false, "\(name)")
        }
        // What is written down survives the next kill at once.
        await node.kill()
        try await node.restart()
        #expect(try await node.get(path).status == 200)
    }

    @Test("a node that nobody dials brings its release to a peer, which makes the same torrent of it")
    func push() async throws {
        let world = try World.current
        let bytes = try Samples.lora(mebibytes: 19, seed: 19)
        let hash = SHA256.hash(Data(bytes)).hex
        let file = try world.write(bytes, as: "x.safetensors")
        let picture = try world.write(Samples.picture(side: 30, seed: 19), as: "x.png")

        let home = try await world.node("home")
        let closed = try await world.node("closed")
        _ = try await closed.publish(file, "x", "--sample", picture)
        try await closed.ok("peer", "add", home.url, "--yes")
        try await eventually("the peer has the posts") {
            try await home.get("/api/v1/model-versions/by-hash/\(hash)").status == 200
        }
        let refused = try await closed.run("push", "@me/x")
        #expect(refused.exit == 4)
        #expect(refused.output.contains("no-uploads") || refused.output.contains("takes no uploads"), "\(refused)")

        try Data("[storage]\nuploads_per_peer = \"1GB\"\n".utf8).write(to: URL(filePath: home.home + "/waggle.toml"))
        #expect(await home.stop() == .code(0))
        try await home.restart()
        // The port is another one.
        try await closed.ok("peer", "add", home.url, "--yes")
        let pushed = try await closed.ok("push", "@me/x", "--to", home.url)
        #expect(pushed.output.split(separator: "\n").count { $0.hasPrefix("uploaded\t") } == 2, "\(pushed)")
        // What it said is durable.
        await home.kill()
        try await home.restart()
        #expect(try await home.get("/blobs/\(hash)").body == bytes)
        try await closed.ok("peer", "add", home.url, "--yes")
        let again = try await closed.ok("push", "@me/x")
        #expect(again.output.split(separator: "\n").allSatisfy { $0.hasPrefix("there\t") }, "\(again)")

        let torrents = [
            try Bencode(try await home.get("/blobs/\(hash).torrent").body),
            try Bencode(try await closed.get("/blobs/\(hash).torrent").body),
        ]
        #expect(torrents[0]["info"] != nil)
        #expect(torrents[0]["info"] == torrents[1]["info"])
        #expect(torrents[0]["url-list"] == .list([.text("\(home.url)/blobs/\(hash)/")]))
        #expect(
            torrents[1]["url-list"]
                == .list([.text("\(closed.url)/blobs/\(hash)/"), .text("\(home.url)/blobs/\(hash)/")]))
    }
}
