import Accounts
import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Levels on pages, for who is signed in")
struct LevelGateTests {
    /// Somebody who is signed in, by what their browser sends.
    private func session(_ node: TestNode, _ viewing: ViewingChoice) async throws -> HTTPFields {
        let ada = try Person(seed: 60, role: .person)
        if try await node.accounts.account(handle: "ada") == nil {
            try await node.take([ada.genesis])
            try await node.accounts.adopt(handle: "ada", author: ada.id, role: .member, levels: Level.pg13.upTo)
        }
        let account = try await node.accounts.set(viewing, of: "ada")
        let session = try await node.accounts.openSession(for: account)
        return [.cookie: "\(CallerIdentity.cookieName)=\(session.token.text)"]
    }

    private static let everything = ViewingChoice(levels: Level.xxx.upTo, blurFrom: 0, isAdult: true)

    private func ids(_ node: TestNode, _ published: TestNode.Published) async throws -> (model: Int32, image: Int32) {
        let owner = node.moderation.filter(for: .owner)
        let release = try #require(try await node.catalog.release(post: published.release.id, owner))
        let post = try #require(try await node.catalog.imagePost(post: published.picture.id, owner))
        return (release.modelID, try #require(post.images.first).id)
    }

    @Test(
        "lists and pages show the levels that somebody chose, with their pictures; nobody else gets these, or keeps them"
    )
    func chosen() async throws {
        let node = try await TestNode.make()
        _ = try await node.publishModel("Clean", age: 9)
        let rated = try await node.publishModel("Rated", level: .r)
        let (model, image) = try await ids(node, rated)
        let cookie = try await session(node, Self.everything)
        try await node.test { client in
            for path in ["/", "/models", "/images", "/@maker", "/search?q=Rated", "/tags", "/models/\(model)"] {
                let own = try await client(.get, path, cookie)
                #expect(own.status == .ok && own.text.lowercased().contains("rated"), "\(path)")
                #expect(own.headers[.cacheControl]?.hasPrefix("private") == true, "\(path)")
                #expect(own.headers[.vary]?.contains("Cookie") == true)
                #expect(HTMLLint.problems(own.text) == [], "\(path)")
                let other = try await client(.get, path)
                #expect(!other.text.contains("Rated") || path.contains("Rated"), "\(path)")
                #expect(other.headers[.vary]?.contains("Cookie") == true)
            }
            for path in ["/blobs/\(rated.image.hex)", "/blobs/\(rated.file.hex)"] {
                #expect(try await client(.get, path).status == .notFound)
                let own = try await client(.get, path, cookie)
                #expect(own.status == .ok && own.headers[.cacheControl]?.hasPrefix("private") == true)
            }
            #expect(try await client(.get, "/thumbs/\(rated.image.hex)/320.webp", cookie).status == .found)
            #expect(try await client(.get, "/thumbs/\(rated.image.hex)/320.webp").status == .notFound)
            #expect(try await client(.get, "/images/\(image)", cookie).text.contains("/blobs/\(rated.image.hex)"))
            // Programs of other sites are told nothing by a browser's session.
            #expect(try await client(.get, "/api/v1/models?nsfw=true", cookie).text.contains("Rated") == false)
        }
    }

    @Test("pictures from a level on are behind a blur, and a link shows those of one page")
    func blurred() async throws {
        let node = try await TestNode.make()
        let clean = try await node.publishModel("Clean", age: 9)
        let rated = try await node.publishModel("Rated", level: .r)
        let (model, image) = try await ids(node, rated)
        let cookie = try await session(
            node, ViewingChoice(levels: Level.xxx.upTo, blurFrom: Level.r.rawValue, isAdult: true))
        try await node.test { client in
            let paths = ["/", "/models", "/images", "/images/\(image)", "/models/\(model)", "/@maker"]
            for path in paths {
                let page = try await client(.get, path, cookie)
                #expect(page.status == .ok && HTMLLint.problems(page.text) == [], "\(path)")
                #expect(!page.text.contains("src=\"/blobs/\(rated.image.hex)"), "\(path)")
                #expect(!page.text.contains("src=\"/thumbs/\(rated.image.hex)"), "\(path)")
                let link = "\(path)?blur=off"
                #expect(page.text.contains("href=\"\(link)\""), "\(path) has no way to see what is blurred")
                let shown = try await client(.get, link, cookie).text
                #expect(
                    shown.contains("src=\"/blobs/\(rated.image.hex)")
                        || shown.contains("src=\"/thumbs/\(rated.image.hex)"))
                #expect(HTMLLint.problems(shown) == [] && !shown.contains("blur=off"), "\(link)")
            }
            #expect(try await client(.get, "/images", cookie).text.contains("/thumbs/\(clean.image.hex)"))
        }
    }

    @Test("what somebody's own choice keeps from them says so, with nothing of it; what else hides it is not there")
    func gate() async throws {
        let node = try await TestNode.make(ceiling: .x)
        let rated = try await node.publishModel("Rated", level: .r)
        let above = try await node.publishModel("Above", level: .xxx)
        let hidden = try await node.publishModel("Hidden", level: .r)
        try await node.catalog.setHidden([.post(hidden.model.id), .post(hidden.picture.id)], true)
        let (model, image) = try await ids(node, rated)
        let (aboveModel, aboveImage) = try await ids(node, above)
        let (hiddenModel, hiddenImage) = try await ids(node, hidden)
        let young = try await session(node, ViewingChoice(levels: Level.pg13.upTo))
        try await node.test { client in
            for path in ["/models/\(model)", "/images/\(image)", "/models/\(model)/reviews", "/tags/tag-rated"] {
                let page = try await client(.get, path, young)
                #expect(page.status == .forbidden && page.headers[.cacheControl] == "no-store", "\(path)")
                #expect(page.text.contains("Rated R") && page.text.contains("for adults"), "\(path)")
                #expect(!page.text.contains("Model Rated") && !page.text.contains(rated.image.hex))
                #expect(HTMLLint.problems(page.text) == [], "\(path)")
                #expect(try await client(.get, path).status == .notFound, "a visitor is told nothing: \(path)")
            }
            for path in [aboveModel, hiddenModel].map({ "/models/\($0)" })
                + [aboveImage, hiddenImage].map({ "/images/\($0)" })
            {
                #expect(try await client(.get, path, young).status == .notFound, "\(path)")
            }
            // Saying that one is an adult and choosing the level opens it; saying so alone does not.
            let adult = try await session(node, ViewingChoice(isAdult: true))
            let page = try await client(.get, "/models/\(model)", adult)
            #expect(page.status == .forbidden && !page.text.contains("for adults"))
            let chosen = try await session(node, ViewingChoice(levels: Level.r.upTo, blurFrom: 0))
            #expect(try await client(.get, "/models/\(model)", chosen).status == .ok)
        }
    }
}
