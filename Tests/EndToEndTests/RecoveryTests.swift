import Digests
import Foundation
import Identity
import Testing
import WaggleProtocol

/// `waggle backup create --json` and `verify --json`.
struct BackupState: Decodable {
    let path: String
    let node: String
    let accounts: [String: String]
    let listedBlobs: Int
    let includedBlobs: Int
    let areKeysOpened: Bool
}

/// `waggle repair --json`.
struct Repaired: Decodable {
    struct Sum: Decodable {
        let blobs: Int
    }

    struct Missing: Decodable {
        let sha256: String
    }

    let wanted: Sum
    let fetched: Sum
    let missing: [Missing]
}

/// `waggle key recover --json` on an empty home.
struct Recovered: Decodable {
    struct Account: Decodable {
        let author: String
        let posts: Int
        let lost: [String: Int]
        let others: [String]
    }

    let node: String
    let isNewNode: Bool
    let account: Account
}

@Suite("Recovery drills", .nodes, .logsOnFailure)
struct RecoveryTests {
    /// A node with posts and blobs, and a peer that mirrors it.
    private struct Drill {
        let world: World
        let a: TestNode
        let made: Initialized
        let words: String
        let b: TestNode
        let pass: String
        let first: Published
        let bytes: [UInt8]

        init() async throws {
            world = try World.current
            (a, made, words) = try await world.wordedNode("a")
            b = try await world.node("b")
            pass = try world.write(Array("over the hills\n".utf8), as: "pass")
            bytes = try Samples.lora(mebibytes: 3, seed: 3)
            let picture = try world.write(Samples.picture(side: 30, seed: 1), as: "one.png")
            first = try await a.publish(world.write(bytes, as: "one.safetensors"), "one", "--sample", picture)
            try await a.ok("account", "profile", "--name", "Ana")
            try await a.ok("peer", "add", b.url, "--yes")
            try await b.ok("peer", "add", a.url, "--yes")
            try await b.ok("mirror", "add", "--all", "--budget", "1GB")
            try await has(first.files[0].sha256, b)
        }

        func has(_ hash: String, _ node: TestNode) async throws {
            try await eventually("\(node.name) has \(hash.prefix(8))") {
                try await node.get("/blobs/\(hash)").status == 200
            }
        }

        func publish(_ name: String, seed: UInt64, on node: TestNode) async throws -> Published {
            let bytes = try Samples.lora(mebibytes: 1, seed: seed)
            return try await node.publish(world.write(bytes, as: "\(name).safetensors"), name)
        }

        func destroy() async throws {
            await a.kill()
            try FileManager.default.removeItem(atPath: a.home)
        }
    }

