import Digests
import Foundation
import Identity
import PostLog
import SwiftProtobuf
import Synchronization
import Testing
import WaggleProtocol

@Suite("Intake")
struct IntakeTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    @Test("a batch is idempotent")
    func idempotent() async throws {
        let test = try TestLog()
        let posts = [ana.genesis, try ana.comment("one"), try ana.profile("Ana")]
        #expect(try await test.submit(posts) == [.new, .new, .new])
        let seq = test.log.newestSeq
        #expect(try await test.submit(posts) == [.have, .have, .have])
        #expect(test.log.newestSeq == seq)
        #expect(try await test.inForce(posts) == Set(posts.map(\.id)))
    }

    @Test("a post given twice in one batch is new once")
    func duplicates() async throws {
        let test = try TestLog()
        let comment = try ana.comment("one")
        #expect(try await test.submit(comment, ana.genesis, comment, comment) == [.new, .new, .have, .have])
        #expect(try await test.inForce().count == 2)
    }

    @Test("a copy with a bad signature does not stand for the good one, whichever comes first")
    func badCopy() async throws {
        let test = try TestLog()
        let comment = try ana.comment("one")
        var bad = comment.envelope
        bad[bad.count - 1] ^= 1
        let results = try await test.log.intake.submit(
            [ana.genesis.envelope, bad, comment.envelope, bad], from: .local)
        #expect(results[0] == .new && results[1].isInvalid && results[2] == .new && results[3].isInvalid)
    }

    @Test("each post has its own result, in order")
    func results() async throws {
        struct Picky: Admission {
            func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
                guard case .comment(let comment)? = post.post.body else { return .admit }
                return comment.text == "spam"
                    ? .refuse(reason: "no spam") : comment.text == "much" ? .later(retryAfter: 60) : .admit
            }
        }
        let test = try TestLog(admission: Picky())
        let stranger = try TestAuthor("stranger")
        let results = try await test.log.intake.submit(
            [
                Data([1, 2, 3]), try ana.comment("spam").envelope, try ana.comment("future", created: 100_901).envelope,
                ana.genesis.envelope, try ana.comment("good").envelope, try ana.comment("much").envelope,
                try stranger.comment("who").envelope, try ana.comment("nearly", created: 100_900).envelope,
                try ana.comment("far", created: 1 << 52).envelope,
            ], from: .peer(testHash("peer")))
        #expect(results[0].isInvalid)
        #expect(results[1] == .policy(reason: "no spam"))
        #expect(results[2] == .future(retryAfter: 1))
        #expect(results[3] == .new && results[4] == .new)
        #expect(results[5] == .rate(retryAfter: 60))
        #expect(results[6] == .parked(author: stranger.id))
        #expect(results[7] == .new)
        #expect(results[8] == .future(retryAfter: .max))
        #expect(try await test.inForce().count == 3)
    }

    @Test("a post from the future is stored when its time has come, and not before")
    func future() async throws {
        let test = try TestLog()
        let post = try ana.comment("later", created: 102_000)
        #expect(try await test.submit(ana.genesis, post) == [.new, .future(retryAfter: 1100)])
        #expect(try await test.log.known([post.id]).isEmpty)
        test.clock.now += 1100
        #expect(try await test.submit(post) == [.new])
    }

    @Test("a post is from the future where the vectors say so")
    func clock() async throws {
        struct Vectors: Decodable {
            let clock: [Case]
        }
        struct Case: Decodable {
            let created: UInt64
            let now: UInt64
            let retryAfter: UInt32?
        }
        let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../Protocol/vectors/envelope.json").standardizedFileURL
        for vector in try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: url)).clock {
            let test = try TestLog(now: vector.now)
            let results = try await test.submit(ana.genesis, ana.comment("now?", created: vector.created))
            #expect(results[1] == vector.retryAfter.map { .future(retryAfter: $0) } ?? .new)
        }
    }

    @Test("a key document that is not admitted gives no rights, now or after a restart")
    func refusedDocument() async throws {
        struct NoUpdates: Admission {
            func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
                post.kind == .keyDocument && post.post.keyDocument.version > 1 ? .refuse(reason: "no") : .admit
            }
        }
        let test = try TestLog(admission: NoUpdates())
        let update = try ana.document(after: ana.genesis) { $0.devices.append(device("phone")) }
        let post = try ana.comment("by the phone", by: "phone")
        #expect(
            try await test.submit(ana.genesis, update, post) == [.new, .policy(reason: "no"), .parked(author: ana.id)])
        #expect(try await test.submit(post) == [.parked(author: ana.id)])
        #expect(try await test.log.keyChain(of: ana.id)?.currentID == ana.id)
        #expect(try await test.inForce([post]) == [ana.id])
    }

    @Test("a genesis that is not admitted leaves its author unknown")
    func refusedGenesis() async throws {
        struct Nobody: Admission {
            func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
                post.kind == .keyDocument ? .later(retryAfter: 9) : .admit
            }
        }
        let test = try TestLog(admission: Nobody())
        let post = try ana.comment("hello")
        #expect(try await test.submit(ana.genesis, post) == [.rate(retryAfter: 9), .parked(author: ana.id)])
        #expect(try await test.log.keyChain(of: ana.id) == nil)
    }

    @Test("admission is asked once for each new valid post, and for nothing else")
    func admissionAsked() async throws {
        final class Counting: Admission, Sendable {
            let asked = Mutex<[Hash32]>([])
            func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
                asked.withLock { $0.append(post.id) }
                return .admit
            }
        }
        let counting = Counting()
        let test = try TestLog(admission: counting)
        let posts = [ana.genesis, try ana.comment("one"), try ana.comment("two", by: "nobody's")]
        try await test.submit(posts)
        try await test.submit(posts)
        #expect(counting.asked.withLock { $0 } == [posts[0].id, posts[1].id])
    }

    @Test("admission may refuse a replaceable post for what was in its place before, what is out of force included")
    func places() async throws {
        final class Remembering: Admission, Sendable {
            let unwanted = Mutex<Hash32?>(nil)
            func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict { .admit }
            func refusal(of post: SignedPost, inPlaceOf versions: () throws -> [Hash32]) rethrows -> String? {
                guard let unwanted = unwanted.withLock({ $0 }) else { return nil }
                return try versions().contains(unwanted) ? "no" : nil
            }
        }
        let remembering = Remembering()
        let test = try TestLog(admission: remembering)
        let old = try ana.model("m", "old", created: 2000)
        let new = try ana.model("m", "new", created: 2002)
        #expect(try await test.submit(ana.genesis, old, new) == [.new, .new, .new])
        remembering.unwanted.withLock { $0 = old.id }
        let newest = try ana.model("m", "newest", created: 2003)
        let other = try ana.model("other", "new", created: 2003)
        let comment = try ana.comment("elsewhere")
        #expect(try await test.submit(newest, other, comment) == [.policy(reason: "no"), .new, .new])
        #expect(try await Set(test.log.posts(ids: [new.id, newest.id]).keys) == [new.id])
        remembering.unwanted.withLock { $0 = nil }
        #expect(try await test.submit(newest) == [.new])
    }

    @Test("kinds that nobody knows yet are stored, offered and told of by number")
    func unknownKinds() async throws {
        let test = try TestLog()
        let strange = try ana.post { ($0.kind, $0.slot) = (777, "somewhere") }
        let other = try ana.post { $0.kind = 99 }
        #expect(try await test.submit(ana.genesis, strange, other) == [.new, .new, .new])
        #expect(try await test.inForce([strange, other]).isSuperset(of: [strange.id, other.id]))
        let entries = try await test.log.entries(after: 0, limit: 10)
        #expect(entries.map(\.post.kind.rawValue) == [1, 777, 99])
        #expect(entries.map(\.post.kind.hasKnownBody) == [true, false, false])
        #expect(entries[1].post.slot == "somewhere" && entries[1].post.envelope == strange.envelope)
    }

    @Test("a kind of unknown number is not replaced by a newer one of the same slot")
    func unknownKindsAreNotReplaceable() async throws {
        let test = try TestLog()
        let old = try ana.post(created: 2000) { ($0.kind, $0.slot) = (777, "a") }
        let new = try ana.post(created: 2001) { ($0.kind, $0.slot) = (777, "a") }
        try await test.submit(ana.genesis, old, new)
        #expect(try await test.inForce() == [ana.id, old.id, new.id])
    }

    @Test("many small batches at once are all stored, each with its own results", arguments: [1, 2, 3])
    func groupCommit(_ seed: UInt64) async throws {
        var random = Seeded(seed: seed)
        let test = try TestLog()
        try await test.submit(ana.genesis)
        var posts = try (0..<200).map { try ana.comment("number \($0)") }
        posts += posts.shuffled(using: &random).prefix(100)
        posts.shuffle(using: &random)
        var batches: [[SignedPost]] = []
        while !posts.isEmpty {
            let count = min(posts.count, Int.random(in: 1...5, using: &random))
            batches.append(Array(posts.prefix(count)))
            posts.removeFirst(count)
        }
        let results = try await withThrowingTaskGroup(of: [IntakeResult].self) { group in
            for batch in batches { group.addTask { try await test.submit(batch) } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(results.count { $0 == .new } == 200, "seed \(seed)")
        #expect(results.count { $0 == .have } == 100, "seed \(seed)")
        #expect(try await test.inForce().count == 201)
    }

    @Test(
        "key documents, their children and posts by new devices may come in one batch in any order", arguments: 0..<10)
    func anyOrderInOneBatch(_ seed: UInt64) async throws {
        var random = Seeded(seed: seed)
        let test = try TestLog()
        let phone = try ana.document(after: ana.genesis) { $0.devices.append(device("phone")) }
        let tablet = try ana.document(after: phone) { $0.devices.append(device("tablet")) }
        let posts = [
            ana.genesis, phone, tablet, try ana.comment("laptop"), try ana.comment("phone", by: "phone"),
            try ana.comment("tablet", by: "tablet"), try ana.checkpoint("phone", blob: testHash("blob")),
        ].shuffled(using: &random)
        #expect(try await test.submit(posts) == Array(repeating: .new, count: posts.count), "seed \(seed)")
        #expect(try await test.inForce(posts) == Set(posts.map(\.id)))
    }

    @Test("an empty batch has no results")
    func empty() async throws {
        let test = try TestLog()
        #expect(try await test.submit([]).isEmpty)
    }
}
