import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Reactions and what is counted")
struct ReactionTests {
    let maker = TestAuthor("maker")

    @Test("each person counts once for each reaction, most given first, and a withdrawn one counts nothing")
    func counting() async throws {
        let release = maker.release("m")
        let post = maker.imagePost([image("a"), image("b")], releases: [release])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for number in 0..<5 {
                log.show(TestAuthor("r\(number)").reaction(post, "❤"))
                if number < 2 { log.show(TestAuthor("r\(number)").reaction(post, "👍")) }
            }
            let fan = TestAuthor("r0")
            let old = fan.reaction(post, "👍")
            log.hide(old, .superseded)
            log.show(fan.reaction(post, "👍", withdrawn: true, at: 61))
            log.show(maker.model("m"), release, post)
            try await catalog.apply(log.take())
            let shown = try #require(try await catalog.imagePost(post: post.id, .pg))
            for image in shown.images {
                #expect(image.counts.reactions.map(\.emoji) == ["❤", "👍"])
                #expect(image.counts.reactions.map(\.count) == [5, 1])
                #expect(image.counts.reactionTotal == 6)
            }
            #expect(try await catalog.reaction(of: fan.id, on: post.id) == ["❤"])
            #expect(try await catalog.reaction(of: TestAuthor("r1").id, on: post.id) == ["❤", "👍"])
            #expect(try await catalog.reaction(of: maker.id, on: post.id).isEmpty)

            log.show(fan.reaction(post, "👍", at: 62))
            log.hide(TestAuthor("r4").reaction(post, "❤"))
            try await catalog.apply(log.take())
            let after = try #require(try await catalog.imagePost(post: post.id, .pg)).images[0].counts
            #expect(after.reactions.map(\.count) == [4, 2] && after.reactionTotal == 6)
        }
    }

    @Test("a page shows the eight reactions given most, whatever else was given")
    func many() async throws {
        let post = maker.imagePost([image("a")])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(post)
            for number in 0..<30 {
                for fan in 0...(number % 10) { log.show(TestAuthor("f\(fan)").reaction(post, "e\(number)")) }
            }
            try await catalog.apply(log.entries)
            let counts = try #require(try await catalog.imagePost(post: post.id, .pg)).images[0].counts
            #expect(counts.reactions.map(\.emoji) == ["e19", "e29", "e9", "e18", "e28", "e8", "e17", "e27"])
            #expect(counts.reactionTotal == 3 * 55)
        }
    }

    @Test("two spellings of one character are two reactions, each counted under its own bytes")
    func bytes() async throws {
        let post = maker.imagePost([image("a")])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(post, TestAuthor("x").reaction(post, "\u{e9}"), TestAuthor("x").reaction(post, "e\u{301}"))
            try await catalog.apply(log.entries)
            let counts = try #require(try await catalog.imagePost(post: post.id, .pg)).images[0].counts
            #expect(counts.reactions.map { Array($0.emoji.utf8) } == [[0x65, 0xcc, 0x81], [0xc3, 0xa9]])
        }
    }

    @Test("reactions on a model's versions and releases are the model's, and stay with it when it is edited")
    func models() async throws {
        let (old, new) = (maker.model("m", at: 10), maker.model("m", name: "New", at: 11))
        let release = maker.release("m")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let fans = (0..<3).map { TestAuthor("f\($0)") }
            log.show(fans[0].reaction(old, "❤"), old)
            log.hide(old, .superseded)
            log.show(new, fans[1].reaction(new, "❤"), fans[2].reaction(release, "👍"), release)
            try await catalog.apply(log.take())
            let model = try #require(try await catalog.model(post: old.id, .pg))
            #expect(model.counts.reactions.map(\.count) == [2, 1] && model.counts.reactionTotal == 3)
            #expect(model.releases[0].counts.reactions.map(\.emoji) == ["👍"])
            #expect(try await catalog.reaction(of: fans[0].id, on: new.id) == ["❤"])
            log.hide(release)
            try await catalog.apply(log.take())
            #expect(try await catalog.model(post: new.id, .pg)?.counts.reactionTotal == 2)
        }
    }

    @Test("whoever drew with a release and says so counts once, whatever they say of how many pictures")
    func drawings() async throws {
        let (lora, model) = (maker.release("lora"), maker.release("m"))
        let fans = (0..<3).map { TestAuthor("f\($0)") }
        let first = fans[0].feedback("first", drawnWith: [model, lora])
        try await withCatalog { catalog, _ in
            func counts(_ slug: String) async throws -> [Int] {
                let found = try #require(try await catalog.model(author: maker.id, slug: slug, .operator_))
                return [found.counts.drawnBy] + found.releases.map(\.counts.drawnBy)
            }
            var log = TestLog()
            log.show(first, maker.model("m"), model, maker.model("lora"), lora)
            log.show(fans[0].feedback("second", drawnWith: [model], isGood: false))
            let last = fans[2].feedback("fourth", drawnWith: [model])
            log.show(fans[1].feedback("third", drawnWith: [model, lora]), last)
            try await catalog.apply(log.take())
            #expect(try await counts("m") == [3, 3])
            #expect(try await counts("lora") == [2, 2])
            // What is hidden, or taken back, counts nothing.
            try await catalog.setHidden([.post(first.id)], true)
            #expect(try await counts("m") == [3, 3], "there is another of theirs")
            #expect(try await counts("lora") == [1, 1])
            try await catalog.setHidden([.post(first.id)], false)
            #expect(try await counts("lora") == [2, 2])
            log.hide(first)
            log.hide(last)
            try await catalog.apply(log.take())
            #expect(try await counts("m") == [2, 2])
            #expect(try await counts("lora") == [1, 1])
        }
    }

    @Test("images are counted under a release, a model and an author by what the viewer may see")
    func images() async throws {
        let releases = [maker.release("m", version: "1"), maker.release("m", version: "2", at: 21)]
        let post = maker.imagePost([image("a"), image("b", .x), image("c")], releases: releases)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(post, releases[0], releases[1], maker.model("m"), maker.imagePost([image("alone")]))
            try await catalog.apply(log.take())
            for (filter, count) in [(ViewerFilter.pg, 2), (.all, 3)] {
                let model = try #require(try await catalog.model(author: maker.id, slug: "m", filter))
                #expect(model.counts.images == count)
                #expect(model.releases.map(\.counts.images) == [count, count])
                #expect(try await catalog.creator(.author(maker.id), filter)?.imageCount == count + 1)
            }
            try await catalog.setHidden([.blob(hash("image a"))], true)
            #expect(try await catalog.model(author: maker.id, slug: "m", .pg)?.counts.images == 1)
            #expect(try await catalog.model(author: maker.id, slug: "m", .operator_)?.counts.images == 3)
            log.hide(releases[0])
            log.hide(post)
            try await catalog.apply(log.take())
            let model = try #require(try await catalog.model(author: maker.id, slug: "m", .operator_))
            #expect(model.counts.images == 0)
            #expect(try await catalog.creator(.author(maker.id), .operator_)?.imageCount == 1)
        }
    }
}
