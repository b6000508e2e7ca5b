import Testing
import WaggleProtocol

@testable import Gateway

@Suite("What visitors may draw without an account")
struct GuestQuotaTests {
    private static let noon: UInt64 = 20_000 * 86_400 + 43_200

    @Test("an address has so many jobs a day, and new ones the next day")
    func days() {
        let quota = GuestQuota()
        for left in [3, 2, 1] {
            #expect(quota.left("a", of: 3, now: Self.noon) == left)
            #expect(quota.take("a", of: 3, now: Self.noon))
        }
        #expect(!quota.take("a", of: 3, now: Self.noon) && quota.left("a", of: 3, now: Self.noon) == 0)
        #expect(quota.take("b", of: 3, now: Self.noon), "others have their own")
        // Midnight (UTC) is half a day away.
        #expect(!quota.take("a", of: 3, now: Self.noon + 43_199))
        #expect(quota.left("a", of: 3, now: Self.noon + 43_200) == 3)
        #expect(quota.take("a", of: 3, now: Self.noon + 43_200))
        #expect(!quota.take("c", of: 0, now: Self.noon), "where nobody may, nobody does")
    }

    @Test("what was refused is given back, of that day and no more")
    func givingBack() {
        let quota = GuestQuota()
        quota.giveBack("a", now: Self.noon)
        #expect(quota.take("a", of: 1, now: Self.noon) && !quota.take("a", of: 1, now: Self.noon))
        quota.giveBack("b", now: Self.noon)
        quota.giveBack("a", now: Self.noon + 86_400)
        #expect(quota.left("a", of: 1, now: Self.noon) == 0)
        quota.giveBack("a", now: Self.noon)
        quota.giveBack("a", now: Self.noon)
        #expect(quota.left("a", of: 1, now: Self.noon) == 1)
    }

    @Test("addresses that nobody will ask for again are forgotten; too many of one day are refused")
    func room() {
        let quota = GuestQuota()
        for number in 0..<Limits.Generation.guestAddresses { _ = quota.take("\(number)", of: 1, now: Self.noon) }
        #expect(!quota.take("one more", of: 1, now: Self.noon))
        #expect(quota.take("one more", of: 1, now: Self.noon + 86_400))
    }
}
