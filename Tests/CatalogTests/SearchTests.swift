import Digests
import Foundation
import GRDB
import Moderation
import PostLog
import Testing
import WaggleProtocol

@testable import Catalog

@Suite("Search")
struct SearchTests {
    let maker = TestAuthor("maker")

    private func found(_ text: String, _ catalog: Catalog, _ filter: ViewerFilter = .pg) async throws -> [String] {
        var query = ModelQuery()
        query.text = text
        return try await catalog.models(query, filter).items.map(\.slug).sorted()
    }

    private func expect(_ text: String, finds slugs: [String], _ catalog: Catalog) async throws {
        let found = try await found(text, catalog)
        #expect(found == slugs, "\(text)")
    }

    private func withModels(_ body: (Catalog) async throws -> Void) async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(
                maker.model("sea", name: "Deep Sea Détail", tags: ["ocean", "sci-fi"]),
                maker.model("lake", name: "Deep lake", tags: ["ocean", "anime"]),
                maker.release("lake", version: "Turbo 1.5", words: ["coralstyle"]),
                maker.model("order", name: "Sea deep", tags: ["photo"]),
                maker.model("zwsp", name: "Inv\u{200B}is\u{00AD}ible \u{202E}dor\u{2066}mouse\u{FE0F}"),
                maker.model("tokyo", name: "東京タワー"),
                maker.model("secret", name: "Xylophone anime", level: .xxx))
            try await catalog.apply(log.entries)
            try await body(catalog)
        }
    }

    @Test(
        "words are found as typed so far, phrases as they stand, and what has a dash before it is left out",
        arguments: [
            ("deep", ["lake", "order", "sea"]), ("dee se", ["order", "sea"]), ("\"deep sea\"", ["sea"]),
            ("“deep sea”", ["sea"]), ("deep -lake", ["order", "sea"]), ("deep -\"deep sea\"", ["lake", "order"]),
            ("ocean -sci-fi", ["lake"]), ("-deep", ["tokyo", "zwsp"]), ("detail", ["sea"]), ("turbo 1.5", ["lake"]),
            ("cora", ["lake"]), ("\"cora\"", []), ("deep-sea", ["order", "sea"]), ("東京", ["tokyo"]), ("\"deep", []),
            ("deep -", ["lake", "order", "sea"]), ("deep --lake", ["order", "sea"]), ("-", []), ("", nil),
        ] as [(String, [String]?)])
    func expressions(text: String, slugs: [String]?) async throws {
        try await withModels { catalog async throws in
            let everything = ["lake", "order", "sea", "tokyo", "zwsp"]
            // A phrase that was opened and not closed reaches to the end.
            let expected = text == "\"deep" ? ["lake", "order", "sea"] : slugs ?? everything
            try await expect(text, finds: expected, catalog)
        }
    }

    @Test("a name with characters that nobody sees is found by its plain spelling, and the other way round")
    func invisible() async throws {
        try await withModels { catalog async throws in
            for text in ["invisible", "dormouse", "inv\u{2060}isible", "\u{202E}invisible \u{FEFF}dor\u{200D}mouse"] {
                try await expect(text, finds: ["zwsp"], catalog)
            }
            try await expect("de\u{200B}ep s\u{061C}ea", finds: ["order", "sea"], catalog)
        }
    }

    @Test("no text is wrong, none is an operator, and long ones cost no more than short ones")
    func hostile() async throws {
        try await withModels { catalog async throws in
            let texts = [
                "\"", "\"\"", "'", "''", "*", "^deep", "deep*", "(", ")", "((", "a AND", "NOT", "NOT deep", "OR OR OR",
                "NEAR(deep sea, 1)", "name:deep", "{name} : deep", "shelf:s16", "s1", "+", "deep + sea", "\\", ";--",
                "\u{0}", "deep\u{0}sea", "\u{FFFD}", "\u{301}\u{301}", "-\"", "-\"-\"-", "\"-\" -\"\"", "\u{1F41D}",
                "x' OR 1=1 --", String(repeating: "-", count: 10_000), String(repeating: "\"", count: 10_000),
                String(repeating: "deep ", count: 2000), String(repeating: "a", count: 10_000),
                String(repeating: "e\u{301}", count: 5000), String(repeating: "\u{200B}", count: 10_000) + "deep",
                String(repeating: "(NOT \"", count: 2000),
            ]
            var random = SeededRandom(11)
            let alphabet = Array("ab \"-*()^:{}+,'\u{200B}\u{301}é日\\;")
            let noise = (0..<200).map { _ in
                String(
                    (0..<Int.random(in: 1...20, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            }
            for text in texts + noise {
                _ = try await found(text, catalog, .operator_)
                var query = ModelQuery()
                query.text = text
                _ = try await catalog.search(query, .pg)
                #expect(SearchExpression(text).parts.reduce(0) { $0 + $1.words.count } <= Limits.Catalog.searchWords)
                // What is read reads the same again.
                let read = SearchExpression(text)
                #expect(SearchExpression(read.text).parts == read.parts, "\(text.prefix(50))")
            }
            try await expect("shelf:s16", finds: [], catalog)
        }
    }

    @Test("tags of 10,000 characters, which no post can have, are asked for like any others")
    func longTags() async throws {
        try await withModels { catalog async throws in
            for tag in [
                String(repeating: "a", count: 10_000), String(repeating: "e\u{301}", count: 10_000),
                String(repeating: "\u{202E}\u{200B}", count: 5000), String(repeating: "a \"", count: 3333),
            ] {
                var query = ModelQuery()
                query.tags = [tag]
                #expect(try await catalog.models(query, .pg).items.isEmpty)
                _ = try await catalog.facets(within: query, .pg)
                (query.tags, query.excludedTags) = ([], [tag])
                #expect(try await catalog.models(query, .pg).items.count == 5)
                query.text = tag
                _ = try await catalog.search(query, .pg)
            }
        }
    }

    @Test("when nothing matches as typed, the nearest known words are searched, and the page says so")
    func corrected() async throws {
        try await withModels { catalog async throws in
            for (text, corrected, slugs) in [
                ("coean", "ocean", ["lake", "sea"]), ("daep sea", "deep sea", ["order", "sea"]),
                ("corolstylle", "coralstyle", ["lake"]), ("ocaen -anmie", "ocean -anmie", ["lake", "sea"]),
                ("phooto \"sea deep\"", "photo \"sea deep\"", ["order"]), ("lkae", "lake", ["lake"]),
                ("invisable", "invisible", ["zwsp"]),
            ] {
                var query = ModelQuery()
                query.text = text
                let search = try await catalog.search(query, .pg)
                #expect(search.corrected == corrected, "\(text)")
                #expect(search.page.items.map(\.slug).sorted() == slugs, "\(text)")
            }
            for text in ["deep", "completelydifferent", "xx", "\"coean\"", "-coean", ""] {
                var query = ModelQuery()
                query.text = text
                #expect(try await catalog.search(query, .pg).corrected == nil, "\(text)")
            }
        }
    }

    @Test("corrections know no words of shelves that the viewer may not see")
    func noLeak() async throws {
        try await withModels { catalog async throws in
            var query = ModelQuery()
            query.text = "xylofhone"
            #expect(try await catalog.search(query, .pg).corrected == nil)
            #expect(try await catalog.search(query, .pg).page.items.isEmpty)
            #expect(try await catalog.search(query, .all).corrected == "xylophone")
            query.levels = [.pg]
            #expect(try await catalog.search(query, .all).corrected == nil)
        }
    }

    @Test("words leave with the last model that has them")
    func vocabulary() async throws {
        let old = maker.model("m", name: "Marmalade forest", at: 10)
        let other = maker.model("n", name: "Forest", at: 10)
        try await withCatalog { catalog, _ in
            func words() async throws -> [String: Int] {
                try await catalog.read { database in
                    try Row.fetchAll(database, sql: "SELECT word, n FROM words").reduce(into: [:]) { $0[$1[0]] = $1[1] }
                }
            }
            var log = TestLog()
            log.show(old, other)
            try await catalog.apply(log.take())
            var known = try await words()
            #expect(known == ["marmalade": 1, "forest": 2])
            log.hide(old, .superseded)
            log.show(maker.model("m", name: "Jam forest", at: 11))
            try await catalog.apply(log.take())
            known = try await words()
            #expect(known == ["jam": 1, "forest": 2])
            log.hide(maker.model("m", name: "Jam forest", at: 11))
            log.hide(other)
            try await catalog.apply(log.take())
            known = try await words()
            #expect(known.isEmpty)
            let keys = try await catalog.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM word_keys") }
            #expect(keys == 0)
        }
    }

    @Test(
        "edits are counted with neighbours that swapped as one",
        arguments: [
            ("anime", "anime", 0), ("anime", "anmie", 1), ("anime", "nime", 1), ("anime", "animee", 1),
            ("abc", "xyz", 3), ("kitten", "sitting", 3), ("ab", "ba", 1), ("", "abc", 3),
        ])
    func edits(left: String, right: String, count: Int) {
        #expect(Spelling.edits(Array(left.unicodeScalars), Array(right.unicodeScalars)) == count)
        #expect(Spelling.edits(Array(right.unicodeScalars), Array(left.unicodeScalars)) == count)
    }
}
