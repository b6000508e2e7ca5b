import Digests
import Foundation
import Glibc
import Testing

@Suite("The command line", .nodes, .logsOnFailure)
struct CommandLineTests {
    @Test("every verb that reads prints JSON that parses, with and without a server")
    func printsJSON() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 1, seed: 1)
        let file = try world.write(bytes, as: "x.safetensors")
        let published = try await node.publish(file, "x")
        let other = try await world.node("b")
        try await node.ok("peer", "add", other.url, "--yes")
        try await node.ok("mirror", "add", "--all", "--type", "LORA", "--max-level", "PG-13", "--budget", "10MB")

        let reads = [
            ["status"], ["version"], ["ls"], ["ls", "--limit", "1"], ["show", "@me/x"], ["show", published.release],
            ["show", published.files[0].sha256], ["show", published.files[0].autov2], ["verify", file],
            ["verify", "@me/x@1.0"], ["verify", published.release], ["peer", "ls"],
            ["mirror", "ls"], ["mirror", "run"], ["config", "ls"], ["config", "ls", "--origin"], ["reindex"],
            ["get", "@me/x@1.0", "-o", world.path("out") + "/"], ["init"],
        ]
        for isServed in [true, false] {
            if !isServed { await node.kill() }
            for words in reads {
                let result = try await Waggle.run(words + ["--json", "--home", node.home])
                #expect(result.exit == 0, "\(words): \(result)")
                #expect(throws: Never.self, "\(words): \(result.output)") {
                    try JSONSerialization.jsonObject(with: Data(result.output.utf8))
                }
            }
        }
        let out = try Data(contentsOf: URL(filePath: world.path("out/x.safetensors")))
        #expect([UInt8](out) == bytes)
        let settings = try await node.ok("config", "ls", "--origin").output
        #expect(settings.contains("listen = 127.0.0.1:7700\t(default)"), "\(settings)")
    }

    @Test("each class of failure has its exit code, with words on standard error and nothing on standard output")
    func exitCodes() async throws {
        let world = try World.current
        let node = try await world.node("a")
        let bytes = try Samples.lora(mebibytes: 1, seed: 1)
        let file = try world.write(bytes, as: "x.safetensors")
        let stranger = try world.write(Samples.lora(mebibytes: 1, seed: 2), as: "stranger.safetensors")
        let cut = try world.write(Array(bytes.dropLast(1000)), as: "cut.safetensors")
        _ = try await node.publish(file, "x")
        let closed = try Listener { _ in }
        closed.stop()
        let taken = try world.write([1], as: "taken")

        let stub = try world.write(Array(bytes.prefix(300)), as: "stub.safetensors")
        let pipe = world.path("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let picture = try world.write(Samples.picture(side: 16, seed: 1), as: "picture.png")

        let publish = ["--model", "@me/y", "--version", "1", "--type", "LORA", "--yes"]
        let failures: [(code: Int32, words: [String])] = [
            (1, ["verify", stranger]),
            (2, ["frobnicate"]), (2, ["status", "--frobnicate"]), (2, ["ls", "--limit", "0"]), (2, ["publish"]),
            (2, ["publish", file, "--model", "y", "--version", "1", "--yes"]),
            (2, ["publish", file, "--model", "@me/Not A Slug", "--version", "1", "--yes"]),
            (2, ["publish", file, "--level", "loud"] + publish),
            (2, ["publish", file, "--real-person", "perhaps"] + publish),
            (2, ["publish", file, "--model", "@me/y", "--version", "1", "--type", "LORA"]),
            (2, ["mirror", "add", "--all", "--budget", "much"]), (2, ["mirror", "add", "--budget", "1GB"]),
            (2, ["peer", "add", "ftp://example.com", "--yes"]), (2, ["peer", "add", node.url, "--yes"]),
            (3, ["show", "@me/nothing"]), (3, ["show", String(repeating: "0", count: 64)]),
            (3, ["get", "@me/nothing"]),
            (3, ["publish", world.path("missing")] + publish), (3, ["peer", "rm", "17"]),
            (3, ["verify", world.path("missing")]), (3, ["verify", file, "--release", world.path("missing")]),
            (4, ["peer", "add", "http://127.0.0.1:\(closed.port)", "--yes"]),
            (5, ["publish", file, "--model", "@nobody/y", "--version", "1", "--type", "LORA", "--yes"]),
            (2, ["publish", pipe] + publish), (2, ["publish", world.folder] + publish), (2, ["verify", pipe]),
            (2, ["publish", file, "--sample", pipe] + publish), (2, ["publish", file, "--sample", file] + publish),
            (8, ["publish", file] + publish + Array(repeating: ["--sample", picture], count: 21).flatMap { $0 }),
            (6, ["publish", cut] + publish), (6, ["publish", stub] + publish),
            (6, ["verify", file, "--release", taken]),
            (7, ["publish", stranger, "--model", "@me/x", "--version", "1.0", "--type", "LORA", "--yes"]),
            (7, ["get", "@me/x", "-o", taken]), (7, ["export", "@me/x", "--format", "waggle", "-o", taken]),
            (2, ["export", "@me/x", "--format", "dsse", "--file", "x.safetensors"]),
            (3, ["export", "@me/x", "--format", "minisig", "--file", "nothing"]), (3, ["verify", "@me/nothing"]),
        ]
        for (code, words) in failures {
            let result = try await Waggle.run(words + ["--home", node.home])
            #expect(result.exit == code, "\(words): \(result)")
            #expect(result.output.isEmpty, "\(words): \(result)")
            #expect(!result.errors.isEmpty, "\(words): \(result)")
        }
        // No home at all.
        #expect(try await Waggle.run(["status", "--home", world.path("nowhere")]).exit == 3)
        #expect(try await node.json(NodeStatus.self, "status").releases == 1)
    }

    @Test("a sealed key signs with its passphrase only")
    func passphrase() async throws {
        let world = try World.current
        let home = world.path("sealed")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "x.safetensors")
        let made = try await Waggle.run(
            ["init", "--json", "--home", home], environment: ["WAGGLE_PASSPHRASE": "honey and smoke"])
        #expect(made.exit == 0, "\(made)")
        let publish = [
            "publish", file, "--model", "@me/x", "--version", "1", "--type", "LORA", "--yes", "--home", home,
        ]
        #expect(try await Waggle.run(publish).exit == 5)
        #expect(try await Waggle.run(publish, environment: ["WAGGLE_PASSPHRASE": "smoke and honey"]).exit == 5)
        #expect(try await Waggle.run(publish, environment: ["WAGGLE_PASSPHRASE": "honey and smoke"]).exit == 0)
    }

    @Test("Ctrl-C ends a command with 130")
    func isInterrupted() async throws {
        let world = try World.current
        let silent = try FakeNode(world) { call, _ in call.path == "/w/1/node" }
        let home = world.path("home")
        #expect(try await Waggle.run(["init", "--home", home]).exit == 0)
        let command = try Waggle.start(["peer", "add", silent.url, "--yes", "--home", home])
        await silent.called("/w/1/node")
        command.send(SIGINT)
        #expect(await command.ended() == .code(130))
    }

    @Test("settings say where they come from; an unknown one in the file is refused with a suggestion")
    func settings() async throws {
        let world = try World.current
        let home = world.path("home")
        #expect(try await Waggle.run(["init", "--home", home]).exit == 0)
        let file = URL(filePath: home + "/waggle.toml")
        try Data("name = \"Honeycomb\"\n[storage]\nkeep_free = \"5GB\"\n".utf8).write(to: file)
        let listed = try await Waggle.run(
            ["config", "ls", "--origin", "--home", home], environment: ["WAGGLE_CEILING": "R"])
        #expect(listed.exit == 0, "\(listed)")
        let expected = [
            "name = Honeycomb\t(file \(home)/waggle.toml)", "storage.keep_free = 5GB\t(file \(home)/waggle.toml)",
            "ceiling = R\t(environment WAGGLE_CEILING)", "federation.policy = open\t(default)",
        ]
        for line in expected { #expect(listed.output.contains(line), "\(listed)") }

        try Data("[storage]\nkep_free = \"5GB\"\n".utf8).write(to: file)
        for command in [["serve", "--listen", "127.0.0.1:0"], ["config", "ls"], ["status"]] {
            let refused = try await Waggle.run(command + ["--home", home])
            #expect(refused.exit == 2, "\(refused)")
            #expect(refused.errors.contains("\"storage.kep_free\"") && refused.errors.contains("\"storage.keep_free\""))
        }
        for text in ["ceiling = \"loud\"\n", "this is no TOML", "listen = 7700\n"] {
            try Data(text.utf8).write(to: file)
            let refused = try await Waggle.run(["status", "--home", home])
            #expect(refused.exit == 2, "\(text): \(refused)")
        }
    }

    @Test("reindex gives every reply of the API again, byte for byte")
    func reindexes() async throws {
        let world = try World.current
        let node = try await world.node("a")
        for number in 1...3 {
            let file = try world.write(Samples.lora(mebibytes: 1, seed: UInt64(number)), as: "\(number).safetensors")
            let picture = try world.write(Samples.picture(side: 24, seed: UInt64(number)), as: "\(number).png")
            _ = try await node.publish(
                file, "model-\(number)", "--base", number == 2 ? "Flux.1 D" : "SDXL 1.0", "--tag", "tag-\(number)",
                "--sample", picture)
        }
        let second = try world.write(Samples.lora(mebibytes: 1, seed: 9), as: "9.safetensors")
        try await node.ok("publish", second, "--model", "@me/model-1", "--version", "1.1", "--yes")

        // The last of a file's names comes some time after it.
        try await eventually("all files have all names") {
            try await node.api(APIModels.self, "/api/v1/models").items.flatMap(\.modelVersions).flatMap(\.files)
                .allSatisfy { $0.hashes["BLAKE3"]?.isEmpty == false }
        }
        // So do what stands in for its pictures while they load.
        try await eventually("all pictures have their colours") {
            try await !node.get("/api/v1/images").text.contains("\"hash\":\"\"")
        }
        let before = try await replies(node)
        #expect(before.count > 15)
        try await node.ok("reindex")
        func differing() async throws -> [String] {
            try await replies(node).filter { $0.value != before[$0.key] }.map { "\($0): \($1)" }
        }
        #expect(try await differing() == [])
        await node.kill()
        try await node.ok("reindex")
        try await node.restart()
        #expect(try await differing() == [])
    }

    /// The bodies of lists and of everything that they name; addresses without the port, which changes with a start.
    private func replies(_ node: TestNode) async throws -> [String: String] {
        var paths = [
            "/api/v1/models", "/api/v1/models?limit=2", "/api/v1/models?sort=Newest&types=LORA",
            "/api/v1/models?tag=tag-2",
            "/api/v1/models?baseModels=Flux.1%20D", "/api/v1/models?query=honeycomb", "/api/v1/images", "/",
        ]
        for model in try await node.api(APIModels.self, "/api/v1/models").items {
            paths += ["/api/v1/models/\(model.id)", "/models/\(model.id)"]
            for version in model.modelVersions {
                paths.append("/api/v1/model-versions/\(version.id)")
                for hash in version.files.flatMap(\.hashes.values) where !hash.isEmpty {
                    paths.append("/api/v1/model-versions/by-hash/\(hash)")
                }
            }
        }
        var replies: [String: String] = [:]
        for path in paths {
            let reply = try await node.get(path)
            #expect(reply.status == 200, "\(path): \(reply.text)")
            replies[path] = reply.text.replacing(node.url, with: "http://node")
        }
        return replies
    }
}
