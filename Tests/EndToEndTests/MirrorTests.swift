import Digests
import Foundation
import Testing

/// `waggle mirror plan --json`.
private struct Plan: Decodable {
    struct Sum: Decodable, Equatable {
        let blobs: Int
        let bytes: Int
    }

    struct Rule: Decodable {
        let wanted, present, shared, fetch, unfit: Sum
    }

    struct File: Decodable {
        let sha256: String
        let bytes: Int
        let rule: Int
        let holders: [String]
    }

    struct Unfit: Decodable {
        struct Obstacle: Decodable {
            let code: String
        }

        let sha256: String
        let obstacles: [Obstacle]
    }

    let rules: [Rule]
    let fetch: Sum
    let files: [File]
    let unfit: [Unfit]
}

private struct Run: Decodable {
    let fetchedBlobs: Int
    let fetchedBytes: Int
    let failures: [String]
}

private struct Status: Decodable {
    struct Rule: Decodable {
        let n: Int
        let isPaused: Bool
        let used: Int
    }

    let rule: Rule
    let activity: String
    let reason: String
    let missingBytes: Int
}

@Suite("Mirror rules", .nodes, .logsOnFailure)
struct MirrorTests {
    /// Publishes a LoRA and gives its file.
    private func publish(_ node: TestNode, _ name: String, mebibytes: Int, seed: UInt64) async throws
        -> (path: String, bytes: [UInt8], hash: String)
    {
        let bytes = try Samples.lora(mebibytes: mebibytes, seed: seed)
        let path = try World.current.write(bytes, as: name + ".safetensors")
        _ = try await node.publish(path, name)
        return (path, bytes, SHA256.hash(Data(bytes)).hex)
    }

    @Test("a plan names to the byte what the run then transfers, and why the rest is not fetched")
    func plan() async throws {
        let world = try World.current
        let proxy = try CountingProxy(world)
        let a = try await world.node("a", "--public-url", proxy.url)
        proxy.lead(to: a.url)
        let here = try await publish(a, "here", mebibytes: 2, seed: 1)
        let first = try await publish(a, "first", mebibytes: 3, seed: 2)
        let second = try await publish(a, "second", mebibytes: 4, seed: 3)
        let large = try await publish(a, "large", mebibytes: 9, seed: 4)
        let b = try await world.node("b")
        // One file is here already, under another name and from another person.
        _ = try await b.publish(here.path, "mine")
        try await b.ok("peer", "add", proxy.url, "--yes")
        try await eventually("b knows the models") { try await b.json(NodeStatus.self, "status").models == 5 }
        _ = await b.stop()

        let room = first.bytes.count + second.bytes.count + 1_000_000
        try await b.ok("mirror", "add", "--from", proxy.url, "--type", "lora", "--budget", "\(room)")
        try await b.ok("mirror", "add", "--all", "--tag", "no such tag")
        let plan = try await b.json(Plan.self, "mirror", "plan")
        #expect(plan.fetch == .init(blobs: 2, bytes: first.bytes.count + second.bytes.count))
        #expect(plan.rules[0].present == .init(blobs: 1, bytes: here.bytes.count))
        #expect(plan.rules[0].fetch == plan.fetch)
        #expect(plan.rules[1].wanted.blobs == 0)
        #expect(plan.unfit.map(\.sha256) == [large.hash])
        #expect(plan.unfit.first?.obstacles.map(\.code) == ["rule-budget"])
        #expect(plan.files.allSatisfy { $0.holders == [proxy.url] })

        let before = proxy.passed
        let run = try await b.json(Run.self, "mirror", "run")
        #expect(run.fetchedBytes == plan.fetch.bytes && run.fetchedBlobs == 2)
        #expect(run.failures.count == 1 && run.failures[0].contains("budget"))
        // The heads of replies and the unit hashes come on top.
        #expect((0..<100_000).contains(proxy.passed - before - plan.fetch.bytes))
        let after = try await b.json(Plan.self, "mirror", "plan")
        #expect(after.fetch == .init(blobs: 0, bytes: 0))
        #expect(after.rules[0].present.blobs == 3)
        let status = try await b.json([Status].self, "mirror", "status")
        #expect(status[0].rule.used == plan.fetch.bytes)
        #expect(status[0].activity == "full" && status[0].reason.contains("budget"))
        #expect(status[0].missingBytes == large.bytes.count)
        #expect(status[1].activity == "complete")
    }

    @Test("a pause stops what is under way, lasts over a restart, and costs no unit that was here")
    func pause() async throws {
        let world = try World.current
        let mebibyte = 1 << 20
        let proxy = try CountingProxy(world)
        let a = try await world.node("a", "--public-url", proxy.url)
        proxy.lead(to: a.url)
        let file = try await publish(a, "big", mebibytes: 32, seed: 5)
        let b = try await world.node("b")
        proxy.hold(after: 18 * mebibyte)
        try await b.ok("peer", "add", proxy.url, "--yes")
        try await b.ok("mirror", "add", "--all")
        await proxy.stands()
        #expect(try await b.json([Status].self, "mirror", "status").first?.activity == "fetching")
        try await b.ok("mirror", "pause", "1")
        try await eventually("nothing is under way") {
            try await b.json([Status].self, "mirror", "status").first?.activity == "paused"
        }
        proxy.hold(after: .max)
        await b.kill()
        try await b.restart()
        let paused = try await b.json([Status].self, "mirror", "status")
        #expect(paused.first?.activity == "paused" && paused.first?.rule.isPaused == true)
        #expect(try await b.json(Plan.self, "mirror", "plan").unfit.first?.obstacles.map(\.code) == ["paused"])
        try await b.ok("mirror", "resume")
        try await eventually("b has the file") { try await b.get("/blobs/\(file.hash)").status == 200 }
        #expect(try await b.get("/blobs/\(file.hash)").body == file.bytes)
        let extra = proxy.passed - file.bytes.count
        #expect(extra < 4 * mebibyte, "\(extra) bytes more than the file went over the wire")
        try await b.ok("mirror", "rm", "1")
        #expect(try await b.json([Status].self, "mirror", "status").isEmpty)
    }

    @Test(
        "a full disk pauses the rules with the reason, and they go on when there is room",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount"))
    func fullDisk() async throws {
        let world = try World.current
        let a = try await world.node("a")
        let file = try await publish(a, "big", mebibytes: 20, seed: 6)
        let disk = try SmallDisk.mount("disk", mebibytes: 40)
        let b = TestNode("b", home: disk + "/home", world: world)
        let ballast = disk + "/ballast"
        try Data(count: 24 << 20).write(to: URL(filePath: ballast))
        try FileManager.default.createDirectory(atPath: disk + "/home", withIntermediateDirectories: false)
        try Data("[storage]\nkeep_free = \"1MB\"\n".utf8).write(to: URL(filePath: disk + "/home/waggle.toml"))
        try await b.start([])
        try await b.ok("peer", "add", a.url, "--yes")
        try await b.ok("mirror", "add", "--all")
        let status = try await eventually("the rule waits for room") {
            let status = try await b.json([Status].self, "mirror", "status").first
            return status?.activity == "full" ? status : nil
        }
        #expect(status.reason.contains("disk"))
        #expect(try await b.get("/").status == 200)
        try FileManager.default.removeItem(atPath: ballast)
        try await eventually("the rule goes on by itself", within: 90) {
            try await b.json([Status].self, "mirror", "status").first?.activity == "complete"
        }
        #expect(try await b.get("/blobs/\(file.hash)").body == file.bytes)
    }
}
