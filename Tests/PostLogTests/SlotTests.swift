import Digests
import GRDB
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("Slots")
struct SlotTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    private func events(_ test: TestLog, after seq: UInt64 = 0) async throws -> [String] {
        try await test.log.entries(after: seq, limit: 1000).map { entry in
            let name: String
            switch entry.post.post.body {
            case .profile(let body)?: name = body.name
            case .model(let body)?: name = body.description_p
            default: name = "kind \(entry.post.kind.rawValue)"
            }
            switch entry.event {
            case .shown: return "+ \(name)"
            case .hidden(let reason): return "- \(name) \(reason)"
            }
        }
    }

    @Test("the newest post of a slot stands, and followers see the old one go first")
    func newest() async throws {
        let test = try TestLog()
        try await test.submit(ana.genesis, ana.profile("old", created: 2000))
        try await test.submit(ana.profile("new", created: 2001))
        #expect(try await events(test) == ["+ kind 1", "+ old", "- old superseded", "+ new"])
        let found = try await test.log.post(author: ana.id, kind: .profile, slot: "")
        #expect(found?.post.profile.name == "new")
    }

    @Test("an older post of a slot is stored, and nobody is told")
    func older() async throws {
        let test = try TestLog()
        let (old, new) = (try ana.profile("old", created: 2000), try ana.profile("new", created: 2001))
        try await test.submit(ana.genesis, new)
        #expect(try await test.submit(old) == [.new])
        #expect(try await events(test) == ["+ kind 1", "+ new"])
        #expect(try await test.inForce().count == 2)
        // Its id leads to the one that stands.
        #expect(try await test.log.newerVersion(of: old.id)?.id == new.id)
        for id in [new.id, ana.id, Hash32.zero] { #expect(try await test.log.newerVersion(of: id) == nil) }
    }

    @Test("an older version of a model that comes late is told as what it is: superseded; and so is what becomes of it")
    func lateVersion() async throws {
        let test = try TestLog()
        let (old, new) = (try ana.model("m", "old", created: 2000), try ana.model("m", "new", created: 2001))
        try await test.submit(ana.genesis, new)
        #expect(try await test.submit(old) == [.new])
        #expect(try await events(test) == ["+ kind 1", "+ new", "- old superseded"])
        #expect(Set(test.offered()) == Set([ana.id, new.id]))
        let before = test.log.newestSeq
        try await test.submit(try ana.delete([old]))
        #expect(try await events(test, after: before).contains { $0.hasSuffix("deleted") })
    }

    @Test("a database from before gets the lines of older versions that came late, once")
    func lateVersionsOfBefore() async throws {
        let test = try TestLog()
        let posts = [
            ana.genesis, try ana.model("m", "new", created: 2001), try ana.model("m", "old", created: 2000),
            try ana.profile("new", created: 2001), try ana.profile("old", created: 2000),
        ]
        try await test.submit(posts)
        let queue = try DatabaseQueue(path: test.directory + "/posts.db")
        try await queue.write { db in
            try db.execute(
                sql: """
                    DELETE FROM log WHERE event = 1;
                    DELETE FROM grdb_migrations WHERE identifier = '3 late versions'
                    """)
        }
        try queue.close()
        for _ in 0..<2 {
            let again = try TestLog(directory: test.directory)
            #expect(try await events(again) == ["+ kind 1", "+ new", "+ new", "- old superseded"])
        }
    }

    @Test("of posts of one second the lowest id stands, in any order", arguments: 0..<20)
    func tie(_ seed: UInt64) async throws {
        var random = Seeded(seed: seed)
        let test = try TestLog()
        let profiles = try (0..<6).map { try ana.profile("number \($0)") }
        let lowest = try #require(profiles.min { $0.id < $1.id })
        try await test.submit(ana.genesis)
        for profile in profiles.shuffled(using: &random) { try await test.submit(profile) }
        #expect(try await test.inForce() == [ana.id, lowest.id], "seed \(seed)")
    }

    @Test("slots of other names, kinds and authors do not disturb each other")
    func apart() async throws {
        let test = try TestLog()
        let ben = try TestAuthor("ben")
        let posts = [
            ana.genesis, ben.genesis, try ana.model("a"), try ana.model("b"), try ana.profile("Ana"),
            try ben.model("a"),
            try ana.post { post in
                post.collection.name = "a"
                post.slot = "a"
            },
        ]
        try await test.submit(posts)
        #expect(try await test.inForce() == Set(posts.map(\.id)))
    }

    @Test("a whole history of one slot in one batch leaves one post")
    func history() async throws {
        let test = try TestLog()
        let models = try (0..<50).map { try ana.model("m", "\($0)", created: 2000 + UInt64($0)) }
        try await test.submit([ana.genesis] + models)
        #expect(try await test.inForce() == [ana.id, models[49].id])
    }

    @Test("when the holder goes out of force the next best comes back, and an expired one is passed over")
    func refill() async throws {
        let test = try TestLog(now: 5000)
        let first = try ana.profile("first", created: 2000)
        let short = try ana.profile("short", created: 2001, expires: 5500)
        let last = try ana.profile("last", created: 2002, expires: 6000)
        try await test.submit(ana.genesis, first, short, last)
        #expect(try await test.inForce() == [ana.id, last.id])
        test.clock.now = 6900
        try await test.log.intake.tidy()
        #expect(try await test.inForce() == [ana.id, first.id])
        #expect(try await events(test).suffix(2) == ["- last expired", "+ first"])
    }

    @Test("slots are compared by their bytes: two spellings of one letter are two slots")
    func bytes() async throws {
        let test = try TestLog()
        let spellings = ["caf\u{e9}", "cafe\u{301}"]
        func list(_ slot: String, _ created: UInt64) throws -> SignedPost {
            try ana.post(created: created) { ($0.kind, $0.slot) = (60, slot) }
        }
        let old = try spellings.map { try list($0, 2000) }
        let new = try spellings.map { try list($0, 2001) }
        let delete = try ana.delete(new)
        try await test.submit([ana.genesis] + old + new)
        #expect(Set(test.offered()) == Set(new.map(\.id) + [ana.id]))
        try await test.submit(delete)
        #expect(Set(test.offered()) == Set(old.map(\.id) + [ana.id, delete.id]))
    }
}
