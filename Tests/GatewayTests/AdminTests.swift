import Accounts
import Administration
import Catalog
import Digests
import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import Identity
import Testing
import WaggleProtocol

@Suite("Pages for admins")
struct AdminTests {
    private static let paths = [
        "/admin/users", "/admin/registrations", "/admin/invites", "/admin/peers", "/admin/mirrors", "/admin/storage",
        "/admin/jobs", "/admin/announcements", "/admin/audit", "/admin", "/admin/lists",
    ]

    /// Fields of a browser that is signed in and on a page of this node.
    private func browser(_ node: TestNode, as handle: String) async throws -> HTTPFields {
        let session = try await node.accounts.openSession(for: node.accounts.existing(handle))
        return [.cookie: "__Host-waggle=\(session.token.text)", .origin: "https://hive.example"]
    }

    private func form(_ items: KeyValuePairs<String, String>) -> [UInt8] {
        Array(
            items.map { "\($0.key)=\($0.value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")" }
                .joined(separator: "&").utf8)
    }

    /// Three accounts: an admin, a moderator, a member; and somebody who applied.
    private func world() async throws -> TestNode {
        let node = try await TestNode.make(registration: .application)
        for (index, (name, role)) in [("mod", AccountRole.moderator), ("ada", .member)].enumerated() {
            let person = try Person(seed: UInt8(20 + index), role: .person)
            try await node.accounts.adopt(handle: name, author: person.id, role: role, levels: 1)
        }
        let applicant = try Person(seed: 30, role: .person)
        _ = try await node.accounts.register(
            Registration(handle: "bob", passphrase: "nine bees in a row", application: "I draw <b>boats</b>."),
            ownedBy: applicant.id, mode: .application, levels: 1)
        return node
    }

    @Test("admins see every page, sound; moderators the queue of registrations; others none, and nobody by a token")
    func who() async throws {
        let node = try await world()
        let (admin, moderator, member) = (
            try await browser(node, as: "maker"), try await browser(node, as: "mod"),
            try await browser(node, as: "ada")
        )
        let token = try await node.accounts.newToken(
            NewToken(label: "", scopes: [.admin], expires: nil, buzzLimit: nil), for: "maker")
        try await node.test { client in
            for path in Self.paths {
                let page = try await client(.get, path, admin)
                #expect(page.status == .ok && page.headers[.cacheControl] == "no-store", "\(path)")
                #expect(HTMLLint.problems(page.text) == [], "\(path)")
                #expect(try await client(.get, path).status == .unauthorized, "\(path)")
                #expect(try await client(.get, path, member).status == .forbidden, "\(path)")
                let isQueue = ["/admin/registrations", "/admin/lists"].contains(path)
                let seen = try await client(.get, path, moderator)
                #expect(seen.status == (isQueue ? .ok : .forbidden), "\(path)")
                #expect(!seen.text.contains("/admin/settings"))
                let bearer: HTTPFields = [.authorization: "Bearer \(token.secret.text)"]
                #expect(try await client(.get, path, bearer).status == .forbidden, "\(path)")
            }
        }
    }

    @Test("whom people here follow stands on the page of peers; users are looked for by name")
    func followsAndNames() async throws {
        let node = try await world()
        let admin = try await browser(node, as: "maker")
        let far = try Person(seed: 77, role: .person)
        try await node.catalog.setEarnedRoom(node.maker.id, true)
        try await node.publish(by: node.maker) { post in
            var follow = WireFollow()
            follow.author = far.id.data
            post.follows.follows = [follow]
        }
        try await node.test { client in
            let peers = try await client(.get, "/admin/peers", admin).text
            #expect(peers.contains(AuthorID.text(far.id).prefix(16)), "\(peers)")
            #expect(HTMLLint.problems(peers) == [])
            let found = try await client(.get, "/admin/users?q=ad", admin).text
            #expect(found.contains("Quota of @ada") && !found.contains("Quota of @mod"))
            #expect(HTMLLint.problems(found) == [])
        }
    }

    @Test("a form of another site changes nothing, whoever is signed in")
    func forgery() async throws {
        let node = try await world()
        var fields = try await browser(node, as: "maker")
        fields[.origin] = "https://evil.example"
        try await node.test { [fields] client in
            let body = form(["what": "role", "account": "ada", "role": "admin"])
            let reply = try await client(.post, "/admin/users", fields, body: body)
            #expect(reply.status == .forbidden)
        }
        #expect(try await node.accounts.existing("ada").role == .member)
    }

