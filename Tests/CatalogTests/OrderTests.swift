import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Following the log")
struct OrderTests {
    static let filters: [ViewerFilter] = [ViewerFilter(mask: 5), .all, .operator_]

    @Test(
        "the same posts in any order and in batches of any size give the same answers",
        arguments: 1...4 as ClosedRange<UInt64>)
    func anyOrder(seed: UInt64) async throws {
        let world = TestWorld(seed: seed)
        var expected: [String]?
        for order in 0..<4 as Range<UInt64> {
            try await withCatalog { catalog, _ in
                // Who is at home here, and what is hidden, may be said at any time too.
                if order == 0 { try await say(catalog, world) }
                try await catalog.apply(
                    world.log(seed: seed &* 1000 + order), batches: order, filling: order > 1)
                if order > 0 { try await say(catalog, world) }
                var answers: [String] = []
                for filter in Self.filters { answers.append(try await Description.of(catalog, filter, world: world)) }
                if let expected {
                    for (answer, other) in zip(answers, expected) {
                        expectEqual(answer, other, "seed \(seed), order \(order)")
                    }
                } else {
                    expected = answers
                    #expect(answers[2].count > 10_000, "seed \(seed) makes a world without models")
                }
            }
        }
    }

    private func say(_ catalog: Catalog, _ world: TestWorld) async throws {
        try await catalog.setEarnedRoom(world.authors[0].id, true)
        try await catalog.setHidden(
            [.blob(hash("image 1 0")), .post(world.releases[0].id), .tensors(hash("digest content 3 0"))], true)
        // What moderation says of levels, too.
        try await catalog.setLevels(levels(world))
    }

    private func levels(_ world: TestWorld) -> LevelRules {
        var rules = LevelRules()
        for number in 0..<20 {
            rules[.picture(hash("image \(number) 0"))] = number % 2 == 0 ? .atLeast(.r) : .exactly(.pg)
        }
        for (number, model) in world.models.enumerated() {
            let subject = LevelSubject.work(author: model.author, kind: .model, slug: model.slot)
            if number % 3 == 0 { rules[subject] = .exactly(number % 2 == 0 ? .pg : .r) }
            if number % 3 == 1 { rules[subject] = .atLeast(.r) }
            if number % 3 == 2 { rules[subject] = .judged(.pg, version: model.id, others: .r) }
        }
        for (number, post) in world.standing.enumerated() where number % 4 == 0 {
            let subject = LevelSubject(post: post.id, author: post.author, kind: post.kind, slot: post.slot)
            if let subject, post.kind != .model { rules[subject] = number % 8 == 0 ? .exactly(.x) : .atLeast(.r) }
        }
        return rules
    }

    @Test("levels that moderation takes back leave nothing behind", arguments: 1...2 as ClosedRange<UInt64>)
    func levelsTakenBack(seed: UInt64) async throws {
        let world = TestWorld(seed: seed)
        try await withCatalog { catalog, _ in
            try await catalog.apply(world.log(seed: seed), batches: seed)
            func answers() async throws -> [String] {
                var answers: [String] = []
                for filter in Self.filters { answers.append(try await Description.of(catalog, filter, world: world)) }
                return answers
            }
            let before = try await answers()
            try await catalog.setLevels(levels(world))
            let ruled = try await answers()
            #expect(ruled[0] != before[0], "seed \(seed): rules that change nothing")
            try await catalog.setLevels(LevelRules())
            for (answer, other) in zip(try await answers(), before) { expectEqual(answer, other, "seed \(seed)") }
            try await catalog.setLevels(levels(world))
            for (answer, other) in zip(try await answers(), ruled) { expectEqual(answer, other, "seed \(seed)") }
        }
    }

    @Test(
        "built anew, the catalog gives the same answers byte for byte",
        arguments: 1...2 as ClosedRange<UInt64>)
    func replay(seed: UInt64) async throws {
        let world = TestWorld(seed: seed)
        let log = world.log(seed: seed)
        try await withCatalog { catalog, _ in
            try await say(catalog, world)
            try await catalog.apply(log, batches: seed)
            var query = ModelQuery()
            query.detail = .full
            let release = try await catalog.models(query, .all).items.flatMap(\.releases).first
            if let release { try await catalog.recordDownload(release.id) }
            var before: [String] = []
            for filter in Self.filters {
                before.append(try await Description.of(catalog, filter, world: world, numbers: true))
            }
            try await catalog.reset()
            #expect(catalog.appliedSeq == 0)
            try await catalog.apply(log, batches: seed + 1, filling: seed == 2)
            for (filter, text) in zip(Self.filters, before) {
                expectEqual(
                    try await Description.of(catalog, filter, world: world, numbers: true), text, "seed \(seed)")
            }
        }
    }

    @Test("a batch that is handed over again changes nothing")
    func again() async throws {
        let world = TestWorld(seed: 7)
        let log = world.log(seed: 7)
        try await withCatalog { catalog, path in
            try await catalog.apply(log)
            let once = try await Description.of(catalog, .operator_, world: world, numbers: true)
            try await catalog.apply(log)
            try await catalog.apply(Array(log.suffix(30)))
            #expect(catalog.appliedSeq == log.last?.seq)
            expectEqual(try await Description.of(catalog, .operator_, world: world, numbers: true), once, "again")
            // And so does opening it again.
            let reopened = try Catalog(path: path)
            #expect(reopened.appliedSeq == log.last?.seq)
            expectEqual(try await Description.of(reopened, .operator_, world: world, numbers: true), once, "reopened")
        }
    }

    @Test("kinds that the catalog does not show only advance the number")
    func otherKinds() async throws {
        let author = TestAuthor("a")
        var body = WireDelete()
        body.ids = [hash("x").data]
        let delete = author.post(.delete(body), at: 5)
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(delete)
            log.hide(delete)
            try await catalog.apply(log.entries)
            #expect(catalog.appliedSeq == 2)
            #expect(try await catalog.counts(.operator_) == CatalogCounts())
        }
    }

    @Test("whoever waits for a number goes on when it is applied, and at once when cancelled")
    func waiting() async throws {
        let author = TestAuthor("a")
        var log = TestLog()
        log.show(author.profile("A"), author.model("m"))
        try await withCatalog { catalog, _ in
            await catalog.waitUntilApplied(0)
            let waiter = Task { await catalog.waitUntilApplied(2) }
            let cancelled = Task { await catalog.waitUntilApplied(1000) }
            try await catalog.apply(log.entries)
            await waiter.value
            #expect(catalog.appliedSeq == 2)
            cancelled.cancel()
            await cancelled.value
        }
    }
}

/// Reports the first line that differs: the texts are long.
func expectEqual(_ text: String, _ other: String, _ comment: String) {
    if text == other { return }
    let pair = zip(text.split(separator: "\n"), other.split(separator: "\n")).first { $0 != $1 }
    Issue.record("\(comment): '\(pair?.0 ?? "(end)")' is not '\(pair?.1 ?? "(end)")'")
}
