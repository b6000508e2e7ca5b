import Foundation
import Testing

@Suite("Moving people and posts", .nodes, .logsOnFailure)
struct MovingTests {
    private struct Moved: Decodable {
        let author: String
        let home: String
        let posts: Int
        let retired: [String]
        let isOldHomeTold: Bool
    }

    private struct Line: Decodable {
        let account: String
        let state: String
    }

    private struct Dump: Decodable {
        let name: String
        let size: Int
        let sha256: String
        let posts: Int
    }

    private struct Dumps: Decodable {
        let items: [Dump]
    }

    private struct Imported: Decodable {
        let posts: Int
        let new: Int
        let known: Int
        let invalid: Int
        let isComplete: Bool
    }

    @Test("an account moves: the new home signs, the old one lets go of its key, and followers follow on")
    func move() async throws {
        let world = try World.current
        let old = try await world.node("old")
        let follower = try await world.node("follower")
        struct Made: Decodable {
            let author: String
            let words: String
        }
        let ada = try await old.json(Made.self, "account", "new", "ada", "--name", "Ada")
        let words = try world.write(Array(ada.words.utf8), as: "words")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "a.safetensors")
        try await old.ok(
            "publish", file, "--model", "@ada/wax", "--version", "1", "--type", "LORA", "--real-person", "no", "--yes")
        try await follower.ok("peer", "add", old.url, "--yes")
        try await follower.ok("follow", "add", ada.author)
        try await eventually("the follower has the model") {
            try await follower.run("show", "@\(ada.author)/wax").exit == 0
        }