    @Test("applications are approved and turned down with a reason; a reason that is too long is shown again, as typed")
    func registrations() async throws {
        let node = try await world()
        let moderator = try await browser(node, as: "mod")
        try await node.test { client in
            let page = try await client(.get, "/admin/registrations", moderator)
            #expect(page.text.contains("I draw &lt;b&gt;boats&lt;/b&gt;."))
            let long = String(repeating: "no ", count: 400)
            let body = form(["what": "reject", "account": "bob", "reason": long])
            let refused = try await client(.post, "/admin/registrations", moderator, body: body)
            #expect(refused.status == .unprocessableContent && refused.text.contains(long))
            #expect(HTMLLint.problems(refused.text) == [])
            let short = form(["what": "reject", "account": "bob", "reason": "Say who you are."])
            let done = try await client(.post, "/admin/registrations", moderator, body: short)
            #expect(done.status == .seeOther && done.headers[.location] == "/admin/registrations?done=yes")
            // A moderator makes nobody active who did not apply.
            let other = form(["what": "approve", "account": "ada"])
            #expect(
                try await client(.post, "/admin/registrations", moderator, body: other).status == .unprocessableContent)
        }
        await #expect(throws: AccountsError.rejected("bob", reason: "Say who you are.")) {
            try await node.accounts.signIn(handle: "bob", passphrase: "nine bees in a row", from: "1.2.3.4")
        }
        try await node.test { client in
            let body = form(["what": "approve", "account": "bob"])
            let reply = try await client(.post, "/admin/registrations", moderator, body: body)
            #expect(reply.status == .seeOther)
        }
        #expect(try await node.accounts.existing("bob").state == .active)
        let log = try await node.services.administration.audit(limit: 10)
        #expect(Set(log.map(\.actor)) == ["@mod"] && log.count == 4, "\(log)")
        #expect(
            log.contains { $0.action == "account reject" && $0.subject == "@bob" && $0.detail == "Say who you are." })
    }

    @Test("roles, quotas and invites are changed; the last admin stays one; an invite is shown once")
    func people() async throws {
        let node = try await world()
        let admin = try await browser(node, as: "maker")
        try await node.test { client in
            let role = form(["what": "role", "account": "ada", "role": "curator"])
            #expect(try await client(.post, "/admin/users", admin, body: role).status == .seeOther)
            let quota = form(["what": "quota", "account": "ada", "quota": "5GB"])
            #expect(try await client(.post, "/admin/users", admin, body: quota).status == .seeOther)
            let bad = form(["what": "quota", "account": "ada", "quota": "much"])
            #expect(try await client(.post, "/admin/users", admin, body: bad).status == .unprocessableContent)
            let last = form(["what": "role", "account": "maker", "role": "member"])
            let kept = try await client(.post, "/admin/users", admin, body: last)
            #expect(kept.status == .unprocessableContent && kept.text.contains("last active admin"))
            let new = form(["what": "new", "uses": "3", "days": "2", "role": "member"])
            let made = try await client(.post, "/admin/invites", admin, body: new)
            let secret = try #require(made.text.firstMatch(of: #/wgl_i[A-Za-z0-9_]+/#)?.output)
            let later = try await client(.get, "/admin/invites", admin)
            #expect(!later.text.contains(secret))
        }
        let ada = try await node.accounts.existing("ada")
        #expect(ada.role == .curator && ada.storage == .bytes(5_000_000_000))
        #expect(try await node.accounts.invites().map(\.uses) == [3])
        let log = try await node.services.administration.audit(limit: 10)
        #expect(log.allSatisfy { !$0.detail.contains("wgl_") })
        #expect(try await node.services.administration.firstBrokenAuditLine() == nil)
    }

    @Test("an announcement stands above every page, as text")
    func announcements() async throws {
        let node = try await world()
        let admin = try await browser(node, as: "maker")
        try await node.test { client in
            let body = form(["what": "add", "text": "Tea <i>at five</i>", "hours": ""])
            #expect(try await client(.post, "/admin/announcements", admin, body: body).status == .seeOther)
            let page = try await client(.get, "/about")
            #expect(page.text.contains("Tea &lt;i&gt;at five&lt;/i&gt;") && HTMLLint.problems(page.text) == [])
            let mode = form(["what": "mode", "mode": "read-only", "message": "moving disks"])
            #expect(try await client(.post, "/admin/announcements", admin, body: mode).status == .seeOther)
            let refused = try await client(.post, "/api/w1/accounts", body: Array("{}".utf8))
            #expect(refused.status == .serviceUnavailable && refused.text.contains("read-only"))
            #expect(refused.headers[.retryAfter] != nil)
            #expect(try await client(.get, "/about").text.contains("moving disks"))
            let normal = form(["what": "mode", "mode": "normal"])
            #expect(try await client(.post, "/admin/announcements", admin, body: normal).status == .seeOther)
        }
    }
}
