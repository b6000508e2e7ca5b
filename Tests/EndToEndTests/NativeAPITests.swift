import Digests
import Foundation
import Testing

@Suite("The native API of a running node", .nodes, .logsOnFailure)
struct NativeAPITests {
    private struct Token: Decodable {
        let token: String
    }

    private struct Upload: Decodable {
        let id: String
        let offset: Int
        let isComplete: Bool

        enum CodingKeys: String, CodingKey {
            case id, offset
            case isComplete = "is_complete"
        }
    }

    private struct Said: Decodable {
        let post: String
        let isNew: Bool

        enum CodingKeys: String, CodingKey {
            case post
            case isNew = "is_new"
        }
    }

    private struct Problem: Decodable {
        let code: String
    }

    private struct Me: Decodable {
        let account: String
        let author: String
    }

    private struct Session: Decodable {
        let account: String
        let words: String?
    }

    /// A program with a token.
    private struct Bot {
        let node: TestNode
        let token: String

        init(_ node: TestNode, _ arguments: String...) async throws {
            self.node = node
            let result = try await Waggle.run(["token", "new", "--json", "--home", node.home] + arguments)
            token = try result.json(Token.self).token
        }

        func send(
            _ method: String, _ path: String, _ body: Any? = nil, _ fields: [String: String] = [:],
            bytes: [UInt8]? = nil
        ) async throws -> HTTPReply {
            var all = ["Authorization": "Bearer \(token)"]
            if body != nil { all["Content-Type"] = "application/json" }
            all.merge(fields) { $1 }
            let json = try body.map { [UInt8](try JSONSerialization.data(withJSONObject: $0, options: .sortedKeys)) }
            return try await HTTP.send(method, node.url + "/api/w1/" + path, all, body: bytes ?? json)
        }

        func ask<Value: Decodable>(
            _ type: Value.Type, _ method: String, _ path: String, _ body: Any? = nil, status: Int = 200,
            _ fields: [String: String] = [:]
        ) async throws -> Value {
            let reply = try await send(method, path, body, fields)
            try #require(reply.status == status, "\(path): \(reply.status) \(reply.text)")
            return try JSONDecoder().decode(type, from: Data(reply.body))
        }

        /// Brings a file in parts.
        func upload(_ bytes: [UInt8], as name: String, parts: Int = 1) async throws -> String {
            let upload = try await ask(
                Upload.self, "POST", "uploads",
                ["name": name, "size": bytes.count, "sha256": SHA256.hash(bytes).hex], status: 201)
            let step = bytes.count / parts + 1
            for start in stride(from: 0, to: bytes.count, by: step) {
                let reply = try await send(
                    "PATCH", "uploads/\(upload.id)", nil, ["Upload-Offset": "\(start)"],
                    bytes: Array(bytes[start..<min(start + step, bytes.count)]))
                try #require(reply.status == 200, "\(reply.text)")
            }
            return upload.id
        }
    }

