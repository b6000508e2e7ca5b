import Testing
import WaggleProtocol

@testable import Accounts

@Suite("How much accounts post")
struct PostPaceTests {
    @Test("each role has its pace: the operator none, those who only read cannot post")
    func roles() {
        #expect(AccountRole.admin.postsPerHour == nil)
        #expect(AccountRole.limited.postsPerHour == 0)
        let rising = [AccountRole.member, .curator, .moderator].compactMap(\.postsPerHour)
        #expect(rising == rising.sorted() && Set(rising).count == 3)
        #expect(AccountRole.trustedReporter.postsPerHour == AccountRole.curator.postsPerHour)
    }

    @Test("a bucket fills up again within an hour, each account has its own, and what is refused costs nothing")
    func buckets() {
        var pace = PostPace()
        for _ in 0..<60 { #expect(pace.take(1, account: 1, perHour: 60, now: 1000) == nil) }
        #expect(pace.take(1, account: 1, perHour: 60, now: 1000) == 60)
        #expect(pace.take(1, account: 2, perHour: 60, now: 1000) == nil)
        #expect(pace.take(1, account: 1, perHour: 60, now: 1060) == nil)
        #expect(pace.take(2, account: 1, perHour: 60, now: 1060) == 120)
        #expect(pace.take(60, account: 1, perHour: 60, now: 1060 + 3600) == nil)
        #expect(pace.take(61, account: 3, perHour: 60, now: 1000) == .max)
        #expect(pace.take(1, account: 3, perHour: 0, now: 1000) == .max)
        // A clock that went back gives nothing.
        #expect(pace.take(1, account: 1, perHour: 60, now: 10) != nil)
    }
}
