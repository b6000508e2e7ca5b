import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Conversations")
struct ThreadTests {
    let maker = TestAuthor("maker")
    let reader = TestAuthor("reader")

    private func outline(_ page: Page<CommentView>) -> [String] {
        page.items.map { String(repeating: ">", count: $0.depth) + $0.text }
    }

    @Test("top comments stand newest first, each with its replies oldest first, in whatever order they came")
    func order() async throws {
        let post = maker.imagePost([image("a")])
        let first = reader.comment(post, "first", at: 50)
        let second = reader.comment(post, "second", at: 51)
        let late = reader.reply(to: first, on: post, "late", at: 54)
        let early = reader.reply(to: first, on: post, "early", at: 53)
        let below = maker.reply(to: early, on: post, "below", at: 55)
        for order in [[post, first, second, early, late, below], [below, late, early, second, first, post]] {
            try await withCatalog { catalog, _ in
                var log = TestLog()
                for post in order { log.show(post) }
                try await catalog.apply(log.take())
                let page = try await catalog.threads(on: post.id, limit: 10, .pg)
                #expect(outline(page) == ["second", "first", ">early", ">>below", ">late"])
                #expect(page.items.map(\.replyCount) == [0, 2, 1, 0, 0])
                let start = try await catalog.threads(on: post.id, limit: 1, .pg)
                #expect(outline(start) == ["second"])
                let rest = try await catalog.threads(
                    on: post.id, limit: 1, position: .after(try #require(start.next)), .pg)
                #expect(outline(rest) == ["first", ">early", ">>below", ">late"] && rest.next == nil)
                #expect(
                    try await catalog.comments(on: post.id, limit: 9, .pg).items.map(\.depth) == [2, 1, 1, 0, 0])
                // What answered a comment that is gone stands by itself.
                log.hide(early)
                try await catalog.apply(log.take())
                let without = try await catalog.threads(on: post.id, limit: 9, .pg)
                #expect(outline(without) == ["below", "second", "first", ">late"])
                log.show(early)
                try await catalog.apply(log.take())
                try await catalog.setHidden([.post(first.id)], true)
                let open = try await catalog.threads(on: post.id, limit: 9, .pg)
                #expect(outline(open) == ["late", "early", ">below", "second"])
                #expect(try await catalog.threads(on: post.id, limit: 9, .operator_).items.count == 5)
                try await catalog.setHidden([.post(first.id)], false)
                #expect(
                    outline(try await catalog.threads(on: post.id, limit: 9, .pg))
                        == ["second", "first", ">early", ">>below", ">late"])
            }
        }
    }