    @Test("a bot uploads, drafts and publishes with a token; the release is the account's, and the file is served")
    func publishing() async throws {
        let node = try await World.current.node("node")
        let bot = try await Bot(node, "--scope", "read,publish,review,social")
        let file = try Samples.lora(mebibytes: 2, seed: 1)
        let id = try await bot.upload(file, as: "honey.safetensors", parts: 3)
        let picture = try await bot.upload(Samples.picture(side: 16, seed: 1), as: "picture.png")
        let request: [String: Any] = [
            "files": [id], "samples": [picture], "model": "honey", "version": "1.0", "type": "LORA",
            "base_model": "SDXL 1.0", "tags": ["bees"], "real_person": false, "trained_words": ["honey style"],
        ]
        struct Draft: Decodable {
            struct Field: Decodable {
                let name: String
                let value: String
            }

            let fields: [Field]
        }
        let draft = try await bot.ask(Draft.self, "POST", "releases/draft", request)
        #expect(draft.fields.contains { $0.name == "trigger words" && $0.value == "honey style" })
        let key = ["Idempotency-Key": "release one"]
        let published = try await bot.ask(Published.self, "POST", "releases", request, status: 201, key)
        #expect(published.files[0].sha256 == SHA256.hash(file).hex && published.isNew)
        // The same request again is the same answer, though its uploads are gone.
        let again = try await bot.send("POST", "releases", request, key)
        #expect(again.status == 201 && again["Idempotency-Replayed"] == "true")
        #expect(try JSONDecoder().decode(Published.self, from: Data(again.body)).release == published.release)
        let other = try await bot.send("POST", "releases", ["files": [], "model": "x", "version": "1"], key)
        #expect(other.status == 422)
        #expect(try await bot.send("GET", "uploads/\(id)").status == 404)
        let bytes = try await node.get("/blobs/\(published.files[0].sha256)")
        #expect(bytes.status == 200 && bytes.body == file)
        #expect(try await node.run("show", "@me/honey@1.0").exit == 0)

        let said = try await bot.ask(
            Said.self, "POST", "comments", ["subject": published.model, "text": "Mind the bees."], status: 201)
        _ = try await bot.ask(
            Said.self, "POST", "comments",
            ["subject": published.model, "text": "I do.", "reply_to": said.post], status: 201)
        _ = try await bot.ask(
            Said.self, "POST", "reactions", ["subject": published.release, "emoji": "🐝"], status: 201)
        #expect(
            try await !bot.ask(Said.self, "POST", "reactions", ["subject": published.release, "emoji": "🐝"]).isNew)
        _ = try await bot.ask(Said.self, "PUT", "collections/mine/sweet", ["name": "Sweet things"], status: 201)
        _ = try await bot.ask(
            Said.self, "POST", "collections/mine/sweet/items", ["add": [published.model]], status: 201)
        let images = try await bot.upload(Samples.picture(side: 16, seed: 2), as: "second.png")
        _ = try await bot.ask(
            Said.self, "POST", "images", ["images": [images], "releases": [published.release], "title": "Two"],
            status: 201)
        let own = try await bot.send(
            "POST", "reviews", ["release": published.release, "is_recommended": true, "text": "Mine."])
        #expect(own.status == 400, "nobody reviews their own")
        struct List: Decodable {
            struct Item: Decodable {
                let title: String?
            }

            let items: [Item]
        }
        #expect(try await bot.ask(List.self, "GET", "images").items.count == 2)
        let gone = try await bot.send("DELETE", "posts/\(said.post)", ["reason": "enough"])
        #expect(gone.status == 200, "\(gone.text)")
        struct Model: Decodable {
            struct Counts: Decodable {
                let comments: Int
                let collections: Int
                let images: Int
            }

