import Accounts
import Catalog
import Digests
import Foundation
import Generation
import HTTPTypes
import Identity
import Moderation
import Operations
import PostLog
import SystemPackage
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("What is somebody else's")
struct OwnershipTests {
    /// Routes that write what is nobody's in particular: whoever calls them writes their own.
    private static let ownOnly: Set = [
        "POST /reactions", "POST /follows", "POST /comments/new", "POST /reviews/new", "POST /collections/add",
        "POST /collections/new", "POST /articles/new", "POST /publish", "POST /account/settings",
        "POST /account/passphrase",
        "POST /account/keys", "POST /account/tokens", "POST /account/export", "POST /account/notifications",
        "POST /account/move", "POST /account/move/finish",
        // An entry is whoever's enters it; what moves money is looked at in `BountyTests`, with a currency.
        "POST /signout", "POST /bounties/{bounty}/enter",
        // What only wardens of a currency may is looked at in `WardenPageTests`, with a currency.
        "POST /buzz/{currency}/wardens/freeze", "POST /buzz/{currency}/wardens/draft",
        "POST /buzz/{currency}/wardens/document",
    ]

    @Test("every writing page whose address names something of another's refuses it, and changes nothing")
    func pages() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let works = try await node.publishWorks("Alpha", of: model)
        let numbers = try await node.numbers(of: works)
        let anybody = node.moderation.filter(for: .anonymous)
        let release = try #require(try await node.catalog.release(post: model.release.id, anybody))
        let maker = try await node.accounts.existing("maker")
        _ = try await node.person("eve", seed: 41)
        let draft = try await node.accounts.newDraft("release", ["name": ["Maker's secret"]], of: maker)
        let upload = try await node.services.uploads.begin(account: maker.id, name: "a.bin", size: 3, sha256: nil)
        let token = try await node.accounts.newToken(NewToken(label: "", scopes: [.read]), for: "maker").token
        let operations = node.services.context()
        _ = try await ReportSubject(subject: model.release.id.hex, reason: "spam").perform(
            in: operations.acting(for: maker))
        _ = try await DecideCase(number: "R-1", action: "keep").perform(in: operations)
        let routes = try Gateway(node.services).routes.filter { route in
            route.face == .page && route.subject == .account
        }
        try await node.following {
            try await node.test { client in
                let eve = try await node.member("eve", client)
                let before = (node.log.newestSeq, try await node.accounts.drafts(of: maker))
                var refused = 0
                for route in routes where !Self.ownOnly.contains("\(route.method) \(route.path)") {
                    guard route.method == "POST" || route.path.contains("{") else { continue }
                    let ids: [String] =
                        if route.path.hasPrefix("/models/") {
                            ["\(release.modelID)"]
                        } else if route.path.hasPrefix("/posts/") {
                            [model.model, model.release, model.picture, works.article].map(\.id.hex)
                        } else if route.path.hasPrefix("/account/tokens/") { ["\(token.id)"] } else {
                            numbers.map { "\($0)" }
                        }
                    for id in ids {
                        let path = route.path.replacing("{id}", with: id).replacing("{draft}", with: draft.id)
                            .replacing("{bounty}", with: works.bounty.hex).replacing("{case}", with: "R-1")
                            .replacing("{number}", with: "1")
                        #expect(!path.contains("{"), "\(path) names something that is not tried")
                        let action = PageAddress.adding(
                            FormToken.parameter, FormToken.make(session: eve.session),
                            to: PageAddress.with(path, [("upload", upload.id)]))
                        let answer =
                            route.method == "POST"
                            ? try await eve.post(
                                action, ["name": "Eve's", "title": "Eve's", "text": "Eve's", "upload": upload.id])
                            : try await eve.get(path)
                        guard (400..<500).contains(answer.status.code) else {
                            // What begins something of one's own, or is for admins to see, is none of another's.
                            #expect(
                                ["/bounties", "/buzz/tip", "/setup/currency"].contains(route.path),
                                "\(route.method) \(path): \(answer.status)")
                            continue
                        }
                        #expect(!answer.text.contains("Maker's secret"), "\(path)")
                        refused += 1
                    }
                }
                #expect(refused > 20)
                #expect(node.log.newestSeq == before.0)
                #expect(try await node.accounts.drafts(of: maker) == before.1)
                #expect(try await node.accounts.tokens(of: maker).map(\.id) == [token.id])
                _ = try await node.services.uploads.find(upload.id, account: maker.id)
            }
        }
    }

    @Test("every route that names pictures another ordered refuses it, on pages and by the API, and the order stands")
    func jobs() async throws {
        let node = try await TestNode.make()
        let maker = try await node.accounts.existing("maker")
        _ = try await node.person("eve", seed: 41)
        let generation = node.services.context().generation
        try await generation.start()
        // Orders are taken, and none is begun.
        try await generation.setMode(.paused)
        let job = Job(
            id: String(repeating: "a", count: 32), owner: maker.author.hex,
            plan: try GenerationPlan(
                GenerationRequest(model: "demo", prompt: "Maker's secret"), defaults: GenerationDefaults(),
                drawSeed: { 1 }),
            models: ModelSet(checkpoint: ModelFile(role: .checkpoint, name: "demo", sha256: .zero, size: 1)),
            created: TestNode.time, milliunits: 1000, price: 0)
        _ = try await generation.submit(job)
        let routes = try Gateway(node.services).routes.filter { $0.path.contains("{job}") }
        #expect(Set(routes.map(\.face)) == [.page, .bytes, .native])
        #expect(routes.count { ["POST", "DELETE"].contains($0.method) } >= 5)
        try await node.following {
            try await node.test { client in
                let (eve, own) = (try await node.member("eve", client), try await node.member("maker", client))
                let before = node.log.newestSeq
                for route in routes {
                    let path = route.path.replacing("{job}", with: job.id).replacing("{index}", with: "0")
                    #expect(!path.contains("{"), "\(path) names something that is not tried")
                    let method = try #require(HTTPRequest.Method(rawValue: route.method))
                    let isNative = route.face == .native
                    let body = isNative ? #"{"good":true}"# : "level=PG&is=good"
                    for session in [eve.session, ""] {
                        var fields: HTTPFields = [
                            .origin: "https://hive.example",
                            .contentType: isNative ? "application/json" : "application/x-www-form-urlencoded",
                        ]
                        if !session.isEmpty { fields[.cookie] = "\(CallerIdentity.cookieName)=\(session)" }
                        let answer = try await client(
                            method, path, fields, body: [.get, .head].contains(method) ? nil : Array(body.utf8))
                        #expect(
                            [.notFound, .unauthorized].contains(answer.status), "\(method) \(path): \(answer.status)")
                        #expect(!answer.text.contains("Maker's secret"), "\(method) \(path)")
                    }
                }
                let standing = try await generation.standing(job.id)
                #expect(standing.job.state == .queued && !standing.job.isCancelled)
                #expect(node.log.newestSeq == before)
                // Whose it is sees it, and ends it.
                let page = "/generate/jobs/\(job.id)"
                #expect(try await own.get(page).status == .ok)
                #expect(try await own.post("\(page)/cancel").status == .seeOther)
                #expect(try await generation.standing(job.id).job.state == .cancelled)
            }
        }
    }

    @Test("nor does the native API change what is another's")
    func native() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let maker = try await node.accounts.existing("maker")
        _ = try await node.person("eve", seed: 41)
        let upload = try await node.services.uploads.begin(account: maker.id, name: "a.bin", size: 3, sha256: nil)
        let token = try await node.accounts.newToken(NewToken(label: "", scopes: [.read]), for: "maker").token
        try await node.following {
            try await node.test { client in
                let eve = try await node.member("eve", client)
                let fields: HTTPFields = [
                    .origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=\(eve.session)",
                    .contentType: "application/json", try #require(HTTPField.Name("Upload-Offset")): "0",
                ]
                let before = node.log.newestSeq
                for (method, path) in [
                    (HTTPRequest.Method.delete, "/api/w1/posts/\(model.release.id.hex)"),
                    (.delete, "/api/w1/uploads/\(upload.id)"), (.patch, "/api/w1/uploads/\(upload.id)"),
                    (.put, "/api/w1/uploads/\(upload.id)"), (.get, "/api/w1/uploads/\(upload.id)"),
                    (.delete, "/api/w1/tokens/\(token.id)"),
                ] {
                    let answer = try await client(method, path, fields, body: method == .get ? nil : Array("abc".utf8))
                    #expect([.notFound, .badRequest].contains(answer.status), "\(method) \(path): \(answer.status)")
                }
                #expect(node.log.newestSeq == before)
                #expect(try await node.services.uploads.find(upload.id, account: maker.id).offset == 0)
                #expect(try await node.accounts.tokens(of: maker).count == 1)
            }
        }
    }
}
