import Accounts
import Administration
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Operations
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Levels that people dispute and moderators lock")
struct LevelPageTests {
    /// A node with people at home on it.
    private func node(_ handles: [String], levels: UInt32 = Level.x.upTo) async throws -> (TestNode, [Person]) {
        let node = try await TestNode.make(ceiling: .x) { $0.requestsPerAddress = 1_000_000 }
        var people: [Person] = []
        for (index, handle) in handles.enumerated() {
            let person = try await node.person(
                handle, seed: UInt8(90 + index), role: handle == "mod" ? .moderator : .member, levels: levels)
            try await node.catalog.setEarnedRoom(person.id, true)
            people.append(person)
        }
        return (node, people)
    }

    private func vote(_ member: Member, _ subject: String, _ level: String) async throws -> Answer {
        try await member.fill(LevelPages.address(subject), "/levels?", ["level": level])
    }

    @Test("three people who agree move a picture and a model out of a visitor's sight, at once and by every route")
    func votes() async throws {
        let (node, _) = try await node(["ada", "bea", "cem"])
        let model = try await node.publishModel("Clean")
        let owner = node.moderation.filter(for: .owner)
        let id = try #require(try await node.catalog.model(post: model.model.id, owner, detail: .brief)?.id)
        let image = try #require(try await node.catalog.imagePost(post: model.picture.id, owner)?.images.first?.id)
        try await node.live { client in
            let paths = ["/models/\(id)", "/images/\(image)", "/blobs/\(model.image.hex)", "/blobs/\(model.file.hex)"]
            for path in paths { #expect(try await client(.get, path).status == .ok, "\(path)") }
            #expect(
                try await client(.get, "/models/\(id)").text.contains(LevelPages.address("post:\(model.model.id.hex)")))
            #expect(try await client(.get, LevelPages.address("file:\(model.image.hex)")).status == .unauthorized)
            for (number, handle) in ["ada", "bea", "cem"].enumerated() {
                for path in paths { #expect(try await client(.get, path).status == .ok, "\(number): \(path)") }
                let member = try await node.member(handle, client)
                for subject in ["file:\(model.image.hex)", "post:\(model.model.id.hex)"] {
                    let sent = try await vote(member, subject, number == 2 ? "X" : "R")
                    #expect(sent.status == .seeOther && sent.location == LevelPages.address(subject), "\(sent.text)")
                    let page = try await member.get(sent.location)
                    #expect(page.status == .ok && HTMLLint.problems(page.text) == [])
                }
            }
            for path in paths { #expect(try await client(.get, path).status == .notFound, "\(path)") }
            let feed = try await client(.get, "/api/v1/images").text
            #expect(!feed.contains(model.image.hex))
            #expect(try await client(.get, "/models").text.contains("Model Clean") == false)
            let ada = try await node.member("ada", client)
            let page = try await ada.get(LevelPages.address("file:\(model.image.hex)"))
            #expect(page.text.contains("R: 2, X: 1") && page.text.contains("<span class=\"badge\">R</span>"))
            #expect(try await ada.get("/images/\(image)").text.contains("<span class=\"badge\">R</span>"))
            // Its maker is told, and is led to where a review is asked for.
            let maker = try await node.member("maker", client)
            let news = try await maker.get("/account/notifications").text
            for subject in ["file:\(model.image.hex)", "post:\(model.model.id.hex)"] {
                #expect(news.contains("href=\"\(LevelPages.address(subject))\""), "\(subject)")
            }
            #expect(try await !ada.get("/account/notifications").text.contains("/levels?"))
            // Who takes their word back is not among three who agree any more.
            let taken = try await vote(ada, "file:\(model.image.hex)", "none")
            #expect(taken.status == .seeOther, "\(taken.text)")
            #expect(try await client(.get, "/blobs/\(model.image.hex)").status == .ok)
        }
    }

    @Test("strangers and the maker do not count, and votes never make anything milder: that is for a moderator to see")
    func whoCounts() async throws {
        let (node, people) = try await node(["ada", "bea", "cem", "mod"])
        let model = try await node.publishModel("Grown", level: .r)
        let subject = "file:\(model.image.hex)"
        let path = "/blobs/\(model.image.hex)"
        // Two who are not at home here.
        for person in people.prefix(2) { try await node.catalog.setEarnedRoom(person.id, false) }
        try await node.live { client in
            for handle in ["ada", "bea", "cem"] {
                let member = try await node.member(handle, client)
                #expect(try await vote(member, subject, "X").status == .seeOther)
            }
            let mod = try await node.member("mod", client)
            #expect(try await mod.get(LevelPages.address(subject)).text.contains("<dd>X: 1</dd>"))
            for person in people.prefix(2) { try await node.catalog.setEarnedRoom(person.id, true) }
            try await LevelDesk(node.services.context()).recount()
            #expect(try await mod.get(LevelPages.address(subject)).text.contains("<dd>X: 3</dd>"))
            #expect(node.catalog.levelRules[.picture(model.image)] == .atLeast(.x))
            for handle in ["ada", "bea", "cem"] {
                let member = try await node.member(handle, client)
                #expect(try await vote(member, subject, "PG").status == .seeOther)
            }
            #expect(try await client(.get, path).status == .notFound)
            let disputes = try await mod.get("/levels/disputes")
            #expect(disputes.text.contains("people find it milder") && HTMLLint.problems(disputes.text) == [])
            // The maker says what it is by publishing it.
            let maker = try await node.member("maker", client)
            let own = try await maker.get(LevelPages.address(subject))
            #expect(own.action("/levels?") == nil && own.action("/levels/review") != nil)
            await #expect(throws: OperationError.self) {
                let account = try await node.accounts.existing("maker")
                return try await VoteLevel(account: "maker", subject: subject, level: "PG").run(
                    in: node.services.context().acting(for: account))
            }
        }
    }

    @Test("a moderator's lock beats all, is on the record, answers the maker, and can be lifted")
    func lock() async throws {
        let (node, _) = try await node(["ada", "bea", "cem", "mod"])
        let model = try await node.publishModel("Clean")
        let subject = "post:\(model.model.id.hex)"
        let owner = node.moderation.filter(for: .owner)
        let id = try #require(try await node.catalog.model(post: model.model.id, owner, detail: .brief)?.id)
        try await node.live { client in
            for handle in ["ada", "bea", "cem"] {
                #expect(try await vote(try await node.member(handle, client), subject, "R").status == .seeOther)
            }
            #expect(try await client(.get, "/models/\(id)").status == .notFound)
            let maker = try await node.member("maker", client)
            let asked = try await maker.fill(
                LevelPages.address(subject), "/levels/review", ["text": "It is a bee & <b>nothing</b> else."])
            #expect(asked.status == .seeOther, "\(asked.text)")
            let mod = try await node.member("mod", client)
            let ada = try await node.member("ada", client)
            #expect(try await ada.get("/levels/disputes").status == .forbidden)
            #expect(try await ada.get(LevelPages.address(subject)).text.contains("a bee &amp;") == false)
            #expect(try await mod.get("/moderation").text.contains("href=\"/levels/disputes\""))
            let disputes = try await mod.get("/levels/disputes")
            #expect(disputes.text.contains("a bee &amp; &lt;b&gt;") && disputes.text.contains("R: 3"))
            let locked = try await mod.fill(
                LevelPages.address(subject), "/levels/lock", ["level": "PG", "reason": "only a bee"])
            #expect(locked.status == .seeOther, "\(locked.text)")
            #expect(try await client(.get, "/models/\(id)").status == .ok)
            for handle in ["ada", "bea", "cem"] {
                #expect(try await vote(try await node.member(handle, client), subject, "X").status == .seeOther)
            }
            #expect(try await client(.get, "/models/\(id)").status == .ok)
            let page = try await ada.get(LevelPages.address(subject))
            #expect(page.text.contains("only a bee") && page.text.contains("L-1") && !page.text.contains("@mod"))
            let after = try await mod.get("/levels/disputes")
            #expect(after.text.contains("@mod, only a bee") && !after.text.contains("a bee &amp;"))
            #expect(try await client(.get, "/transparency").text.contains("level-lock"))
            let audit = try await node.services.context().administration.audit(limit: 10)
            #expect(audit.contains { $0.action == "mod level" && $0.subject == subject && $0.actor.contains("mod") })
            let lifted = try await mod.fill(LevelPages.address(subject), "/levels/lock", ["level": "none"])
            #expect(lifted.status == .seeOther, "\(lifted.text)")
            #expect(try await client(.get, "/models/\(id)").status == .notFound)
        }
    }

    @Test(
        "over the API, nobody learns of what they do not see, and whoever rates something out of their sight is told so"
    )
    func api() async throws {
        let (node, _) = try await node(["ada", "bea", "cem"], levels: Level.pg.upTo)
        let model = try await node.publishModel("Clean")
        let grown = try await node.publishModel("Grown", level: .x)
        @Sendable func token(_ handle: String) async throws -> HTTPFields {
            let made = try await node.accounts.newToken(NewToken(label: "t", scopes: [.read, .social]), for: handle)
            return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
        }
        try await node.live { client in
            let ada = try await token("ada")
            func vote(_ who: HTTPFields, _ subject: String, _ level: String?) async throws -> Answer {
                let said = level.map { ",\"level\":\"\($0)\"" } ?? ""
                return try await client(
                    .post, "/api/w1/levels", who, body: Array("{\"subject\":\"\(subject)\"\(said)}".utf8))
            }
            let shown = try await client(.get, "/api/w1/levels?subject=file:\(model.image.hex)", ada)
            #expect(try shown.json()["level"] as? String == "PG", "\(shown.text)")
            let unknown = try await client(.get, "/api/w1/levels?subject=\(Hash32.zero.hex)", ada)
            for subject in [grown.image.hex, grown.model.id.hex, grown.release.id.hex] {
                let answer = try await client(.get, "/api/w1/levels?subject=\(subject)", ada)
                let (told, other) = (
                    answer.text.replacing(subject, with: ""), unknown.text.replacing(Hash32.zero.hex, with: "")
                )
                #expect(answer.status == .notFound && told == other, "\(subject)")
                #expect(try await vote(ada, subject, "PG").status == .notFound)
            }
            #expect([400, 422].contains(try await vote(ada, model.image.hex, "Blocked").status.code))
            #expect(try await vote([:], model.image.hex, "R").status == .unauthorized)
            #expect(try await client(.get, "/api/w1/moderation/levels", ada).status == .forbidden)
            for handle in ["ada", "bea", "cem"] {
                let answer = try await vote(try await token(handle), "file:\(model.image.hex)", "R")
                #expect(answer.status == .ok, "\(answer.text)")
                #expect(try answer.json()["own"] as? String == "R")
                #expect(try answer.json()["level"] as? String == (handle == "cem" ? "R" : "PG"))
            }
            #expect(try await vote(ada, "file:\(model.image.hex)", nil).status == .notFound)
            // The release of a model has the model's level.
            let release = try await client(.get, "/api/w1/levels?subject=\(model.release.id.hex)", ada)
            #expect(try release.json()["subject"] as? String == "post:\(model.model.id.hex)")
        }
    }
}

extension TestNode {
    /// A node whose catalog follows what is signed.
    fileprivate func live<Value: Sendable>(_ body: @Sendable (Client) async throws -> Value) async throws -> Value {
        try await following { try await test(body) }
    }
}