        let new = try await world.node("new")
        let moved = try await new.json(
            Moved.self, "account", "move", "ada", "--from", old.url, "--words-file", words)
        #expect(moved.author == ada.author && moved.home == new.url && moved.posts >= 4)
        #expect(moved.retired == ["this computer"] && moved.isOldHomeTold)
        #expect(try await new.run("show", "@\(ada.author)/wax@1").exit == 0)
        // Asked again, nothing happens twice.
        let again = try await new.json(
            Moved.self, "account", "move", "ada", "--from", old.url, "--words-file", words)
        #expect(again.retired.isEmpty && again.author == ada.author)
        let second = try world.write(Samples.lora(mebibytes: 1, seed: 2), as: "b.safetensors")
        try await new.ok(
            "publish", second, "--model", "@ada/wax", "--version", "2", "--type", "LORA", "--real-person", "no", "--yes"
        )
        try await eventually("the follower sees what was signed at the new home") {
            try await follower.run("show", "@\(ada.author)/wax@2").exit == 0
        }
        try await eventually("the old home lets go") {
            try await old.json([Line].self, "account", "ls").first { $0.account == "ada" }?.state == "moved"
        }
        let refused = try await old.run("comment", "@\(ada.author)/wax", "Hello.", "--as", "ada")
        #expect(refused.exit == 5 && refused.errors.contains("moved"), "\(refused)")
        // After a restart too.
        #expect(await old.stop() == .code(0))
        try await old.restart()
        #expect(try await old.run("comment", "@\(ada.author)/wax", "Hello.", "--as", "ada").exit == 5)
        let wrong = try world.write(Array("abandon ability".utf8), as: "wrong")
        #expect(try await new.run("account", "move", "eve", "--from", old.url, "--words-file", wrong).exit == 2)
    }

    @Test("somebody moves from page to page, and back: what they signed comes along, and each old home lets go")
    func pages() async throws {
        let world = try World.current
        for name in ["old", "new"] {
            try FileManager.default.createDirectory(atPath: world.path(name), withIntermediateDirectories: true)
            _ = try world.write(Array("[registration]\nmode = \"open\"\n".utf8), as: "\(name)/waggle.toml")
        }
        let (old, new) = (try await world.node("old"), try await world.node("new"))
        let passphrase = "nine bees in a row"
        struct Made: Decodable {
            let author: String
            let words: String
        }
        let registered = try await HTTP.send(
            "POST", old.url + "/api/w1/accounts", ["Content-Type": "application/json"],
            body: Array(#"{"account": "ada", "name": "Ada", "passphrase": "nine bees in a row"}"#.utf8))
        let made = try JSONDecoder().decode(Made.self, from: Data(registered.body))
        let atOld = Visitor(old.url, cookie: registered["Set-Cookie"])

        // The old home leads to the new one.
        let led = try await atOld.fill("/account/move", "/account/move", ["to": new.url])
        let link = try #require(
            led.text.firstMatch(of: #/href="(http[^"]*)\/signup\/move\?([^"]*)"/#), "\(led.text)")
        #expect(link.output.1 == new.url)
        let form = "/signup/move?" + link.output.2.replacing("&amp;", with: "&")
        var typed = ["from": old.url, "words": made.words, "account": "ada", "passphrase": passphrase]
        let stranger = try await Visitor(new.url).fill(form, "/signup/move", typed)
        #expect(stranger.status == 422 && stranger.text.contains("no public address"), "\(stranger.text)")
        #expect(stranger.text.contains(made.words), "what was typed stays")
        // Addresses of this machine are for those whom the operator named.
        try await new.ok("peer", "add", old.url, "--yes")
        let other = try #require(made.words.split(separator: " ").last)
        typed["words"] = made.words.replacing(other, with: other == "zoo" ? "zone" : "zoo")
        #expect(try await Visitor(new.url).fill(form, "/signup/move", typed).status == 422)
        typed["words"] = made.words
        let moved = try await Visitor(new.url).fill(form, "/signup/move", typed)
        #expect(moved.status == 200 && moved.text.contains("You live here now"), "\(moved.text)")
        #expect(moved.text.contains("Your old home knows it"), "\(moved.text)")
        let atNew = Visitor(new.url, cookie: moved["Set-Cookie"])
        let me = try await atNew.get("/account")
        #expect(me.status == 200 && me.text.contains("Ada"), "\(me.text)")
        #expect(try await !atNew.get("/account/move").text.contains("/account/move/finish"))
        try await eventually("the old home lets go") {
            try await old.json([Line].self, "account", "ls").first { $0.account == "ada" }?.state == "moved"
        }
        #expect(try await atOld.get("/account").status == 401)
        let late = try await Visitor(old.url).fill("/signin", "/signin", ["account": "ada", "passphrase": passphrase])
        #expect(late.status == 403 && late.text.contains("moved to another node"), "\(late.text)")

        // Back, under the name of then.
        try await old.ok("peer", "add", new.url, "--yes")
        typed["from"] = new.url
        typed["account"] = "somebody"
        let back = try await Visitor(old.url).fill("/signup/move", "/signup/move", typed)
        #expect(back.status == 200 && back.text.contains("@ada"), "\(back.text)")
        #expect(
            try await old.json([Line].self, "account", "ls").first { $0.account == "ada" }?.state == "active")
        try await eventually("the new home lets go") {
            try await new.json([Line].self, "account", "ls").first { $0.account == "ada" }?.state == "moved"
        }
        #expect(try await Visitor(old.url, cookie: back["Set-Cookie"]).get("/account").text.contains("Ada"))
    }

    @Test("nobody moves onto a name that belongs to somebody else, with a key file or without")
    func takenName() async throws {
        let world = try World.current
        let old = try await world.node("old")
        struct Made: Decodable {
            let author: String
            let words: String
        }
        let ada = try await old.json(Made.self, "account", "new", "ada")
        let words = try world.write(Array(ada.words.utf8), as: "words")
        try FileManager.default.createDirectory(atPath: world.path("new"), withIntermediateDirectories: true)
        _ = try world.write(Array("[registration]\nmode = \"open\"\n".utf8), as: "new/waggle.toml")
        let new = try await world.node("new")
        let registered = try await HTTP.send(
            "POST", new.url + "/api/w1/accounts", ["Content-Type": "application/json"],
            body: Array(#"{"account": "bee", "passphrase": "a long enough passphrase"}"#.utf8))
        #expect(registered.status == 201, "\(registered.text)")
        let before = try await new.json([Line].self, "account", "ls").map(\.account)
        let source = ["--from", old.url, "--words-file", words, "--home", new.home]
        for verb in [["account", "move", "bee"], ["key", "recover", "--account", "bee"]] {
            let refused = try await Waggle.run(verb + source)
            #expect(refused.exit == 7, "\(refused)")
        }
        #expect(!FileManager.default.fileExists(atPath: new.home + "/keys/bee.key"))
        #expect(try await new.json([Line].self, "account", "ls").map(\.account) == before)
        // The author has one name here.
        try await new.ok("account", "move", "ada", "--from", old.url, "--words-file", words)
        #expect(
            try await new.run("account", "move", "eve", "--from", old.url, "--words-file", words).exit == 7)
    }

    @Test("a dump has what visitors see and no more, is served, and another node takes it in, each post verified")
    func dump() async throws {
        let world = try World.current
        let node = try await world.node("node")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "a.safetensors")
        let hidden = try world.write(Samples.lora(mebibytes: 1, seed: 2), as: "b.safetensors")
        let published = try await node.publish(file, "honey")
        try await node.ok(
            "publish", hidden, "--model", "@me/secret", "--version", "1", "--type", "LORA", "--level", "XXX", "--yes")
        let made = try await node.json(Dump.self, "dump")
        let listed = try await node.api(Dumps.self, "/dumps").items
        #expect(listed.map(\.name) == [made.name] && listed[0].sha256 == made.sha256)
        let reply = try await node.get("/dumps/\(made.name)")
        #expect(reply.status == 200 && reply.body.count == made.size)
        let part = try await node.get("/dumps/\(made.name)", ["Range": "bytes=4-9"])
        #expect(part.status == 206 && part.body == Array(reply.body[4..<10]))
        for name in ["..%2fdb%2fposts.db", "public-2026-01-01.ndjson.zst", made.name + ".json"] {
            #expect(try await node.get("/dumps/\(name)").status == 404, "\(name)")
        }

        let other = try await world.node("other")
        let copy = try world.write(reply.body, as: "copy.zst")
        let taken = try await other.json(Imported.self, "import", copy)
        #expect(taken.posts == made.posts && taken.new == made.posts && taken.invalid == 0 && taken.isComplete)
        #expect(try await other.run("show", published.release).exit == 0)
        #expect(try await other.run("show", "@\(try await author(node))/secret").exit == 3)
        #expect(try await other.json(Imported.self, "import", copy).known == made.posts)
        // Bytes that were cut off or changed are noticed.
        let cut = try world.write(Array(reply.body.dropLast(40)), as: "cut.zst")
        #expect(try await other.run("import", cut).exit == 6)
        var changed = reply.body
        changed[changed.count / 2] ^= 1
        #expect(try await other.run("import", try world.write(changed, as: "changed.zst")).exit == 6)
        #expect(try await other.run("import", file).exit == 6)
        #expect(try await other.run("import", world.path("nothing")).exit == 3)
    }

    @Test("a node that writes no dumps at night serves as any other")
    func noDumps() async throws {
        let world = try World.current
        let node = TestNode("node", home: world.path("node"), world: world)
        try await node.ok("init")
        try Data("dump = \"off\"\n".utf8).write(to: URL(filePath: node.home + "/waggle.toml"))
        try await node.start([])
        _ = try await node.json([Line].self, "account", "ls")
        #expect(try await node.get("/dumps").status == 200 && node.isRunning)
        #expect(await node.stop() == .code(0))
    }

    private func author(_ node: TestNode) async throws -> String {
        struct Account: Decodable {
            let account: String
            let author: String
        }
        return try #require(
            try await node.json([Account].self, "account", "ls").first { $0.account == "me" }
        ).author
    }
}

