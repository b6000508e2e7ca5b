import Digests
import Foundation
import Identity
import Testing
import WaggleProtocol

/// The parts of `waggle key ls --json` that tests look at.
struct KeyState: Decodable {
    struct Key: Decodable {
        struct Revoked: Decodable {
            let reason: String
            let checkpoint: String?
        }

        let key: String
        let role: String
        let label: String
        let scopes: [String]
        let since: Int
        let revoked: Revoked?
        let isSecretHere: Bool
        let isInUse: Bool
    }

    let account: String
    let author: String
    let version: Int
    let rotations: Int
    let isDisputed: Bool
    let keys: [Key]
}

/// `waggle init --json`.
struct Initialized: Decodable {
    let node: String
    let me: String
    let words: String
}

struct Device: Decodable {
    let key: String
    let scopes: [String]
}

struct Revoked: Decodable {
    let checkpoint: String?
    let kept: Int?
}

extension World {
    /// A node whose words are known: in a file, too.
    func wordedNode(_ name: String) async throws -> (node: TestNode, made: Initialized, words: String) {
        let node = TestNode(name, home: path(name), world: self)
        let made = try await node.json(Initialized.self, "init")
        let file = try write(Array(made.words.utf8), as: "\(name).words")
        try await node.start([])
        return (node, made, file)
    }
}