    @Test("with a backup: the same ids, the peer's news, missing blobs; nothing is signed before catching up")
    func withBackup() async throws {
        let drill = try await Drill()
        let (world, a, b) = (drill.world, drill.a, drill.b)
        let state = try await a.json(
            BackupState.self, "backup", "create", world.path("a.backup"), "--passphrase-file", drill.pass)
        #expect(state.node == drill.made.node && state.accounts == ["me": drill.made.me])
        #expect(state.listedBlobs == 2 && state.includedBlobs == 0)
        let checked = try await a.json(
            BackupState.self, "backup", "verify", state.path, "--passphrase-file", drill.pass)
        #expect(checked.areKeysOpened)
        // After the backup: one more release, which only the peer still has when the disk is gone.
        let second = try await drill.publish("two", seed: 4, on: a)
        try await drill.has(second.files[0].sha256, b)
        // And more words than a page of anything.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask { for n in 0..<30 { try await a.ok("comment", "@me/two", "\(worker) \(n)") } }
            }
            try await group.waitForAll()
        }
        let said = try await a.json(NodeStatus.self, "status").posts
        try await eventually("the peer has all that was said") {
            try await b.json(NodeStatus.self, "status").posts >= said
        }
        let cursor = try await b.json([PeerState].self, "peer", "ls").first { $0.url == a.url }
        #expect(cursor != nil)
        try await drill.destroy()

        await b.kill()
        let home = world.path("new")
        let restored = try await Waggle.run(
            ["backup", "restore", state.path, "--passphrase-file", drill.pass, "--home", home])
        #expect(restored.exit == 0, "\(restored)")
        let node = TestNode("new", home: home, world: world)
        try await node.start([])
        let status = try await node.json(NodeStatus.self, "status")
        #expect(status.node == drill.made.node && status.releases == 1)
        // The peer is away: nothing is signed, and it says why.
        let refused = try await node.run("account", "profile", "--name", "Other")
        #expect(refused.exit == 7 && refused.errors.contains("backup confirm"), "\(refused)")
        let publishing = try world.write(Samples.lora(mebibytes: 1, seed: 9), as: "three.safetensors")
        let unsigned = try await node.run(
            "publish", publishing, "--model", "@me/three", "--version", "1.0", "--type", "LORA", "--yes")
        #expect(unsigned.exit == 7, "\(unsigned)")
        #expect(try await node.ok("status").output.contains("held"))
        await node.kill()
        try await node.restart()
        #expect(try await node.run("account", "profile", "--name", "Other").exit == 7, "a restart lifts nothing")
        let unrepaired = try await node.run("repair", "--json")
        #expect(unrepaired.exit == 6, "\(unrepaired)")
        #expect(try unrepaired.json(Repaired.self).missing.count == 2)

        // It comes back at its old address.
        let address = String(b.url.dropFirst("http://".count))
        try await b.start(["--listen", address])
        try await eventually("it has caught up and has the release that it forgot", within: 90) {
            guard try await node.json(NodeStatus.self, "status").releases == 2 else { return false }
            return try await !node.ok("status").output.contains("held")
        }
        #expect(try await node.json(NodeStatus.self, "status").posts >= said, "it signs once it has all that it said")
        let repaired = try await node.json(Repaired.self, "repair")
        #expect(repaired.missing.isEmpty && repaired.wanted.blobs >= 3, "\(repaired)")
        #expect(try await node.get("/blobs/\(drill.first.files[0].sha256)").body == drill.bytes)
        #expect(try await node.get("/blobs/\(second.files[0].sha256)").status == 200)

        // It publishes again, on from where it was, and the peer takes it.
        let third = try await node.publish(publishing, "three")
        try await eventually("the peer takes it", within: 120) { try await b.run("show", third.release).exit == 0 }
        #expect(try await node.publish(world.path("two.safetensors"), "two").isNew == false)
    }

    @Test("cursors into the lost log mean nothing to the restored one")
    func renewsLogID() async throws {
        let drill = try await Drill()
        let (world, a) = (drill.world, drill.a)
        let client = WireClient(persona: try Persona(.node), url: a.url)
        _ = try await client.offer(client.persona.documents)
        let old = try logID(a.home)
        try await a.ok("backup", "create", world.path("x"), "--passphrase-file", drill.pass, "--blobs")
        try await drill.destroy()
        let restored = try await Waggle.run(
            ["backup", "restore", world.path("x"), "--passphrase-file", drill.pass, "--home", a.home])
        #expect(restored.exit == 0, "\(restored)")
        try await a.restart()
        let again = WireClient(persona: client.persona, url: a.url)
        #expect(try logID(a.home) != old)
        let reply = try await again.send("GET", "/w/1/stream?cursor=\(old).1")
        #expect(reply.status == 409)
        #expect(try await a.get("/blobs/\(drill.first.files[0].sha256)").body == drill.bytes, "blobs came with it")
        #expect(try await a.json(Repaired.self, "repair").fetched.blobs == 0)
        await drill.b.kill()
        let confirmed = try await a.run("backup", "confirm")
        #expect(confirmed.exit == 0, "\(confirmed)")
        #expect(try await drill.publish("two", seed: 5, on: a).isNew)
    }

    /// The log's id as the database has it: the text behind its key.
    private func logID(_ home: String) throws -> String {
        for name in ["posts.db-wal", "posts.db"] {
            guard let bytes = FileManager.default.contents(atPath: "\(home)/db/\(name)"),
                let key = bytes.firstRange(of: Data("log id".utf8))
            else { continue }
            let id = bytes[key.upperBound...].prefix { (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) }
            if id.count >= 8 { return String(decoding: id.prefix(12), as: UTF8.self) }
        }
        throw HarnessError("no log id")
    }

    @Test("without a backup: 24 words bring the ids back, a peer the posts and files; the lost device is out of use")
    func withoutBackup() async throws {
        let drill = try await Drill()
        let (world, a, b) = (drill.world, drill.a, drill.b)
        let second = try await drill.publish("two", seed: 4, on: a)
        try await drill.has(second.files[0].sha256, b)
        let keyFile = world.path("stolen.key")
        try FileManager.default.copyItem(atPath: a.home + "/keys/me.key", toPath: keyFile)
        try await drill.destroy()

        let home = world.path("new")
        let wrong = try world.write(Array(RecoverySecret.random().words.utf8), as: "wrong")
        for (words, exit) in [(wrong, 3), (world.path("none"), 3)] as [(String, Int32)] {
            let result = try await Waggle.run(
                ["key", "recover", "--words-file", words, "--from", b.url, "--home", home])
            #expect(result.exit == exit, "\(result)")
            #expect(!FileManager.default.fileExists(atPath: home))
        }
        let result = try await Waggle.run(
            ["key", "recover", "--words-file", drill.words, "--from", b.url, "--revoke-lost", "--json", "--home", home])
        #expect(result.exit == 0, "\(result)")
        let recovered = try result.json(Recovered.self)
        #expect(recovered.node == drill.made.node && !recovered.isNewNode)
        #expect(recovered.account.author == drill.made.me && recovered.account.posts > 5)
        #expect(recovered.account.others == [] && recovered.account.lost.count == 1)

        let node = TestNode("new", home: home, world: world)
        try await node.start([])
        try await eventually("all is back") { try await node.json(NodeStatus.self, "status").releases == 2 }
        let repaired = try await node.json(Repaired.self, "repair")
        #expect(repaired.missing.isEmpty && repaired.fetched.blobs == 3, "\(repaired)")
        #expect(try await node.get("/blobs/\(drill.first.files[0].sha256)").body == drill.bytes)
        let third = try await drill.publish("three", seed: 6, on: node)
        try await eventually("the peer takes it", within: 120) { try await b.run("show", third.release).exit == 0 }

        // Whoever found the old disk cannot post; what it said before stays.
        let file = try KeyFile(path: keyFile)
        let thief = Signer(author: file.author, device: try #require(SigningKey(seed: file.secret)))
        var post = WirePost()
        post.created = Persona.now
        post.comment.subject = file.author.data
        post.comment.text = "buy this"
        let client = WireClient(persona: try Persona(.node), url: b.url)
        _ = try await client.offer(client.persona.documents)
        let offered = try thief.sign(post)
        try await eventually("the peer refuses it") {
            let result = try await client.offer([offered.envelope])[0]
            return result.status == .invalid && result.reason.contains("lost")
        }
        for release in [drill.first, second, third] {
            #expect(try await b.run("show", release.release).exit == 0)
        }
        try await node.ok("verify", drill.first.release)
    }

    @Test("words that were rotated to bring the ids back with the ids that were printed")
    func afterRotation() async throws {
        struct Rotated: Decodable {
            struct Author: Decodable {
                let version: Int
            }

            let words: String
            let authors: [Author]
        }
        let drill = try await Drill()
        let (world, a, b) = (drill.world, drill.a, drill.b)
        let rotated = try await a.json(Rotated.self, "key", "rotate", "--words-file", drill.words)
        let new = try world.write(Array(rotated.words.utf8), as: "new.words")
        // Whoever was cut off asks once more: what was done is not done twice.
        let again = try await a.json(
            Rotated.self, "key", "rotate", "--words-file", drill.words, "--new-words-file", new)
        #expect(again.words == rotated.words && again.authors.map(\.version) == rotated.authors.map(\.version))
        try await eventually("the peer talks") {
            try await a.json([PeerState].self, "peer", "ls").allSatisfy { $0.lastError.isEmpty }
        }
        let second = try await drill.publish("two", seed: 4, on: a)
        try await eventually("the peer has all") { try await b.run("show", second.release).exit == 0 }
        try await drill.destroy()
        let home = world.path("new")
        let old = try await Waggle.run(
            ["key", "recover", "--words-file", drill.words, "--from", b.url, "--home", home])
        #expect(old.exit == 5 && old.errors.contains("rotated"), "\(old)")
        let result = try await Waggle.run(
            [
                "key", "recover", "--words-file", new, "--from", b.url, "--author", drill.made.me, "--node-id",
                drill.made.node, "--json", "--home", home,
            ])
        #expect(result.exit == 0, "\(result)")
        let recovered = try result.json(Recovered.self)
        #expect(recovered.node == drill.made.node && recovered.account.author == drill.made.me)
        #expect(recovered.account.others == ["this computer"])
    }

    @Test("alone, the words bring the ids back and no more; one more account comes back into a home that is there")
    func alone() async throws {
        struct Account: Decodable {
            let author: String
            let words: String
        }
        let world = try World.current
        let (a, made, words) = try await world.wordedNode("a")
        let home = world.path("new")
        let result = try await Waggle.run(
            ["key", "recover", "--alone", "--words-file", words, "--json", "--home", home])
        #expect(result.exit == 0, "\(result)")
        let recovered = try result.json(Recovered.self)
        #expect(recovered.node == made.node && recovered.isNewNode)
        #expect(recovered.account.author == made.me && recovered.account.posts == 0)
        let node = TestNode("new", home: home, world: world)
        try await node.start([])
        try await node.ok("account", "profile", "--name", "Ana")

        let bea = try await a.json(Account.self, "account", "new", "bea")
        try await a.ok("account", "profile", "--as", "bea", "--name", "Bea")
        let file = try world.write(Array(bea.words.utf8), as: "bea.words")
        let b = try await world.node("b")
        let back = try await b.json(
            Recovered.Account.self, "key", "recover", "--account", "bea", "--from", a.url, "--words-file", file)
        #expect(back.author == bea.author && back.posts >= 3 && back.others == ["this computer"])
        try await b.ok("account", "profile", "--as", "bea", "--about", "At home on two nodes.")
        let taken = try await b.run("key", "recover", "--from", a.url, "--words-file", words)
        #expect(taken.exit == 7, "\(taken)")
        #expect(try await b.run("key", "recover", "--words-file", words).exit == 2)
    }

    @Test("a recovery takes all that a node has of a stranger, and revokes nothing when something stays away")
    func takesAll() async throws {
        struct Account: Decodable {
            let author: String
            let words: String
        }
        let world = try World.current
        let (a, _, _) = try await world.wordedNode("a")
        let bea = try await a.json(Account.self, "account", "new", "bea")
        let words = try world.write(Array(bea.words.utf8), as: "bea.words")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "one.safetensors")
        try await a.ok(
            "publish", file, "--model", "@bea/one", "--version", "1", "--type", "LORA", "--level", "R",
            "--yes")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    for n in 0..<30 { try await a.ok("comment", "--as", "bea", "@bea/one", "\(worker) \(n)") }
                }
            }
            try await group.waitForAll()
        }
        // Nobody serves these homes, so nothing but the recovery fetches.
        let strict = TestNode("strict", home: world.path("strict"), world: world)
        try await strict.ok("init")
        try Data("ceiling = \"PG\"\n".utf8).write(to: URL(filePath: strict.home + "/waggle.toml"))
        let partial = try await strict.run(
            "key", "recover", "--account", "bea", "--from", a.url, "--words-file", words, "--revoke-lost")
        #expect(partial.exit == 1 && partial.errors.contains("above this node's ceiling"), "\(partial)")
        #expect(!FileManager.default.fileExists(atPath: strict.home + "/keys/bea.key"))

        let b = TestNode("b", home: world.path("b"), world: world)
        try await b.ok("init")
        let back = try await b.json(
            Recovered.Account.self, "key", "recover", "--account", "bea", "--from", a.url, "--words-file", words,
            "--revoke-lost")
        #expect(back.author == bea.author && back.posts > 120 && back.others == [], "\(back)")
        #expect(back.lost.values.reduce(0, +) > 120, "\(back)")
    }

    @Test("a rotation that fails half-way shows the new words, and the home opens the roots in force")
    func failedRotation() async throws {
        struct Rotated: Decodable {
            let words: String
        }
        let home = try World.current.path("sealed")
        let sealed = ["WAGGLE_PASSPHRASE": "honey and smoke"]
        func run(_ arguments: String...) async throws -> CommandResult {
            try await Waggle.run(arguments + ["--home", home], environment: sealed)
        }
        #expect(try await run("init").exit == 0)
        #expect(try await run("key", "ls").exit == 0, "the log has the documents")
        let (kept, aside) = (home + "/keys/genesis.posts", home + "/genesis.posts")
        try FileManager.default.moveItem(atPath: kept, toPath: aside)
        try FileManager.default.createDirectory(atPath: kept + "/x", withIntermediateDirectories: true)
        let before = FileManager.default.contents(atPath: home + "/keys/me.recovery")
        let failed = try await run("key", "rotate")
        #expect(failed.exit != 0 && FileManager.default.contents(atPath: home + "/keys/me.recovery") == before)
        let words = failed.errors.components(separatedBy: "The new words are: ").last ?? ""
        let file = try World.current.write(
            Array(words.split(whereSeparator: \.isWhitespace).prefix(24).joined(separator: " ").utf8), as: "words")
        try FileManager.default.removeItem(atPath: kept)
        try FileManager.default.moveItem(atPath: aside, toPath: kept)
        // In force already: both the words and the sealed file that waits are good.
        for arguments in [["--label", "x", "--words-file", file], ["--label", "y"]] {
            let made = try await Waggle.run(["key", "new", "--home", home] + arguments, environment: sealed)
            #expect(made.exit == 0, "\(failed) \(made)")
        }
        let again = try await run("key", "rotate", "--json")
        #expect(again.exit == 0, "\(again)")
        #expect(!FileManager.default.fileExists(atPath: home + "/keys/me.recovery.next"))
        #expect(try await run("key", "new", "--label", "z").exit == 0)
        #expect(try again.json(Rotated.self).words != words)
    }

    @Test("bad backups, wrong passphrases and homes that are taken are refused by name, and nothing is written")
    func refuses() async throws {
        let drill = try await Drill()
        let (world, a) = (drill.world, drill.a)
        let file = world.path("a.backup")
        try await a.ok("backup", "create", file, "--passphrase-file", drill.pass)
        let again = try await a.run("backup", "create", file, "--passphrase-file", drill.pass)
        #expect(again.exit == 7 && again.errors.contains(file), "\(again)")
        #expect(try await a.run("backup", "create", world.path("b.backup")).exit == 2)

        let good = try Data(contentsOf: URL(filePath: file))
        var flipped = good
        flipped[good.count / 2] ^= 1
        let cut = try world.write(Array(good.prefix(good.count - 3000)), as: "cut")
        let changed = try world.write(Array(flipped), as: "flipped")
        let other = try world.write(Array("another\n".utf8), as: "other")
        let home = world.path("new")
        for (path, pass, exit) in [
            (cut, drill.pass, 6), (changed, drill.pass, 6), (file, other, 5), (world.path("none"), drill.pass, 3),
            (drill.pass, drill.pass, 6),
        ] as [(String, String, Int32)] {
            for command in ["verify", "restore"] {
                let result = try await Waggle.run(
                    ["backup", command, path, "--passphrase-file", pass, "--home", home])
                #expect(result.exit == exit, "\(command) \(path): \(result)")
                #expect(result.errors.contains(path), "\(result)")
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: world.folder)
        #expect(
            !names.contains { $0.contains("restoring") || $0.contains(".waggle-backup") || $0 == "new" }, "\(names)")

        // A home in use, and one with a single file.
        try FileManager.default.createDirectory(atPath: home, withIntermediateDirectories: false)
        try Data().write(to: URL(filePath: home + "/x"))
        for taken in [a.home, home] {
            let result = try await Waggle.run(
                ["backup", "restore", file, "--passphrase-file", drill.pass, "--home", taken])
            #expect(result.exit == 7 && result.errors.contains(taken), "\(result)")
        }
        try FileManager.default.removeItem(atPath: home + "/x")
        let result = try await Waggle.run(["backup", "restore", file, "--passphrase-file", drill.pass, "--home", home])
        #expect(result.exit == 0, "an empty folder is no home: \(result)")
    }

    @Test(
        "a full disk leaves no half backup, and no half home",
        .enabled(if: SmallDisk.isPossible, "needs the right to mount a disk"))
    func fullDisk() async throws {
        let drill = try await Drill()
        let (world, a) = (drill.world, drill.a)
        let disk = try SmallDisk.mount("disk", mebibytes: 2)
        let refused = try await a.run(
            "backup", "create", disk + "/", "--blobs", "--passphrase-file", drill.pass)
        #expect(refused.exit == 8, "\(refused)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == [])
        let file = world.path("a.backup")
        try await a.ok("backup", "create", file, "--blobs", "--passphrase-file", drill.pass)
        let restored = try await Waggle.run(
            ["backup", "restore", file, "--passphrase-file", drill.pass, "--home", disk])
        #expect(restored.exit == 8, "\(restored)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == [])
    }

    @Test("every database of a home is in the backup, or can be computed anew")
    func databases() async throws {
        let node = try await World.current.node("a")
        let pass = try World.current.write(Array("p\n".utf8), as: "pass")
        let file = try World.current.path("a.backup")
        try await node.ok("backup", "create", file, "--passphrase-file", pass)
        let bytes = try Data(contentsOf: URL(filePath: file))
        let names = try FileManager.default.contentsOfDirectory(atPath: node.home + "/db").filter {
            $0.hasSuffix(".db")
        }
        #expect(names.count >= 6)
        for name in names where name != "catalog.db" {
            #expect(bytes.firstRange(of: Data("db/\(name)\0".utf8)) != nil, "\(name)")
        }
    }
}
