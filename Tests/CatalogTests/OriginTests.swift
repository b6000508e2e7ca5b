import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Recipes and lineage")
struct OriginTests {
    let maker = TestAuthor("maker")
    let other = TestAuthor("other")

    @Test("a full hash verifies a resource, one that names one file matches it, one of none or several is a claim")
    func states() async throws {
        var twin = file("twin", name: "twin.safetensors")
        let plain = file("plain", name: "plain.safetensors")
        twin.crc32 = plain.crc32
        let strong = file("strong")
        let resources = [
            resource("full", sha256: plain.sha256), resource("away", sha256: hash("away").data),
            resource("hidden", sha256: strong.sha256), resource("name only"),
            resource("AutoV2", claimed: String(Hex.encode(plain.sha256).prefix(10)).uppercased()),
            resource("AutoV3", claimed: String(Hex.encode(plain.autov3).prefix(12))),
            resource("AutoV1", claimed: Hex.encode(plain.autov1)),
            resource("CRC-32", claimed: String(format: "%08x", plain.crc32)),
            resource("no such", claimed: "0123456789"), resource("no hash", claimed: "latest"),
        ]
        let post = maker.imagePost([image("a", made: resources), image("b", made: [resources[0]]), image("plain")])
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(post, maker.model("m"), maker.model("x", level: .x), maker.release("x", files: [strong]))
            log.show(maker.release("m", version: "1", files: [plain]), maker.release("m", version: "2", files: [twin]))
            // The same file again is still one file.
            log.show(other.model("copy"), other.release("copy", files: [plain], at: 99))
            try await catalog.apply(log.take())
            let images = try #require(try await catalog.imagePost(post: post.id, .pg)).images
            let recipe = try #require(try await catalog.recipe(ofImage: images[0].id, .pg))
            #expect(
                recipe.resources.map(\.state) == [
                    .verified, .claimed, .claimed, .unknown, .matched, .matched, .matched, .claimed, .claimed, .claimed,
                ])
            #expect(recipe.resources[0].release?.version == "1")
            #expect(recipe.resources[4].fileName == "plain.safetensors")
            #expect(recipe.resources[1].release == nil && recipe.resources[1].fileName == nil)
            #expect(!recipe.isVerified && recipe.recipe.prompt == "a bee")
            #expect(try await catalog.recipe(ofImage: images[1].id, .pg)?.isVerified == true)
            #expect(try await catalog.recipe(ofImage: images[2].id, .pg) == nil)
            #expect(try await catalog.recipe(ofImage: images[0].id, .all)?.resources[2].state == .verified)
            #expect(try await catalog.recipe(ofImage: images[0].id, ViewerFilter(mask: 4)) == nil)
            try await catalog.setHidden([.blob(Hash32(plain.sha256)!)], true)
            #expect(try await catalog.recipe(ofImage: images[1].id, .pg)?.resources.map(\.state) == [.claimed])
        }
    }

    @Test("a release tells what it was made from and what was made from it, step by step")
    func releases() async throws {
        let base = maker.release("base")
        let merge = maker.derived(
            "merge", from: [("base", base.id), ("merge-of", hash("unknown")), ("likes", base.id)])
        let top = other.derived("top", from: [("trained-from", merge.id), ("base", base.id)], at: 30)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(top, merge, base, other.model("top", level: .r), maker.model("merge"), maker.model("base"))
            try await catalog.apply(log.take())
            func lineage(_ post: LoggedPost, _ filter: ViewerFilter) async throws -> LineageView {
                let release = try #require(try await catalog.release(post: post.id, .all))
                return try await catalog.lineage(ofRelease: release.id, filter)
            }
            let up = try await lineage(top, .all)
            #expect(up.ancestors.map(\.role) == ["trained-from", "base", "merge-of"])
            #expect(up.ancestors.map(\.depth) == [1, 1, 2])
            #expect(up.ancestors.map { $0.model?.slug } == ["merge", "base", nil])
            #expect(up.ancestors[2].post == hash("unknown") && up.ancestors[2].release == nil)
            #expect(up.descendantCount == 0)
            let down = try await lineage(base, .all)
            #expect(down.descendants.map { $0.release?.modelName } == ["top", "merge"])
            #expect(down.descendants.map(\.depth) == [1, 1] && down.descendantCount == 2)
            // Nobody hears of what is not theirs to see.
            #expect(try await lineage(base, .pg).descendants.map { $0.release?.modelName } == ["merge"])
            #expect(try await lineage(base, .pg).descendantCount == 1)
            #expect(try await lineage(top, .pg).ancestors.isEmpty)
            try await catalog.setHidden([.post(merge.id)], true)
            #expect(try await lineage(base, .pg).descendantCount == 0)
            #expect(try await lineage(top, .all).ancestors.map { $0.model?.slug } == [nil, "base"])
        }
    }

    @Test("a reference to a model stands for its newest release, and circles end")
    func circles() async throws {
        let (a, b) = (maker.model("a"), maker.model("b"))
        let old = maker.derived("a", version: "0", from: [], at: 20)
        let one = maker.derived("a", version: "1", from: [("base", b.id)], at: 21)
        let two = maker.derived("b", version: "1", from: [("base", a.id), ("merge-of", old.id)], at: 22)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(a, b, one, two, old)
            try await catalog.apply(log.entries)
            let first = try #require(try await catalog.release(post: one.id, .pg))
            let lineage = try await catalog.lineage(ofRelease: first.id, .pg)
            #expect(lineage.ancestors.map(\.post) == [two.id, old.id])
            #expect(lineage.descendants.map(\.post) == [two.id])
            let oldest = try #require(try await catalog.release(post: old.id, .pg))
            #expect(try await catalog.lineage(ofRelease: oldest.id, .pg).descendants.map(\.depth) == [1, 2])
        }
    }

    @Test("lineage is walked six steps up and three down, and fifty links wide")
    func bounds() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            var chain = [maker.release("chain", version: "0", at: 10)]
            for number in 1...9 {
                chain.append(
                    maker.derived(
                        "chain", version: "\(number)", from: [("base", chain[number - 1].id)], at: 10 + UInt64(number)))
            }
            log.show(maker.model("chain"), maker.model("wide"))
            for release in chain { log.show(release) }
            for number in 0..<60 {
                log.show(maker.derived("wide", version: "\(number)", from: [("base", chain[9].id)], at: 50))
            }
            try await catalog.apply(log.entries)
            let last = try #require(try await catalog.release(post: chain[9].id, .pg))
            let up = try await catalog.lineage(ofRelease: last.id, .pg)
            #expect(up.ancestors.map(\.post) == chain[3...8].reversed().map(\.id))
            #expect(up.descendants.count == 50 && up.descendantCount == 60)
            let first = try #require(try await catalog.release(post: chain[0].id, .pg))
            #expect(try await catalog.lineage(ofRelease: first.id, .pg).descendants.map(\.depth) == [1, 2, 3])
        }
    }

    @Test("an image tells what it is a remix of and which images are remixes of it")
    func remixes() async throws {
        let first = maker.imagePost([image("first")])
        let second = other.remix([image("second"), image("dark", .x)], of: first)
        let third = maker.remix([image("third")], of: second, at: 32)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(third, second, first)
            try await catalog.apply(log.take())
            func lineage(_ post: LoggedPost, _ filter: ViewerFilter = .pg) async throws -> LineageView {
                let view = try #require(try await catalog.imagePost(post: post.id, filter))
                return try await catalog.lineage(ofImage: view.images[0].id, filter)
            }
            let up = try await lineage(third)
            #expect(up.ancestors.map { $0.image?.image.alt } == ["second", "first"])
            #expect(up.ancestors.map { $0.creator?.author } == [other.id, maker.id] && up.remixes.isEmpty)
            #expect(try await lineage(first).remixes.map(\.image.alt) == ["second"])
            #expect(try await lineage(first, .all).remixes.map(\.image.alt) == ["second", "dark"])
            #expect(try await lineage(first, .all).descendantCount == 2)
            log.hide(second)
            try await catalog.apply(log.take())
            #expect(try await lineage(first).remixes.isEmpty)
            #expect(try await lineage(third).ancestors.map { $0.image?.image.alt } == [nil])
        }
    }
}
