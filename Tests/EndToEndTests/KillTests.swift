import Digests
import Foundation
import Glibc
import Testing

/// `kill -9` at random instants of everything that writes bytes. `WAGGLE_KILLS` says how many, 40 in `make test`;
/// `WAGGLE_SEED` repeats a run.
@Suite("kill -9 at random instants", .nodes, .logsOnFailure)
struct KillTests {
    private struct Run: Decodable {
        let fetchedBytes: Int
    }

    private struct Scrub: Decodable {
        struct Finding: Decodable {
            let sha256: String
        }

        let findings: [Finding]
    }

    private struct Usage: Decodable {
        struct Sum: Decodable {
            let blobs: Int
            let bytes: Int
        }

        let ownPosts, cache, trash, partial: Sum
    }

    private static let environment = ProcessInfo.processInfo.environment
    /// Of each kind.
    private static let kills = (environment["WAGGLE_KILLS"].flatMap { Int($0) } ?? 40) / 5
    private static let seed = environment["WAGGLE_SEED"].flatMap { UInt64($0) } ?? .random(in: 0..<1_000_000)
    private static let mebibyte = 1 << 20

    /// Runs a command and kills it after a random part of `span`, unless it ended before; what it had printed by then.
    private func killed(
        _ node: TestNode, _ arguments: [String], within span: Duration, _ random: inout SeededBytes
    ) async throws -> (output: String, wasKilled: Bool) {
        let part = Double(random.next() % 1000) / 1000
        let child = try Waggle.start(arguments + ["--home", node.home])
        let timer = Task {
            if (try? await Task.sleep(for: span * part)) != nil { child.send(SIGKILL) }
        }
        let exit = await child.ended()
        timer.cancel()
        return (await child.output.whole, exit == .signal(SIGKILL))
    }

    /// How long a command takes that is left alone.
    private func span(_ body: () async throws -> Void) async throws -> Duration {
        let clock = ContinuousClock()
        return try await clock.measure { try await body() }
    }

    private func publishing(_ file: String, _ name: String) -> [String] {
        ["publish", file, "--model", "@me/\(name)", "--version", "1.0", "--type", "LORA", "--yes", "--json"]
    }

    private func isSound(_ node: TestNode) async throws -> Bool {
        try await node.json(Scrub.self, "store", "scrub", "--all").findings.isEmpty
    }

    @Test("of an ingest: what was reported is there, and the next try completes the rest")
    func ingest() async throws {
        let world = try World.current
        var random = SeededBytes(Self.seed)
        let node = TestNode("a", home: world.path("a"), world: world)
        try await node.ok("init")
        let first = try world.write(Samples.lora(mebibytes: 6, seed: 1), as: "first.safetensors")
        let span = try await span { _ = try await Waggle.run(publishing(first, "first") + ["--home", node.home]) }
        for number in 1...max(1, Self.kills) {
            let bytes = try Samples.lora(mebibytes: 6, seed: random.next())
            let file = try world.write(bytes, as: "\(number).safetensors")
            let name = "model-\(number)"
            let (output, _) = try await killed(node, publishing(file, name), within: span, &random)
            let reported = try? JSONDecoder().decode(Published.self, from: Data(output.utf8))
            let again = try await node.publish(file, name)
            if let reported {
                #expect(!again.isNew && again.release == reported.release, "seed \(Self.seed), kill \(number)")
            }
            #expect(try await isSound(node), "seed \(Self.seed), kill \(number)")
        }
        let usage = try await node.json(Usage.self, "store", "df")
        #expect(usage.ownPosts.blobs == max(1, Self.kills) + 1 && usage.partial.blobs == 0, "seed \(Self.seed)")
    }

    @Test("of a fetch: no more is asked for again than was in flight")
    func fetch() async throws {
        let world = try World.current
        var random = SeededBytes(Self.seed &+ 1)
        let proxy = try CountingProxy(world)
        let a = try await world.node("a", "--public-url", proxy.url)
        proxy.lead(to: a.url)
        let bytes = try Samples.lora(mebibytes: 40, seed: random.next())
        let hash = SHA256.hash(Data(bytes)).hex
        _ = try await a.publish(world.write(bytes, as: "x.safetensors"), "x", "--in-place")
        let b = try await world.node("b")
        try await b.ok("peer", "add", proxy.url, "--yes")
        try await eventually("b knows it") { try await b.json(NodeStatus.self, "status").releases == 1 }
        _ = await b.stop()
        try await b.ok("mirror", "add", "--all")
        let before = proxy.passed
        var cut = 0
        for _ in 0..<Self.kills {
            // The proxy holds the transfer up somewhere, so that a quick machine is not done before the kill.
            proxy.hold(after: proxy.passed + Int(random.next() % UInt64(4 * Self.mebibyte)))
            let run = try await killed(b, ["mirror", "run"], within: .milliseconds(900), &random)
            cut += run.wasKilled ? 1 : 0
        }
        proxy.hold(after: .max)
        _ = try await b.json(Run.self, "mirror", "run")
        let extra = proxy.passed - before - bytes.count
        // A kill loses what the sockets held of each stream and the unit that was under way; the rest is heads of replies.
        #expect(extra < (cut + 1) * 6 * Self.mebibyte, "seed \(Self.seed): \(extra) bytes more, \(cut) kills")
        try await b.restart()
        #expect(try await b.get("/blobs/\(hash)").body == bytes, "seed \(Self.seed)")
    }

