import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Routes and who sees what")
struct RouteTests {
    @Test("every route of the router declares what it shows")
    func declared() async throws {
        let node = try await TestNode.make()
        let gateway = try Gateway(node.services)
        let router = Router(context: GatewayContext.self)
        var table = RouteTable(router: router)
        try Gateway.register(node.services, PageRenderer(node.services), in: &table)
        let declared = Set(table.declared.map { "\($0.method) \($0.path)" })
        let registered = Set(router.routes.map { "\($0.method.rawValue) \($0.path)" })
        #expect(registered == declared)
        #expect(Set(gateway.routes) == Set(table.declared))
        #expect(declared.count > 30)
        // What is added behind the table is seen: the walk would fail.
        router.get("/secret") { _, _ in "x" }
        #expect(router.routes.contains { !declared.contains("\($0.method.rawValue) \($0.path)") })
    }

    /// Addresses that ask a route for one item: the path's parameters filled with each name that the item has.
    private func addresses(_ route: DeclaredRoute, _ item: TestNode.Published, _ bounty: Hash32, _ numbers: [Int32])
        -> [String]
    {
        let hashes = [item.file, item.image].flatMap { [$0.hex, String($0.hex.prefix(10))] }
        let paths: [String]
        switch (route.path.contains("{sha256}"), route.path.contains("{hash}"), route.path.contains("{id}")) {
        case (true, _, _): paths = [item.file, item.image].map { route.path.filled("sha256", $0.hex) }
        case (_, true, _): paths = hashes.map { route.path.filled("hash", $0) }
        case (_, _, true): paths = numbers.map { route.path.filled("id", "\($0)") }
        default: paths = [route.path]
        }
        let all = paths.map { path in
            path.filled("author", "maker").filled("owner", "maker").filled("repo", "dirty").filled("revision", "main")
                .filled("slug", "dirty").filled("name", "dirty.bin").filled("handle", "maker")
                .filled("tag", "tag-dirty").filled("base", "Base%20Dirty").filled("bounty", bounty.hex)
        }
        if route.path == "/verify" {
            let files = [item.file, item.image, item.release.id, item.model.id].map(\.hex)
            return all
                + files.flatMap {
                    ["/verify?sha256=\($0)", "/verify?sha256=\(String(repeating: "0", count: 64))&autov3=\($0)"]
                }
        }
        if route.path == "/models/{id}/ranking" { return all + all.map { $0 + "?sort=trending" } }
        guard route.subject == .list else { return all }
        if route.face == .page {
            let extra = [
                "q=Dirty", "by=maker", "show=here", "tag=tag-dirty", "base=Base%20Dirty", "level=XXX&level=PG-13",
                "type=LORA", "not=bees", "period=year", "recipe=with", "licence=CC0-1.0",
            ]
            return all + extra.map { all[0] + "?" + $0 }
        }
        let extra = [
            "query=Dirty", "tag=tag-dirty", "ids=\(numbers.map(String.init).joined(separator: ","))", "nsfw=true",
            "nsfw=X&withMeta=true", "browsingLevel=63", "username=maker", "sort=Oldest", "limit=100&page=1",
        ]
        return all + extra.map { all[0] + "?" + $0 }
            + numbers.flatMap { number in
                ["imageId", "postId", "modelId", "modelVersionId"].map { all[0] + "?\($0)=\(number)" }
            }
    }

    private enum Asker: CaseIterable {
        case visitor
        case strangeNode
        /// Signed in in a browser, and sees PG.
        case member
    }

