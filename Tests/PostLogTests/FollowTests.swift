import Digests
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("Following the log")
struct FollowTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    @Test("a follower hears of the present line first and of every later one in the end")
    func changes() async throws {
        let test = try TestLog()
        try await test.submit(ana.genesis)
        var heard = test.log.changes().makeAsyncIterator()
        #expect(await heard.next() == 1)
        try await test.submit([ana.comment("one"), ana.comment("two")])
        #expect(await heard.next() == 3)
        // Nothing is heard of what changes nothing.
        try await test.submit(ana.comment("one"))
        try await test.submit(ana.comment("three"))
        #expect(await heard.next() == 4)
        #expect(test.log.newestSeq == 4)
    }

    @Test("a slow follower misses numbers in between, never the last")
    func slow() async throws {
        let test = try TestLog()
        let stream = test.log.changes()
        try await test.submit(ana.genesis)
        for number in 0..<20 { try await test.submit(ana.comment("\(number)")) }
        var heard = stream.makeAsyncIterator()
        #expect(await heard.next() == 21)
    }

    @Test("closing the log ends every stream, later ones too")
    func close() async throws {
        let test = try TestLog()
        var heard = test.log.changes().makeAsyncIterator()
        _ = await heard.next()
        test.log.close()
        #expect(await heard.next() == nil)
        var late = test.log.changes().makeAsyncIterator()
        while let _ = await late.next() {}
    }

    @Test("lines come in order, after a number and up to a limit")
    func entries() async throws {
        let test = try TestLog()
        let posts = try [ana.genesis] + (0..<30).map { try ana.comment("\($0)") }
        try await test.submit(posts)
        var ids: [Hash32] = []
        var seq: UInt64 = 0
        while true {
            let entries = try await test.log.entries(after: seq, limit: 7)
            ids += entries.map(\.post.id)
            guard let last = entries.last else { break }
            #expect(entries.count == 7 || last.seq == test.log.newestSeq)
            seq = last.seq
        }
        #expect(ids == posts.map(\.id))
        let first = try #require(try await test.log.entries(after: 1, limit: 1).first)
        #expect(first.post.author == ana.id && first.post.envelope == posts[1].envelope)
        #expect(first.post.post == posts[1].post && first.post.created == 2000)
    }

    @Test("what an author has in force is told newest first up to a limit, in the order of reconciliation")
    func authorIndex() async throws {
        let test = try TestLog()
        let ben = try TestAuthor("ben")
        let posts = try (0..<20).map { try ana.comment("\($0)", created: 2000 + UInt64($0)) }
        try await test.submit([ana.genesis, ben.genesis, ben.comment("other")] + posts)
        let index = try await test.log.index(ofAuthor: ana.id, limit: 5)
        var ids: [Hash32] = []
        index.forEachID(in: 0..<index.count) { ids.append($0) }
        #expect(ids == posts.suffix(5).map(\.id))
        #expect(try await test.log.index(ofAuthor: testHash("nobody"), limit: 5).count == 0)
    }

    @Test("log ids differ from log to log and stay with theirs")
    func logID() async throws {
        let (one, other) = (try TestLog(), try TestLog())
        #expect(one.log.logID != other.log.logID)
        #expect(try TestLog(directory: one.directory).log.logID == one.log.logID)
        #expect(one.log.logID.utf8.count == 12)
    }
}