/// A browser of few words: it shows its cookie, and sends forms as pages have them.
private struct Visitor {
    let url: String
    let cookie: String

    /// - Parameter cookie: the field that sets it.
    init(_ url: String, cookie: String? = nil) {
        self.url = url
        self.cookie = String(cookie?.prefix { $0 != ";" } ?? "")
    }

    func get(_ path: String) async throws -> HTTPReply {
        try await HTTP.send("GET", url + path, cookie.isEmpty ? [:] : ["Cookie": cookie])
    }

    func fill(_ page: String, _ action: String, _ fields: [String: String]) async throws -> HTTPReply {
        let shown = try await get(page)
        let actions = shown.text.matches(of: #/<form action="([^"]*)" method="post"/#).map {
            $0.output.1.replacing("&amp;", with: "&")
        }
        let target = try #require(
            actions.first { $0.prefix { $0 != "?" } == action }, "no form to \(action) at \(page): \(shown.text)")
        var allowed = CharacterSet.alphanumerics
        allowed.insert(charactersIn: "-._~")
        let body = fields.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: allowed) ?? "")"
        }.joined(separator: "&")
        var headers = ["Content-Type": "application/x-www-form-urlencoded", "Origin": url]
        if !cookie.isEmpty { headers["Cookie"] = cookie }
        return try await HTTP.send("POST", url + target, headers, body: Array(body.utf8))
    }
}
