import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Levels that moderation gives things")
struct LevelRuleTests {
    let maker = TestAuthor("maker")
    let other = TestAuthor("other")

    @Test("a model that is locked takes its releases and files along, into every version, list and count")
    func model() async throws {
        let (model, release) = (maker.model("m", name: "Secret", tags: ["odd"], at: 10), maker.release("m", at: 11))
        let newer = maker.model("m", name: "Secret again", tags: ["odd"], at: 20)
        let subject = LevelSubject.work(author: maker.id, kind: .model, slug: "m")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(model, release)
            try await catalog.apply(log.take())
            #expect(try await catalog.counts(.pg).models == 1)
            try await catalog.setLevels(LevelRules([subject: .exactly(.x)]))
            func hidden(_ post: Hash32) async throws {
                #expect(try await catalog.model(post: post, .pg) == nil)
                #expect(try await catalog.release(post: release.id, .pg) == nil)
                #expect(try await catalog.releases(byHash: HashClaim(sha256: sha(release)), .pg).isEmpty)
                #expect(try await catalog.models(ModelQuery(), .pg).items.isEmpty)
                #expect(try await catalog.counts(.pg) == CatalogCounts())
                #expect(try await catalog.blobReference(sha(release))?.level == .x)
                #expect(try await catalog.model(post: post, .all)?.level == .x)
            }
            try await hidden(model.id)
            // A new version does not shake it off.
            log.hide(model, .superseded)
            log.show(newer)
            try await catalog.apply(log.take())
            try await hidden(newer.id)
            try await catalog.setLevels(LevelRules([subject: .atLeast(.pg13)]))
            #expect(try await catalog.model(post: newer.id, .all)?.level == .pg13)
            try await catalog.setLevels(LevelRules())
            #expect(try await catalog.model(post: newer.id, .pg)?.level == .pg)
            #expect(try await catalog.blobReference(sha(release))?.level == .pg)
        }
    }

    @Test("a lock reaches the version that was looked at; others are no milder than it, and than their maker says")
    func versions() async throws {
        let release = maker.release("m", at: 11)
        let first = maker.model("m", level: .r, at: 10)
        let newer = maker.model("m", level: .x, at: 20)
        let newest = maker.model("m", level: .pg, at: 30)
        let subject = LevelSubject.work(author: maker.id, kind: .model, slug: "m")
        let rules = LevelRules([subject: .judged(.pg, version: first.id, others: .pg13)])
        try await withCatalog { catalog, path in
            var log = TestLog()
            log.show(first, release)
            try await catalog.apply(log.take())
            try await catalog.setLevels(rules)
            #expect(try await catalog.model(post: first.id, .pg)?.level == .pg)
            #expect(try await catalog.blobReference(sha(release))?.level == .pg)
            log.hide(first, .superseded)
            log.show(newer)
            try await catalog.apply(log.take())
            #expect(try await catalog.model(post: newer.id, .all)?.level == .x)
            #expect(try await catalog.blobReference(sha(release))?.level == .x)
            log.hide(newer, .superseded)
            log.show(newest)
            try await catalog.apply(log.take())
            #expect(try await catalog.model(post: newest.id, .all)?.level == .pg13)
            // What was decided is read again as it was.
            #expect(try Catalog(path: path).levelRules == rules)
        }
    }

    @Test("what is locked of a review is locked in its place: an edit shakes nothing off, and is no milder")
    func review() async throws {
        let (model, release) = (maker.model("m"), maker.release("m"))
        let first = other.review(release, true, images: [image("a", .pg)], at: 40)
        let edited = other.review(release, true, images: [image("b", .pg)], at: 41)
        let graver = other.review(release, true, images: [image("c", .xxx)], at: 42)
        let subject = LevelSubject.work(author: other.id, kind: .review, slug: release.id.hex)
        for post in [first, edited] {
            #expect(LevelSubject(post: post.id, author: post.author, kind: post.kind, slot: post.slot) == subject)
        }
        #expect(LevelSubject(text: subject.text) == subject)
        let rules = LevelRules([subject: .judged(.r, version: first.id, others: .r)])
        try await withCatalog { catalog, _ in
            func level(_ name: String) async throws -> Level? {
                try await catalog.blobReference(hash("image \(name)"))?.level
            }
            var log = TestLog()
            log.show(model, release, first)
            try await catalog.apply(log.take())
            #expect(try await level("a") == .pg)
            try await catalog.setLevels(rules)
            #expect(try await level("a") == .r)
            log.hide(first, .superseded)
            log.show(edited)
            try await catalog.apply(log.take())
            #expect(try await level("b") == .r)
            try await catalog.setLevels(LevelRules())
            #expect(try await level("b") == .pg)
            try await catalog.setLevels(rules)
            #expect(try await level("b") == .r)
            log.hide(edited, .superseded)
            log.show(graver)
            try await catalog.apply(log.take())
            #expect(try await level("c") == .xxx)
        }
    }

    @Test("a picture that is rated is rated in every post that shows it, also one that comes later")
    func picture() async throws {
        let (model, release) = (maker.model("m"), maker.release("m"))
        let first = maker.imagePost([image("a", .pg), image("b", .pg)], releases: [release])
        let second = other.imagePost([image("a", .r)], releases: [release], at: 5000)
        let blob = hash("image a")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(model, release, first)
            try await catalog.apply(log.take())
            let shown = try #require(try await catalog.imagePost(post: first.id, .pg)).images
            try #require(shown.count == 2)
            try await catalog.setLevels(LevelRules([.picture(blob): .atLeast(.x)]))
            #expect(try await catalog.imagePost(post: first.id, .pg)?.images.map(\.id) == [shown[1].id])
            #expect(try await catalog.image(id: shown[0].id, .all)?.level == .x)
            #expect(try await catalog.counts(.pg).images == 1)
            log.show(second)
            try await catalog.apply(log.take())
            #expect(try await catalog.imagePost(post: second.id, ViewerFilter(mask: Level.r.upTo)) == nil)
            #expect(try await catalog.imagePost(post: second.id, .all)?.images.first?.level == .x)
            try await catalog.setLevels(LevelRules([.post(first.id): .exactly(.r)]))
            #expect(try await catalog.imagePost(post: first.id, .pg) == nil)
            #expect(try await catalog.imagePost(post: second.id, .all)?.images.first?.level == .r)
            try await catalog.setLevels(LevelRules())
            #expect(try await catalog.imagePost(post: first.id, .pg)?.images.count == 2)
        }
    }
}
