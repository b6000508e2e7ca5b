import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Cards of models")
struct CardTests {
    private static let filters: [ViewerFilter] = [
        .pg, ViewerFilter(mask: 2), ViewerFilter(mask: 5), ViewerFilter(mask: 26), .all, .operator_,
    ]

    /// What the views say that a card shows.
    private func cards(_ catalog: Catalog, _ query: ModelQuery, _ filter: ViewerFilter) async throws -> [String] {
        var query = query
        query.detail = ViewDetail(releases: 1, images: 1)
        var cards: [String] = []
        for model in try await catalog.models(query, filter).items {
            let release = model.releases.first
            var images = ImageQuery()
            images.modelID = model.id
            images.limit = 1
            var cover = release?.images.first
            if cover == nil { cover = try await catalog.images(images, filter).items.first }
            cards.append(
                "\(model.id) \(model.post) \(model.author) \(model.slug) \(model.body.name) \(model.body.type) "
                    + "\(model.level) \(model.updated) \(model.counts) \(release?.id ?? 0) "
                    + "\(release?.body.baseModel ?? "-") \(cover?.id ?? 0) \(cover?.post.hex ?? "-") "
                    + "\(cover?.index ?? 0) \(cover?.image.alt ?? "-") \(cover?.title ?? "-") "
                    + "\(cover?.author.handle ?? "-")")
        }
        return cards
    }

    private func text(_ card: ModelCard) -> String {
        let (release, cover) = (card.release, card.cover)
        return "\(card.id) \(card.post) \(card.author) \(card.slug) \(card.name) \(card.type) "
            + "\(card.level) \(card.updated) \(card.counts) \(release?.id ?? 0) "
            + "\(release?.baseModel ?? "-") \(cover?.id ?? 0) \(cover?.post.hex ?? "-") "
            + "\(cover?.index ?? 0) \(cover?.image.alt ?? "-") \(cover?.title ?? "-") "
            + "\(cover?.author.handle ?? "-")"
    }

    /// Cards are told from rows of their own: compares them with the views, whatever is asked and whoever asks.
    private func expectCards(_ catalog: Catalog, _ comment: String) async throws {
        var queries = [ModelQuery(), ModelQuery(), ModelQuery(), ModelQuery()]
        queries[1].baseModels = ["sdxl 1.0", "Pony"]
        queries[2].formats = ["GGUF"]
        (queries[3].baseModels, queries[3].formats) = (["SD 1.5"], ["SafeTensor", "odd, one"])
        for var query in queries {
            query.limit = 200
            for filter in Self.filters {
                let expected = try await cards(catalog, query, filter)
                let found = try await catalog.cards(query, filter).items.map(text)
                expectEqual(
                    found.joined(separator: "\n"), expected.joined(separator: "\n"), "\(comment), \(filter) \(query)")
            }
        }
    }

    @Test(
        "a card shows what the views say, for every viewer, however posts come, go and are hidden",
        arguments: 1...4 as ClosedRange<UInt64>)
    func likeViews(seed: UInt64) async throws {
        let world = TestWorld(seed: seed)
        var random = SeededRandom(seed)
        try await withCatalog { catalog, _ in
            var rest = world.log(seed: seed)[...]
            let isFilled = seed % 2 == 0
            while !rest.isEmpty {
                let batch = rest.prefix(Int.random(in: 1...40, using: &random))
                rest = rest.dropFirst(batch.count)
                try await catalog.apply(Array(batch), moreFollow: isFilled && !rest.isEmpty)
                try await expectCards(catalog, "seed \(seed), line \(catalog.appliedSeq)")
            }
            #expect(try await catalog.cards(ModelQuery(), .all).items.contains { $0.cover != nil })
            let subjects: [ModerationSubject] =
                (0..<6).map { .blob(hash("image \($0) 0")) } + world.releases.prefix(6).map { .post($0.id) }
                + world.models.prefix(2).map { .post($0.id) }
            for isHidden in [true, false] {
                for half in [subjects.prefix(7), subjects.dropFirst(7)] {
                    try await catalog.setHidden(Array(half), isHidden)
                    try await expectCards(catalog, "seed \(seed), hidden \(isHidden)")
                }
            }
        }
    }

    @Test("the maker's own picture of the newest version stands for a model, then anybody's, then an older version's")
    func covers() async throws {
        let (maker, fan) = (TestAuthor("maker"), TestAuthor("fan"))
        let old = maker.release("m", version: "old", at: 20)
        let new = maker.release("m", version: "new", base: "Pony", at: 30)
        let posts = [
            maker.imagePost([image("old version")], releases: [old], at: 90),
            fan.imagePost([image("fan's dark", .xxx)], releases: [new], at: 80),
            fan.imagePost([image("fan's older")], releases: [new], at: 50),
            fan.imagePost([image("fan's newer")], releases: [new], at: 60),
            maker.imagePost([image("maker's older")], releases: [new], at: 40),
            maker.imagePost([image("maker's first"), image("maker's second")], releases: [new, old], at: 45),
        ]
        try await withCatalog { catalog, _ in
            func cover(_ filter: ViewerFilter = .pg) async throws -> String? {
                let cards = try await catalog.cards(ModelQuery(), filter).items
                #expect(cards.count == 1)
                return cards.first?.cover?.image.alt
            }
            var log = TestLog()
            log.show(maker.model("m"), old, new)
            try await catalog.apply(log.take())
            #expect(try await cover() == nil)
            #expect(try await catalog.cards(ModelQuery(), .pg).items.first?.release?.baseModel == "Pony")
            let expected = [
                "old version", "old version", "fan's older", "fan's newer", "maker's older", "maker's first",
            ]
            for (post, alt) in zip(posts, expected) {
                log.show(post)
                try await catalog.apply(log.take())
                #expect(try await cover() == alt)
            }
            let adults = ["maker's older", "fan's dark", "fan's dark", "fan's dark", "old version"]
            for (index, post) in posts.reversed().dropLast().enumerated() {
                log.hide(post)
                try await catalog.apply(log.take())
                #expect(try await cover() == expected[expected.count - 2 - index])
                #expect(try await cover(.all) == adults[index])
            }
        }
    }
}
