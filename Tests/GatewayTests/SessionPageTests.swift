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

@Suite("Signing up, in and out with forms")
struct SessionPageTests {
    private static let passphrase = "nine bees in a row"

    @Test("a node for adults takes nobody who does not say that they are one, and knows it of those whom it takes")
    func adults() async throws {
        let node = try await TestNode.make(adults: true)
        try await node.following {
            try await node.test { client in
                let visitor = Member(client: client, session: "")
                #expect(try await visitor.get("/signup").text.contains("name=\"adult\""))
                let silent = try await visitor.fill(
                    "/signup", "/signup", ["account": "ada", "passphrase": Self.passphrase])
                #expect(silent.status == .forbidden && silent.text.contains("for adults"), "\(silent.text)")
                let made = try await visitor.fill(
                    "/signup", "/signup", ["account": "ada", "passphrase": Self.passphrase, "adult": "yes"])
                #expect(made.status == .ok, "\(made.text)")
                let body = #"{"account":"bob","passphrase":"\#(Self.passphrase)"}"#
                let json: HTTPFields = [.contentType: "application/json"]
                #expect(
                    try await client(.post, "/api/w1/accounts", json, body: Array(body.utf8)).status == .forbidden)
            }
        }
        #expect(try await node.accounts.existing("ada").adultSince != nil)
        await #expect(throws: AccountsError.self) { try await node.accounts.existing("bob") }
    }

    @Test("somebody registers, sees the words once, goes out and comes back in; each page is sound")
    func comingIn() async throws {
        let node = try await TestNode.make()
        try await node.following {
            try await node.test { client in
                let visitor = Member(client: client, session: "")
                let asked = try await visitor.get("/signup?next=/models")
                #expect(HTMLLint.problems(asked.text) == [])
                let weak = try await visitor.fill(
                    "/signup?next=/models", "/signup", ["account": "ada", "name": "Ada <3", "passphrase": "short"])
                #expect(weak.status == .badRequest && HTMLLint.problems(weak.text) == [], "\(weak.text)")
                // What was typed is there, the secret is not, and the reason stands at its field.
                #expect(weak.text.contains("value=\"ada\"") && weak.text.contains("Ada &lt;3"))
                #expect(
                    !weak.text.contains("\"short\"") && weak.text.contains("aria-describedby=\"f-passphrase-trouble\""))
                let made = try await visitor.post(
                    try #require(weak.action("/signup")),
                    ["account": "ada", "name": "Ada", "passphrase": Self.passphrase])
                #expect(made.status == .ok && HTMLLint.problems(made.text) == [], "\(made.text)")
                #expect(made.text.matches(of: #/<li><code>[a-z]+</code></li>/#).count == 24)
                #expect(made.headers[.cacheControl] == "no-store" && made.text.contains("href=\"/models\""))
                let cookie = try #require(made.headers[.setCookie])
                for word in ["__Host-", "HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                    #expect(cookie.contains(word))
                }
                let ada = Member(client: client, session: try #require(made.session))
                let home = try await ada.get("/")
                #expect(home.text.contains("href=\"/account\">@ada</a>") && !home.text.contains("href=\"/signin\""))
                #expect(home.headers[.cacheControl]?.contains("private") == true)
                #expect(home.headers[.contentSecurityPolicy]?.contains("frame-ancestors 'none'") == true)
                // The page of a visitor is another one, and caches are told so.
                let anonymous = try await visitor.get("/")
                #expect(
                    anonymous.headers[.vary]?.contains("Cookie") == true && anonymous.text.contains("href=\"/signin\""))
                let out = try await ada.fill("/account", "/signout")
                #expect(out.status == .seeOther && out.headers[.setCookie]?.contains("Max-Age=0") == true)
                #expect(try await ada.get("/account").status == .unauthorized)
                let wrong = try await visitor.fill(
                    "/signin?next=/models", "/signin", ["account": "@Ada", "passphrase": "eight bees in a row"])
                #expect(wrong.status == .unauthorized && wrong.text.contains("value=\"@Ada\""))
                let back = try await visitor.post(
                    try #require(wrong.action("/signin")), ["account": "@Ada", "passphrase": Self.passphrase])
                #expect(back.status == .seeOther && back.location == "/models")
                #expect(back.session != ada.session)
            }
        }
    }

    @Test("signing in makes a new session and ends the one that the browser had")
    func fixation() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        try await node.accounts.resetPassphrase(of: try await node.accounts.existing("ada"), to: Self.passphrase)
        try await node.test { client in
            let before = try await node.member("ada", client)
            let fields = "account=ada&passphrase=\(PercentCoding.encode(Self.passphrase))"
            let headers: HTTPFields = [
                .origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=\(before.session)",
            ]
            let answer = try await client(.post, "/signin", headers, body: Array(fields.utf8))
            let after = try #require(answer.session)
            #expect(after != before.session)
            #expect(try await before.get("/account").status == .unauthorized)
            #expect(try await Member(client: client, session: after).get("/account").status == .ok)
            // A session that somebody made up is none, and stays none.
            let planted = try await client(
                .post, "/signin", [.origin: "https://hive.example", .cookie: "\(CallerIdentity.cookieName)=planted"],
                body: Array(fields.utf8))
            #expect(planted.session != nil && planted.session != "planted")
            for place in [
                "https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "javascript:alert(1)",
            ] {
                let led = try await client(
                    .post, "/signin?next=\(PercentCoding.encode(place))", [.origin: "https://hive.example"],
                    body: Array(fields.utf8))
                #expect(led.location == "/account", "\(place)")
            }
        }
    }

    @Test("who guesses is slowed down by name and by address; another site signs nobody in")
    func guessing() async throws {
        let node = try await TestNode.make()
        _ = try await node.person("ada", seed: 40)
        try await node.accounts.resetPassphrase(of: try await node.accounts.existing("ada"), to: Self.passphrase)
        try await node.test { client in
            let visitor = Member(client: client, session: "")
            var statuses: [Int] = []
            for number in 0..<8 {
                statuses.append(
                    try await visitor.post("/signin", ["account": "ada", "passphrase": "wrong number \(number)"]).status
                        .code)
            }
            #expect(statuses.contains(401) && statuses.last == 429, "\(statuses)")
            // The right one is not looked at either, for a while.
            let right = try await visitor.post("/signin", ["account": "ada", "passphrase": Self.passphrase])
            #expect(right.status == .tooManyRequests && right.headers[.retryAfter] != nil)
            let forged = try await client(
                .post, "/signin", [.origin: "https://elsewhere.example"],
                body: Array("account=ada&passphrase=\(PercentCoding.encode(Self.passphrase))".utf8))
            #expect(forged.status == .forbidden && forged.session == nil)
        }
    }

    @Test("a form whose session is over is kept through the sign-in, and sent again as it was")
    func keptText() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let ada = try await node.person("ada", seed: 40)
        try await node.accounts.resetPassphrase(of: try await node.accounts.existing("ada"), to: Self.passphrase)
        let words = "A long thought & \"quotes\" = 100 %\n\nand a second line."
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let path = "/comments/new?on=\(model.model.id.hex)&back=/models/2"
                let page = try await member.get(path)
                let action = try #require(page.action("/comments/new"))
                _ = try await member.post("/signout")
                let refused = try await member.post(action, ["text": words])
                #expect(refused.status == .unauthorized && HTMLLint.problems(refused.text) == [], "\(refused.text)")
                let kept = try #require(refused.text.firstMatch(of: #/name="kept"[^>]*>\n([^<]*)</#)?.output.1)
                let entered = try await member.post(
                    try #require(refused.action("/signin")),
                    [
                        "account": "ada", "passphrase": Self.passphrase,
                        "kept": String(kept).replacing("&amp;", with: "&"),
                    ])
                #expect(entered.status == .ok && HTMLLint.problems(entered.text) == [], "\(entered.text)")
                #expect(entered.text.contains("A long thought &amp; &quot;quotes&quot; = 100 %"))
                let again = Member(client: client, session: try #require(entered.session))
                let done = try await again.post(try #require(entered.action("/comments/new")), ["text": words])
                #expect(done.status == .seeOther && done.location == "/models/2", "\(done.text)")
                let comments = try await node.catalog.comments(
                    on: model.model.id, limit: 5, node.moderation.filter(for: .anonymous)
                ).items
                #expect(comments.map(\.text) == [words] && comments.first?.author.author == ada.id)
            }
        }
    }

    @Test("who may join is as the node says", arguments: RegistrationMode.allCases)
    func modes(_ mode: RegistrationMode) async throws {
        let node = try await TestNode.make(registration: mode)
        try await node.following {
            try await node.test { client in
                let visitor = Member(client: client, session: "")
                let page = try await visitor.get("/signup")
                #expect(HTMLLint.problems(page.text) == [])
                guard mode != .closed else {
                    #expect(page.action("/signup") == nil)
                    #expect(
                        try await visitor.post("/signup", ["account": "ada", "passphrase": Self.passphrase]).status
                            == .forbidden)
                    return
                }
                let bare = try await visitor.fill(
                    "/signup", "/signup", ["account": "ada", "passphrase": Self.passphrase])
                switch mode {
                case .open: #expect(bare.session != nil)
                case .application:
                    #expect(bare.status == .badRequest && bare.text.contains("f-application-trouble"))
                    let asked = try await visitor.post(
                        try #require(bare.action("/signup")),
                        ["account": "ada", "passphrase": Self.passphrase, "application": "I draw bees."])
                    #expect(asked.status == .ok && asked.session == nil && asked.text.contains("looks at it"))
                    #expect(try await node.accounts.existing("ada").state == .pending)
                    let maker = try await node.accounts.existing("maker")
                    #expect(try await node.accounts.notifications(of: maker, limit: 5).map(\.kind) == [.registration])
                    _ = try await node.accounts.set(.active, of: "ada")
                    let ada = try await node.accounts.existing("ada")
                    #expect(try await node.accounts.notifications(of: ada, limit: 5).map(\.kind) == [.approved])
                case .invite:
                    #expect(bare.status == .forbidden && bare.text.contains("f-invite-trouble"))
                    let invite = try await node.accounts.invite(by: "maker", uses: 1, seconds: 3600)
                    let admitted = try await visitor.fill(
                        "/signup?invite=\(invite.text)", "/signup",
                        ["account": "ada", "passphrase": Self.passphrase, "invite": invite.text])
                    #expect(admitted.session != nil, "\(admitted.text)")
                case .closed: break
                }
            }
        }
    }
}
