import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Collections, articles, workflows")
struct WorkTests {
    let maker = TestAuthor("maker")
    let curator = TestAuthor("curator")

    private func name(_ item: CollectionItem) -> String {
        switch item {
        case .model(let model): model.slug
        case .release(let release, let model): "\(model.slug) \(release.body.version)"
        case .images(let post): "images " + post.images.map(\.image.alt).joined(separator: " ")
        }
    }

    @Test("a collection holds models, releases and images in its order; what is unknown or not to be seen is not there")
    func items() async throws {
        let (old, new) = (maker.model("m", at: 10), maker.model("m", name: "Edited", at: 11))
        let strong = maker.model("strong", level: .x)
        let release = maker.release("m")
        let post = maker.imagePost([image("a"), image("b", .x)])
        let never = maker.imagePost([image("never")])
        let collection = curator.collection(
            "c", [post, strong, never, old, release, new, maker.comment(release, "no item")])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(collection, old, strong, release, post)
            log.hide(old, .superseded)
            log.show(new)
            try await catalog.apply(log.take())
            let shown = try #require(try await catalog.collection(author: curator.id, slug: "c", .pg))
            #expect(shown.itemCount == 3 && shown.cover?.image.alt == "a" && shown.post == collection.id)
            func names(_ filter: ViewerFilter) async throws -> [String] {
                var names: [String] = []
                var position = PagePosition.start
                repeat {
                    let page = try await catalog.items(ofCollection: shown.id, limit: 2, position: position, filter)
                    names += page.items.map(name)
                    position = page.next.map { .after($0) } ?? .start
                } while position != .start
                return names
            }
            #expect(try await names(.pg) == ["images a", "m", "m v1"])
            #expect(try await names(.all) == ["images a b", "strong", "m", "m v1"])
            #expect(try await catalog.collection(id: shown.id, .all)?.itemCount == 4)
            #expect(try await catalog.model(post: new.id, .pg)?.counts.collections == 1)
            #expect(try await catalog.release(post: release.id, .pg)?.counts.collections == 1)

            try await catalog.setHidden([.post(release.id)], true)
            #expect(try await names(.pg) == ["images a", "m"])
            log.hide(new)
            log.hide(post)
            try await catalog.apply(log.take())
            #expect(try await names(.all) == ["strong"])
            #expect(try await catalog.collection(id: shown.id, .pg)?.itemCount == 0)
            #expect(try await catalog.collection(id: shown.id, .pg)?.cover == nil)
        }
    }

    @Test("the collections with a post are found by any version of it, each once, newest first")
    func containing() async throws {
        let (old, new) = (maker.model("m", at: 10), maker.model("m", at: 11))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(old)
            log.hide(old, .superseded)
            log.show(new, curator.collection("both", [old, new], at: 70), maker.collection("old", [old], at: 75))
            for number in 0..<5 { log.show(curator.collection("c\(number)", [new], at: 80 + UInt64(number))) }
            log.show(curator.collection("secret", [new], level: 8, at: 90), curator.collection("none", [], at: 91))
            try await catalog.apply(log.take())
            func slugs(_ filter: ViewerFilter, creator: CreatorReference? = nil) async throws -> [String] {
                var query = CollectionQuery()
                query.containing = old.id
                query.creator = creator
                query.limit = 2
                var slugs: [String] = []
                repeat {
                    let page = try await catalog.collections(query, filter)
                    slugs += page.items.map(\.slug)
                    query.position = page.next.map { .after($0) } ?? .start
                } while query.position != .start
                return slugs
            }
            #expect(try await slugs(.pg) == ["c4", "c3", "c2", "c1", "c0", "old", "both"])
            #expect(try await slugs(.all) == ["secret", "c4", "c3", "c2", "c1", "c0", "old", "both"])
            #expect(try await slugs(.pg, creator: .author(maker.id)) == ["old"])
            #expect(try await catalog.model(post: new.id, .pg)?.counts.collections == 7)
            #expect(try await catalog.collections(CollectionQuery(), .pg).items.first?.slug == "none")
        }
    }

    @Test("1500 items are taken, listed in pages, and counted")
    func large() async throws {
        let models = (0..<1500).map { maker.model("m\($0)", level: $0 % 3 == 0 ? .xxx : .pg) }
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(curator.collection("c", models))
            for model in models.prefix(300) { log.show(model) }
            try await catalog.apply(log.entries)
            let shown = try #require(try await catalog.collection(author: curator.id, slug: "c", .pg))
            #expect(shown.itemCount == 200)
            let page = try await catalog.items(ofCollection: shown.id, limit: 3, position: .number(2), .pg)
            #expect(page.items.map(name) == ["m5", "m7", "m8"])
        }
    }

    @Test("a work keeps its number when it is edited; what was said of older versions stays", arguments: [14, 15, 16])
    func edits(kind: UInt32) async throws {
        func version(_ time: UInt64) -> LoggedPost {
            switch kind {
            case 14: curator.collection("x", [], name: "at \(time)", at: time)
            case 15: curator.article("x", text: "at \(time)", at: time)
            default: curator.workflow("x", graph: "at \(time)", at: time)
            }
        }
        func state(_ catalog: Catalog, _ filter: ViewerFilter) async throws -> (id: Int32, counts: SubjectCounts)? {
            switch kind {
            case 14: try await catalog.collection(author: curator.id, slug: "x", filter).map { ($0.id, $0.counts) }
            case 15: try await catalog.article(author: curator.id, slug: "x", filter).map { ($0.id, $0.counts) }
            default: try await catalog.workflow(author: curator.id, slug: "x", filter).map { ($0.id, $0.counts) }
            }
        }
        let (old, new) = (version(70), version(71))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(old, maker.comment(old, "hm"), maker.reaction(old, "❤"))
            try await catalog.apply(log.take())
            let before = try #require(try await state(catalog, .pg))
            log.hide(old, .superseded)
            log.show(new, curator.reaction(new, "❤"))
            try await catalog.apply(log.take())
            let after = try #require(try await state(catalog, .pg))
            #expect(after.id == before.id)
            #expect(after.counts.comments == 1 && after.counts.reactions == [ReactionCount(emoji: "❤", count: 2)])
            #expect(try await catalog.comments(on: new.id, limit: 9, .pg).items.map(\.text) == ["hm"])
            try await catalog.setHidden([.post(new.id)], true)
            #expect(try await state(catalog, .all) == nil)
            #expect(try await state(catalog, .operator_) != nil)
            try await catalog.setHidden([.post(new.id)], false)
            log.hide(new)
            try await catalog.apply(log.take())
            #expect(try await state(catalog, .operator_) == nil)
        }
    }

    @Test("avatars, covers and graphs are blobs that posts show, each with its level")
    func blobs() async throws {
        let (avatar, cover) = (hash("avatar"), hash("cover"))
        let article = curator.article("a", cover: cover, level: 4)
        let workflow = curator.workflow("w", level: 2)
        let graph = Hash32(workflow.post.workflow.graph.sha256)!
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let page = curator.page("Curator", about: "me", avatar: avatar)
            log.show(page, article, workflow)
            try await catalog.apply(log.take())
            func level(_ blob: Hash32) async throws -> Level? {
                let level = try await catalog.blobReference(blob)?.level
                #expect(try await catalog.blobStandings([blob])[0]?.level == level)
                return level
            }
            #expect(try await level(avatar) == .pg)
            #expect(try await level(cover) == .r)
            #expect(try await level(graph) == .pg13)
            let reference = try #require(try await catalog.blobReference(graph))
            #expect(reference.fileName == "w.json" && reference.size == 1000 && !reference.isImage)
            #expect(try await catalog.blobReference(avatar)?.isImage == true)
            #expect(try await catalog.blobReference(avatar)?.posts == [page.id])
            #expect(try await catalog.article(author: curator.id, slug: "a", .all)?.cover == cover)
            #expect(try await catalog.workflow(author: curator.id, slug: "w", .all)?.file.name == "w.json")
            #expect(try await catalog.workflow(author: curator.id, slug: "w", .pg) == nil)
            let candidates = try await catalog.mirrorCandidates(limit: 10, .all).items
            #expect(candidates.map(\.sha256) == [graph] && candidates.map(\.modelType) == ["Workflow"])

            // Who has earned room here decides over strangers.
            var same = image("x", .xxx)
            same.blob = avatar.data
            log.show(maker.imagePost([same]))
            try await catalog.apply(log.take())
            #expect(try await level(avatar) == .xxx)
            #expect(try await catalog.blobReference(avatar)?.size == 500)
            try await catalog.setEarnedRoom(curator.id, true)
            #expect(try await level(avatar) == .pg)

            try await catalog.setHidden([.blob(avatar), .blob(cover), .blob(graph)], true)
            #expect(try await catalog.creator(.author(curator.id), .pg)?.avatar == nil)
            #expect(try await catalog.article(author: curator.id, slug: "a", .all)?.cover == nil)
            #expect(try await catalog.workflow(author: curator.id, slug: "w", .all) == nil)
            #expect(try await catalog.blobReference(graph)?.isReferencedByVisiblePost == false)
            #expect(try await catalog.blobStandings([graph])[0]?.isReferencedByVisiblePost == false)
            log.hide(page, .superseded)
            log.show(curator.page("Curator", avatar: hash("new"), labels: ["X"], at: 2))
            log.hide(workflow)
            try await catalog.apply(log.take())
            #expect(try await level(hash("new")) == .x)
            #expect(try await catalog.creator(.author(curator.id), .pg)?.avatar == nil)
            #expect(try await catalog.creator(.author(curator.id), .all)?.avatar == hash("new"))
            #expect(try await catalog.blobReference(graph) == nil)
        }
    }

    @Test(
        "collections, articles and workflows are found by the words of their names and tags, by whoever may see them",
        arguments: [false, true])
    func search(isFilled: Bool) async throws {
        try await withCatalog { catalog, _ in
            func found(_ text: String, _ filter: ViewerFilter = .pg) async throws -> [String] {
                var (collections, articles, workflows) = (CollectionQuery(), ArticleQuery(), WorkflowQuery())
                (collections.text, articles.text, workflows.text) = (text, text, text)
                return try await catalog.collections(collections, filter).items.map(\.slug)
                    + catalog.articles(articles, filter).items.map(\.slug)
                    + catalog.workflows(workflows, filter).items.map(\.slug)
            }
            let old = curator.collection("c", [], name: "Old wax", at: 60)
            let hidden = curator.collection("h", [], name: "Honey \u{202E}hidden")
            var log = TestLog()
            log.show(
                old, hidden, maker.collection("x", [], level: 16, name: "Hon\u{200B}ey dark", at: 80),
                maker.article("honey", at: 71), maker.workflow("honey-graph"), maker.article("other"))
            log.hide(old, .superseded)
            log.show(curator.collection("c", [], name: "Honey best", at: 75))
            let entries = log.take()
            try await catalog.apply(Array(entries.prefix(2)), moreFollow: isFilled)
            try await catalog.apply(Array(entries.dropFirst(2)))
            // Newest first, each kind for itself.
            #expect(try await found("honey") == ["c", "h", "honey", "honey-graph"])
            #expect(try await found("HON", .all) == ["x", "c", "h", "honey", "honey-graph"])
            #expect(try await found("honey -best") == ["h", "honey", "honey-graph"])
            #expect(try await found("\"how to\"") == ["honey", "other"])
            #expect(try await found("wax").isEmpty)
            for word in ["k14", "s1"] { #expect(try await found(word).isEmpty) }
            try await catalog.setHidden([.post(hidden.id)], true)
            #expect(try await found("honey") == ["c", "honey", "honey-graph"])
            #expect(try await found("honey", .operator_).contains("h"))
            try await catalog.setHidden([.post(hidden.id)], false)
            #expect(try await found("hidden") == ["h"])
            log.hide(hidden)
            try await catalog.apply(log.take())
            #expect(try await found("hidden", .operator_).isEmpty)

            var page = CollectionQuery()
            (page.text, page.limit) = ("honey", 1)
            let first = try await catalog.collections(page, .all)
            page.position = .after(try #require(first.next))
            let second = try await catalog.collections(page, .all)
            #expect(first.items.map(\.slug) == ["x"] && second.items.map(\.slug) == ["c"] && second.next == nil)
            (page.text, page.position) = (String(repeating: "\" * ( NEAR AND ^ : ", count: 500), .start)
            #expect(try await catalog.collections(page, .all).items.isEmpty)
        }
    }
}
