import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import PostLog
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Publishing with forms")
struct PublishPageTests {
    /// A LoRA of one layer whose header says where it was trained.
    private static let lora: [UInt8] = {
        let header = """
            {"__metadata__":{"modelspec.title":"Neon film","ss_network_module":"networks.lora",\
            "ss_output_name":"neonfilm","ss_train_data_dir":"/home/ada/secret/photos","ss_tag_frequency":"{\\"a\\":{\\"neon film\\":9}}",\
            "ss_sd_model_name":"sd_xl_base_1.0.safetensors","ss_base_model_version":"sdxl_base_v1-0"},\
            "lora_unet_down.lora_down.weight":{"dtype":"F16","shape":[1,4],"data_offsets":[0,8]},\
            "lora_unet_down.lora_up.weight":{"dtype":"F16","shape":[4,1],"data_offsets":[8,16]}}
            """
        let bytes = Array(header.utf8)
        return withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
            + [UInt8](repeating: 60, count: 16)
    }()

    @Test(
        "from a file to a signed release: drafted from its header, linted, with samples that are matched, signed once")
    func release() async throws {
        let node = try await TestNode.make()
        let ada = try await node.person("ada", seed: 40)
        let anybody = node.moderation.filter(for: .anonymous)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                #expect(HTMLLint.problems(try await member.get("/publish").text) == [])
                let begun = try await member.fill("/publish", "/publish", ["kind": "release"])
                let path = begun.location
                #expect(path.hasPrefix("/publish/"))
                let files = try await member.get(path)
                #expect(HTMLLint.problems(files.text) == [], "\(files.text)")
                #expect(files.headers[.contentSecurityPolicy]?.contains("connect-src 'self'") == true)
                let sent = try await member.send(
                    try #require(files.action("\(path)/files")), [("neonfilm.safetensors", Self.lora)])
                #expect(sent.status == .seeOther, "\(sent.text)")

                // The header fills the form, and says so.
                let about = try await member.get("\(path)?step=about")
                #expect(HTMLLint.problems(about.text) == [])
                #expect(about.text.contains("value=\"Neon film\"") && about.text.contains("value=\"neonfilm\""))
                #expect(about.text.contains("From the file"))
                let wrong = try await member.post(
                    try #require(about.action(path)),
                    [
                        "model": "Not a slug!", "version": "1.0", "type": "LORA", "name": "Neon film",
                        "description": "Glow.",
                    ])
                #expect(wrong.status == .unprocessableContent && wrong.text.contains("f-model-trouble"))
                #expect(wrong.text.contains("Not a slug!"))
                let right = try await member.post(
                    try #require(wrong.action(path)),
                    [
                        "model": "neonfilm", "version": "1.0", "type": "LORA", "name": "Neon film", "base": "SDXL 1.0",
                        "description": "Glow.", "words": "neon film", "tags": "style, neon", "level": "PG",
                        "licence": "CC0-1.0", "allows": "derivatives", "strength": "0.8",
                    ])
                #expect(right.location == "\(path)?step=samples", "\(right.text)")

                let samples = try await member.get("\(path)?step=samples")
                let picture = CallerTests.picture(
                    "neon bees <lora:neonfilm:0.8>\nSteps: 20, Sampler: Euler a, Seed: 1, Lora hashes: \"neonfilm: \(Self.autoV3)\", Version: v1.9"
                )
                _ = try await member.send(
                    try #require(samples.action("\(path)/files")),
                    [("one.png", picture), ("two.png", TestNode.wholePNG)])
                let matched = try await member.get("\(path)?step=samples")
                #expect(HTMLLint.problems(matched.text) == [])
                #expect(matched.text.contains("made with this file") && matched.text.contains("tells no recipe"))

                let sign = try await member.get("\(path)?step=sign")
                #expect(HTMLLint.problems(sign.text) == [])
                #expect(sign.text.contains("@ada/neonfilm@1.0") && sign.text.contains("/home/ada"), "\(sign.text)")
                let unanswered = try await member.post(try #require(sign.action("\(path)/sign")), ["person": ""])
                #expect(unanswered.status == .unprocessableContent && unanswered.text.contains("f-person-trouble"))
                let action = try #require(unanswered.action("\(path)/sign"))
                let signed = try await member.post(action, ["person": "no"])
                #expect(signed.status == .seeOther && signed.location.hasPrefix("/models/"), "\(signed.text)")
                #expect(try await member.post(action, ["person": "no"]).location == signed.location)
                let shown = try await client(.get, signed.location)
                #expect(shown.text.contains("Neon film") && shown.text.contains(SHA256.hash(Self.lora).hex))
                let model = try #require(
                    try await node.catalog.model(author: ada.id, slug: "neonfilm", anybody))
                #expect(model.releases.map(\.body.version) == ["1.0"] && model.releases.first?.images.count == 2)
                #expect(model.body.realPerson == .no && model.body.tags == ["style", "neon"])
                // Nothing is left of it.
                let account = try await node.accounts.existing("ada")
                #expect(try await node.accounts.drafts(of: account).isEmpty)
                #expect(try await node.services.uploads.list(account: account.id).isEmpty)

                // Its author changes what is said, and begins the next version.
                let edit = "/models/\(model.id)/edit"
                #expect(shown.text.contains(edit) == false)
                #expect(try await member.get(signed.location).text.contains(edit))
                _ = try await member.fill(
                    edit, edit, ["name": "Neon film II", "description": "More glow.", "tags": "neon", "licence": ""])
                #expect(try await node.catalog.model(id: model.id, anybody)?.body.name == "Neon film II")
                let next = try await member.fill("/publish?model=neonfilm", "/publish", ["kind": "release"])
                let draft = try #require(try await node.accounts.drafts(of: account).first)
                #expect(next.location.hasSuffix(draft.id) && draft["model"] == "neonfilm")
                let back = "/posts/\(try #require(model.releases.first).post.hex)/retract"
                _ = try await member.fill(back, back, ["reason": "It was broken"])
                #expect(try await node.catalog.model(id: model.id, anybody)?.releases.isEmpty ?? true)
            }
        }
    }

    private static var autoV3: String { String(SHA256.hash(Array(lora.suffix(16))).hex.prefix(12)) }

    @Test("images, a workflow, an article and a collection are published and changed")
    func works() async throws {
        let node = try await TestNode.make()
        let ada = try await node.person("ada", seed: 40)
        let anybody = node.moderation.filter(for: .anonymous)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                func begin(_ kind: String, _ files: [(name: String, bytes: [UInt8])]) async throws -> String {
                    let path = try await member.fill("/publish", "/publish", ["kind": kind]).location
                    let sent = try await member.send(
                        try #require(try await member.get(path).action("\(path)/files")), files)
                    #expect(sent.status == .seeOther, "\(sent.text)")
                    return path
                }
                let images = try await begin("images", [("a.png", TestNode.wholePNG)])
                let posted = try await member.fill(
                    "\(images)?step=about", "\(images)/sign", ["level": "PG", "title": "Bees at dusk", "text": ""])
                #expect(posted.location.hasPrefix("/images/"), "\(posted.text)")
                #expect(try await client(.get, posted.location).text.contains("Bees at dusk"))

                let broken = try await begin("workflow", [("graph.json", Array("{]".utf8))])
                let refused = try await member.fill(
                    "\(broken)?step=about", "\(broken)/sign",
                    ["name": "Upscale", "level": "PG", "text": "Twice as large."])
                #expect(refused.status == .badRequest && refused.text.contains("Twice as large."), "\(refused.text)")
                let graph = Array(#"{"nodes":[{"id":1,"type":"KSampler"}],"links":[]}"#.utf8)
                let workflow = try await begin("workflow", [("graph.json", graph)])
                let shared = try await member.fill(
                    "\(workflow)?step=about", "\(workflow)/sign", ["name": "Upscale", "level": "PG", "text": "Twice."])
                #expect(shared.location.hasPrefix("/workflows/"), "\(shared.text)")
                #expect(try await client(.get, "/blobs/\(SHA256.hash(graph).hex)").bytes == graph)
                _ = try await member.fill(
                    "\(shared.location)/edit", "\(shared.location)/edit",
                    ["name": "Upscale twice", "description": "x", "level": "PG"])
                #expect(try await client(.get, shared.location).text.contains("Upscale twice"))

                let empty = try await member.fill(
                    "/articles/new", "/articles/new", ["title": "", "text": "Long words."])
                #expect(empty.status == .unprocessableContent && empty.text.contains("Long words."))
                let article = try await member.post(
                    try #require(empty.action("/articles/new")),
                    ["title": "On wax", "text": "Long words.", "level": "PG"])
                #expect(article.location.hasPrefix("/articles/"))
                _ = try await member.fill(
                    "\(article.location)/edit", "\(article.location)/edit",
                    ["title": "On wax", "text": "Short.", "level": "PG"])
                #expect(try await client(.get, article.location).text.contains("Short."))
                #expect(try await node.catalog.articles(ArticleQuery.of(ada.id), anybody).items.count == 1)

                let set = try await member.fill("/collections/new", "/collections/new", ["name": "Wax", "level": "PG"])
                #expect(set.location.hasPrefix("/collections/"))
                let twin = try await member.fill(
                    "/collections/new", "/collections/new", ["name": "Wax", "level": "PG"])
                #expect(twin.location != set.location)
            }
        }
    }

    @Test("a picture of a draft says what its texts give away, and what is no picture is taken away again")
    func pictures() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        try await node.test { client in
            let member = try await node.member("ada", client)
            let path = try await member.fill("/publish", "/publish", ["kind": "images"]).location
            let action = try #require(try await member.get(path).action("\(path)/files"))
            let telling = CallerTests.picture("bees, saved to /home/ada/secret\nSteps: 20, Sampler: Euler a, Seed: 1")
            _ = try await member.send(action, [("notes.txt", Array("no picture".utf8))])
            _ = try await member.send(action, [("one.png", telling), ("two.png", TestNode.wholePNG)])
            let page = try await member.get("\(path)?step=files")
            #expect(page.status == .ok && HTMLLint.problems(page.text) == [], "\(page.text)")
            #expect(page.text.contains("/home/ada/secret") && page.text.contains("tells no recipe"))
            #expect(page.text.contains("is no PNG"), "\(page.text)")
            // The form of the first.
            let taken = try await member.post(try #require(page.action("\(path)/remove")))
            #expect(taken.status == .seeOther)
            let left = try await member.get("\(path)?step=files").text
            #expect(!left.contains("is no PNG") && left.contains("one.png") && left.contains("two.png"))
        }
    }

    @Test("a draft warns of what sample pictures give away, as it does of model files, and is not refused")
    func samples() async throws {
        let node = try await TestNode.make()
        let model = node.directory.appending(path: "wax.safetensors")
        try Data(Self.lora).write(to: model)
        func findings(_ recipe: String) async throws -> [String?] {
            let picture = node.directory.appending(path: "bees.png")
            try Data(CallerTests.picture(recipe)).write(to: picture)
            let draft = try await DraftRelease(
                PublishRequest(
                    files: [.init(path: model.path)], account: "maker", slug: "wax", version: "1", type: "LORA",
                    samples: [picture.path])
            ).run(in: node.services.context())
            #expect(!draft.isRefused)
            #expect(draft.findings.contains { $0.text.hasPrefix("wax.safetensors:") && $0.rule == "leaked-user-name" })
            let found = draft.findings.filter { $0.text.hasPrefix("bees.png:") }
            #expect(found.allSatisfy { $0.severity == "warning" && !$0.text.contains(node.directory.path) })
            return found.map(\.rule)
        }
        #expect(try await findings("bees, saved to /home/ada/secret\nSteps: 20, Seed: 1") == ["leaked-user-name"])
        #expect(try await findings("bees, saved to /workspace/out\nSteps: 20, Seed: 1") == ["leaked-path"])
        #expect(try await findings("bees\nSteps: 20, Seed: 1") == [])
    }

    @Test("what a graph gives away is told before it is signed, on pages and by the API; what was typed stays")
    func graphs() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        let token = try await node.accounts.newToken(NewToken(label: "", scopes: [.publish]), for: "ada").secret.text
        let bearer: HTTPFields = [.authorization: "Bearer \(token)", .contentType: "application/json"]
        @Sendable func graph(_ text: String) -> [UInt8] {
            Array(#"{"nodes":[{"id":1,"type":"LoadImage","widgets_values":["\#(text)"]}],"links":[]}"#.utf8)
        }
        let telling = graph(#"C:\\Users\\dave\\in.png"#)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                func begin(_ graph: [UInt8]) async throws -> String {
                    let path = try await member.fill("/publish", "/publish", ["kind": "workflow"]).location
                    _ = try await member.send(
                        try #require(try await member.get(path).action("\(path)/files")), [("graph.json", graph)])
                    return path
                }
                let path = try await begin(telling)
                for step in ["files", "about"] {
                    let page = try await member.get("\(path)?step=\(step)")
                    #expect(HTMLLint.problems(page.text) == [], "\(page.text)")
                    #expect(page.text.contains("dave") && page.text.contains("save the graph again"), "\(page.text)")
                }
                let unnamed = try await member.fill(
                    "\(path)?step=about", "\(path)/sign", ["name": "", "level": "PG", "text": "Twice as large."])
                #expect(unnamed.status == .unprocessableContent && unnamed.text.contains("Twice as large."))
                #expect(unnamed.text.contains("dave"))
                let shared = try await member.post(
                    try #require(unnamed.action("\(path)/sign")),
                    ["name": "Upscale", "level": "PG", "text": "Twice as large."])
                #expect(shared.location.hasPrefix("/workflows/"), "\(shared.text)")
                // A line that begins after a colon is no disk.
                let clean = try await begin(graph(#"A:\nB"#))
                #expect(try await !member.get("\(clean)?step=about").text.contains("save the graph again"))

                let upload =
                    try await client(
                        .post, "/api/w1/uploads", bearer,
                        body: Array(#"{"name":"graph.json","size":\#(telling.count)}"#.utf8)
                    ).json()["id"] as? String
                let id = try #require(upload)
                #expect(try await client(.put, "/api/w1/uploads/\(id)", bearer, body: telling).status == .ok)
                let draft = try await client(
                    .post, "/api/w1/workflows/draft", bearer, body: Array(#"{"graph":"\#(id)"}"#.utf8))
                #expect(draft.status == .ok, "\(draft.text)")
                let findings = try draft.json()["findings"] as? [[String: Any]]
                #expect(findings?.map { $0["rule"] as? String } == ["leaked-user-name"])
                #expect(findings?.first?["severity"] as? String == "warning")
            }
        }
    }

    @Test(
        "uploads that are cut, empty, too many or of the wrong kind leave nothing behind; a draft outlives the process")
    func hostile() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        let account = try await node.accounts.existing("ada")
        try await node.test { client in
            let member = try await node.member("ada", client)
            let path = try await member.fill("/publish", "/publish", ["kind": "workflow"]).location
            let action = try #require(try await member.get(path).action("\(path)/files"))
            let whole = Member.multipart([("a.json", Array("{}".utf8))])
            let headers: HTTPFields = [
                .origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=\(member.session)",
                .contentType: "multipart/form-data; boundary=x7",
            ]
            for body in [
                [], Array(whole.dropLast(8)), Array("nothing".utf8), Member.multipart([("", [])]),
                Member.multipart([("a.json", [])]),
            ] {
                var fields = headers
                fields[.contentLength] = "\(body.count)"
                let answer = try await client(.post, action, fields, body: body)
                #expect(answer.status == .unprocessableContent, "\(body.count): \(answer.status)")
                #expect(try await node.services.uploads.list(account: account.id).isEmpty)
            }
            // Two files where there is room for one.
            #expect(try await member.send(action, [("a.json", [1]), ("b.json", [2])]).status == .unprocessableContent)
            #expect(try await node.services.uploads.list(account: account.id).isEmpty)
            #expect(try await member.send(action, [("../../etc/a.json", Array("{}".utf8))]).status == .seeOther)
            #expect(try await node.services.uploads.list(account: account.id).map(\.name) == ["a.json"])
            // Without a token of this session nothing is taken.
            #expect(try await member.send("\(path)/files", [("a.json", [1])]).status == .conflict)
        }
        // What the next process finds.
        let later = try await Accounts(
            path: node.directory.appending(path: "db/accounts.db").path, node: node.node.device,
            now: { TestNode.time + 86_400 })
        #expect(try await later.drafts(of: account).count == 1)
    }
}

extension ArticleQuery {
    fileprivate static func of(_ author: Hash32) -> ArticleQuery {
        var query = ArticleQuery()
        query.creator = .author(author)
        return query
    }
}
