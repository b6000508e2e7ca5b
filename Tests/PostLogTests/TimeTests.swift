import Digests
import Identity
import PostLog
import Testing
import WaggleProtocol

@Suite("Expiry")
struct TimeTests {
    let ana: TestAuthor

    init() throws {
        ana = try TestAuthor("ana")
    }

    @Test("a post leaves the log, the index and the look-up 900 seconds after it expires")
    func expiry() async throws {
        let test = try TestLog(now: 10_000)
        let post = try ana.comment("for a while", expires: 10_500)
        try await test.submit(ana.genesis, post)
        test.clock.now = 11_399
        try await test.log.intake.tidy()
        #expect(try await test.inForce([post]).contains(post.id))
        test.clock.now = 11_400
        try await test.log.intake.tidy()
        #expect(try await test.inForce([post]) == [ana.id])
        #expect(try await test.log.entries(after: 0, limit: 9).last?.event == .hidden(.expired))
        #expect(try await test.submit(post) == [.have])
    }

    @Test("a post that comes after it expired is known and never shown")
    func late() async throws {
        let test = try TestLog(now: 20_000)
        let post = try ana.comment("too late", expires: 2500)
        #expect(try await test.submit(ana.genesis, post) == [.new, .new])
        #expect(try await test.inForce([post]) == [ana.id])
    }

    @Test("more than one step of expired posts goes in one call")
    func many() async throws {
        let test = try TestLog(now: 10_000)
        try await test.submit([ana.genesis] + (0..<1200).map { try ana.comment("\($0)", expires: 10_001) })
        #expect(test.log.offered.count == 1201)
        test.clock.now = 20_000
        try await test.log.intake.tidy()
        #expect(try await test.inForce() == [ana.id])
    }

    @Test("a post that expires at the end of time does no harm")
    func endOfTime() async throws {
        let test = try TestLog()
        let post = try ana.comment("for ever", expires: (1 << 53) - 1)
        #expect(try await test.submit(ana.genesis, post) == [.new, .new])
        try await test.log.intake.tidy()
        #expect(try await test.inForce().count == 2)
    }
}
