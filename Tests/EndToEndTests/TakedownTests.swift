import Digests
import Formats
import Foundation
import Testing

@Suite("What is taken down", .nodes, .logsOnFailure)
struct TakedownTests {
    private struct Takedown: Decodable {
        let kind: String
        let hash: String
        let caseNumber: String
        let isForGood: Bool
    }

    private struct Purged: Decodable {
        let takedowns: [Takedown]
    }

    private struct Report: Decodable {
        struct Finding: Decodable {
            let code: String
        }

        let verdict: String
        let findings: [Finding]
    }

    /// Two tensors under a header that says something of its own.
    private func model(title: String, seed: UInt64 = 7) throws -> [UInt8] {
        var random = SeededBytes(seed)
        let parts = (0..<2).map { ("layer.\($0).weight", random.bytes(1 << 20)) }
        let header = try SafetensorsWriter.header(
            tensors: parts.map { .init($0.0, .f16, [512, 1024]) }, metadata: ["title": title])
        return header.bytes + parts.flatMap(\.1)
    }

    /// Every address that bytes of a file leave by.
    private func routes(_ sha256: String) -> [String] {
        ["/blobs/\(sha256)", "/blobs/\(sha256)/a.safetensors", "/blobs/\(sha256).torrent", "/blobs/\(sha256).meta4"]
    }

    private struct Signed: Decodable {
        let post: String
    }

    @Test("a review that was blocked is not brought back by an edit, and one that was edited meanwhile goes with it")
    func edited() async throws {
        let world = try World.current
        let node = try await world.node("maker")
        _ = try await node.publish(world.write(model(title: "one"), as: "a.safetensors"), "bee")
        try await node.ok("account", "new", "visitor")
        func review(_ text: String) async throws -> CommandResult {
            try await node.run(
                "review", "@me/bee", "--recommend", "no", "--text", text, "--as", "visitor", "--json")
        }
        let first = try await review("Bad words.").json(Signed.self)
        let second = try await review("Worse words.").json(Signed.self)
        let rows = try await node.json([Takedown].self, "mod", "block", "post:\(first.post)", "--reason", "harassment")
        #expect(Set(rows.map(\.hash)) == [first.post, second.post])
        let number = try #require(rows.first?.caseNumber)
        let refused = try await review("The worst words.")
        #expect(refused.exit != 0 && refused.errors.contains(number), "\(refused)")
        try await node.ok("mod", "unblock", number)
        #expect(try await review("Kind words.").exit == 0)
    }

    @Test(
        "a block answers 451 everywhere at once, holds over a restart, refuses a new header, and lifting it restores all"
    )
    func blocked() async throws {
        let world = try World.current
        let node = try await world.node("maker")
        let published = try await node.publish(world.write(model(title: "one"), as: "a.safetensors"), "bee")
        let sha256 = published.files[0].sha256
        for route in routes(sha256) { #expect(try await node.get(route).status == 200, "\(route)") }

        let rows = try await node.json([Takedown].self, "mod", "block", published.release, "--reason", "likeness")
        let number = try #require(rows.first?.caseNumber)
        #expect(Set(rows.map(\.kind)) == ["file", "tensors", "post"])
        for _ in 0..<2 {
            for route in routes(sha256) {
                let reply = try await node.get(route)
                #expect(reply.status == 451, "\(route)")
                #expect(String(decoding: reply.body, as: UTF8.self).contains(number), "\(route)")
            }
            let again = try await node.run(
                "publish", world.write(model(title: "two"), as: "b.safetensors"), "--model", "@me/other", "--version",
                "1", "--type", "LORA", "--base", "SDXL 1.0", "--real-person", "no", "--yes")
            #expect(again.exit == 5, "\(again)")
            #expect("\(again)".contains(number))
            await node.kill()
            try await node.restart()
        }
        #expect(try await node.json([Takedown].self, "mod", "ls").count >= rows.count)
        try await node.ok("mod", "unblock", number)
        for route in routes(sha256) { #expect(try await node.get(route).status == 200, "\(route)") }
        #expect(try await node.json([Takedown].self, "mod", "ls").isEmpty)
        let none = try await node.run("mod", "unblock", number)
        #expect(none.exit == 3, "\(none)")
    }

    @Test(
        "purged bytes are gone, and come back by no door: not by restart, reindex, publishing, a new header or a peer")
    func purged() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        let file = try world.write(model(title: "one"), as: "a.safetensors")
        let published = try await maker.publish(file, "bee")
        let sha256 = published.files[0].sha256
        let reader = try await world.node("reader")
        try await reader.ok("peer", "add", maker.url, "--yes")
        try await eventually("the reader knows the release") {
            try await reader.run("show", published.release).exit == 0
        }
        try await reader.ok("get", published.release, "-o", world.path("out") + "/")
        #expect(try await reader.get("/blobs/\(sha256)").status == 200)

        #expect(try await reader.run("mod", "purge", sha256, "--reason", "ncii").exit == 2)
        let purged = try await reader.json(Purged.self, "mod", "purge", sha256, "--reason", "ncii", "--yes")
        #expect(purged.takedowns.contains { $0.kind == "file" && $0.isForGood })
        for step in ["at once", "after a restart", "after a reindex"] {
            #expect(try await reader.get("/blobs/\(sha256)").status == 451, "\(step)")
            #expect(try await reader.get("/blobs/\(sha256).torrent").status == 451, "\(step)")
            let got = try await reader.run("get", published.release, "-o", world.path("again") + "/")
            #expect(got.exit != 0, "\(step): \(got)")
            let same = try await reader.run(
                "publish", file, "--model", "@me/same", "--version", "1", "--type", "LORA", "--base", "SDXL 1.0",
                "--real-person", "no", "--yes")
            #expect(same.exit == 5, "\(step): \(same)")
            if step == "at once" {
                await reader.kill()
                try await reader.restart()
            }
            if step == "after a restart" { try await reader.ok("reindex") }
        }
        #expect(try await maker.get("/blobs/\(sha256)").status == 200)
    }

    @Test("a file is looked into without a node, and what is not safe exits with 1")
    func scanned() async throws {
        let world = try World.current
        let node = try await world.node("maker")
        let good = try world.write(model(title: "one"), as: "good.bin")
        let bad = try world.write(Array("cos\nsystem\n(S'id'\ntR.".utf8), as: "bad.ckpt")
        #expect(try await Waggle.run(["mod", "scan", good, "--json"]).json(Report.self).verdict == "safe")
        let scan = try await Waggle.run(["mod", "scan", bad, "--json"])
        #expect(scan.exit == 1)
        let report = try scan.json(Report.self)
        #expect(report.verdict == "danger")
        #expect(report.findings.map(\.code).contains("global-not-allowed"))
        let publish = try await node.run(
            "publish", bad, "--model", "@me/bad", "--version", "1", "--type", "Checkpoint", "--base", "SD 1.5",
            "--real-person", "no", "--yes")
        #expect(publish.exit == 2, "\(publish)")
    }
}
