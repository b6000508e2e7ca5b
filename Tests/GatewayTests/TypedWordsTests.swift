import Accounts
import BlobStore
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

extension Member {
    /// Sends a form that has fields and files, as a browser does.
    fileprivate func send(
        _ action: String, _ fields: KeyValuePairs<String, String>, _ files: [(name: String, bytes: [UInt8])]
    ) async throws -> Answer {
        var headers: HTTPFields = [
            .origin: "https://hive.example", .contentType: "multipart/form-data; boundary=x7",
        ]
        if !session.isEmpty { headers[.cookie] = "\(CallerIdentity.cookieName)=\(session)" }
        let body =
            fields.reduce(into: [UInt8]()) { body, field in
                body += Array(
                    "--x7\r\nContent-Disposition: form-data; name=\"\(field.key)\"\r\n\r\n\(field.value)\r\n".utf8)
            } + Self.multipart(files)
        headers[.contentLength] = "\(body.count)"
        return try await client(.post, action, headers, body: body)
    }
}

/// "Typed text is never lost": sessions that end, two tabs, double clicks, files that are refused.
@Suite("What was typed stays")
struct TypedWordsTests {
    private static let passphrase = "nine bees in a row"

    /// A LoRA of one layer, with a byte of its own.
    private static func lora(_ byte: UInt8) -> [UInt8] {
        let header = Array(
            #"{"a.lora_down.weight":{"dtype":"F16","shape":[1,4],"data_offsets":[0,8]},"a.lora_up.weight":{"dtype":"F16","shape":[4,1],"data_offsets":[8,16]}}"#
                .utf8)
        return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header
            + [UInt8](repeating: byte, count: 16)
    }

    private func kept(_ page: Answer) throws -> String {
        let kept = try #require(page.text.firstMatch(of: #/name="kept"[^>]*>\n([^<]*)</#)?.output.1, "\(page.text)")
        return String(kept).replacing("&amp;", with: "&")
    }

    @Test("a wizard that was left open for longer than its session goes on as it was, with what was typed meanwhile")
    func wizard() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        let account = try await node.accounts.existing("ada")
        try await node.accounts.resetPassphrase(of: account, to: Self.passphrase)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let path = try await member.fill("/publish", "/publish", ["kind": "release"]).location
                let upload = try #require(try await member.get(path).action("\(path)/files"))
                _ = try await member.send(upload, [("alpha.safetensors", Self.lora(60))])
                let about = try #require(try await member.get("\(path)?step=about").action(path))
                // A day later.
                _ = try await member.post("/signout")