    @Test(
        "nothing above PG leaves for a visitor, an unaccepted node or a member who sees PG, by any route, and no answer tells of it",
        arguments: [(Level.pg13, false), (.xxx, false), (.xxx, true)])
    func nothingAbovePG(level: Level, isLocked: Bool) async throws {
        let node = try await TestNode.make(accepts: false) { $0.requestsPerAddress = 1_000_000 }
        _ = try await node.publishModel("Clean", age: 9)
        // What a moderator locks is as far away as what its author said so of.
        let declared = isLocked ? Level.pg : level
        let dirty = try await node.publishModel(
            "Dirty", level: declared, changeRelease: { $0.baseModel = "Base Dirty" })
        let works = try await node.publishWorks("Dirty", level: declared, of: dirty)
        if isLocked {
            let posts = [dirty.model, works.collection, works.article, works.workflow].compactMap { post in
                LevelSubject(
                    post: post.id, author: node.maker.id, kind: PostKind(rawValue: post.post.kind), slot: post.post.slot
                )
            }
            for subject in posts + [.picture(dirty.image), .post(works.bounty)] {
                _ = try await node.moderation.lockLevel(of: subject, at: level, reason: "", by: "mod", when: 1)
            }
            try await node.catalog.setLevels(node.moderation.levelRules)
        }
        let stranger = try Person(seed: 9, role: .node)
        try await node.take([stranger.genesis])
        let owner = node.moderation.filter(for: .owner)
        let release = try #require(try await node.catalog.release(post: dirty.release.id, owner))
        let post = try #require(try await node.catalog.imagePost(post: dirty.picture.id, owner))
        let numbers =
            [release.modelID, release.id, post.id] + post.images.map(\.id) + release.files.map(\.id)
            + (try await node.numbers(of: works))
        let fileBytes = TestNode.bytes("file of Dirty", count: 3000)
        let secrets = [
            "Dirty", "word Dirty", "tag-dirty", works.collection.id.hex, works.article.id.hex, works.bounty.hex,
            works.workflow.id.hex,
            dirty.file.hex,
            dirty.image.hex, dirty.model.id.hex, dirty.release.id.hex,
            dirty.picture.id.hex, dirty.file.hex.uppercased(),
        ]
        let ada = try Person(seed: 60, role: .person)
        try await node.accounts.adopt(handle: "ada", author: ada.id, role: .member, levels: Level.pg.upTo)
        let session = try await node.accounts.openSession(for: try await node.accounts.existing("ada"))
        let cookie: HTTPFields = [.cookie: "\(CallerIdentity.cookieName)=\(session.token.text)"]
        let gateway = try Gateway(node.services)
        try await node.test { client in
            for route in gateway.routes where route.subject != .nothing {
                for address in addresses(route, dirty, works.bounty, numbers) {
                    let method = try #require(HTTPRequest.Method(route.method))
                    let json = Array("[\"\(dirty.file.hex)\"]".utf8)
                    let body = route.method == "POST" ? json : nil
                    for asker in Asker.allCases where asker == .visitor || body == nil {
                        // Who is signed in has pages of their own there, and streams without an end.
                        if asker == .member, route.subject == .account { continue }
                        let answer =
                            switch asker {
                            case .visitor: try await client(method, address, body: body)
                            case .strangeNode: try await client.signed(method, address, by: stranger)
                            case .member: try await client(method, address, cookie)
                            }
                        // A question may be repeated in the answer; what it asks for may not be there.
                        let text = answer.text.replacing(address, with: "")
                        for secret in secrets where !address.contains(secret) {
                            #expect(!text.contains(secret), "\(route.method) \(address) tells \(secret)")
                        }
                        #expect(answer.bytes != fileBytes)
                        for field in answer.headers where field.name != .location {
                            for secret in secrets where !address.contains(secret) {
                                #expect(!field.value.contains(secret), "\(address): \(field.name)")
                            }
                        }
                        switch route.subject {
                        case .model, .release, .image, .blob, .collection, .article, .workflow, .bounty, .term:
                            let isEmptyList = route.method == "POST" && answer.text == "[]"
                            // Who chose to see less is told that it is their choice, and nothing else.
                            let isGate = asker == .member && route.face == .page && answer.status == .forbidden
                            #expect(
                                answer.status == .notFound || isEmptyList || isGate, "\(route.method) \(address)")
                        case .peerOnly:
                            #expect([401, 403, 415].contains(answer.status.code), "\(route.method) \(address)")
                        case .account: #expect(answer.status == .unauthorized, "\(route.method) \(address)")
                        case .list, .node, .creator: #expect(answer.status == .ok, "\(route.method) \(address)")
                        case .nothing: break
                        }
                    }
                }
            }
        }
    }

    @Test("a method that an address does not have answers 405 with those that it has")
    func methods() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            let answer = try await client(.delete, "/api/v1/models")
            #expect(answer.status == .methodNotAllowed)
            #expect(answer.headers[.allow] == "GET, HEAD, OPTIONS")
            #expect(try answer.json()["error"] as? String == "This address takes GET, HEAD, OPTIONS only")
            let post = try await client(.get, "/w/1/sync")
            #expect(post.headers[.allow] == "POST, OPTIONS")
            let options = try await client(.options, "/api/v1/models")
            #expect(options.status == .noContent)
            #expect(options.headers[.accessControlAllowOrigin] == "*")
        }
    }

    @Test(
        "HEAD answers as GET does, without the body",
        arguments: ["/", "/api/v1/models", "/style.css", "/w/1/node", "/nope", "/models/2"])
    func head(path: String) async throws {
        let node = try await TestNode.make()
        _ = try await node.publishModel("Alpha")
        try await node.test { client in
            let get = try await client(.get, path)
            let head = try await client(.head, path)
            #expect(head.status == get.status)
            #expect(head.bytes.isEmpty)
            #expect(head.headers[.contentType] == get.headers[.contentType])
            #expect(head.headers[.contentLength] == "\(get.bytes.count)")
        }
    }

    @Test("errors look as their readers expect")
    func faces() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            #expect(try await client(.get, "/nope").headers[.contentType]?.hasPrefix("text/html") == true)
            #expect(try await client(.get, "/api/v1/nope").json()["code"] as? String == "not-found")
            #expect(try await client(.get, "/blobs/x/y/z").json()["code"] as? String == "not-found")
            #expect(try await client(.get, "/w/1/nope").errorCode() == "not-found")
            for path in ["/nope", "/api/v1/nope", "/w/1/nope", "/"] {
                let answer = try await client(.get, path)
                #expect(answer.headers[.xContentTypeOptions] == "nosniff")
                #expect(answer.headers[try #require(HTTPField.Name("Referrer-Policy"))] == "same-origin")
            }
        }
    }
}

extension String {
    fileprivate func filled(_ name: String, _ value: String) -> String {
        replacing("{\(name)}", with: value)
    }
}