            let counts: Counts
        }
        let model = try await bot.ask(Model.self, "GET", "models/\(published.model)")
        #expect(model.counts.collections == 1 && model.counts.images == 2)
    }

    @Test("uploads go on where they broke, are checked, and belong to whoever began them")
    func uploads() async throws {
        let node = try await World.current.node("node")
        let bot = try await Bot(node, "--scope", "publish")
        try await node.ok("account", "new", "ada")
        let ada = try await Bot(node, "--scope", "publish", "--account", "ada")
        let bytes = try Samples.lora(mebibytes: 1, seed: 1)
        let hash = SHA256.hash(bytes).hex
        let begun = try await bot.ask(
            Upload.self, "POST", "uploads", ["name": "a.safetensors", "size": bytes.count, "sha256": hash], status: 201)
        func patch(_ bot: Bot, _ offset: Int, _ part: ArraySlice<UInt8>) async throws -> HTTPReply {
            try await bot.send(
                "PATCH", "uploads/\(begun.id)", nil, ["Upload-Offset": "\(offset)"], bytes: Array(part))
        }
        #expect(try await patch(bot, 0, bytes[..<1000]).status == 200)
        #expect(try await patch(ada, 1000, bytes[1000...]).status == 404)
        let wrong = try await patch(bot, 500, bytes[500...])
        #expect(wrong.status == 409 && wrong["Upload-Offset"] == "1000")
        // Begun uploads outlive the server.
        await node.kill()
        try await node.restart()
        #expect(try await bot.ask(Upload.self, "GET", "uploads/\(begun.id)").offset == 1000)
        let early = try await bot.send(
            "POST", "releases", ["files": [begun.id], "model": "a", "version": "1", "type": "LORA"])
        #expect(early.status == 409)
        #expect(try JSONDecoder().decode(Problem.self, from: Data(early.body)).code == "upload-incomplete")
        let done = try await bot.send(
            "PUT", "uploads/\(begun.id)", nil,
            ["Content-Range": "bytes 1000-\(bytes.count - 1)/\(bytes.count)"], bytes: Array(bytes[1000...]))
        #expect(done.status == 200 && done["Upload-Offset"] == "\(bytes.count)", "\(done.text)")
        #expect(try await patch(bot, bytes.count, [1]).status == 422)
        // What a crash left between the last byte and the look at all of them is not complete until it was looked at.
        await node.kill()
        try FileManager.default.removeItem(atPath: node.home + "/tmp/uploads/\(begun.id)/.done")
        try await node.restart()
        let unseen = try await bot.ask(Upload.self, "GET", "uploads/\(begun.id)")
        #expect(!unseen.isComplete && unseen.offset == bytes.count)
        let refused = try await bot.send(
            "POST", "releases", ["files": [begun.id], "model": "a", "version": "1", "type": "LORA"])
        #expect(refused.status == 409)
        #expect(try await patch(bot, bytes.count, []).status == 200)
        #expect(try await bot.ask(Upload.self, "GET", "uploads/\(begun.id)").isComplete)
        // Other bytes than were named are dropped.
        let lie = try await bot.ask(
            Upload.self, "POST", "uploads", ["name": "b", "size": 3, "sha256": hash], status: 201)
        #expect(try await bot.send("PUT", "uploads/\(lie.id)", nil, bytes: [1, 2, 3]).status == 422)
        #expect(try await bot.ask(Upload.self, "GET", "uploads/\(lie.id)").offset == 0)
        for name in ["", "a/b", "..", ".", ".upload.json", ".done", "a\u{0}b", String(repeating: "x", count: 256)] {
            #expect(try await bot.send("POST", "uploads", ["name": name, "size": 1]).status == 400, "\(name)")
        }
        #expect(try await bot.send("POST", "uploads", ["name": "a", "size": 0]).status == 400)
        #expect(try await bot.send("POST", "uploads", ["name": "a", "size": -1]).status == 400)
        #expect(try await bot.send("POST", "uploads", ["name": "a", "size": 1 << 50]).status == 422)
        let files = try FileManager.default.contentsOfDirectory(atPath: node.home + "/tmp/uploads")
        #expect(files.count == 2)
        #expect(try await bot.send("DELETE", "uploads/\(lie.id)").status == 204)
        #expect(try await HTTP.send("GET", node.url + "/api/w1/uploads").status == 401)
    }

    @Test("an account has room for so much; it is counted again after a crash and a reindex, and freed by a delete")
    func quota() async throws {
        struct Line: Decodable {
            let account: String
            let quota: Int?
            let stored: Int
        }
        struct Me: Decodable {
            struct Storage: Decodable {
                let quota: Int?
                let stored: Int
                let uploads: Int
            }

            let storage: Storage
        }
        let node = try await World.current.node("node")
        try await node.ok("account", "new", "ada")
        try await node.ok("account", "quota", "ada", "3MB")
        #expect(try await node.run("account", "quota", "ada", "much").exit == 2)
        let bot = try await Bot(node, "--scope", "read,publish,review", "--account", "ada")
        let bytes = try Samples.lora(mebibytes: 2, seed: 1)
        let id = try await bot.upload(bytes, as: "a.safetensors")
        func begin() async throws -> HTTPReply {
            try await bot.send("POST", "uploads", ["name": "b.safetensors", "size": 1_500_000])
        }
        // What was begun takes its room, over a crash too; what is deleted gives it back.
        await node.kill()
        try await node.restart()
        let refused = try await begin()
        #expect(refused.status == 422 && refused.text.contains("3.0 MB"), "\(refused.text)")
        #expect(try JSONDecoder().decode(Problem.self, from: Data(refused.body)).code == "over-quota")
        let published = try await bot.ask(
            Published.self, "POST", "releases", ["files": [id], "model": "a", "version": "1", "type": "LORA"],
            status: 201)
        func check(_ what: String) async throws {
            let lines = try await node.json([Line].self, "account", "ls")
            let line = lines.first { $0.account == "ada" }
            #expect(line?.quota == 3_000_000 && line?.stored == bytes.count, "\(what)")
        }
        try await check("published")
        let storage = try await bot.ask(Me.self, "GET", "me").storage
        #expect(storage.quota == 3_000_000 && storage.stored == bytes.count && storage.uploads == 0)
        await node.kill()
        try await node.restart()
        try await check("after a crash")
        try await node.ok("reindex")
        try await check("after a reindex")
        #expect(try await begin().status == 422)
        // A small one still fits.
        let second = try await bot.send(
            "POST", "images", ["images": [try await bot.upload(Samples.picture(side: 16, seed: 1), as: "a.png")]])
        #expect(second.status == 201, "\(second.text)")
        #expect(try await bot.send("DELETE", "posts/\(published.release)", ["reason": "enough"]).status == 200)
        let begun = try await begin()
        #expect(begun.status == 201)
        #expect(try await begin().status == 422)
        let upload = try JSONDecoder().decode(Upload.self, from: Data(begun.body))
        #expect(try await bot.send("DELETE", "uploads/\(upload.id)").status == 204)
        #expect(try await begin().status == 201)
        // The operator's own commands are not counted out, and lift what they set.
        #expect(try await node.ok("account", "quota", "ada", "none").output.contains("no limit"))
        #expect(try await begin().status == 201)
    }

    @Test("concurrent requests with one key make one post")
    func idempotency() async throws {
        let node = try await World.current.node("node")
        let bot = try await Bot(node, "--scope", "read,publish,review")
        let file = try await bot.upload(Samples.lora(mebibytes: 1, seed: 1), as: "a.safetensors")
        let published = try await bot.ask(
            Published.self, "POST", "releases",
            ["files": [file], "model": "a", "version": "1", "type": "LORA"], status: 201)
        let replies = try await withThrowingTaskGroup(of: HTTPReply.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await bot.send(
                        "POST", "comments", ["subject": published.model, "text": "Once."], ["Idempotency-Key": "k"])
                }
            }
            return try await group.reduce(into: [HTTPReply]()) { $0.append($1) }
        }
        #expect(replies.allSatisfy { [201, 409].contains($0.status) }, "\(replies.map(\.status))")
        let posts = try replies.filter { $0.status == 201 }.map {
            try JSONDecoder().decode(Said.self, from: Data($0.body)).post
        }
        #expect(Set(posts).count == 1)
        struct List: Decodable {
            struct Item: Decodable {
                let post: String
            }

            let items: [Item]
        }
        #expect(try await bot.ask(List.self, "GET", "models/\(published.model)/comments").items.count == 1)
    }

    @Test("a person registers by an invite, the node signs for them, after a restart too, and other nodes take it")
    func people() async throws {
        let world = try World.current
        let node = try await world.node("node")
        let other = try await world.node("other")
        func post(_ path: String, _ body: Any, cookie: String? = nil) async throws -> HTTPReply {
            var fields = ["Content-Type": "application/json"]
            if let cookie {
                fields["Cookie"] = cookie
                fields["Origin"] = node.url
            }
            return try await HTTP.send(
                "POST", node.url + "/api/w1/" + path, fields,
                body: [UInt8](try JSONSerialization.data(withJSONObject: body, options: .sortedKeys)))
        }
        let ada = ["account": "ada", "passphrase": "nine bees in a row", "name": "Ada L."]
        #expect(try await post("accounts", ada).status == 403, "registration is closed unless the operator opens it")
        #expect(await node.stop() == .code(0))
        try Data("registration.mode = \"invite\"\n".utf8).write(to: URL(filePath: node.home + "/waggle.toml"))
        try await node.restart()
        #expect(try await post("accounts", ada).status == 403)
        let invite = try await node.ok("account", "invite").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let made = try await post("accounts", ada.merging(["invite": invite]) { $1 })
        #expect(made.status == 201, "\(made.text)")
        #expect(
            try JSONDecoder().decode(Session.self, from: Data(made.body)).words?.split(separator: " ").count == 24)
        let cookie = String(try #require(made["Set-Cookie"]?.split(separator: ";").first))
        let token = try await post("tokens", ["scopes": ["read", "publish"]], cookie: cookie)
        #expect(token.status == 201, "\(token.text)")
        await node.kill()
        try await node.restart()
        let bot = try await Bot(node, "--scope", "read,publish", "--account", "ada")
        let file = try await bot.upload(Samples.lora(mebibytes: 1, seed: 1), as: "a.safetensors")
        _ = try await bot.ask(
            Published.self, "POST", "releases",
            ["files": [file], "model": "wax", "version": "1", "type": "LORA"], status: 201)
        let me = try await bot.ask(Me.self, "GET", "me")
        try await other.ok("peer", "add", node.url, "--yes")
        try await eventually("the release arrives elsewhere") {
            try await other.run("show", "@\(me.author)/wax").exit == 0
        }
        // Nothing of the home has the passphrase or the words.
        try await node.ok("account", "disable", "ada")
        #expect(try await bot.send("GET", "me").status == 401)
        #expect(try await post("sessions", ada).status == 403)
    }

    @Test("events come as posts do, go on from a cursor, and tell nobody what they may not see")
    func events() async throws {
        let world = try World.current
        let node = try await world.node("node")
        try await node.ok("account", "new", "ada")
        let bot = try await Bot(node, "--scope", "read", "--account", "ada")
        let port = try #require(node.url.split(separator: ":").last.flatMap { UInt16($0) })
        let token = bot.token
        /// Reads until a line with `mark` came.
        func read(cursor: String?, until mark: String, after action: @Sendable () async throws -> Void) async throws
            -> String
        {
            let connection = try Connection(port: port)
            let query = cursor.map { "?cursor=\($0)" } ?? ""
            connection.write(
                Array(
                    """
                    GET /api/w1/events\(query) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\
                    Authorization: Bearer \(token)\r\n\r\n
                    """.utf8))
            func wait(_ text: String, for mark: String) async throws -> String {
                var text = text
                while !text.contains(mark) {
                    let more = try await blocking { connection.read() }
                    guard !more.isEmpty else { throw HarnessError("the stream ended: \(text)") }
                    text += String(decoding: more, as: UTF8.self)
                }
                return text
            }
            let begun = try await wait("", for: "event: begin")
            try await action()
            return try await wait(begun, for: mark)
        }
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "a.safetensors")
        let hidden = try world.write(Samples.lora(mebibytes: 1, seed: 2), as: "b.safetensors")
        let text = try await read(cursor: nil, until: "\"kind\":11") {
            try await node.ok(
                "publish", hidden, "--model", "@me/hidden", "--version", "1", "--type", "LORA", "--level", "XXX",
                "--yes")
            _ = try await node.publish(file, "honey")
        }
        #expect(text.components(separatedBy: "\"kind\":10").count == 2, "the model that ada may see, alone: \(text)")
        let first = try #require(text.firstMatch(of: #/id: (\S+)\n/#))
        let again = try await read(cursor: String(first.1), until: "\"kind\":11") {}
        #expect(again.components(separatedBy: "\"kind\":10").count == 2)
        #expect(try await HTTP.send("GET", node.url + "/api/w1/events").status == 401)
        #expect(try await bot.send("GET", "events?cursor=x").status == 400)
        #expect(try await bot.send("GET", "events?cursor=0123.5").status == 409)
    }
}
