import Catalog
import Digests
import Foundation
import Moderation
import PostLog
import Testing
import WaggleProtocol

@Suite("People: pages, follows, channels")
struct PeopleTests {
    let maker = TestAuthor("maker")
    let reader = TestAuthor("reader")

    @Test("a page tells what its person wrote, who follows them, and whether they are at home here")
    func page() async throws {
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let page = maker.page("Maker", about: "*bees*", avatar: hash("avatar"), links: ["https://x.example"])
            log.show(page, maker.model("m"), maker.imagePost([image("a"), image("b", .x)]))
            log.show(reader.follows([maker, maker, reader, TestAuthor("unknown")]), maker.follows([reader]))
            try await catalog.apply(log.take())
            try await catalog.setEarnedRoom(maker.id, true)
            let view = try #require(try await catalog.creator(.author(maker.id), .pg))
            #expect(view.about == "*bees*" && view.avatar == hash("avatar") && view.links == ["https://x.example"])
            #expect(view.followers == 1 && view.following == 1 && view.isFromHere)
            #expect(view.modelCount == 1 && view.imageCount == 1)
            let other = try #require(try await catalog.creator(.author(reader.id), .pg))
            #expect(other.following == 2 && !other.isFromHere)

            try await catalog.setHidden([.post(page.id)], true)
            let hidden = try #require(try await catalog.creator(.author(maker.id), .operator_))
            #expect(hidden.about.isEmpty && hidden.avatar == nil && hidden.name != "Maker" && hidden.handle != "maker")
            #expect(try await catalog.profile(of: maker.id) == nil)
            try await catalog.setHidden([.post(page.id)], false)
            #expect(try await catalog.creator(.handle("maker"), .pg)?.about == "*bees*")
            log.hide(page)
            try await catalog.apply(log.take())
            #expect(try await catalog.creator(.author(maker.id), .pg)?.about.isEmpty == true)
            #expect(try await catalog.blobReference(hash("avatar")) == nil)
        }
    }

    @Test("a list of 1200 is followed in its order, in pages; its followers come newest first; a new list replaces it")
    func follows() async throws {
        let crowd = (0..<1200).map { TestAuthor("p\($0)") }
        try await withCatalog { catalog, _ in
            var log = TestLog()
            let list = reader.follows(crowd)
            log.show(list)
            for number in 1...5 { log.show(crowd[number].follows([crowd[0]], at: UInt64(number))) }
            try await catalog.apply(log.take())
            #expect(try await catalog.creator(.author(reader.id), .pg)?.following == 1200)
            var found: [Hash32] = []
            var position = PagePosition.start
            repeat {
                let page = try await catalog.following(reader.id, limit: 200, position: position, .pg)
                found += page.items.map(\.author)
                #expect(page.items.allSatisfy { $0.creator == nil || $0.creator?.author == $0.author })
                position = page.next.map { .after($0) } ?? .start
            } while position != .start
            #expect(found == crowd.map(\.id))
            let followers = try await catalog.followers(crowd[0].id, limit: 4, .pg)
            #expect(followers.items.map(\.author).prefix(3) == [crowd[5].id, crowd[4].id, crowd[3].id][...])
            let rest = try await catalog.followers(
                crowd[0].id, limit: 4, position: .after(try #require(followers.next)), .pg)
            #expect(rest.items.count == 2 && rest.next == nil)

            try await catalog.setHidden([.post(list.id)], true)
            #expect(try await catalog.followers(crowd[9].id, limit: 4, .operator_).items.isEmpty)
            try await catalog.setHidden([.post(list.id)], false)
            #expect(try await catalog.followers(crowd[9].id, limit: 4, .pg).items.map(\.author) == [reader.id])
            log.hide(list, .superseded)
            log.show(reader.follows([crowd[7]], at: 2))
            try await catalog.apply(log.take())
            #expect(try await catalog.followers(crowd[9].id, limit: 4, .pg).items.isEmpty)
            #expect(try await catalog.following(reader.id, limit: 4, .pg).items.map(\.author) == [crowd[7].id])
            log.hide(reader.follows([crowd[7]], at: 2))
            try await catalog.apply(log.take())
            #expect(try await catalog.creator(.author(reader.id), .pg)?.following == 0)
        }
    }

    @Test("a channel is its author's word on the newest release, and says whether that one is here")
    func channel() async throws {
        let (old, new) = (maker.release("m", version: "1", at: 20), maker.release("m", version: "2", at: 21))
        let word = maker.channel("m", new, number: .max)
        try await withCatalog { catalog, _ in
            func channel() async throws -> ChannelView? {
                try await catalog.model(author: maker.id, slug: "m", .pg)?.channel
            }
            var log = TestLog()
            log.show(word, reader.channel("m", old, number: 9, of: maker), maker.model("m"), old)
            try await catalog.apply(log.take())
            let away = try #require(try await channel())
            #expect(away.release == new.id && away.number == .max && away.expires == 5000 && !away.isHere)
            log.show(new)
            try await catalog.apply(log.take())
            #expect(try await channel()?.isHere == true)
            log.show(maker.release("m", version: "3", at: 22))
            try await catalog.apply(log.take())
            #expect(try await channel()?.isHere == false)
            try await catalog.setHidden([.post(word.id)], true)
            #expect(try await channel() == nil)
            try await catalog.setHidden([.post(word.id)], false)
            log.hide(word)
            try await catalog.apply(log.take())
            #expect(try await channel() == nil)
        }
    }
}
