import Digests
import Foundation
import Glibc
import Testing

/// `waggle store scrub --json`.
private struct Scrub: Decodable {
    struct Finding: Decodable {
        let sha256: String
        let badUnits: [Int]
        let isRepaired: Bool
    }

    let findings: [Finding]
}

private struct Found: Decodable {
    let state: String
    let heldUnits: Int?
    let units: Int?
    let path: String?
    let pins: [String]
    let posts: [String]
}

private struct Usage: Decodable {
    struct Sum: Decodable {
        let blobs: Int
        let bytes: Int
    }

    let ownPosts: Sum
    let mirrorRules: Sum
    let damaged: Int
}

@Suite("Bytes that change behind a node's back", .nodes, .logsOnFailure)
struct ScrubTests {
    private static let mebibyte = 1 << 20

    /// Changes one byte of a stored file, with its time set back or not.
    private func flip(_ path: String, at offset: Int, quietly: Bool) throws {
        try #require(chmod(path, 0o600) == 0)
        let file = open(path, O_RDWR)
        try #require(file >= 0)
        defer { close(file) }
        var status = stat()
        fstat(file, &status)
        var byte: UInt8 = 0
        try #require(pread(file, &byte, 1, off_t(offset)) == 1)
        byte ^= 1
        try #require(pwrite(file, &byte, 1, off_t(offset)) == 1)
        var times = [status.st_atim, status.st_mtim]
        if quietly { futimens(file, &times) }
        chmod(path, 0o444)
    }

    private func stored(_ node: TestNode, _ hash: String) -> String {
        "\(node.home)/blobs/sha256/\(hash.prefix(2))/\(hash.dropFirst(2))"
    }

    @Test("a scrub names the bad MiB, takes it out of service and has a peer repair it: one MiB is fetched")
    func repairsFromAPeer() async throws {
        let world = try World.current
        let proxy = try CountingProxy(world)
        let a = try await world.node("a", "--public-url", proxy.url)
        proxy.lead(to: a.url)
        let bytes = try Samples.lora(mebibytes: 12, seed: 3)
        let hash = SHA256.hash(Data(bytes)).hex
        _ = try await a.publish(world.write(bytes, as: "x.safetensors"), "x")
        let b = try await world.node("b")
        try await b.ok("peer", "add", proxy.url, "--yes")
        try await b.ok("mirror", "add", "--all")
        try await eventually("b has the file") { try await b.get("/blobs/\(hash)").status == 200 }
        #expect(try await b.json(Scrub.self, "store", "scrub", hash).findings.isEmpty)
        #expect(try await b.json(Usage.self, "store", "df").mirrorRules.bytes == bytes.count)

        try flip(stored(b, hash), at: 7 * Self.mebibyte + 99, quietly: true)
        let before = proxy.passed
        let result = try await b.json(Scrub.self, "store", "scrub", hash)
        #expect(result.findings.map(\.badUnits) == [[7]])
        #expect(result.findings.first?.isRepaired == true)
        #expect(try await b.get("/blobs/\(hash)").body == bytes)
        let fetched = proxy.passed - before
        #expect((Self.mebibyte..<2 * Self.mebibyte).contains(fetched), "\(fetched) bytes were fetched")
        #expect(try await b.json(Scrub.self, "store", "scrub", "--all").findings.isEmpty)
        let found = try await b.json([Found].self, "store", "find", String(hash.prefix(10)))
        #expect(found.map(\.state) == ["whole"] && found[0].pins == ["rule:1"] && found[0].posts.count == 1)
        #expect(found[0].path == stored(b, hash))
    }

    @Test("a file that somebody wrote to is not served wrong for a moment, and comes back right by itself")
    func neverServedWrong() async throws {
        let world = try World.current
        let a = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 5, seed: 4)
        let hash = SHA256.hash(Data(bytes)).hex
        _ = try await a.publish(world.write(bytes, as: "x.safetensors"), "x")
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await b.ok("mirror", "add", "--all")
        try await eventually("b has the file") { try await b.get("/blobs/\(hash)").status == 200 }
        try flip(stored(b, hash), at: 3 * Self.mebibyte, quietly: false)
        #expect(try await b.get("/blobs/\(hash)").status != 200)
        // A running node looks once a minute; asked, at once.
        let result = try await b.json(Scrub.self, "store", "scrub")
        #expect(result.findings.first?.badUnits == [3])
        #expect(try await b.get("/blobs/\(hash)").body == bytes)
    }

    @Test("what no peer can repair is named, exits with 6 and is kept for later")
    func nobodyHelps() async throws {
        let world = try World.current
        let a = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 3, seed: 5)
        let hash = SHA256.hash(Data(bytes)).hex
        _ = try await a.publish(world.write(bytes, as: "x.safetensors"), "x")
        try flip(stored(a, hash), at: 10, quietly: true)
        let result = try await a.run("store", "scrub", hash)
        #expect(result.exit == 6 && result.output.contains("bad MiB 0"), "\(result)")
        let found = try await a.json([Found].self, "store", "find", hash)
        #expect(found[0].state == "partial" && found[0].heldUnits == (found[0].units ?? 0) - 1)
        #expect(found[0].pins == ["post"])
        #expect(try await a.json(Usage.self, "store", "df").damaged == 1)
        #expect(try await a.get("/blobs/\(hash)").status != 200)
    }
}
