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

@Suite("What is one's own")
struct MePageTests {
    @Test("every room of /me is sound, and nobody's but its owner's")
    func rooms() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        try await node.test { client in
            let member = try await node.member("ada", client)
            for path in [
                "/account", "/account/notifications", "/account/library", "/account/settings", "/account/passphrase",
                "/account/keys", "/account/tokens",
                "/account/export", "/account/move",
            ] {
                let page = try await member.get(path)
                #expect(
                    page.status == .ok && HTMLLint.problems(page.text) == [], "\(path): \(HTMLLint.problems(page.text))"
                )
                #expect(page.headers[.cacheControl]?.contains("private") == true, "\(path)")
                let visitor = try await client(.get, path)
                #expect(visitor.status == .unauthorized && visitor.action("/signin") != nil, "\(path)")
                #expect(HTMLLint.problems(visitor.text) == [], "\(path)")
            }
        }
    }

    @Test("profile, levels and passphrase are changed; a wrong word is told at its field")
    func settings() async throws {
        let node = try await TestNode.make()
        let ada = try await node.person("ada", seed: 40)
        try await node.accounts.resetPassphrase(of: try await node.accounts.existing("ada"), to: "nine bees in a row")
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let wrong = try await member.fill(
                    "/account/settings", "/account/settings",
                    ["name": "Ada", "about": "I draw.", "links": "javascript:alert(1)"])
                #expect(wrong.status == .unprocessableContent && wrong.text.contains("f-links-trouble"))
                #expect(wrong.text.contains("I draw."))
                let saved = try await member.post(
                    try #require(wrong.action("/account/settings")),
                    [
                        "name": "Ada", "about": "I draw.", "links": "https://ada.example", "levels": "R",
                        "adult": "yes",
                    ])
                #expect(saved.location == "/account/settings?saved=yes", "\(saved.text)")
                let profile = try #require(try await node.log.post(author: ada.id, kind: .profile, slot: "")).post
                    .profile
                #expect(profile.name == "Ada" && profile.links == ["https://ada.example"])
                #expect(try await node.accounts.existing("ada").levels == Level.pg.rawValue | Level.r.rawValue)

                let other = try await node.member("ada", client)
                let refused = try await member.fill(
                    "/account/passphrase", "/account/passphrase",
                    ["old-passphrase": "wrong", "new-passphrase": "ten bees in a row"])
                #expect(refused.text.contains("f-old-passphrase-trouble") && !refused.text.contains("ten bees"))
                let changed = try await member.post(
                    try #require(refused.action("/account/passphrase")),
                    ["old-passphrase": "nine bees in a row", "new-passphrase": "ten bees in a row"])
                #expect(changed.status == .seeOther, "\(changed.text)")
                #expect(try await member.get("/account").status == .ok)
                #expect(try await other.get("/account").status == .unauthorized)
            }
        }
    }

    @Test("a token is shown once, does what it says and is revoked")
    func tokens() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        try await node.test { client in
            let member = try await node.member("ada", client)
            #expect(
                try await member.fill("/account/tokens", "/account/tokens", ["label": "bot"]).status
                    == .unprocessableContent)
            let made = try await member.fill(
                "/account/tokens", "/account/tokens",
                ["label": "bot", "scopes": "read", "scopes": "admin", "days": "30"])
            let token = try #require(made.text.firstMatch(of: #/wgl_t[0-9A-Za-z]+/#)?.output)
            #expect(
                made.status == .ok && made.headers[.cacheControl] == "no-store" && HTMLLint.problems(made.text) == [])
            #expect(try await client(.get, "/api/w1/me", [.authorization: "Bearer \(token)"]).status == .ok)
            let list = try await member.get("/account/tokens")
            #expect(list.text.contains("bot") && !list.text.contains(token) && !list.text.contains("admin,"))
            _ = try await member.fill("/account/tokens", "/account/tokens/")
            #expect(try await client(.get, "/api/w1/me", [.authorization: "Bearer \(token)"]).status == .unauthorized)
        }
    }

    @Test("the recovery words are shown again to whoever knows the passphrase, and guessing is slowed down")
    func words() async throws {
        let node = try await TestNode.make()
        try await node.following {
            try await node.test { client in
                let visitor = Member(client: client, session: "")
                let made = try await visitor.fill(
                    "/signup", "/signup", ["account": "ada", "passphrase": "nine bees in a row"])
                let words = made.text.matches(of: #/<li><code>([a-z]+)</code></li>/#).map { String($0.output.1) }
                let ada = Member(client: client, session: try #require(made.session))
                let shown = try await ada.fill("/account/keys", "/account/keys", ["passphrase": "nine bees in a row"])
                #expect(shown.text.matches(of: #/<li><code>([a-z]+)</code></li>/#).map { String($0.output.1) } == words)
                #expect(shown.headers[.cacheControl] == "no-store")
                var last = shown
                for _ in 0..<6 {
                    last = try await ada.fill("/account/keys", "/account/keys", ["passphrase": "a guess of mine"])
                }
                #expect(last.status == .tooManyRequests)

                try FileManager.default.createDirectory(
                    at: node.directory.appending(path: "tmp"), withIntermediateDirectories: true)
                // Everything in one file: what was signed as a dump, the recovery secret sealed, the list of files.
                let archive = try await ada.fill("/account/export", "/account/export")
                #expect(
                    archive.status == .ok && archive.headers[.contentDisposition]?.contains("waggle-ada.tar") == true)
                let names = Self.names(archive.bytes)
                #expect(names == ["posts.ndjson.zst", "files.txt", "account.json", "README.txt"], "\(names)")
                #expect(
                    try FileManager.default.contentsOfDirectory(atPath: node.directory.appending(path: "tmp").path)
                        .filter { $0.hasPrefix("export-") } == [])
            }
        }
    }

    /// Names in a tar archive, in order.
    private static func names(_ bytes: [UInt8]) -> [String] {
        var (names, at): ([String], Int) = ([], 0)
        while at + 512 <= bytes.count, bytes[at] != 0 {
            names.append(String(decoding: bytes[at..<(at + 100)].prefix { $0 != 0 }, as: UTF8.self))
            let size = Int(String(decoding: bytes[(at + 124)..<(at + 135)], as: UTF8.self), radix: 8) ?? 0
            at += 512 + (size + 511) / 512 * 512
        }
        return names
    }

    @Test("people are told of what concerns them, once, and of nothing that they may not see")
    func news() async throws {
        let node = try await TestNode.make()
        let ada = try await node.person("ada", seed: 40)
        let model = try await node.publishModel("Alpha")
        let hidden = try await node.publishModel("Hidden", level: .xxx)
        try await node.publish(by: ada) { post in
            var follow = WireFollow()
            follow.author = node.maker.id.data
            post.follows.follows = [follow]
        }
        let notifier = Notifier(node.services.context())
        // History is no news.
        try await notifier.catchUp()
        let (hers, makers) = (try await node.accounts.existing("ada"), try await node.accounts.existing("maker"))
        #expect(try await node.accounts.notifications(of: makers, limit: 50).isEmpty)

        let comment = try await node.publish(by: ada) { post in
            post.comment.subject = model.model.id.data
            post.comment.text = "Fine, @maker and @ada."
        }
        try await node.publish(by: ada) { post in
            post.slot = model.release.id.hex
            post.review.release = model.release.id.data
            post.review.recommended = true
        }
        try await node.publish(by: ada) { post in
            post.slot = "\(model.model.id.hex) 🐝"
            post.reaction.subject = model.model.id.data
            post.reaction.emoji = "🐝"
        }
        try await node.publish(by: ada) { post in
            post.slot = "set"
            post.collection.name = "Set"
            post.collection.items = [model.model.id.data]
            post.collection.level = Level.pg.rawValue
        }
        try await node.publish(by: node.maker) { post in
            post.comment.subject = model.model.id.data
            post.comment.replyTo = comment.id.data
            post.comment.text = "Thanks."
        }
        try await node.publish(by: node.maker) { post in
            post.release = model.release.post.release
            post.release.version = "v2"
        }
        try await node.publish(by: node.maker) { post in
            post.comment.subject = hidden.model.id.data
            post.comment.text = "Not for @ada to know."
        }
        try await notifier.catchUp()
        try await notifier.catchUp()
        let told = try await node.accounts.notifications(of: makers, limit: 50).map(\.kind)
        #expect(told == [.collected, .reaction, .review, .comment])
        let hersTold = try await node.accounts.notifications(of: hers, limit: 50)
        #expect(hersTold.map(\.kind) == [.mention, .release, .reply])
        try await node.test { client in
            let member = try await node.member("ada", client)
            let page = try await member.get("/account/notifications")
            #expect(HTMLLint.problems(page.text) == [])
            #expect(page.text.contains("answered you") && page.text.contains("published a version"))
            #expect(!page.text.contains("named you") && !page.text.contains("Hidden"))
            #expect(try await member.get("/account").text.contains("3 new things"))
            _ = try await member.fill("/account/notifications", "/account/notifications")
            #expect(try await node.accounts.unreadNotifications(of: hers) == 0)
        }
    }
}
