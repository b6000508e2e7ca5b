import Digests
import Foundation
import Identity
import PostLog
import Testing
import WaggleProtocol

/// Everybody is a stranger here, and their room is small.
private struct GuestsOnly: Admission {
    let guestBytes: Int
    func admit(_ post: SignedPost, from source: IntakeSource) -> AdmissionVerdict {
        source == .local ? .admit : .admitGuest
    }
}

@Suite("Guests")
struct GuestTests {
    @Test("when the room is full the oldest strangers make way with all they said, and may come back later")
    func oldestOut() async throws {
        let log = try TestLog(admission: GuestsOnly(guestBytes: 8_000))
        let authors = try (0..<12).map { try TestAuthor("stranger \($0)") }
        let peer = IntakeSource.peer(Hash32(words: (1, 2, 3, 4)))
        for author in authors {
            let results = try await log.submit([author.genesis, try author.comment("hello")], from: peer)
            #expect(results == [.new, .new])
        }
        let inForce = try await log.inForce()
        #expect(!inForce.contains(authors[0].genesis.id), "the first made way")
        #expect(inForce.contains(authors[11].genesis.id), "the last is there")
        #expect(try await log.log.keyChain(of: authors[0].id) == nil)

        // At once it counts as had; after an hour it may come in again.
        #expect(try await log.submit([authors[0].genesis], from: peer) == [.have])
        log.clock.now += 3602
        try await log.log.intake.tidy()
        let again = try await log.submit([authors[0].genesis, try authors[0].comment("hello")], from: peer)
        #expect(again == [.new, .new])
        _ = try await log.inForce()
    }

    @Test("who made way in a transaction has no keys for what comes later in it")
    func sameTransaction() async throws {
        let log = try TestLog(admission: GuestsOnly(guestBytes: 4_000))
        let peer = IntakeSource.peer(Hash32(words: (1, 2, 3, 4)))
        let first = try TestAuthor("first")
        try await log.submit([first.genesis], from: peer)
        let others = try (0..<12).map { try TestAuthor("other \($0)").genesis }
        let late = try first.comment("hello")
        try await log.submit(others + [late], from: peer)
        let inForce = try await log.inForce()
        #expect(!inForce.contains(first.genesis.id), "it made way")
        #expect(!inForce.contains(late.id), "nobody could check it")
    }

    @Test("keys of somebody who stays are no guests: a revocation never makes way")
    func keysStay() async throws {
        let log = try TestLog(admission: GuestsOnly(guestBytes: 5_000))
        let peer = IntakeSource.peer(Hash32(words: (1, 2, 3, 4)))
        let friend = try TestAuthor("friend")
        try await log.submit([friend.genesis], from: peer)
        try await log.log.intake.welcome([friend.id])
        let version = try friend.document(after: friend.genesis) { $0.devices = [] }
        try await log.submit([version], from: peer)
        for seed in 0..<30 { try await log.submit([try TestAuthor("crowd \(seed)").genesis], from: peer) }
        #expect(try await log.inForce().contains(version.id))
    }

    @Test("who is known stays, however many come")
    func welcome() async throws {
        let log = try TestLog(admission: GuestsOnly(guestBytes: 5_000))
        let peer = IntakeSource.peer(Hash32(words: (1, 2, 3, 4)))
        let friend = try TestAuthor("friend")
        try await log.submit([friend.genesis, try friend.comment("hello")], from: peer)
        try await log.log.intake.welcome([friend.id])
        for seed in 60..<90 {
            let author = try TestAuthor("crowd \(seed)")
            try await log.submit([author.genesis, try author.comment("hello")], from: peer)
        }
        #expect(try await log.inForce().contains(friend.genesis.id))
        #expect(log.log.offered.count < 30)
    }

    @Test("one stranger cannot take the room of all")
    func each() async throws {
        let log = try TestLog(admission: GuestsOnly(guestBytes: 100 << 20))
        let author = try TestAuthor("talker")
        let peer = IntakeSource.peer(Hash32(words: (1, 2, 3, 4)))
        try await log.submit([author.genesis], from: peer)
        var results: [IntakeResult] = []
        for number in 0..<120 {
            let text = "\(number) " + String(repeating: "x", count: 10_000)
            results += try await log.submit([try author.comment(text)], from: peer)
        }
        let taken = results.count { $0 == .new }
        #expect(taken * 10_000 <= Limits.Room.strangerBytes && taken >= 90)
        #expect(results.last == .rate(retryAfter: 3600))

        // Whoever wrote all this with a stolen key cannot keep its revocation out.
        let version = try author.document(after: author.genesis) { $0.devices = [] }
        #expect(try await log.submit([version], from: peer) == [.new])
    }
}
