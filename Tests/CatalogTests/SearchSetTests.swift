import Digests
import Foundation
import GRDB
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Catalog

@Suite("What a text finds")
struct SearchSetTests {
    private static let filters: [ViewerFilter] = [.pg, ViewerFilter(mask: 5), .all, .operator_]
    private static let words = ["amber", "ambition", "bee", "beeline", "comb", "dance", "dancer", "hive"]

    private struct Shown {
        let slug: String
        let words: [String]
    }

    /// Models of few words on all levels, some of them hidden.
    private func fill(_ catalog: Catalog, _ random: inout SeededRandom, isFilled: Bool) async throws {
        let maker = TestAuthor("maker")
        var log = TestLog()
        var hidden: [ModerationSubject] = []
        for number in 0..<80 {
            let name = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                Self.words.randomElement(using: &random)!
            }
            let model = maker.model(
                "m\(number)", name: name.joined(separator: " "), level: Level.allCases.randomElement(using: &random)!)
            log.show(model)
            if number % 10 == 0 { log.show(maker.collection("c\(number)", [], name: "Collection \(number)")) }
            if random.chance(15) { hidden.append(.post(model.id)) }
        }
        try await catalog.apply(log.entries, batches: 1, filling: isFilled)
        try await catalog.setHidden(hidden, true)
    }

    @Test(
        "what a search looks at is everything that matches, for every viewer, where that is no more than its limit",
        arguments: 1...4 as ClosedRange<UInt64>)
    func complete(seed: UInt64) async throws {
        var random = SeededRandom(seed)
        try await withCatalog { catalog, _ in
            try await fill(catalog, &random, isFilled: seed % 2 == 0)
            for filter in Self.filters {
                var everything = ModelQuery()
                everything.limit = 200
                let shown = try await catalog.models(everything, filter).items.map { model in
                    Shown(slug: model.slug, words: model.body.name.components(separatedBy: " "))
                }
                #expect(!shown.isEmpty)
                for _ in 0..<40 {
                    let wanted = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                        String(Self.words.randomElement(using: &random)!.prefix(Int.random(in: 2...8, using: &random)))
                    }
                    let unwanted = (0..<Int.random(in: wanted.isEmpty ? 1...2 : 0...2, using: &random)).map { _ in
                        Self.words.randomElement(using: &random)!
                    }
                    var query = everything
                    query.text = (wanted + unwanted.map { "-" + $0 }).joined(separator: " ")
                    let expected = shown.filter { model in
                        wanted.allSatisfy { word in model.words.contains { $0.hasPrefix(word) } }
                            && unwanted.allSatisfy { !model.words.contains($0) }
                    }
                    let found = try await catalog.models(query, filter).items.map(\.slug)
                    #expect(found.sorted() == expected.map(\.slug).sorted(), "seed \(seed), \(filter): \(query.text)")
                    let count = try await catalog.count(query, filter)
                    #expect(count == ModelCount(count: expected.count, isExact: true), "seed \(seed): \(query.text)")
                }
            }
        }
    }

    @Test("the models that a viewer may see are the same block by block and all together")
    func visible() async throws {
        var random = SeededRandom(9)
        try await withCatalog { catalog, _ in
            try await fill(catalog, &random, isFilled: false)
            for filter in Self.filters {
                try await catalog.read { database in
                    var finder = ModelFinder(database)
                    let all = try finder.visible(ModelQuery(), filter).models
                    var visible = VisibleModels(filter, database)
                    for place in 0..<(3 * PostingBlock.size) {
                        #expect(try visible.contains(place) == all.contains(place), "\(filter), place \(place)")
                    }
                }
            }
        }
    }

    @Test("what stands elsewhere costs no place among the matches that a search looks at")
    func hiddenMatches() async throws {
        let maker = TestAuthor("maker")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(maker.model("old", name: "hive"), maker.model("older", name: "comb"))
            for number in 0..<20 { log.show(maker.model("dark\(number)", name: "hive", level: .xxx)) }
            try await catalog.apply(log.entries)
            try await catalog.read { database in
                var visible = VisibleModels(.pg, database)
                #expect(try visible.matches("\"hive\"", limit: 1).count == 1)
                var all = VisibleModels(.all, database)
                let newest = try all.matches("\"hive\"", limit: 3)
                #expect(newest.count == 3 && newest == newest.sorted(by: >))
            }
        }
    }

    @Test("the texts of a catalog that was filled are one tree, and later ones are gathered as ever")
    func oneTree() async throws {
        var random = SeededRandom(3)
        try await withCatalog { catalog, _ in
            try await fill(catalog, &random, isFilled: true)
            try await catalog.read { database in
                let memory = try Int.fetchOne(database, sql: "SELECT v FROM models_text_config WHERE k = 'hashsize'")
                #expect(memory == 1 << 20)
                for table in ["models_text", "works_text"] {
                    let trees = try Int.fetchOne(database, sql: "SELECT COUNT(DISTINCT segid) FROM \(table)_idx")
                    #expect(trees == 1, "\(table)")
                }
            }
        }
    }

    @Test("a mistyped word is recognized by what few words share, whatever thousands share with it")
    func commonKeys() throws {
        try DatabaseQueue().write { database in
            try database.execute(sql: WordTable.schema)
            let letters = Array("abcdefghij")
            let projection = Projection(database)
            for number in 0..<2500 {
                let tail = String(number).map { letters[$0.wholeNumberValue ?? 0] }
                projection.wordChanges[SearchWord("zzz" + String(repeating: "k", count: 6 - tail.count) + tail)] = 1
            }
            projection.wordChanges[SearchWord("zzzmarmo")] = 1
            projection.wordChanges[SearchWord("zzzmarmot")] = 2
            try projection.writeWords()
            #expect(try WordTable.nearest(to: "zzzmramot", limit: 2, database) == ["zzzmarmot", "zzzmarmo"])
        }
    }
}
