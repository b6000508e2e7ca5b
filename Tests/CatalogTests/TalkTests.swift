import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Reviews and comments")
struct TalkTests {
    let maker = TestAuthor("maker")
    let reader = TestAuthor("reader")

    @Test("one review a person and release: a newer one replaces it, a deleted one counts no more")
    func oneReview() async throws {
        let release = maker.release("m")
        let (first, second) = (reader.review(release, true, at: 40), reader.review(release, false, text: "no", at: 41))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(first)
            log.hide(first, .superseded)
            log.show(second, maker.model("m"), release, TestAuthor("b").review(release, true, text: "yes", at: 45))
            try await catalog.apply(log.take())
            let shown = try #require(try await catalog.release(post: release.id, .pg))
            #expect(shown.counts.recommended == 1 && shown.counts.notRecommended == 1)
            let reviews = try await catalog.reviews(ofRelease: shown.id, limit: 10, .pg).items
            #expect(reviews.map(\.text) == ["yes", "no"])
            #expect(reviews.map(\.isRecommended) == [true, false])
            log.hide(second)
            try await catalog.apply(log.take())
            #expect(try await catalog.model(id: shown.modelID, .pg)?.counts.notRecommended == 0)
            let page = try await catalog.reviews(ofRelease: shown.id, limit: 1, .pg)
            #expect(page.items.map(\.text) == ["yes"] && page.next == nil)
        }
    }

    @Test("comments on any version of a model are comments on the model; pages show each once")
    func comments() async throws {
        let old = maker.model("m", at: 10)
        let new = maker.model("m", name: "New", at: 11)
        let release = maker.release("m")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for number in 0..<9 {
                log.show(reader.comment([old, new, release][number % 3], "c\(number)", at: UInt64(50 + number)))
            }
            log.show(old)
            log.hide(old, .superseded)
            log.show(new, release)
            try await catalog.apply(log.take())
            let model = try #require(try await catalog.model(post: old.id, .pg))
            #expect(model.post == new.id)
            #expect(model.counts.comments == 9)
            #expect(model.releases[0].counts.comments == 3)
            var texts: [String] = []
            var position = PagePosition.start
            repeat {
                let page = try await catalog.comments(on: new.id, limit: 2, position: position, .pg)
                texts += page.items.map(\.text)
                position = page.next.map { .after($0) } ?? .start
            } while position != .start
            #expect(texts == ["c7", "c6", "c4", "c3", "c1", "c0"])
            #expect(try await catalog.comments(on: release.id, limit: 9, .pg).items.map(\.text) == ["c8", "c5", "c2"])
        }
    }

    @Test("comments on a version that came late and was never shown count as those on any other; on a deleted one not")
    func lateVersions() async throws {
        let pairs = [
            (maker.model("m", at: 10), maker.model("m", name: "New", at: 11)),
            (maker.collection("c", [], at: 10), maker.collection("c", [], name: "New", at: 11)),
            (maker.article("a", at: 10), maker.article("a", text: "new", at: 11)),
            (maker.workflow("w", at: 10), maker.workflow("w", graph: "new", at: 11)),
        ]
        for (old, new) in pairs {
            let said = [reader.comment(old, "old", at: 50), reader.comment(new, "new", at: 51)]
            for isSaidFirst in [true, false] {
                try await withCatalog { catalog, _ in
                    var log = TestLog()
                    if isSaidFirst { for comment in said { log.show(comment) } }
                    log.show(new)
                    log.hide(old, .superseded)
                    if !isSaidFirst { for comment in said { log.show(comment) } }
                    try await catalog.apply(log.take())
                    for version in [old, new] {
                        let items = try await catalog.comments(on: version.id, limit: 9, .pg).items
                        #expect(items.map(\.text) == ["new", "old"], "kind \(old.kind.rawValue)")
                    }
                    if old.kind == .model {
                        #expect(try await catalog.model(post: new.id, .pg)?.counts.comments == 2)
                    }
                    log.hide(old)
                    try await catalog.apply(log.take())
                    let items = try await catalog.comments(on: new.id, limit: 9, .pg).items
                    #expect(items.map(\.text) == ["new"], "kind \(old.kind.rawValue)")
                }
            }
        }
    }

    @Test("comments on images and reviews are shown with them, and on nothing at all to nobody")
    func otherSubjects() async throws {
        let release = maker.release("m")
        let post = maker.imagePost([image("a", .r)])
        let review = reader.review(release, true)
        let nothing = maker.imagePost([image("never shown")])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.model("m", level: .x), release, post, review)
            for subject in [post, review, nothing] { log.show(reader.comment(subject, "hello")) }
            try await catalog.apply(log.entries)
            for (subject, mask) in [(post, 4), (review, 8)] as [(LoggedPost, UInt32)] {
                for other in 0..<64 as Range<UInt32> {
                    let found = try await catalog.comments(on: subject.id, limit: 5, ViewerFilter(mask: other))
                    #expect(found.items.count == (other & mask == 0 ? 0 : 1))
                }
            }
            #expect(try await catalog.comments(on: nothing.id, limit: 5, .operator_).items.isEmpty)
        }
    }
}
