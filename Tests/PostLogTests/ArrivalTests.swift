import Digests
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("What came first")
struct ArrivalTests {
    @Test("what was here before another post is told by arrival, not by what posts say of their time")
    func order() async throws {
        let (ana, eve) = (try TestAuthor("ana"), try TestAuthor("eve"))
        let test = try TestLog()
        let (early, said, late) = (
            try ana.comment("early", created: 3000), try eve.comment("said", created: 2500),
            try ana.comment("late", created: 2000)
        )
        try await test.submit(ana.genesis, eve.genesis, early)
        try await test.submit(said)
        try await test.submit(late)
        let found = try await test.log.posts([early.id, late.id, said.id], before: said.id)
        #expect(found.map(\.id) == [early.id])
        #expect(try await test.log.posts([early.id], before: .zero).isEmpty)
        #expect(try await test.log.posts([late.id, said.id, early.id]).map(\.id) == [early.id, said.id, late.id])
    }

    @Test("of a post with versions the older ones count, and what is said again came when it was said first")
    func versions() async throws {
        let (ana, eve) = (try TestAuthor("ana"), try TestAuthor("eve"))
        let test = try TestLog()
        let old = try ana.model("m", "old", created: 2000)
        let new = try ana.model("m", "new", created: 2002)
        let first = try eve.model("e", "first", created: 2000)
        let again = try eve.model("e", "again", created: 2001)
        try await test.submit(ana.genesis, eve.genesis, old)
        try await test.submit(first)
        try await test.submit(new)
        #expect(try await test.log.posts([new.id], before: first.id).map(\.post.model.description_p) == ["old"])
        let other = try ana.comment("between")
        try await test.submit(other)
        try await test.submit(again)
        #expect(try await test.log.posts([other.id], before: again.id).isEmpty)
    }
}
