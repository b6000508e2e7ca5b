import Digests
import Foundation
import GRDB
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Moderation

@Suite("Levels, as people and moderators see them")
struct LevelTests {
    private struct Vectors: Decodable {
        struct Label: Decodable {
            let name: String
            let slot: String
            let body: String
            let subject: String
            let says: String?
        }

        struct Count: Decodable {
            let name: String
            let declared: String
            let votes: [String: Int]
            let agreed: String?
            let level: String
            let foundMilder: Bool
        }

        let labels: [Label]
        let counts: [Count]
    }

    private func vectors() throws -> Vectors {
        let url = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocol/vectors/levels.json").standardizedFileURL
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Vectors.self, from: Data(contentsOf: url))
    }

    private func withModeration(_ body: (Moderation, String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("levels-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let path = directory.appendingPathComponent("moderation.db").path
        try await body(try Moderation(ceiling: .xxx, path: path), path)
    }

    @Test("labels say of levels what the vectors say, and keep the rules of their kind")
    func labels() throws {
        for vector in try vectors().labels {
            let wire = try WireLabel(serializedBytes: Data(try #require(Hex.decode(vector.body))))
            try WirePost.OneOf_Body.label(wire).check(slot: vector.slot)
            let read = LevelVote.read(wire)
            #expect(read?.level.word == vector.says, "\(vector.name)")
            if let read {
                let named: ModerationSubject =
                    vector.subject == "file" ? .blob(read.subject.hash) : .post(read.subject.hash)
                #expect(read.subject == named, "\(vector.name)")
            }
        }
    }

    @Test("votes come to what the vectors say")
    func counts() throws {
        let subject = LevelSubject.post(SHA256.hash([1]))
        for vector in try vectors().counts {
            let votes = LevelVotes(
                Dictionary(
                    uniqueKeysWithValues: try vector.votes.map { (try #require(Level(word: $0.key)), $0.value) }))
            #expect(votes.agreed?.word == vector.agreed, "\(vector.name)")
            var rules = LevelRules()
            rules[subject] = votes.agreed.map { .atLeast($0) }
            let shown = rules.level(try #require(Level(word: vector.declared)), of: subject)
            #expect(shown.word == vector.level, "\(vector.name)")
            #expect(votes.findMilder(than: shown) == vector.foundMilder, "\(vector.name)")
        }
    }

    @Test("whatever people say, nothing becomes milder than its maker said")
    func neverMilder() {
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 0...UInt64.max, using: &random)
        var state = seed
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        let levels = Level.allCases.filter { $0 < .blocked }
        let subject = LevelSubject.picture(.zero)
        for _ in 0..<2000 {
            let votes = LevelVotes(Dictionary(uniqueKeysWithValues: levels.map { ($0, Int(next(6))) }))
            let declared = levels[Int(next(5))]
            let rules = LevelRules(votes.agreed.map { [subject: .atLeast($0)] } ?? [:])
            #expect(rules.level(declared, of: nil, picture: .zero) >= declared, "seed \(seed)")
        }
    }

    @Test("a lock beats votes and maker, one on the picture beats one on its post")
    func locks() {
        let (post, picture) = (LevelSubject.post(SHA256.hash([1])), SHA256.hash([2]))
        var rules = LevelRules([post: .exactly(.x), .picture(picture): .atLeast(.xxx)])
        #expect(rules.level(.pg, of: post, picture: picture) == .x)
        rules[.picture(picture)] = .exactly(.pg)
        #expect(rules.level(.xxx, of: post, picture: picture) == .pg)
        #expect(rules.level(.r, of: post, picture: SHA256.hash([3])) == .x)
        rules[post] = .atLeast(.r)
        #expect(rules.level(.pg, of: post) == .r && rules.level(.xxx, of: post) == .xxx)
    }

    @Test("a lock on a thing with versions knows the one that was looked at; one that does not makes none milder")
    func judgedVersions() async throws {
        let (seen, newer) = (SHA256.hash([1]), SHA256.hash([2]))
        let thing = LevelSubject.work(author: SHA256.hash([50]), kind: .article, slug: "honey")
        try await withModeration { moderation, path in
            _ = try await moderation.lockLevel(of: thing, at: .pg13, version: seen, reason: "", by: "mod", when: 5)
            let again = try Moderation(ceiling: .xxx, path: path)
            #expect(try await again.levelLock(of: thing)?.version == seen)
            for rules in [moderation.levelRules, again.levelRules] {
                #expect(rules.level(.xxx, of: thing, version: seen) == .pg13)
                #expect(rules.level(.xxx, of: thing, version: newer) == .xxx)
                #expect(rules.level(.pg, of: thing, version: newer) == .pg13)
                #expect(rules.level(.xxx, of: thing) == .xxx)
            }
            try await moderation.setAgreed([thing: .x])
            #expect(moderation.level(.pg, of: thing, version: seen) == .pg13)
            #expect(moderation.level(.pg, of: thing, version: newer) == .x)
            // As locks were before they knew.
            _ = try await moderation.lockLevel(of: thing, at: .r, reason: "", by: "mod", when: 6)
            #expect(moderation.level(.xxx, of: thing, version: seen) == .xxx)
            #expect(moderation.level(.pg, of: thing, version: seen) == .x)
        }
    }

    @Test("what was said of reviews when their posts named them is said of their places, the newest lock first")
    func places() async throws {
        let (old, newer, picture) = (SHA256.hash([1]), SHA256.hash([2]), SHA256.hash([3]))
        let place = LevelSubject.work(author: SHA256.hash([50]), kind: .review, slug: SHA256.hash([51]).hex)
        try await withModeration { moderation, path in
            for (post, level, when) in [(old, Level.x, UInt64(5)), (newer, .r, 6), (picture, .pg13, 7)] {
                _ = try await moderation.lockLevel(of: .post(post), at: level, reason: "", by: "mod", when: when)
            }
            try await moderation.askForReview(LevelReview(subject: .post(old), by: "ada", text: "Look.", when: 8))
            try await moderation.setAgreed([.post(old): .x])
            // As if this were the home of a version before.
            try await DatabaseQueue(path: path).write { database in
                try database.execute(
                    sql: """
                        DROP TABLE level_unplaced;
                        DELETE FROM grdb_migrations WHERE identifier = '10 places of reviews';
                        """)
            }
            let again = try Moderation(ceiling: .xxx, path: path)
            #expect(try await Set(again.unplacedLevels()) == [.post(old), .post(newer), .post(picture)])
            try await again.placeLevels(of: newer, at: place)
            try await again.placeLevels(of: old, at: place)
            try await again.placeLevels(of: picture, at: .post(picture))
            #expect(try await again.unplacedLevels().isEmpty)
            let lock = try await again.levelLock(of: place)
            #expect(lock?.version == newer && lock?.number == "L-2")
            #expect(try await again.levelLocks().map(\.number) == ["L-2", "L-3"])
            #expect(again.level(.pg, of: place, version: newer) == .r)
            #expect(again.level(.pg, of: place, version: SHA256.hash([9])) == .x)
            #expect(again.level(.pg, of: .post(picture)) == .pg13)
            #expect(try await again.levelReview(of: place)?.text == "Look.")
        }
    }

    @Test("one account's requests have a bound, and its second waits until everybody's first")
    func reviewBound() async throws {
        func review(_ number: Int, by: String, _ text: String = "", at when: UInt64) -> LevelReview {
            LevelReview(subject: .picture(SHA256.hash([UInt8(number)])), by: by, text: text, when: when)
        }
        try await withModeration { moderation, _ in
            for number in 0..<Limits.Levels.reviewsPerAccount {
                try await moderation.askForReview(review(number, by: "ada", at: 10))
            }
            await #expect(throws: ModerationError.self) {
                try await moderation.askForReview(review(100, by: "ada", at: 10))
            }
            try await moderation.askForReview(review(0, by: "ada", "anew", at: 11))
            try await moderation.askForReview(review(101, by: "bea", "mine", at: 20))
            await #expect(throws: ModerationError.askedAlready) {
                try await moderation.askForReview(review(101, by: "cem", "mine", at: 21))
            }
            let two = try await moderation.levelReviews(limit: 2)
            #expect(two.map(\.by) == ["ada", "bea"])
            #expect(try await moderation.levelReview(of: .picture(SHA256.hash([0])))?.text == "anew")
            #expect(try await moderation.levelReview(of: .picture(SHA256.hash([101])))?.by == "bea")
        }
    }

    @Test("things with versions are one thing, and names of things come back from their texts")
    func subjects() {
        let author = SHA256.hash([7])
        let (one, two) = (SHA256.hash([1]), SHA256.hash([2]))
        let first = LevelSubject(post: one, author: author, kind: .model, slot: "honey")
        #expect(first == LevelSubject(post: two, author: author, kind: .model, slot: "honey"))
        #expect(first != LevelSubject(post: one, author: author, kind: .article, slot: "honey"))
        #expect(LevelSubject(post: one, author: author, kind: .imagePost, slot: "") == .post(one))
        #expect(LevelSubject(post: one, author: author, kind: .comment, slot: "") == nil)
        for subject in [first, .post(one), .picture(two)].compactMap({ $0 }) {
            #expect(LevelSubject(text: subject.text) == subject)
        }
        for text in ["", "post", "post x", "work \(author.hex) 11 a", "work \(author.hex) 10", "cat \(author.hex)"] {
            #expect(LevelSubject(text: text) == nil, "\(text)")
        }
    }

    private func vote(_ number: UInt8, by person: UInt8, _ level: Level, at: UInt64, on thing: LevelSubject?)
        -> LevelVote
    {
        LevelVote(
            post: SHA256.hash([number]), author: SHA256.hash([person]), subject: .post(SHA256.hash([99])),
            level: level, created: at, thing: thing)
    }

    @Test("a person's newest word counts, words about what comes later wait for it, and all of it survives a start")
    func kept() async throws {
        let thing = LevelSubject.work(author: SHA256.hash([50]), kind: .model, slug: "honey")
        let people: Set = [SHA256.hash([1]), SHA256.hash([2])]
        try await withModeration { moderation, path in
            #expect(try await moderation.levelSeq(log: "one") == 0)
            var lines = LevelLines()
            lines.votes = [
                vote(1, by: 1, .r, at: 10, on: nil), vote(2, by: 1, .x, at: 20, on: nil),
                vote(3, by: 2, .pg13, at: 15, on: nil),
            ]
            #expect(try await moderation.take(lines, by: people, log: "one", upTo: 3) == [])
            #expect(try await moderation.waitedFor(by: people) == [SHA256.hash([99])])
            #expect(try await moderation.levelVotes(on: thing, by: people).isEmpty)
            lines = LevelLines()
            lines.arrived = [(SHA256.hash([99]), thing)]
            #expect(try await moderation.take(lines, by: people, log: "one", upTo: 4) == [thing])
            #expect(try await moderation.levelVotes(on: thing, by: people).map(\.level) == [.x, .pg13])
            #expect(try await moderation.spokenOf(by: people) == [thing])
            lines = LevelLines()
            lines.gone = [SHA256.hash([2])]
            #expect(try await moderation.take(lines, by: people, log: "one", upTo: 5) == [thing])
            #expect(try await moderation.levelVotes(on: thing, by: people).map(\.level) == [.pg13, .r])
            try await moderation.setAgreed([thing: .r])

            let again = try Moderation(ceiling: .xxx, path: path)
            #expect(again.level(.pg, of: thing) == .r)
            #expect(try await again.levelSeq(log: "one") == 5)
            #expect(try await again.levelVotes(on: thing, by: people).count == 2)
            // Another log: what it does not say was never said.
            #expect(try await again.levelSeq(log: "two") == 0)
            #expect(try await again.levelVotes(on: thing, by: people).isEmpty)
        }
    }

    @Test(
        "however many strangers speak, of real things and of made-up ones, the words of people who count stand and lead"
    )
    func strangers() async throws {
        let (thing, other) = (LevelSubject.picture(SHA256.hash([1])), LevelSubject.picture(SHA256.hash([2])))
        let (missing, unheard) = (SHA256.hash([3]), SHA256.hash([4]))
        let people = Set((1...3).map { SHA256.hash([0, $0]) })
        func word(
            _ name: [UInt8], by author: Hash32, _ level: Level, at: UInt64, on thing: LevelSubject?, _ hash: Hash32
        )
            -> LevelVote
        {
            let subject: ModerationSubject = thing == nil ? .post(hash) : .blob(hash)
            return LevelVote(
                post: SHA256.hash(name), author: author, subject: subject, level: level, created: at, thing: thing)
        }
        try await withModeration { moderation, _ in
            var lines = LevelLines()
            for (number, person) in people.enumerated() {
                let name = [1, UInt8(number)]
                lines.votes.append(word(name, by: person, .x, at: 10, on: thing, SHA256.hash([1])))
            }
            let person = try #require(people.first)
            lines.votes.append(word([2], by: person, .x, at: 10, on: nil, missing))
            #expect(try await moderation.take(lines, by: people, log: "one", upTo: 4) == [thing])

            // Newer, and more of them than were ever read together.
            lines = LevelLines()
            for number in 0..<UInt16(Limits.Levels.read + 1) {
                let name = [3, UInt8(number >> 8), UInt8(number & 0xff)]
                lines.votes.append(word(name, by: SHA256.hash(name), .pg, at: 20, on: thing, SHA256.hash([1])))
            }
            for number in 0..<UInt8(5) {
                let name = [4, number]
                lines.votes.append(word(name, by: SHA256.hash(name), .xxx, at: 20, on: other, SHA256.hash([2])))
                lines.votes.append(word([5, number], by: SHA256.hash(name), .xxx, at: 20, on: nil, unheard))
            }
            #expect(try await moderation.take(lines, by: people, log: "one", upTo: 5).isEmpty)
            #expect(try await moderation.levelVotes(on: thing, by: people).map(\.level) == [.x, .x, .x])
            #expect(try await moderation.levelVotes(by: people).count == 3)
            #expect(try await moderation.spokenOf(by: people) == [thing])
            #expect(try await moderation.waitedFor(by: people) == [missing])
            #expect(try await moderation.levelVotes(by: []).isEmpty)
        }
    }

    @Test("a lock takes the place of the lock before, answers whoever asked, and lifted leaves what people agreed on")
    func lockAndUnlock() async throws {
        let thing = LevelSubject.picture(SHA256.hash([3]))
        try await withModeration { moderation, path in
            try await moderation.setAgreed([thing: .r])
            try await moderation.askForReview(LevelReview(subject: thing, by: "maker", text: "It is mild.", when: 5))
            #expect(try await moderation.levelReviews().map(\.text) == ["It is mild."])
            _ = try await moderation.lockLevel(of: thing, at: .xxx, reason: "", by: "mod", when: 6)
            let lock = try await moderation.lockLevel(of: thing, at: .pg, reason: "looked", by: "mod", when: 7)
            #expect(lock.number == "L-2" && moderation.level(.x, of: nil, picture: SHA256.hash([3])) == .pg)
            #expect(try await moderation.levelReviews().isEmpty)
            #expect(try await moderation.spokenOf(by: [SHA256.hash([1])]).isEmpty)
            let again = try Moderation(ceiling: .xxx, path: path)
            #expect(try await again.levelLock(of: thing) == lock)
            #expect(again.level(.x, of: nil, picture: SHA256.hash([3])) == .pg)
            #expect(try await again.unlockLevel(of: thing, by: "mod", when: 8) == lock)
            #expect(try await again.unlockLevel(of: thing, by: "mod", when: 9) == nil)
            #expect(again.level(.pg, of: nil, picture: SHA256.hash([3])) == .r)
            await #expect(throws: ModerationError.self) {
                try await again.askForReview(
                    LevelReview(
                        subject: thing, by: "maker", text: String(repeating: "x", count: Limits.Levels.reviewBytes + 1),
                        when: 5))
            }
        }
    }
}
