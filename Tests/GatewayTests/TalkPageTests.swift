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

@Suite("Taking part with forms")
struct TalkPageTests {
    @Test(
        "a review, a comment and its answer, a reaction, a follow and a collection, each from its page, and taken back")
    func takingPart() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let ada = try await node.person("ada", seed: 40)
        let anybody = node.moderation.filter(for: .anonymous)
        let release = try #require(try await node.catalog.release(post: model.release.id, anybody))
        let path = "/models/\(release.modelID)"
        try await node.following {
            try await node.test { client in
                let visitor = try await client(.get, path)
                #expect(visitor.text.contains("/signin?next=") && visitor.action("/reactions") == nil)
                let member = try await node.member("ada", client)
                let page = try await member.get(path)
                #expect(HTMLLint.problems(page.text) == [])
                for link in ["/reviews/new?", "/comments/new?", "/collections/add?"] {
                    #expect(page.text.contains("href=\"\(link)"), "\(link)")
                }
                #expect(!page.text.contains("/edit\""))

                let review = "/reviews/new?release=\(model.release.id.hex)"
                let empty = try await member.fill(
                    review, "/reviews/new", ["verdict": "", "text": "Lines are <crisp>."])
                #expect(empty.status == .unprocessableContent && HTMLLint.problems(empty.text) == [], "\(empty.text)")
                #expect(empty.text.contains("Lines are &lt;crisp&gt;.") && empty.text.contains("f-verdict-trouble"))
                let said = try await member.post(
                    try #require(empty.action("/reviews/new")), ["verdict": "yes", "text": "Lines are crisp."])
                #expect(said.status == .seeOther && said.location.hasPrefix(path), "\(said.text)")
                #expect(try await member.get(review).text.contains("Lines are crisp."))

                let comment = "/comments/new?on=\(model.model.id.hex)&back=\(path)"
                #expect(try await member.fill(comment, "/comments/new", ["text": "  "]).status == .unprocessableContent)
                #expect(try await member.fill(comment, "/comments/new", ["text": "Which base?"]).location == path)
                let asked = try #require(
                    try await node.catalog.comments(on: model.model.id, limit: 5, anybody).items.first)
                let answer = "/comments/new?on=\(model.model.id.hex)&to=\(asked.post.hex)"
                #expect(try await member.get(answer).text.contains("Which base?"))
                #expect(try await member.fill(answer, "/comments/new", ["text": "SDXL."]).status == .seeOther)
                #expect(try await node.catalog.comments(on: model.model.id, limit: 5, anybody).items.count == 2)

                _ = try await member.fill(path, "/reactions", ["emoji": "🐝"])
                #expect(try await node.catalog.reaction(of: ada.id, on: model.model.id) == ["🐝"])
                _ = try await member.fill(path, "/reactions", ["emoji": "🐝"])
                #expect(try await node.catalog.reaction(of: ada.id, on: model.model.id) == [])
                #expect(try await member.fill(path, "/reactions", ["emoji": "<b>"]).status == .badRequest)

                _ = try await member.fill("/@maker", "/follows", ["do": "follow"])
                #expect(
                    try await node.catalog.following(ada.id, limit: 5, anybody).items.map(\.author) == [node.maker.id])
                _ = try await member.fill("/@maker", "/follows", ["do": "unfollow"])
                #expect(try await node.catalog.following(ada.id, limit: 5, anybody).items.isEmpty)

                let item = "/collections/add?item=\(model.model.id.hex)"
                let kept = try await member.fill(
                    item, "/collections/add", ["collection": "", "name": "For bees", "level": "PG"])
                #expect(kept.location.hasPrefix("/collections/"), "\(kept.text)")
                #expect(try await member.get(kept.location).text.contains("Model Alpha"))

                let retract = "/posts/\(asked.post.hex)/retract"
                #expect(try await member.get(path).text.contains("\(retract)?back="))
                _ = try await member.fill(retract, retract, ["reason": "A slip"])
                let left = try await node.catalog.comments(on: model.model.id, limit: 5, anybody).items
                #expect(!left.map(\.text).contains("Which base?"))
            }
        }
    }

    @Test("a form does its work once, however often it is sent; changed words are asked about, not lost")
    func once() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        _ = try await node.person("ada", seed: 40)
        let anybody = node.moderation.filter(for: .anonymous)
        try await node.following {
            try await node.test { client in
                let member = try await node.member("ada", client)
                let path = "/comments/new?on=\(model.model.id.hex)&back=/models/2"
                let action = try #require(try await member.get(path).action("/comments/new"))
                let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                    for _ in 0..<6 { group.addTask { try await member.post(action, ["text": "Once."]) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(
                    answers.allSatisfy { $0.status == .seeOther && $0.location == "/models/2" },
                    "\(answers.map(\.text))")
                #expect(try await member.post(action, ["text": "Once."]).status == .seeOther)
                let other = try await member.post(action, ["text": "Something else."])
                #expect(other.status == .conflict && other.text.contains("Something else."), "\(other.text)")
                #expect(
                    try await node.catalog.comments(on: model.model.id, limit: 9, anybody).items.map(\.text) == [
                        "Once."
                    ])
                // Two tabs have two forms, and each is good.
                let (one, two) = (
                    try #require(try await member.get(path).action("/comments/new")),
                    try #require(try await member.get(path).action("/comments/new"))
                )
                #expect(try await member.post(two, ["text": "From the second tab."]).status == .seeOther)
                #expect(try await member.post(one, ["text": "From the first tab."]).status == .seeOther)
                #expect(try await node.catalog.comments(on: model.model.id, limit: 9, anybody).items.count == 3)
            }
        }
    }

    @Test("a form is somebody's own: without its token, with another's, or from another site nothing is done")
    func forgery() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        _ = try await node.person("ada", seed: 40)
        _ = try await node.person("eve", seed: 41)
        try await node.following {
            try await node.test { client in
                let (ada, eve) = (try await node.member("ada", client), try await node.member("eve", client))
                let path = "/comments/new?on=\(model.model.id.hex)"
                let before = node.log.newestSeq
                let hers = try #require(try await eve.get(path).action("/comments/new"))
                for action in [path, path + "&once=0123", hers] {
                    let refused = try await ada.post(action, ["text": "Not mine."])
                    #expect(
                        refused.status == .conflict && refused.text.contains("Not mine."),
                        "\(action): \(refused.status)")
                }
                let own = try #require(try await ada.get(path).action("/comments/new"))
                for origin in ["https://elsewhere.example", "null"] {
                    let cross = try await client(
                        .post, own,
                        [.origin: origin, .cookie: "\(CallerIdentity.cookieName)=\(ada.session)"],
                        body: Array("text=Forged".utf8))
                    #expect(cross.status == .forbidden, "\(origin)")
                }
                #expect(node.log.newestSeq == before)
            }
        }
    }

    @Test("what somebody may not see has no form")
    func levels() async throws {
        let node = try await TestNode.make()
        let hidden = try await node.publishModel("Hidden", level: .xxx)
        _ = try await node.person("ada", seed: 40, levels: Level.pg.upTo)
        try await node.test { client in
            let member = try await node.member("ada", client)
            let id = hidden.model.id.hex
            for path in [
                "/comments/new?on=\(id)", "/reviews/new?release=\(hidden.release.id.hex)",
                "/collections/add?item=\(id)",
            ] {
                let answer = try await member.get(path)
                #expect(answer.status == .notFound && !answer.text.contains("Hidden"), "\(path)")
            }
        }
    }
}
