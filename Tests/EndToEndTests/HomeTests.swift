import Digests
import Foundation
import Glibc
import Testing

@Suite("A home that is taken, closed or full", .nodes, .logsOnFailure)
struct HomeTests {
    @Test("a second server on a home ends with 7 and names the process that has it")
    func isTaken() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let before = try await node.json(NodeStatus.self, "status")
        let second = try await node.run("serve", "--listen", "127.0.0.1:0")
        #expect(second.exit == 7, "\(second)")
        #expect(second.errors.contains("process"), "\(second)")
        let named = second.errors.split { !$0.isNumber }.compactMap { pid_t($0) }
        #expect(named.contains { kill($0, 0) == 0 && $0 > 1 }, "\(second)")
        #expect(try await node.get("/").status == 200)
        #expect(try await node.json(NodeStatus.self, "status").posts == before.posts)
    }

    @Test("a home that cannot be written is refused with its path and a way out")
    func isReadOnly() async throws {
        let world = try World.current
        let home: String
        if geteuid() != 0 {
            home = world.path("closed")
            try FileManager.default.createDirectory(
                atPath: home, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o500])
        } else if SmallDisk.isPossible {
            home = try SmallDisk.mount("closed", mebibytes: 1)
            try SmallDisk.makeReadOnly(home)
        } else {
            try Test.cancel("the superuser writes everywhere, and no disk can be mounted here")
        }
        for command in [["init"], ["serve", "--listen", "127.0.0.1:0"]] {
            let result = try await Waggle.run(command + ["--home", home])
            #expect(result.exit == 1, "\(result)")
            #expect(result.errors.contains(home) && result.errors.contains("--home"), "\(result)")
        }
    }

    @Test(
        "a home that became read-only answers what it can and refuses the rest",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a disk"))
    func becameReadOnly() async throws {
        let world = try World.current
        let home = try SmallDisk.mount("disk", mebibytes: 24)
        try Self.useAllOfTheDisk(home)
        let node = TestNode("disk", home: home, world: world)
        try await node.start([])
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "x.safetensors")
        let published = try await node.publish(file, "x")
        await node.kill()
        try SmallDisk.makeReadOnly(home)
        let result = try await node.run("status")
        #expect(result.exit == 1, "\(result)")
        #expect(result.errors.contains(home), "\(result)")
        #expect(published.isNew)
    }

    @Test(
        "a full disk refuses with 8 what does not fit; nothing is lost, the node stays up and works when there is room",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a disk"))
    func isFull() async throws {
        let world = try World.current
        let home = try SmallDisk.mount("disk", mebibytes: 24)
        try Self.useAllOfTheDisk(home)
        let node = TestNode("disk", home: home, world: world)
        try await node.start([])
        let bytes = try Samples.lora(mebibytes: 4, seed: 4)
        let first = try await node.publish(world.write(bytes, as: "small.safetensors"), "small")
        let room = SmallDisk.free(home)

        let big = try world.write(Samples.lora(mebibytes: 40, seed: 40), as: "big.safetensors")
        let refused = try await node.run(
            "publish", big, "--model", "@me/big", "--version", "1.0", "--type", "LORA", "--yes")
        #expect(refused.exit == 8, "\(refused)")
        #expect(SmallDisk.free(home) > room - (1 << 20), "what did not fit was thrown away")
        try await works(node, first, bytes)

        // Not even a page is free for the databases.
        let filler = home + "/filler"
        Self.fill(filler)
        let small = try world.write(Samples.lora(mebibytes: 1, seed: 5), as: "next.safetensors")
        let full = try await node.run(
            "publish", small, "--model", "@me/next", "--version", "1.0", "--type", "LORA", "--yes", "--in-place")
        #expect(full.exit == 8, "\(full)")
        try await works(node, first, bytes)
        unlink(filler)
        #expect(try await node.publish(small, "next").isNew)

        // The same on a start: the disk is full, then it is not.
        Self.fill(filler)
        await node.kill()
        let starts: Bool
        do {
            try await node.restart()
            starts = true
        } catch {
            starts = false
        }
        if starts { try await works(node, first, bytes) }
        unlink(filler)
        if !starts { try await node.restart() }
        try await works(node, first, bytes)
        #expect(try await node.json(NodeStatus.self, "status").releases == 2)
    }

    @Test(
        "a download that does not fit is refused with 8 and blamed on nobody; one that fits still comes",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a disk"))
    func downloadsOnFullDisk() async throws {
        let world = try World.current
        let a = try await world.node("a")
        let large = try await a.publish(world.write(Samples.lora(mebibytes: 40, seed: 1), as: "l.safetensors"), "large")
        let small = try await a.publish(world.write(Samples.lora(mebibytes: 4, seed: 2), as: "s.safetensors"), "small")
        let home = try SmallDisk.mount("disk", mebibytes: 24)
        try Self.useAllOfTheDisk(home)
        let node = TestNode("disk", home: home, world: world)
        try await node.start([])
        try await node.ok("peer", "add", a.url, "--yes")
        try await eventually("both are known") { try await node.json(NodeStatus.self, "status").releases == 2 }

        let refused = try await node.run("get", large.release, "-o", world.path("out") + "/")
        #expect(refused.exit == 8, "\(refused)")
        #expect(try await node.json([PeerState].self, "peer", "ls").allSatisfy { $0.lastError.isEmpty })
        try await node.ok("mirror", "add", "--all", "--budget", "1GB")
        try await eventually("what fits is mirrored") {
            try await node.get("/blobs/\(small.files[0].sha256)").status == 200
        }
        let run = try await node.ok("mirror", "run", "--json")
        #expect(run.output.contains("l.safetensors"), "\(run)")
        #expect(node.isRunning)
    }

    private func works(_ node: TestNode, _ published: Published, _ bytes: [UInt8]) async throws {
        #expect(node.isRunning)
        #expect(try await node.get("/").status == 200)
        #expect(try await node.get("/blobs/\(published.files[0].sha256)").body == bytes)
        let hash = published.files[0].autov2
        #expect(try await node.get("/api/v1/model-versions/by-hash/\(hash)").status == 200)
    }

    /// A node keeps a gigabyte free by itself; on a disk of a few MiB it could store nothing.
    private static func useAllOfTheDisk(_ home: String) throws {
        let path = home + "/waggle.toml"
        try Data("[storage]\nkeep_free = \"0\"\n".utf8).write(to: URL(filePath: path))
    }

    /// Writes until nothing more fits.
    private static func fill(_ path: String) {
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        for size in [1 << 20, 4096, 1] {
            let block = [UInt8](repeating: 0x5a, count: size)
            while write(file, block, size) > 0 {}
        }
    }
}
