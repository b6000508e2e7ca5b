import Digests
import Foundation
import GRDB
import Identity
import Testing

@testable import Ledger

@Suite("Currencies of several nodes")
struct CurrenciesTests {
    private func key(_ name: String) -> SigningKey { TestCurrency.key(name) }
    private func id(_ name: String) -> AccountID { TestCurrency.id(name) }

    private func witness(_ name: String) -> WitnessAddress {
        WitnessAddress(url: "http://" + name, keys: [id("witness " + name)])
    }

    private func draft() -> CharterDraft {
        var draft = CharterDraft(name: "Honey", symbol: "HNY")
        draft.capPerEpoch = 1000
        draft.epochSeconds = 3600
        draft.maxHoldEpochs = 6
        return draft
    }

    /// A founds a currency and grants 100 to u1; B joins it.
    private func pair(_ world: LedgerWorld) async throws -> (a: Currencies, b: Currencies, currency: Hash32) {
        let a = try await world.node("a")
        let currency = try await a.found(draft(), url: "http://a").currency
        _ = try await a.grant([Output(account: id("u1"), amount: 100)], reference: nil, in: currency)
        let b = try await world.node("b")
        #expect(try await b.join(nil, at: "http://a").currency == currency)
        return (a, b, currency)
    }

    private func pay(_ node: Currencies, _ currency: Hash32, _ amount: Int64, _ from: String = "u1", to: String = "u2")
        async throws -> Final
    {
        try await node.perform(
            .transfer([Output(account: id(to), amount: amount)]), of: id(from), by: key(from), reference: id("a post"),
            in: currency)
    }

    @Test("a wallet on another node pays; both logs, states and roots are one")
    func paying() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        let final = try await pay(b, currency, 30)
        #expect(try await a.standing(id("u2"), in: currency).balance == 30)
        #expect(try await b.follow(currency) == 1)
        let (left, right) = (try #require(await a.state(currency)), try #require(await b.state(currency)))
        #expect(left.ledger == right.ledger && left.size == 2 && right.size == 2)
        let history = try await b.store.mentions(of: id("u2"), in: currency, limit: 10)
        #expect(history.map(\.final.value) == [final.value] && history[0].change(of: id("u2")) == 30)
        #expect(history[0].time == world.now && history[0].reference == id("a post"))
        #expect(try await b.store.mentions(of: id("a post"), in: currency, limit: 10).count == 1)
        #expect(try await b.store.find(final.value, in: currency) == nil, "a transfer is found by its slot or place")
        #expect(try await b.store.find(final.slotID, in: currency)?.position == 1)

        // A third node copies the log from the copy, and reads the same.
        let c = try await world.node("c")
        _ = try await c.join(currency, at: "http://b")
        #expect(await c.state(currency)?.ledger == left.ledger)
    }

