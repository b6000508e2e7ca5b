import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

@Suite("Following a long log")
struct FollowingTests {
    private func id(_ name: String) -> AccountID { TestCurrency.id(name) }

    /// B joined when there was one entry, and now there are 1501.
    private func world() async throws -> (world: LedgerWorld, a: Currencies, b: Currencies, currency: Hash32) {
        let world = try LedgerWorld()
        let a = try await world.node("a")
        var draft = CharterDraft(name: "Honey", symbol: "HNY")
        draft.epochSeconds = 3600
        let currency = try await a.found(draft, url: "http://a").currency
        _ = try await a.grant([Output(account: id("u1"), amount: 100)], reference: nil, in: currency)
        let b = try await world.node("b")
        _ = try await b.join(currency, at: "http://a")
        let authority = try #require(await a.authority(currency))
        for start in stride(from: UInt64(1), through: 1500, by: 500) {
            let orders = try (start..<start + 500).map { seq in
                SignedOrder(
                    try Order(
                        currency: currency, slot: .account(id("u1"), seq: seq),
                        .transfer([Output(account: id(seq % 20 == 0 ? "u2" : "u1"), amount: 1)])),
                    signedBy: [TestCurrency.key("u1")])
            }
            for reply in try await authority.submit(orders.map { .order($0) }) {
                guard case .final = reply else { throw LedgerOracle.Violation(description: "\(reply)") }
            }
        }
        _ = world.transport.takeTiles()
        return (world, a, b, currency)
    }

    private func size(_ node: Currencies, _ currency: Hash32) async -> UInt64? { await node.state(currency)?.size }

    @Test("what came before a line broke need not come again, and is audited")
    func broken() async throws {
        let (world, a, b, currency) = try await world()
        let whole = try #require(await size(a, currency))
        #expect(whole > 1300)
        world.transport.forge { path, bytes in path.hasPrefix("entries/004") ? Data() : bytes }
        await #expect(throws: LedgerError.self) { try await b.follow(currency) }
        #expect(await size(b, currency) == 1024)
        _ = world.transport.takeTiles()
        // Over a start, too.
        let again = try await world.node("b")
        #expect(await size(again, currency) == 1024)
        world.transport.forge { $1 }
        #expect(try await again.follow(currency) == whole - 1024)
        #expect(world.transport.takeTiles().allSatisfy { $0.hasPrefix("entries/004") || $0.hasPrefix("entries/005") })
        #expect(await again.state(currency)?.ledger == a.state(currency)?.ledger)
        _ = try await StoredAudit(again.store).run(again.charter(currency), against: again.checkpoint(currency))
    }

    @Test("entries and tiles that were not signed are not kept, cost little, and are asked for less and less often")
    func forged() async throws {
        let (world, a, b, currency) = try await world()
        // The tiles first: nothing else is asked for.
        for tile in ["0/", "1/"] {
            world.transport.forge { path, bytes in
                guard path.hasPrefix(tile) else { return bytes }
                var bytes = bytes
                bytes[bytes.startIndex + 40] ^= 1
                return bytes
            }
            await #expect(throws: LedgerError.self) { try await b.follow(currency) }
            #expect(await size(b, currency) == 1)
            let asked = world.transport.takeTiles()
            #expect(asked.count <= 3 && !asked.contains { $0.hasPrefix("entries") }, "\(asked)")
        }
        world.transport.forge { path, bytes in
            guard path.hasPrefix("entries/002") else { return bytes }
            var bytes = bytes
            bytes[bytes.startIndex + 100] ^= 1
            return bytes
        }
        await #expect(throws: LedgerError.self) { try await b.follow(currency) }
        #expect(await size(b, currency) == 512, "what is right was kept")
        #expect(await !b.isDue(currency))
        world.pass(130)
        #expect(await b.isDue(currency))
        await #expect(throws: LedgerError.self) { try await b.follow(currency) }
        world.pass(130)
        #expect(await !b.isDue(currency), "longer than before")
        world.transport.forge { $1 }
        try await b.follow(currency)
        #expect(await size(b, currency) == size(a, currency))
        #expect(await b.isDue(currency))
        #expect(try await b.view(currency).stopped == nil)
    }

    @Test("a signed log of 2^62 entries that nobody has costs a handful of requests")
    func endless() async throws {
        let (world, _, b, currency) = try await world()
        let key = try #require(try LedgerKeyFile(path: world.path("a.authority"))).key
        let size = UInt64(1) << 62
        // Any hashes will do for the one tile that is not full, and every other tile that is asked for is made up.
        let top = (0..<64).map { Hash32(words: (UInt64($0), 1, 2, 3)) }
        let root = LogTree(size: size) { level, _ in level == 7 ? top : [] }.root
        let checkpoint = LedgerCheckpoint(
            currency: currency, authority: key.publicKey, size: size, root: root, epoch: 9, stateRoot: .zero,
            issued: 1, burned: 0, held: 0)
        var signed = SignedNote(text: checkpoint.text)
        signed.sign(as: checkpoint.origin, key)
        let note = Data(signed.encoded.utf8)
        world.transport.forge { path, bytes in
            if path == "checkpoint" { return note }
            if path.hasPrefix("7/") { return Data(top.flatMap(\.bytes)) }
            return path.hasPrefix("entries") ? bytes : Data(repeating: 1, count: 8192)
        }
        let error = await #expect(throws: LedgerError.self) { try await b.follow(currency) }
        guard case .untrusted = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(world.transport.takeTiles().count < 10)
        #expect(await self.size(b, currency) == 1)
        world.transport.forge { $1 }
        try await b.follow(currency)
        #expect(await self.size(b, currency) ?? 0 > 1300)
    }
}