                let refused = try await member.send(upload, [("beta.bin", [1])])
                #expect(refused.status == .unauthorized)
                #expect(refused.text.contains("next=\(PercentCoding.encode(path))"), "\(refused.text)")
                let late = try await member.post(
                    about,
                    [
                        "model": "alpha", "version": "1.0", "type": "LORA", "name": "Alpha", "words": "alpha style",
                        "description": "Long words.",
                    ])
                #expect(late.status == .unauthorized && HTMLLint.problems(late.text) == [])
                let entered = try await member.post(
                    try #require(late.action("/signin")),
                    ["account": "ada", "passphrase": Self.passphrase, "kept": try kept(late)])
                #expect(
                    entered.text.contains("Long words.") && entered.text.contains("alpha style"), "\(entered.text)")
                let again = Member(client: client, session: try #require(entered.session))
                let done = try await again.post(
                    try #require(entered.action(path)),
                    ["model": "alpha", "version": "1.0", "type": "LORA", "name": "Alpha", "description": "Long words."])
                #expect(done.location == "\(path)?step=samples", "\(done.text)")
                let draft = try #require(try await node.accounts.drafts(of: account).first)
                #expect(draft["description"] == "Long words." && draft.fields["files"]?.count == 1)
            }
        }
    }

    @Test("of two tabs with one form the second is asked before it takes the place of the first")
    func twoTabs() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        let account = try await node.accounts.existing("ada")
        let anybody = node.moderation.filter(for: .anonymous)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let path = try await member.fill("/publish", "/publish", ["kind": "release"]).location
                let upload = try #require(try await member.get(path).action("\(path)/files"))
                // One file from both tabs: it is there once.
                for _ in 0..<2 { _ = try await member.send(upload, [("alpha.safetensors", Self.lora(60))]) }
                _ = try await member.send(upload, [("alpha.safetensors", Self.lora(61))])
                #expect(try await node.services.uploads.list(account: account.id).count == 2)
                #expect(try await node.accounts.drafts(of: account).first?.fields["files"]?.count == 2)

                let tabs = [try await member.get("\(path)?step=about"), try await member.get("\(path)?step=about")]
                func save(_ page: Answer, _ words: String) async throws -> Answer {
                    try await member.post(
                        try #require(page.action(path)),
                        ["model": "alpha", "version": "1.0", "type": "LORA", "description": words])
                }
                #expect(try await save(tabs[0], "From the first tab.").status == .seeOther)
                let asked = try await save(tabs[1], "From the second tab.")
                #expect(asked.status == .unprocessableContent && asked.text.contains("From the second tab."))
                #expect(try await node.accounts.drafts(of: account).first?["description"] == "From the first tab.")
                #expect(try await save(asked, "From the second tab.").status == .seeOther)
                #expect(try await node.accounts.drafts(of: account).first?["description"] == "From the second tab.")

                let article = try await member.fill(
                    "/articles/new", "/articles/new", ["title": "On wax", "text": "First.", "level": "PG"]
                ).location
                let editors = [try await member.get("\(article)/edit"), try await member.get("\(article)/edit")]
                func edit(_ page: Answer, _ words: String) async throws -> Answer {
                    try await member.post(
                        try #require(page.action("\(article)/edit")), ["title": "On wax", "text": words, "level": "PG"])
                }
                #expect(try await edit(editors[0], "Second.").status == .seeOther)
                let stopped = try await edit(editors[1], "Third.")
                #expect(stopped.status == .unprocessableContent && stopped.text.contains("Third."))
                #expect(try await client(.get, article).text.contains("Second."))
                #expect(try await edit(stopped, "Third.").status == .seeOther)
                #expect(try await client(.get, article).text.contains("Third."))
                _ = anybody
            }
        }
    }

    @Test("a review brings pictures, keeps those of before, and loses no word when its session or its pictures fail")
    func review() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let ada = try await node.person("ada", seed: 40)
        let account = try await node.accounts.existing("ada")
        try await node.accounts.resetPassphrase(of: account, to: Self.passphrase)
        let path = "/reviews/new?release=\(model.release.id.hex)"
        let picture = CallerTests.picture("bees\nSteps: 20, Sampler: Euler a, Seed: 1, Version: v1.9")
        @Sendable func images() async throws -> Int? {
            try await node.log.post(author: ada.id, kind: .review, slot: model.release.id.hex)?.post.review.images.count
        }
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let page = try await member.get(path)
                #expect(page.status == .ok && HTMLLint.problems(page.text) == [])
                let wrong = try await member.send(
                    try #require(page.action("/reviews/new")), ["verdict": "yes", "text": "It draws fog."],
                    [("fog.png", Array("no picture".utf8))])
                #expect(
                    (400..<500).contains(wrong.status.code) && wrong.text.contains("It draws fog."), "\(wrong.text)")
                #expect(try await node.services.uploads.list(account: account.id).isEmpty)
                let action = try #require(wrong.action("/reviews/new"))
                for _ in 0..<2 {
                    let sent = try await member.send(
                        action, ["verdict": "yes", "text": "It draws fog.", "level": "PG"], [("fog.png", picture)])
                    #expect(sent.status == .seeOther, "\(sent.text)")
                }
                #expect(try await images() == 1)
                #expect(try await node.services.uploads.list(account: account.id).isEmpty)

                let next = try await member.get(path)
                let more = try await member.send(
                    try #require(next.action("/reviews/new")),
                    ["verdict": "yes", "text": "Still.", "keep": "yes", "level": "PG"], [("two.png", TestNode.wholePNG)]
                )
                #expect(more.status == .seeOther, "\(more.text)")
                #expect(try await images() == 2)
                let fewer = try #require(try await member.get(path).action("/reviews/new"))
                #expect(try await member.send(fewer, ["verdict": "no", "text": "Still."], []).status == .seeOther)
                #expect(try await images() == 0)

                let last = try #require(try await member.get(path).action("/reviews/new"))
                _ = try await member.post("/signout")
                let late = try await member.send(
                    last, ["verdict": "yes", "text": "Words with a picture."], [("fog.png", picture)])
                #expect(late.status == .unauthorized)
                #expect(try kept(late).contains("Words%20with%20a%20picture."))
                #expect(try await node.services.uploads.list(account: account.id).isEmpty)
                // Another site sends nothing, with files or without.
                let forged = try await client(
                    .post, last,
                    [.origin: "https://elsewhere.example", .contentType: "multipart/form-data; boundary=x7"],
                    body: Member.multipart([("fog.png", picture)]))
                #expect(forged.status == .unauthorized || forged.status == .forbidden)
                #expect(!forged.text.contains("name=\"kept\""))
            }
        }
    }

    @Test("an article has a cover that its author changes and takes away; over the native API, too")
    func cover() async throws {
        let node = try await TestNode.make()
        let ada = try await node.person("ada", seed: 40)
        let anybody = node.moderation.filter(for: .anonymous)
        let token = try await node.accounts.newToken(NewToken(label: "", scopes: [.read, .publish]), for: "ada").secret
            .text
        let bearer: HTTPFields = [.authorization: "Bearer \(token)", .contentType: "application/json"]
        @Sendable func article() async throws -> (cover: Hash32?, text: String)? {
            try await node.catalog.article(author: ada.id, slug: "on-wax", anybody).map { ($0.cover, $0.text) }
        }
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let page = try await member.get("/articles/new")
                #expect(HTMLLint.problems(page.text) == [])
                let made = try await member.send(
                    try #require(page.action("/articles/new")), ["title": "On wax", "text": "Words.", "level": "PG"],
                    [("wax.png", TestNode.wholePNG)])
                #expect(made.status == .seeOther, "\(made.text)")
                #expect(try await article()?.cover == SHA256.hash(TestNode.wholePNG))
                #expect(
                    try await node.services.blobs.pins(SHA256.hash(TestNode.wholePNG)).contains(.ownPost))

                let changed = try await client(
                    .put, "/api/w1/articles/mine/on-wax", bearer, body: Array(#"{"text":"Other words."}"#.utf8))
                #expect(changed.status == .created, "\(changed.text)")
                #expect(try await article()?.cover != nil)
                #expect(try await article()?.text == "Other words.")
                let listed = try await client(.get, "/api/w1/articles?creator=\(AuthorID.text(ada.id))&q=wax").json()
                let item = try #require((listed["items"] as? [[String: Any]])?.first)
                #expect(item["slug"] as? String == "on-wax" && item["cover_url"] is String)
                let id = try #require(item["id"] as? Int)
                #expect(try await client(.get, "/api/w1/articles/\(id)").json()["text"] as? String == "Other words.")
                let bare = try await client(
                    .put, "/api/w1/articles/mine/on-wax", bearer, body: Array(#"{"cover":""}"#.utf8))
                #expect(bare.status == .created, "\(bare.text)")
                #expect(try await article()?.cover == nil)
                #expect(
                    try await client(
                        .put, "/api/w1/articles/mine/nothing", bearer, body: Array(#"{"title":"Empty"}"#.utf8)
                    ).status == .badRequest)

                let upload =
                    try await client(
                        .post, "/api/w1/uploads", bearer, body: Array(#"{"name":"graph.json","size":49}"#.utf8)
                    ).json()["id"] as? String
                let graph = Array(#"{"nodes":[{"id":1,"type":"KSampler"}],"links":[]}"#.utf8)
                let path = "/api/w1/uploads/\(try #require(upload))"
                #expect(try await client(.put, path, bearer, body: graph).status == .ok)
                let shared = try await client(
                    .put, "/api/w1/workflows/mine/upscale", bearer,
                    body: Array(#"{"name":"Upscale","graph":"\#(try #require(upload))"}"#.utf8))
                #expect(shared.status == .created, "\(shared.text)")
                let works = try await client(.get, "/api/w1/workflows").json()["items"] as? [[String: Any]]
                #expect(works?.first?["sha256"] as? String == SHA256.hash(graph).hex)
                #expect(
                    try await node.services.uploads.list(account: try await node.accounts.existing("ada").id).isEmpty)
            }
        }
    }
}
