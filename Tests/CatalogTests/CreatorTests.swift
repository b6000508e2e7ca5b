import Catalog
import Digests
import Foundation
import Identity
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("Creators and their handles")
struct CreatorTests {
    private func handle(_ author: TestAuthor, _ catalog: Catalog) async throws -> String? {
        try await catalog.creator(.author(author.id), .pg)?.handle
    }

    @Test(
        "a handle is the name in slug form",
        arguments: [
            ("Maker", "maker"), ("Ann Marie!", "ann-marie"), ("bee_keeper", "bee_keeper"), ("..x..", "x"),
            ("Zoë", "zo"), ("a.b", "a-b"), ("_", nil), ("東京", nil), ("", nil), (" \n", nil),
            (String(repeating: "x", count: 200), String(repeating: "x", count: 32)),
        ] as [(String, String?)])
    func slugForm(name: String, expected: String?) async throws {
        let author = TestAuthor("a")
        try await withCatalog { catalog, _ in
            var log = TestLog()
            log.show(author.profile(name), author.model("m"))
            try await catalog.apply(log.entries)
            let creator = try #require(try await catalog.creator(.author(author.id), .pg))
            #expect(creator.handle == expected ?? AuthorID.short(author.id))
            #expect(creator.home == "https://a.example")
            #expect(try await catalog.creator(.handle(creator.handle.uppercased()), .pg) == creator)
            #expect(try await catalog.creator(.id(creator.id), .pg) == creator)
            #expect(try await catalog.profile(of: author.id)?.name == name)
        }
    }

    @Test("of several who want one handle nobody has it, until one is left")
    func clash() async throws {
        let (a, b) = (TestAuthor("a"), TestAuthor("b"))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let second = b.profile("MAKER")
            log.show(a.profile("maker"), second)
            try await catalog.apply(log.take())
            let handles = [try #require(try await handle(a, catalog)), try #require(try await handle(b, catalog))]
            #expect(Set(handles).count == 2)
            #expect(handles.allSatisfy { $0.hasPrefix("maker.") })
            #expect(try await catalog.creator(.handle("maker"), .pg) == nil)
            #expect(try await catalog.creator(.handle(handles[1]), .pg)?.author == b.id)
            log.hide(second)
            try await catalog.apply(log.take())
            #expect(try await handle(a, catalog) == "maker")
            #expect(try await handle(b, catalog) == AuthorID.short(b.id))
        }
    }

    @Test("who has earned room here keeps a handle that strangers claim")
    func earnedKeeps() async throws {
        let (resident, friend) = (TestAuthor("resident"), TestAuthor("friend"))
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for number in 0..<5 { log.show(TestAuthor("stranger\(number)").profile("friend")) }
            log.show(friend.profile("friend"), TestAuthor("late").profile("friend"), resident.follows([friend]))
            try await catalog.apply(log.take())
            #expect(try await handle(friend, catalog) != "friend")
            try await catalog.setEarnedRoom(resident.id, true)
            #expect(try await handle(friend, catalog) == "friend")
            // A second friend of that name, and nobody can have it.
            let other = TestAuthor("stranger1")
            log.hide(resident.follows([friend]), .superseded)
            log.show(resident.follows([friend, other], at: 2))
            try await catalog.apply(log.take())
            #expect(try await handle(friend, catalog) != "friend")
            #expect(try await catalog.creator(.handle("friend"), .pg) == nil)
        }
    }

    @Test("creators are listed by handle, in pages, and found by how it begins")
    func list() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            for number in 10..<35 {
                let author = TestAuthor("c\(number)")
                log.show(author.profile("c\(number)"))
                if number != 20 { log.show(author.model("m"), author.model("n", level: .xxx)) }
            }
            try await catalog.apply(log.entries)
            var query = CreatorQuery()
            query.limit = 10
            var handles: [String] = []
            repeat {
                let page = try await catalog.creators(query, .pg)
                handles += page.items.map(\.handle)
                #expect(page.items.allSatisfy { $0.modelCount == 1 })
                query.position = page.next.map { .after($0) } ?? .start
            } while query.position != .start
            #expect(handles == (10..<35).filter { $0 != 20 }.map { "c\($0)" })
            query.position = .number(2)
            #expect(try await catalog.creators(query, .pg).items.map(\.handle) == Array(handles[10..<20]))
            #expect(try await catalog.creatorCount(.pg) == 24)
            query.position = .start
            query.prefix = "C1"
            #expect(try await catalog.creators(query, .all).items.count == 10)
            #expect(try await catalog.creatorCount(prefix: "c1", .all) == 10)
            #expect(try await catalog.creators(query, ViewerFilter(mask: 4)).items.isEmpty)
        }
    }
}
