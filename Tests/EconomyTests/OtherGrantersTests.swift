import Digests
import Ledger
import Synchronization
import Testing
import WaggleProtocol

@testable import Economy

private final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
}

@Suite("Lists of rewards that other granters publish")
struct OtherGrantersTests {
    private static func name(_ epoch: Int64, of currency: String = "HNY") -> OtherGranters.Name {
        OtherGranters.Name(
            currency: SHA256.hash(Array(currency.utf8)), epoch: epoch, granter: SHA256.hash(Array("granter".utf8)))
    }

    private static func list(_ name: OtherGranters.Name) -> RewardEvidence {
        RewardEvidence(currency: name.currency, epoch: name.epoch, granter: name.granter, members: [], lines: [])
    }

    @Test("a list is fetched once for all who ask for it meanwhile, and no other of its currency beside it")
    func single() async throws {
        let (granters, fetches) = (OtherGranters(), Counter())
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let (first, second, elsewhere) = (Self.name(1), Self.name(2), Self.name(2, of: "WAX"))
        try await withThrowingTaskGroup(of: RewardEvidence.self) { group in
            group.addTask {
                try await granters.list(first, now: 1000) {
                    fetches.add()
                    begin.yield()
                    for await _ in gate { break }
                    return Self.list(first)
                }
            }
            for await _ in begun { break }
            // It is on its way to the actor before what is asked next.
            group.addImmediateTask {
                try await granters.list(first, now: 1000) {
                    fetches.add()
                    return Self.list(first)
                }
            }
            await #expect(throws: LedgerError.busy) {
                _ = try await granters.list(second, now: 1000) { Self.list(second) }
            }
            #expect(try await granters.list(elsewhere, now: 1000) { Self.list(elsewhere) }.epoch == 2)
            open.yield()
            for try await found in group { #expect(found == Self.list(first)) }
        }
        #expect(fetches.count == 1)
        #expect(try await granters.list(second, now: 1000) { Self.list(second) }.epoch == 2)
    }

    @Test("what could not be had is not asked for again for a while, and others are")
    func misses() async throws {
        let (granters, fetches) = (OtherGranters(), Counter())
        let (missed, other) = (Self.name(1), Self.name(2))
        let away = LedgerError.unreachable(url: "https://hive.example", reason: "it is away")
        for second in [0, 1, Limits.Economy.missedListSeconds - 1] {
            await #expect(throws: away) {
                _ = try await granters.list(missed, now: 1000 + second) {
                    fetches.add()
                    throw away
                }
            }
        }
        #expect(fetches.count == 1)
        #expect(try await granters.list(other, now: 1000) { Self.list(other) } == Self.list(other))
        let later = 1000 + Limits.Economy.missedListSeconds
        #expect(try await granters.list(missed, now: later) { Self.list(missed) } == Self.list(missed))
    }

    @Test("however many lists are asked for, so many misses are remembered, the latest")
    func bounded() {
        var misses = MissedLists()
        let many = Int64(Limits.Economy.missedLists) + 10
        for epoch in 0..<many {
            misses.note(Self.name(epoch), LedgerError.busy, now: 1000 + UInt64(epoch) / 100)
            #expect(misses.count <= Limits.Economy.missedLists)
        }
        #expect(misses.reason(Self.name(many - 1), now: 1010) != nil)
        #expect(misses.count == Limits.Economy.missedLists)
        // What is over makes room for all that follow.
        misses.note(Self.name(many), LedgerError.busy, now: 1_000_000)
        #expect(misses.count == 1)
    }
}