@Suite("Keys of people and nodes", .nodes, .logsOnFailure)
struct KeyTests {
    @Test("a stolen device cannot post where its revocation is; what it said before stays, everywhere")
    func stolen() async throws {
        let world = try World.current
        let (a, made, words) = try await world.wordedNode("a")
        let device = try await a.json(
            Device.self, "key", "new", "--label", "laptop", "--scope", "post,review", "--words-file", words)
        #expect(device.scopes == ["review", "post"] || device.scopes == ["post", "review"])
        let exported = world.path("laptop.key")
        try await a.ok("key", "export", "laptop", "-o", exported)
        let file = try KeyFile(path: exported)
        #expect(AuthorID.text(file.author) == made.me && file.documents.count == 3)
        let stolen = Signer(author: file.author, device: try #require(SigningKey(seed: file.secret)))
        func comment(_ text: String, created: UInt64 = Persona.now) throws -> SignedPost {
            var post = WirePost()
            post.created = created
            post.comment.subject = file.author.data
            post.comment.text = text
            return try stolen.sign(post)
        }

        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        let stranger = WireClient(persona: try Persona(.node), url: b.url)
        _ = try await stranger.offer(stranger.persona.documents)
        let other = WireClient(persona: try Persona(.node), url: a.url)
        _ = try await other.offer(other.persona.documents)
        let before = try comment("before")
        #expect(try await other.offer([before.envelope]).first?.status == .new)
        try await eventually("b has it") { try await stranger.posts([before.id]).count == 1 }

        let revoked = try await a.json(
            Revoked.self, "key", "revoke", "laptop", "--reason", "compromised", "--words-file", words)
        #expect(revoked.kept == 1)
        let list = SHA256.hash(before.id.bytes).hex
        try await eventually("b has what the checkpoint names") { try await b.get("/blobs/\(list)").status == 200 }
        for (post, what) in [
            (try comment("after"), "after"), (try comment("dated back", created: 1_700_000_000), "back"),
        ] {
            for client in [stranger, other] {
                // Until the list of what stays is read there, the post waits.
                let result = try await eventually("it is judged") {
                    let result = try await client.offer([post.envelope])[0]
                    return result.status == .parked ? nil : result
                }
                #expect(result.status == .invalid && result.reason.contains("compromised"), "\(what): \(result)")
                #expect(try await client.posts([post.id]).isEmpty, "\(what)")
            }
        }
        for client in [stranger, other] { #expect(try await client.posts([before.id]) == [before.envelope]) }

        // After a restart, and for a node that comes later, it is the same.
        await b.kill()
        try await b.restart()
        let again = WireClient(persona: stranger.persona, url: b.url)
        #expect(try await again.posts([before.id]) == [before.envelope])
        #expect(try await again.offer([comment("again").envelope])[0].status == .invalid)
        let late = try await world.node("late")
        try await late.ok("peer", "add", b.url, "--yes")
        let reader = WireClient(persona: stranger.persona, url: late.url)
        _ = try await reader.offer(reader.persona.documents)
        try await eventually("the late one has what stays") { try await reader.posts([before.id]) == [before.envelope] }
        let offered = try comment("late").envelope
        #expect(try await reader.offer([offered])[0].status == .invalid)

        let keys = try #require(try await a.json([KeyState].self, "key", "ls").first { $0.account == "me" }).keys
        #expect(keys.first { $0.label == "laptop" }?.revoked?.reason == "compromised")
    }

    @Test("key ls shows every key of every account and of the node")
    func list() async throws {
        let world = try World.current
        let (a, made, words) = try await world.wordedNode("a")
        try await a.ok("account", "new", "bea")
        let states = try await a.json([KeyState].self, "key", "ls")
        #expect(states.map(\.account) == ["node", "bea", "me"])
        #expect(states.first?.author == made.node && states.last?.author == made.me)
        for state in states {
            #expect(state.version == 2 && state.rotations == 0 && !state.isDisputed)
            #expect(state.keys.map(\.role) == ["root", "device"])
            #expect(state.keys[1].isSecretHere && state.keys[1].isInUse && !state.keys[0].isSecretHere)
        }
        let text = try await a.ok("key", "ls").output
        #expect(text.contains("signs here") && text.contains("secret elsewhere"), "\(text)")
        // A label twice, a scope that there is not, wrong words.
        #expect(try await a.run("key", "new", "--label", "x", "--scope", "fly", "--words-file", words).exit == 2)
        let wrong = try world.write(Array(RecoverySecret.random().words.utf8), as: "wrong")
        #expect(try await a.run("key", "new", "--label", "x", "--words-file", wrong).exit == 5)
        #expect(try await a.run("key", "new", "--label", "x").exit == 2)
        #expect(try await a.run("key", "revoke", "this computer", "--reason", "lost", "--words-file", words).exit == 2)
        let used = try await a.run(
            "key", "revoke", "this computer", "--account", "me", "--reason", "lost", "--words-file", words)
        #expect(used.exit == 7 && used.errors.contains("--use"), "\(used)")
        #expect(try await a.run("key", "revoke", "nobody", "--reason", "lost", "--words-file", words).exit == 3)
    }

    @Test("rotated keys go by the new words; the old ones are void; followers see it and posts go on")
    func rotates() async throws {
        struct Rotated: Decodable {
            let words: String
        }
        let world = try World.current
        let (a, _, words) = try await world.wordedNode("a")
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        let rotated = try await a.json(Rotated.self, "key", "rotate", "--words-file", words)
        let new = try world.write(Array(rotated.words.utf8), as: "new.words")
        for state in try await a.json([KeyState].self, "key", "ls") {
            #expect(state.rotations == 2 && state.version == 4 && !state.isDisputed, "\(state.account)")
            #expect(state.keys.filter { $0.role == "former-root" }.count == 2)
        }
        #expect(try await a.run("key", "new", "--label", "x", "--words-file", words).exit == 5)
        #expect(try await a.run("key", "rotate", "--words-file", words).exit == 5)
        try await a.ok("key", "new", "--label", "x", "--words-file", new)
        let bytes = try Samples.lora(mebibytes: 1, seed: 1)
        let published = try await a.publish(world.write(bytes, as: "x.safetensors"), "x")
        try await eventually("b has the release") { try await b.run("show", published.release).exit == 0 }
        try await a.ok("key", "rotate", "--keep-words", "--words-file", new)
        try await a.ok("key", "new", "--label", "y", "--account", "node", "--words-file", new)
        await a.kill()
        try await a.restart()
        #expect(try await a.publish(world.write(bytes, as: "y.safetensors"), "y").isNew)
    }

    @Test("a device works on another machine: exported and imported, or made there and listed by its public key")
    func otherMachines() async throws {
        let world = try World.current
        let (a, made, words) = try await world.wordedNode("a")
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await a.ok("key", "new", "--label", "desk", "--words-file", words)
        let pass = try world.write(Array("open sesame\n".utf8), as: "pass")
        let file = world.path("desk.key")
        try await a.ok("key", "export", "desk", "-o", file, "--passphrase-file", pass)
        #expect(try await b.run("key", "import", file, "--account", "ana").exit == 5)
        try await b.ok("key", "import", file, "--account", "ana", "--passphrase-file", pass)
        #expect(try await b.run("key", "import", file, "--account", "ana", "--passphrase-file", pass).exit == 7)
        try await b.ok("account", "profile", "--as", "ana", "--name", "Ana")
        try await eventually("a hears of it") { try await a.ok("account", "ls").output.contains("Ana") }

        let device = try await b.json(
            Device.self, "key", "new", "--author", made.me, "--account", "ana2", "--label", "shed")
        #expect(try await b.run("account", "profile", "--as", "ana2", "--name", "Ana 2").exit == 5)
        let pem = world.path("shed.pem")
        try Data(PublicKeyPEM.text(try #require(Hash32(hex: device.key))).utf8).write(to: URL(filePath: pem))
        try await a.ok("key", "add", pem, "--label", "shed", "--words-file", words)
        try await eventually("the roots' word is there") {
            try await b.json([KeyState].self, "key", "ls").contains { $0.account == "ana2" && $0.version == 4 }
        }
        try await b.ok("account", "profile", "--as", "ana2", "--name", "Ana 2")
        for format in ["hex", "pem", "minisign", "ssh"] {
            let text = try await a.ok("key", "export", "shed", "--format", format).output
            #expect(try PublicKeyText.parse(text).hex == device.key)
        }
    }

    @Test("a home goes over to a new key and takes the old one out of use")
    func replaces() async throws {
        let world = try World.current
        let (a, _, words) = try await world.wordedNode("a")
        let bytes = try Samples.lora(mebibytes: 1, seed: 1)
        let first = try await a.publish(world.write(bytes, as: "x.safetensors"), "x")
        try await a.ok("key", "new", "--label", "second", "--use", "--words-file", words)
        try await a.ok(
            "key", "revoke", "this computer", "--account", "me", "--reason", "compromised", "--words-file", words)
        #expect(try await a.publish(world.write(bytes, as: "y.safetensors"), "y").isNew)
        for name in ["x", "y"] { try await a.ok("verify", "@me/\(name)@1.0") }
        await a.kill()
        try await a.restart()
        #expect(try await a.publish(world.write(bytes, as: "z.safetensors"), "z").isNew)
        try await a.ok("show", first.release)
    }
}