    @Test("an answer that is lost: the order is sent again, and the same wish is not carried out twice")
    func lostAnswer() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        world.transport.loseReplies(1)
        await #expect(throws: LedgerError.self) { _ = try await pay(b, currency, 30) }
        #expect(try await b.pending(in: currency).count == 1)
        // Also after a start.
        let again = try await world.node("b")
        _ = try await pay(again, currency, 30)
        #expect(try await a.standing(id("u2"), in: currency).balance == 30)
        #expect(try await again.pending(in: currency).isEmpty)
        _ = try await pay(again, currency, 30)
        #expect(
            try await a.standing(id("u2"), in: currency).balance == 60, "said once more after the answer, it is meant")
        world.transport.loseReplies(1)
        await #expect(throws: LedgerError.self) { _ = try await pay(again, currency, 5) }
        try await again.settlePending()
        #expect(try await again.pending(in: currency).isEmpty)
        #expect(try await a.standing(id("u2"), in: currency).balance == 65)
    }

    @Test("refusals say why, leave nothing under way, and the account goes on")
    func refusals() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        func code(_ body: () async throws -> Final) async -> RefusalCode? {
            do {
                _ = try await body()
                return nil
            } catch {
                if case .refused(let code, _)? = error as? LedgerError { return code }
                return nil
            }
        }
        #expect(await code { try await pay(b, currency, 101) } == .insufficient)
        #expect(
            await code {
                try await b.perform(
                    .transfer([Output(account: id("u2"), amount: 1)]), of: id("u1"), by: key("thief"), in: currency)
            } == .unauthorized)
        #expect(
            await code {
                try await b.perform(
                    .hold(amount: 5, resolver: id("N"), payees: [], expiry: 7 + b.view(currency).epoch), of: id("u1"),
                    by: key("u1"), in: currency)
            } == .badExpiry)
        #expect(
            await code { try await a.grant([Output(account: id("u1"), amount: 901)], reference: nil, in: currency)[0] }
                == .cap)
        #expect(try await b.pending(in: currency).isEmpty)
        _ = try await pay(b, currency, 100)
        #expect(try await a.standing(id("u1"), in: currency).balance == 0)
    }

    @Test("what is granted for one reason is granted once, however many ask for it at the same time")
    func grantedOnce() async throws {
        let world = try LedgerWorld()
        let a = try await world.node("a")
        let currency = try await a.found(draft(), url: "http://a").currency
        let outputs = [Output(account: id("u1"), amount: 100), Output(account: id("u2"), amount: 20)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { [self] in _ = try await a.grant(outputs, reference: id("a list"), in: currency) }
            }
            try await group.waitForAll()
        }
        world.pass(3600)
        _ = try await a.grant(outputs, reference: id("a list"), in: currency)
        #expect(try await a.view(currency).issued == 120)
        // Another reason, another sum, and none at all are other grants.
        _ = try await a.grant(outputs, reference: id("another list"), in: currency)
        _ = try await a.grant([outputs[0]], reference: id("a list"), in: currency)
        for _ in 0..<2 { _ = try await a.grant([outputs[1]], reference: nil, in: currency) }
        #expect(try await a.view(currency).issued == 120 + 120 + 100 + 40)
    }

    @Test("a clock that is an epoch off refuses nothing but what is about epochs, and loses nothing")
    func clockOff() async throws {
        let world = try LedgerWorld()
        let a = try await world.node("a")
        let currency = try await a.found(draft(), url: "http://a").currency
        world.pass(3600 * 30)
        _ = try await a.grant([Output(account: id("u1"), amount: 100)], reference: nil, in: currency)
        for (name, skew) in [("late", Int64(-86400)), ("early", 86400)] {
            let b = try await world.node(name, skew: skew)
            _ = try await b.join(currency, at: "http://a")
            _ = try await pay(b, currency, 10)
            #expect(try await b.follow(currency) == 1)
        }
        // The authority's own clock goes back a day: epochs do not, grants go on within what is left.
        let back = try await world.node("a", skew: -86400)
        await #expect(throws: LedgerError.self) {
            _ = try await back.grant([Output(account: id("u1"), amount: 1)], reference: nil, in: currency)
        }
        _ = try await pay(back, currency, 10)
        let forward = try await world.node("a", skew: 86400)
        _ = try await forward.grant([Output(account: id("u1"), amount: 1)], reference: nil, in: currency)
        let member = try await world.node("late")
        try await member.follow(currency)
        #expect(await member.state(currency)?.ledger == forward.state(currency)?.ledger)
        _ = try await StoredAudit(member.store).run(
            member.charter(currency), against: try await member.checkpoint(currency))
    }

    @Test("holds are captured, given back after they expired, and nothing else")
    func holds() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        let epoch = try await b.view(currency).epoch
        var names: [Hash32] = []
        for _ in 0..<3 {
            names.append(
                try await b.perform(
                    .hold(amount: 20, resolver: id("N"), payees: [], expiry: epoch + 2), of: id("u1"), by: key("u1"),
                    reference: id("a bounty"), in: currency
                ).value)
        }
        let captured = try await a.resolve(
            names[0], .resolve([Output(account: id("u2"), amount: 15)]), by: key("N"), in: currency)
        await #expect(throws: LedgerError.self) {
            _ = try await a.resolve(
                names[1], .resolve([Output(account: id("u2"), amount: 15)]), by: key("thief"), in: currency)
        }
        await #expect(throws: LedgerError.self) { _ = try await b.resolve(names[1], .expire, by: nil, in: currency) }
        world.pass(3600 * 4)
        _ = try await b.resolve(names[1], .expire, by: nil, in: currency)
        _ = try await b.resolve(names[2], .expire, by: nil, in: currency)
        #expect(try await a.standing(id("u1"), in: currency).balance == 85)
        try await b.follow(currency)
        let found = try await b.store.mentions(of: id("a bounty"), in: currency, limit: 10)
        #expect(found.count == 6, "what resolves a hold is found by what the hold was for")
        #expect(found.contains { $0.final.value == captured.value && $0.change(of: id("u1")) == 5 })
        #expect(found.allSatisfy { $0.postings.reduce(0) { $0 + $1.amount } == 0 })
    }

    @Test("peers witness a log that grows, and none that was rewritten")
    func witnessing() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        #expect(try await a.gatherSignatures(from: [witness("b"), witness("nowhere")]) == 1)
        for _ in 0..<5 { _ = try await pay(b, currency, 1) }
        #expect(try await a.gatherSignatures(from: [witness("b")]) == 1)
        #expect(try await a.view(currency).witnesses.keys.map { $0 } == [id("witness b")])
        let note = try #require(try await a.witnessedCheckpoint(currency).flatMap { SignedNote(encoded: $0) })
        #expect(note.witnesses == [id("witness b"): world.now])
        try await b.follow(currency)
        #expect(try await b.view(currency).witnesses == [id("witness b"): world.now])

        // A receipt stands by itself; one changed byte and it does not.
        let checkpoint = try #require(LedgerCheckpoint(text: note.text))
        let final = try #require(try await b.store.find(at: 3, in: currency))
        let (proof, _) = try await b.store.inclusion(of: 3, size: checkpoint.size, in: currency)
        let receipt = LedgerReceipt(
            charter: try await b.charter(currency), final: final.final, position: 3, proof: proof, checkpoint: note,
            size: checkpoint.size)
        #expect(try receipt.check().witnesses.count == 1)
        let wrong = LedgerReceipt(
            charter: try await b.charter(currency), final: final.final, position: 2, proof: proof, checkpoint: note,
            size: checkpoint.size)
        #expect(throws: AuditFailure.self) { try wrong.check() }

        // The operator begins the currency anew with the same key and charter: the witness signs nothing of it.
        let file = try #require(try LedgerKeyFile(path: world.path("a.authority")))
        let store = try LedgerStore(path: world.path("other.db"))
        let other = try await AuthorityService(
            store: store, charter: b.charter(currency), key: file.key, generation: 1, now: { world.now })
        let grant = try Order(
            currency: currency, slot: .account(file.key.publicKey, seq: 1),
            .grant(epoch: other.epoch, [Output(account: id("u9"), amount: 9)]))
        _ = try await other.submit([.order(SignedOrder(grant, signedBy: [file.key]))])
        let rewritten = try await other.checkpoint()
        let witness = LedgerWitness(store: b.store, key: key("witness b"), now: { world.now })
        #expect(
            try await witness.sign(WitnessRequest(old: 0, proof: [], note: rewritten)) == .knows(checkpoint.size))
        guard case .refused = try await witness.sign(WitnessRequest(old: checkpoint.size, proof: [], note: rewritten))
        else {
            Issue.record("a rewritten log was signed")
            return
        }
    }

    @Test("a member sees an authority that rewrote its log, keeps the evidence, and stops")
    func rewriting() async throws {
        let world = try LedgerWorld()
        let (_, b, currency) = try await pair(world)
        _ = try await pay(b, currency, 30)
        try await b.follow(currency)
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: world.path("a.db\(suffix)")) }
        // The same key and charter, another history.
        let file = try #require(try LedgerKeyFile(path: world.path("a.authority")))
        let store = try LedgerStore(path: world.path("a.db"))
        try await store.add(
            b.charter(currency), as: .authority, url: "http://a", generation: file.generation, since: 0)
        let a = try await world.node("a")
        for amount in [1, 2, 3] as [Int64] {
            _ = try await a.grant([Output(account: id("u3"), amount: amount)], reference: nil, in: currency)
        }
        await #expect(throws: LedgerError.self) { _ = try await b.follow(currency) }
        let view = try await b.view(currency)
        #expect(view.size == 2, "nothing of it was kept")
        let error = await #expect(throws: LedgerError.self) { _ = try await pay(b, currency, 1) }
        guard case .stopped = error else {
            Issue.record("the wallet went on: \(String(describing: error))")
            return
        }
    }

    @Test("bytes that are changed on the way are not kept, and what was signed is fetched again")
    func forgedTiles() async throws {
        let world = try LedgerWorld()
        let (_, b, currency) = try await pair(world)
        for _ in 0..<9 { _ = try await pay(b, currency, 1) }
        for place in [2, 40, 100, 150, 290] {
            world.transport.forge { what, bytes in
                guard what.hasPrefix("entries") else { return bytes }
                var bytes = bytes
                bytes[bytes.startIndex + bytes.count - place] ^= 1
                return bytes
            }
            await #expect(throws: LedgerError.self) { _ = try await b.follow(currency) }
            #expect(await b.state(currency)?.size == 1)
        }
        world.transport.forge { what, bytes in
            what == "checkpoint"
                ? Data(String(decoding: bytes, as: UTF8.self).replacing("supply 100", with: "supply 101").utf8) : bytes
        }
        await #expect(throws: LedgerError.self) { _ = try await b.follow(currency) }
        world.transport.forge { $1 }
        #expect(try await b.follow(currency) == 9)
        #expect(try await b.view(currency).stopped == nil)
    }

    @Test("an authority that came back from yesterday's backup signs nothing, until it has what it signed since")
    func restored() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        try a.store.pool.backup(to: DatabaseQueue(path: world.path("yesterday.db")))
        try Data(contentsOf: URL(filePath: world.path("a.authority"))).write(
            to: URL(filePath: world.path("yesterday.authority")))
        chmod(world.path("yesterday.authority"), 0o600)
        _ = try await pay(b, currency, 30)
        try await b.follow(currency)

        // A home that was restored as a whole: its key's file says so.
        try LedgerKeyFile.markRestored(world.path("yesterday.authority"))
        let back = try await world.node("yesterday")
        world.transport.add("http://a", back, key: key("witness a"), now: { world.now })
        #expect(try await back.view(currency).stopped?.contains("restored from a backup") == true)
        let error = await #expect(throws: LedgerError.self) { _ = try await pay(b, currency, 1) }
        if case .refused = error { Issue.record("it answered") }
        await #expect(throws: LedgerError.self) {
            _ = try await back.grant([Output(account: id("u1"), amount: 1)], reference: nil, in: currency)
        }
        #expect(try await back.resume(currency, from: "http://b") == 1)
        _ = try await pay(b, currency, 2)
        #expect(try await b.follow(currency) >= 1)
        #expect(await b.state(currency)?.ledger == back.state(currency)?.ledger)

        // A database alone that was put back: the key was started since.
        try a.store.pool.backup(to: DatabaseQueue(path: world.path("old.db")))
        _ = try await world.node("a")
        _ = try await world.node("a")
        try Data(contentsOf: URL(filePath: world.path("a.authority"))).write(
            to: URL(filePath: world.path("old.authority")))
        chmod(world.path("old.authority"), 0o600)
        let old = try await world.node("old")
        #expect(try await old.view(currency).stopped?.contains("older than") == true)
    }

    @Test("many payments from one account at once become final one after the other")
    func inTurn() async throws {
        let world = try LedgerWorld()
        let (a, b, currency) = try await pair(world)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...20 {
                group.addTask { _ = try await pay(b, currency, 1, to: "v\(number)") }
            }
            try await group.waitForAll()
        }
        #expect(try await a.standing(id("u1"), in: currency).balance == 80)
    }
}