    @Test("a reply to nothing known, or to a comment on something else, is a top comment")
    func strays() async throws {
        let (post, other) = (maker.imagePost([image("a")]), maker.imagePost([image("b")]))
        let there = reader.comment(other, "there")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(
                post, other, there, reader.reply(to: there, on: post, "stray", at: 60),
                reader.reply(to: post, on: post, "to no comment", at: 59))
            try await catalog.apply(log.entries)
            #expect(outline(try await catalog.threads(on: post.id, limit: 9, .pg)) == ["stray", "to no comment"])
            #expect(outline(try await catalog.threads(on: other.id, limit: 9, .pg)) == ["there"])
        }
    }

    @Test(
        "a cycle in a thread ends: comments that answer each other or themselves, which no honest ids can, stop no list"
    )
    func cycles() async throws {
        let post = maker.imagePost([image("a")])
        // Ids are hashes, so nobody can sign such posts; a catalog that was given them all the same has to end.
        func circle(_ size: Int, _ name: String) -> [LoggedPost] {
            (0..<size).map { index in
                var said = reader.comment(post, "\(name)\(index)", at: 50).post
                said.comment.replyTo = hash("\(name) \((index + 1) % size)").data
                return LoggedPost(
                    id: hash("\(name) \(index)"), author: reader.id, created: 50, kind: .comment, slot: "", post: said,
                    envelope: Data())
            }
        }
        let circles = circle(1, "self") + circle(2, "pair") + circle(12, "ring")
        let top = reader.comment(post, "top", at: 60)
        let below = reader.reply(to: top, on: post, "below", at: 61)
        let stray = reader.reply(to: circles[1], on: post, "stray", at: 62)
        for order in [circles + [top, below, stray], [stray, below, top] + circles.reversed()] {
            try await withCatalog { catalog, _ in
                var log = TestLog()
                log.show(post)
                for comment in order { log.show(comment) }
                try await catalog.apply(log.take())
                let threads = try await catalog.threads(on: post.id, limit: 50, .pg)
                // What answers itself hangs on nothing; what hangs in a ring hangs on no top comment.
                #expect(Set(outline(threads)) == ["self0", "top", ">below"])
                let all = try await catalog.comments(on: post.id, limit: 50, .pg).items
                #expect(all.count == circles.count + 3)
                #expect(all.allSatisfy { $0.depth <= Limits.Catalog.replyDepth })
                log.hide(circles[2])
                try await catalog.apply(log.take())
                #expect(outline(try await catalog.threads(on: post.id, limit: 50, .pg)).contains("pair0"))
            }
        }
    }

    @Test("a deep thread is shown eight deep, a long one fifty replies long")
    func limits() async throws {
        let post = maker.imagePost([image("a")])
        var deep = [reader.comment(post, "0", at: 100)]
        for number in 1...12 {
            deep.append(reader.reply(to: deep[number - 1], on: post, "\(number)", at: 100 + UInt64(number)))
        }
        let long = reader.comment(post, "long", at: 50)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(post, long)
            for comment in deep { log.show(comment) }
            for number in 0..<60 { log.show(reader.reply(to: long, on: post, "r\(number)", at: 200 + UInt64(number))) }
            try await catalog.apply(log.entries)
            let items = try await catalog.threads(on: post.id, limit: 9, .pg).items
            #expect(items.prefix(13).map(\.depth) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8])
            #expect(items.prefix(13).map(\.text) == (0...12).map(String.init))
            #expect(items.dropFirst(14).map(\.text) == (0..<50).map { "r\($0)" })
            #expect(items[13].replyCount == 60)
        }
    }

    @Test("people talk about everything that has a page, and see talk only about what they see")
    func subjects() async throws {
        let release = maker.release("m")
        let review = reader.review(release, true)
        let comment = reader.comment(release, "on the release")
        let subjects = [
            maker.model("m", level: .r), release, review, comment, maker.imagePost([image("a", .r)]),
            maker.collection("c", [release], level: 4), maker.article("a", level: 4), maker.workflow("w", level: 4),
        ]
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for subject in subjects { log.show(subject, reader.comment(subject, "hello", at: 90)) }
            try await catalog.apply(log.entries)
            for subject in subjects {
                for mask in [0, 1, 4, 8, 63] as [UInt32] {
                    let texts = outline(try await catalog.threads(on: subject.id, limit: 9, ViewerFilter(mask: mask)))
                    #expect(texts.contains("hello") == (mask & 4 != 0), "kind \(subject.kind.rawValue)")
                }
            }
            let model = try #require(try await catalog.model(post: subjects[0].id, .all))
            let page = try await catalog.reviews(ofModel: model.id, limit: 5, .all)
            #expect(page.items.map(\.counts.comments) == [1] && page.items.map(\.version) == ["v1"])
            #expect(try await catalog.reviews(ofModel: model.id, limit: 5, .pg).items.isEmpty)
        }
    }

    @Test("the reviews of all releases of a model are one list, newest first")
    func reviews() async throws {
        let releases = [maker.release("m", version: "1"), maker.release("m", version: "2")]
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.model("m"), releases[0], releases[1])
            for number in 0..<6 {
                log.show(
                    TestAuthor("r\(number)").review(
                        releases[number % 2], true, text: "\(number)", at: 40 + UInt64(number)))
            }
            try await catalog.apply(log.entries)
            let model = try #require(try await catalog.model(author: maker.id, slug: "m", .pg))
            var texts: [String] = []
            var position = PagePosition.start
            repeat {
                let page = try await catalog.reviews(ofModel: model.id, limit: 4, position: position, .pg)
                texts += page.items.map { "\($0.text) of \($0.version)" }
                position = page.next.map { .after($0) } ?? .start
            } while position != .start
            #expect(texts == ["5 of 2", "4 of 1", "3 of 2", "2 of 1", "1 of 2", "0 of 1"])
        }
    }
}