    @Test("of an export: the file is the right one or none, and the next try gives it")
    func export() async throws {
        let world = try World.current
        var random = SeededBytes(Self.seed &+ 2)
        let node = TestNode("a", home: world.path("a"), world: world)
        try await node.ok("init")
        let bytes = try Samples.lora(mebibytes: 8, seed: random.next())
        let published = try await node.publish(world.write(bytes, as: "x.safetensors"), "x")
        let span = try await span { try await node.ok("get", published.release, "-o", world.path("first.safetensors")) }
        for number in 0..<Self.kills {
            let path = world.path("\(number).safetensors")
            _ = try await killed(node, ["get", published.release, "-o", path], within: span, &random)
            if let written = FileManager.default.contents(atPath: path) {
                #expect([UInt8](written) == bytes, "seed \(Self.seed), kill \(number)")
            }
            try await node.ok("get", published.release, "-o", path)
            #expect(FileManager.default.contents(atPath: path).map { [UInt8]($0) } == bytes, "seed \(Self.seed)")
        }
    }

    @Test("of linking equal files and taking them apart: every file is whole, and the next try goes on")
    func linking() async throws {
        struct Files: Decodable {
            let refused, remains: [String]
        }

        let world = try World.current
        var random = SeededBytes(Self.seed &+ 5)
        let node = TestNode("a", home: world.path("a"), world: world)
        try await node.ok("init")
        let folder = world.path("models")
        mkdir(folder, 0o755)
        let bytes = try Samples.lora(mebibytes: 4, seed: random.next())
        let paths = (0..<12).map { folder + "/\($0).safetensors" }
        for path in paths { try Data(bytes).write(to: URL(filePath: path)) }
        try await node.ok("library", "add", folder, "--layout", "flat")
        let span = try await span {
            try await node.ok("library", "link", "--yes")
            try await node.ok("library", "unlink", folder, "--yes")
        }
        for number in 0..<Self.kills {
            for arguments in [["library", "link", "--yes"], ["library", "unlink", folder, "--yes"]] {
                _ = try await killed(node, arguments, within: span / 2, &random)
                for path in paths {
                    let now = FileManager.default.contents(atPath: path).map { [UInt8]($0) }
                    #expect(now == bytes, "seed \(Self.seed), kill \(number), \(path)")
                }
                // What the kill kept from being written down is hashed again.
                try await node.ok("library", "scan")
                let again = try await Waggle.run(arguments + ["--json", "--home", node.home]).json(Files.self)
                #expect(again.refused.isEmpty && again.remains.isEmpty, "seed \(Self.seed), kill \(number): \(again)")
                let names = try FileManager.default.contentsOfDirectory(atPath: folder)
                #expect(names.count == paths.count, "seed \(Self.seed), kill \(number): \(names)")
            }
        }
    }

    @Test("of an eviction: what it leaves is whole, and the next try goes on")
    func eviction() async throws {
        let world = try World.current
        var random = SeededBytes(Self.seed &+ 3)
        let a = try await world.node("a")
        for number in 0..<6 {
            let bytes = try Samples.lora(mebibytes: 1, seed: random.next())
            _ = try await a.publish(world.write(bytes, as: "\(number).safetensors"), "m-\(number)")
        }
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await b.ok("mirror", "add", "--all")
        for _ in 0..<Self.kills {
            try await eventually("b has all") { try await b.json(NodeStatus.self, "status").blobs >= 6 }
            // Without its rule everything is cache, and a budget that is too small makes most of it go.
            try await b.ok("mirror", "pause")
            try await b.ok("mirror", "rm", "\(try await rule(b))")
            _ = await b.stop()
            let settings = URL(filePath: b.home + "/waggle.toml")
            try Data("[storage]\nbudget = \"4MB\"\nkeep_free = \"0\"\n".utf8).write(to: settings)
            _ = try await killed(b, ["store", "gc", "--last-copies"], within: .milliseconds(500), &random)
            #expect(try await isSound(b), "seed \(Self.seed)")
            try await b.ok("store", "gc", "--last-copies")
            let usage = try await b.json(Usage.self, "store", "df")
            #expect(usage.cache.bytes <= 3_600_000, "seed \(Self.seed): \(usage)")
            try FileManager.default.removeItem(at: settings)
            try await b.restart()
            try await b.ok("mirror", "add", "--all")
        }
    }

    private func rule(_ node: TestNode) async throws -> Int {
        struct Rule: Decodable {
            let n: Int
        }
        return try await node.json([Rule].self, "mirror", "ls").last?.n ?? 0
    }

    @Test("right after a copy was complete: it is there, and right")
    func complete() async throws {
        let world = try World.current
        var random = SeededBytes(Self.seed &+ 4)
        let a = try await world.node("a")
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await b.ok("mirror", "add", "--all")
        for number in 0..<Self.kills {
            let bytes = try Samples.lora(mebibytes: 1 + number % 3, seed: random.next())
            let hash = SHA256.hash(Data(bytes)).hex
            _ = try await a.publish(world.write(bytes, as: "\(number).safetensors"), "m-\(number)")
            try await eventually("b says that it has it") {
                try await b.get("/blobs/\(hash)", ["range": "bytes=0-0"]).status == 206
            }
            await b.kill()
            try await b.restart()
            #expect(try await b.get("/blobs/\(hash)").body == bytes, "seed \(Self.seed), kill \(number)")
        }
        #expect(try await isSound(b), "seed \(Self.seed)")
    }
}
