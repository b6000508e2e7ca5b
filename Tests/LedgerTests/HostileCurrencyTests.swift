import Digests
import Foundation
import GRDB
import Identity
import Testing

@testable import Ledger

@Suite("Authorities and witnesses that mean harm")
struct HostileCurrencyTests {
    private func id(_ name: String) -> AccountID { TestCurrency.id(name) }

    @Test("a final of a later round is right only with the statements that force it")
    func rounds() throws {
        let currency = try TestCurrency(f: 1)
        let names = ["a0", "a1", "a2"]
        func signatures(_ bytes: [UInt8]) -> [AuthoritySignature] {
            names.enumerated().map {
                AuthoritySignature(authority: $0, signature: TestCurrency.key($1).sign(bytes))
            }
        }
        func final(_ signed: SignedOrder, _ statements: [Ledger.Statement]) -> Data {
            let order = signed.order
            let bytes = SignedBytes.ballot(
                .commit, charter: order.currency, slot: order.slotID, round: 1, value: order.id)
            return Final(order: signed, round: 1, commits: signatures(bytes), justification: statements).bytes
        }
        let slot = Slot.account(id("u1"), seq: 1)
        let bytes = SignedBytes.statement(charter: currency.charter.currency, slot: slot.id, round: 1, highest: nil)
        let statements = signatures(bytes).map { Ledger.Statement(slot: slot.id, round: 1, highest: nil, by: $0) }
        let nothing = SignedOrder(try Order(currency: currency.charter.currency, slot: slot, .default))
        _ = try LedgerAudit.read(final(nothing, statements), at: 0, currency.charter)
        let pay = try currency.order("u1", 1, .transfer([Output(account: id("u2"), amount: 60)]))
        for (signed, shown) in [(pay, []), (pay, statements), (nothing, []), (nothing, Array(statements.prefix(2)))] {
            #expect(throws: AuditFailure.self) {
                try LedgerAudit.read(final(signed, shown), at: 0, currency.charter)
            }
        }
    }

    @Test("no epoch and no sum that anybody made final stops whoever looks at it")
    func extremes() throws {
        let currency = try TestCurrency()
        let far = Int64(1) << 40
        func granting(_ epoch: Int64) throws -> SignedOrder {
            try currency.order("G", 1, .grant(epoch: epoch, [Output(account: id("u1"), amount: 1)]))
        }
        for epoch in [far + 1, .max - 1, .max, -far - 1, .min] {
            #expect(throws: MalformedMessage.self) { try granting(epoch) }
            #expect(throws: MalformedMessage.self) { try currency.order("W1", 1, .freeze(id("u1"), until: epoch)) }
            #expect(throws: MalformedMessage.self) {
                try currency.order("u1", 1, .hold(amount: 1, resolver: id("N"), payees: [], expiry: epoch))
            }
        }
        // The ends that can be named, and sums that only liars reach.
        var state = LedgerState()
        state.issued = .min
        state.grants[id("G")] = .init(epoch: far, total: .min, recipients: [id("u1"): .max])
        for epoch in [0, far, Int64.max] {
            let admission = Admission(charter: currency.charter, state: state, epoch: epoch)
            #expect(try admission.refusal(granting(far)) != nil)
            #expect(
                try admission.refusal(currency.order("W1", 1, .freeze(id("u1"), until: far)))
                    == (epoch >= far ? nil : .notWarden))
            for expiry in [Int64.min, .max] {
                let hold = LedgerState.Hold(payer: id("u1"), amount: 1, resolver: id("N"), payees: [], expiry: expiry)
                #expect(hold.isExpired(at: epoch, currency.charter) == (expiry == .min))
            }
        }
        // A freeze that was over before the beginning is nothing to anybody.
        var authority = currency.authority()
        var audit = LedgerAudit(currency.charter)
        for signed in [
            try currency.order("W1", 1, .freeze(id("u1"), until: -far)), try granting(0),
            try currency.order("u1", 1, .transfer([Output(account: id("u2"), amount: 1)])),
        ] {
            guard case .final(let final) = authority.handle(.order(signed), decided: nil, now: 0).reply else {
                Issue.record("\(signed.order.operation) was refused")
                continue
            }
            _ = try audit.append(LedgerAudit.read(final.bytes, at: 0, currency.charter))
        }
        #expect(audit.epoch == 0)
    }

    private func draft(_ symbol: String) -> CharterDraft {
        var draft = CharterDraft(name: symbol, symbol: symbol)
        draft.epochSeconds = 3600
        return draft
    }

    @Test("a home with two currencies that was restored: each is resumed by itself, and none stops the other")
    func twoRestored() async throws {
        let world = try LedgerWorld()
        let a = try await world.node("a")
        let b = try await world.node("b")
        var names: [Hash32] = []
        for symbol in ["HNY", "NUT", "BEE"] {
            let currency = try await a.found(draft(symbol), url: "http://a").currency
            _ = try await a.grant([Output(account: id("u1"), amount: 100)], reference: nil, in: currency)
            _ = try await b.join(currency, at: "http://a")
            names.append(currency)
        }
        try a.store.pool.backup(to: DatabaseQueue(path: world.path("old.db")))
        try FileManager.default.copyItem(atPath: world.path("a.authority"), toPath: world.path("old.authority"))
        chmod(world.path("old.authority"), 0o600)
        for currency in names {
            _ = try await a.grant([Output(account: id("u1"), amount: 11)], reference: nil, in: currency)
            try await b.follow(currency)
        }
        try LedgerKeyFile.markRestored(world.path("old.authority"))

        func running(_ node: Currencies) async throws -> [Bool] {
            var found: [Bool] = []
            for currency in names { found.append(try await node.view(currency).stopped == nil) }
            return found
        }
        var back = try await world.node("old")
        #expect(try await running(back) == [false, false, false])
        // Twice at once is once.
        let resumed = await withTaskGroup(of: UInt64?.self) { [back, first = names[0]] group in
            for _ in 0..<3 { group.addTask { try? await back.resume(first, from: "http://b") } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(resumed.compactMap { $0 } == [1])
        #expect(try await running(back) == [true, false, false])
        // What was not resumed does not start because something else was.
        for _ in 0..<2 {
            back = try await world.node("old")
            #expect(try await running(back) == [true, false, false])
        }
        // Two of them at once, while a third runs and a fourth is founded.
        let (node, rest, new) = (back, names[1...], draft("NEW"))
        let founded = try await withThrowingTaskGroup(of: Hash32?.self) { group in
            for currency in rest {
                group.addTask {
                    _ = try await node.resume(currency, from: "http://b")
                    return nil
                }
            }
            group.addTask { try await node.found(new, url: "http://a").currency }
            return try await group.reduce(nil) { $0 ?? $1 }
        }
        names.append(try #require(founded))
        for _ in 0..<3 {
            #expect(try await running(back) == [true, true, true, true])
            back = try await world.node("old")
        }
        for currency in names.prefix(3) {
            _ = try await back.grant([Output(account: id("u1"), amount: 1)], reference: nil, in: currency)
            #expect(try await back.standing(id("u1"), in: currency).balance == 112)
        }
    }

    @Test("of a witness's answer its own signature alone is kept, however many a note has room for are shown")
    func witnesses() async throws {
        let world = try LedgerWorld()
        let a = try await world.node("a")
        let currency = try await a.found(draft("HNY"), url: "http://a").currency
        _ = try await a.grant([Output(account: id("u1"), amount: 100)], reference: nil, in: currency)
        let b = try await world.node("b")
        _ = try await b.join(currency, at: "http://a")
        let many = (1...20).map { "w\($0)" }
        for name in many { world.transport.add("http://" + name, b, key: TestCurrency.key(name), now: { world.now }) }
        world.transport.add("http://early", b, key: TestCurrency.key("early"), now: { world.now + 1000 })
        func addresses(_ names: [String]) -> [WitnessAddress] {
            names.map { WitnessAddress(url: "http://" + $0, keys: [id($0)]) }
        }
        // One that answers with fifteen keys of its own, from the end of time.
        world.transport.forgeWitness { url, request, reply in
            guard url == "http://w1", case .signed(let own) = reply else { return reply }
            var note = SignedNote(text: request.note.text)
            for number in 0..<14 {
                let key = TestCurrency.key("made up \(number)")
                note.cosign(as: WitnessName.of(key.publicKey), key, time: .max)
            }
            return .signed(note.signatures + own)
        }
        #expect(try await a.gatherSignatures(from: addresses(["w1"])) == 1)
        #expect(try await Set(a.view(currency).witnesses.keys) == [id("w1")])
        #expect(try await a.gatherSignatures(from: addresses(["early"])) == 0)
        let stranger = WitnessAddress(url: "http://w2", keys: [id("another")])
        #expect(try await a.gatherSignatures(from: [stranger]) == 0)
        #expect(try await Set(a.view(currency).witnesses.keys) == [id("w1")])

        #expect(try await a.gatherSignatures(from: addresses(many)) == 20)
        #expect(try await a.view(currency).witnesses.count == 20)
        let note = try #require(try await a.witnessedCheckpoint(currency).flatMap { SignedNote(encoded: $0) })
        #expect(note.witnesses.count == 15)
        _ = try ReplicaService.open(note.encoded, await b.charter(currency))
        try await b.follow(currency)
        #expect(try await b.view(currency).witnesses.count == 15)
        let c = try await world.node("c")
        _ = try await c.join(currency, at: "http://b")
        #expect(try await c.view(currency).witnesses.count == 15)
        // A note that is none is no reason not to follow.
        world.transport.forge { what, bytes in what == "witnessed" ? Data("x\n\nno note\n".utf8) : bytes }
        _ = try await a.grant([Output(account: id("u1"), amount: 1)], reference: nil, in: currency)
        #expect(try await b.follow(currency) == 1)
    }
}
