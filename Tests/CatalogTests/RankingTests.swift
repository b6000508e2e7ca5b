import Digests
import Foundation
import GRDB
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Catalog

@Suite("Rankings and why")
struct RankingTests {
    let maker = TestAuthor("maker")
    static let day: UInt64 = 86_400

    @Test("each number can be computed again from what its explanation says", arguments: 1...2 as ClosedRange<UInt64>)
    func recomputed(seed: UInt64) async throws {
        let world = TestWorld(seed: seed, scale: 2)
        try await withCatalog { catalog, _ in
            try await catalog.apply(world.log(seed: seed))
            for sort in ModelQuery.Sort.allCases {
                var query = ModelQuery()
                (query.sort, query.limit) = (sort, 200)
                var scores: [Double] = []
                for model in try await catalog.models(query, .all).items {
                    let why = try #require(try await catalog.explanation(ofModel: model.id, sort: sort, .all))
                    #expect(why.sort == sort && !why.rule.isEmpty)
                    let facts = why.facts.map { fact in
                        (name: fact.name, value: Double(fact.value.split(separator: " ")[0]) ?? .nan)
                    }
                    let score = Double(why.score) ?? -1
                    #expect(abs(score - recomputed(sort, facts)) < 0.000_002, "seed \(seed): \(why)")
                    scores.append(sort == .oldest ? -score : score)
                }
                #expect(scores == scores.sorted(by: >), "seed \(seed), \(sort)")
            }
            #expect(try await catalog.explanation(ofModel: .max, sort: .newest, .all) == nil)
        }
    }

    private func recomputed(_ sort: ModelQuery.Sort, _ facts: [(name: String, value: Double)]) -> Double {
        switch sort {
        case .highestRated:
            let (yes, n, z) = (facts[0].value, facts[2].value, 1.96)
            if n == 0 { return 0 }
            let p = yes / n
            return (p + z * z / (2 * n) - z * ((p * (1 - p) + z * z / (4 * n)) / n).squareRoot()) / (1 + z * z / n)
        case .trending:
            let sum = facts.reduce(0.0) { sum, fact in
                sum + fact.value * pow(2, (Double(fact.name.split(separator: " ")[1]) ?? .nan) / 7)
            }
            return sum == 0 ? -1 : log2(sum)
        default: return facts[0].value
        }
    }

    @Test("an explanation is for those who may see the model")
    func hidden() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.model("m", level: .x))
            try await catalog.apply(log.entries)
            let id = try #require(try await catalog.model(author: maker.id, slug: "m", .all)).id
            for sort in ModelQuery.Sort.allCases {
                #expect(try await catalog.explanation(ofModel: id, sort: sort, .pg) == nil)
                #expect(try await catalog.explanation(ofModel: id, sort: sort, .all) != nil)
            }
        }
    }

    private func buckets(_ slug: String, _ catalog: Catalog) async throws -> [String] {
        let model = try #require(try await catalog.model(author: maker.id, slug: slug, .operator_))
        let why = try #require(try await catalog.explanation(ofModel: model.id, sort: .trending, .operator_))
        return why.facts.map { "\($0.name.split(separator: " ")[1]):\($0.value)" }
    }

    @Test("what the model's author does moves nothing, and no day is too far away to count or does any harm")
    func facts() async throws {
        let release = maker.release("m")
        let fan = TestAuthor("fan")
        let late = Limits.Post.timeEnd - 1
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let model = maker.model("m")
            log.show(
                model, release, maker.comment(release, "own", at: 3 * Self.day),
                maker.review(release, true, at: 3 * Self.day),
                maker.imagePost([image("own")], releases: [release], at: 3 * Self.day))
            try await catalog.apply(log.take())
            #expect(try await buckets("m", catalog) == [])
            // Comments on the model, its release and an image made with it; an image that is stricter than the model
            // is none of its facts.
            let post = fan.imagePost([image("a"), image("b", .xxx)], releases: [release], at: 4 * Self.day)
            log.show(
                fan.comment(model, "1", at: 3 * Self.day), fan.review(release, false, at: 3 * Self.day), post,
                fan.comment(post, "2", at: 5 * Self.day), fan.comment(release, "far past", at: 1))
            try await catalog.apply(log.take())
            #expect(try await buckets("m", catalog) == ["5:1", "4:1", "3:2", "0:1"])
            log.hide(post)
            try await catalog.apply(log.take())
            #expect(try await buckets("m", catalog) == ["3:2", "0:1"])
            log.show(fan.comment(release, "far future", at: late))
            try await catalog.apply(log.take())
            #expect(try await buckets("m", catalog) == ["\(late / Self.day):1"])
            var query = ModelQuery()
            query.sort = .trending
            let found = try await catalog.models(query, .pg)
            #expect(found.items.map(\.slug) == ["m"])
        }
    }

    @Test("a fact of this week weighs twice as much as one of last week, whenever one looks")
    func halving() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let releases = (0..<4).map { maker.release("m\($0)") }
            for number in 0..<4 { log.show(maker.model("m\(number)"), releases[number]) }
            func comments(_ count: Int, _ number: Int, day: UInt64) {
                for index in 0..<count {
                    log.show(TestAuthor("f\(index)").comment(releases[number], "\(number) \(day)", at: day * Self.day))
                }
            }
            comments(3, 0, day: 20_000)
            comments(2, 1, day: 20_007)
            comments(7, 2, day: 19_993)
            try await catalog.apply(log.entries)
            var query = ModelQuery()
            query.sort = .trending
            // Seen from day 20,000: 3, 2 × 2 and 7 / 2.
            #expect(try await catalog.models(query, .pg).items.map(\.slug) == ["m1", "m2", "m0", "m3"])
        }
    }

    @Test("pages by a count end and repeat nothing that stands still, while counts change under them")
    func cursorsUnderChange() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let releases = (0..<30).map { maker.release("m\($0)") }
            for number in 0..<30 {
                log.show(maker.model("m\(number)", at: UInt64(number + 1)), releases[number])
                for fan in 0..<number % 5 { log.show(TestAuthor("f\(fan)").comment(releases[number], "c")) }
            }
            try await catalog.apply(log.take())
            for sort in [ModelQuery.Sort.mostDiscussed, .trending, .highestRated] {
                var query = ModelQuery()
                (query.sort, query.limit) = (sort, 4)
                var slugs: [String] = []
                var round = 0
                repeat {
                    let page = try await catalog.models(query, .pg)
                    slugs += page.items.map(\.slug)
                    query.position = page.next.map { .after($0) } ?? .start
                    // One model moves after each page, in either direction.
                    round += 1
                    let mover = TestAuthor("mover \(sort) \(round)")
                    log.show(
                        mover.comment(releases[29 - round % 3], "up"),
                        mover.review(releases[round % 3], round % 2 == 0))
                    try await catalog.apply(log.take())
                    try #require(round < 40)
                } while query.position != .start
                for number in 3..<27 { #expect(slugs.filter { $0 == "m\(number)" }.count == 1, "\(sort) m\(number)") }
            }
        }
    }
}
