import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

@Suite("A currency that four nodes decide")
struct QuorumTests {
    @Test("what becomes final at one node is the same everywhere, and every log stands an audit")
    func agreement() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.pay(7, at: honey.nodes[1])
        try await honey.pay(5, at: honey.member, reference: "why")
        let hold = try await honey.nodes[2].perform(
            .hold(
                amount: 20, resolver: honey.payer.publicKey, payees: [],
                expiry: honey.charter.epoch(at: honey.world.now) + 3),
            of: honey.payer.publicKey, by: honey.payer, in: honey.currency)
        _ = try await honey.nodes[3].resolve(
            hold.value, .resolve([Output(account: honey.payee, amount: 15)]), by: honey.payer, in: honey.currency)
        try await honey.expectAgreement()
        for node in honey.nodes + [honey.member] {
            let ledger = try #require(await node.state(honey.currency)).ledger
            #expect(ledger.account(honey.payee).balance == 27 && ledger.account(honey.payer.publicKey).balance == 73)
            #expect(try await node.pending(in: honey.currency).isEmpty)
        }
        // The cap is each granter's own.
        await #expect(throws: LedgerError.self) { try await honey.fund(901) }
        _ = try await honey.nodes[1].grant(
            [Output(account: honey.payee, amount: 1000)], reference: nil, in: honey.currency)
        for health in await honey.nodes[0].health()[0].authorities {
            #expect(health.isOwn || (health.isAnswering && health.latency != nil), "\(health)")
        }
    }

    @Test("wardens freeze an account and take back what it has, as many as the charter asks for; it goes on afterwards")
    func wardens() async throws {
        let honey = try await QuorumWorld(
            wardens: CharterDraft.Wardens(
                [], areOperators: true, threshold: 2, hasClawback: true, maxFreezeEpochs: 3))
        try await honey.fund()
        let (thief, owner) = (honey.payer.publicKey, honey.payee)
        let epoch = honey.charter.epoch(at: honey.world.now)
        let early = await #expect(throws: LedgerError.self) {
            try await honey.nodes[1].draftClawback(of: thief, to: owner, amount: 60, in: honey.currency)
        }
        guard case .refused(.notFrozen, _)? = early else {
            throw LedgerOracle.Violation(description: "\(String(describing: early))")
        }
        // Whoever is no warden freezes nobody, and nobody for longer than the charter says.
        await #expect(throws: LedgerError.self) {
            try await honey.member.freeze(
                thief, until: epoch + 1, by: (thief, honey.payer), in: honey.currency)
        }
        await #expect(throws: LedgerError.self) {
            try await honey.nodes[1].freeze(thief, until: epoch + 4, by: nil, in: honey.currency)
        }
        _ = try await honey.nodes[1].freeze(thief, until: epoch + 1, by: nil, in: honey.currency)
        try await honey.expectAgreement()
        let frozen = await #expect(throws: LedgerError.self) { try await honey.pay(1, at: honey.nodes[0]) }
        guard case .refused(.frozen, _)? = frozen else {
            throw LedgerOracle.Violation(description: "\(String(describing: frozen))")
        }
        var draft = try await honey.nodes[1].draftClawback(of: thief, to: owner, amount: 60, in: honey.currency)
        draft = try await honey.nodes[1].sign(draft, honey.charter)
        draft = try await honey.nodes[1].sign(draft, honey.charter)
        try draft.sign(honey.payer)
        #expect(try draft.signers(honey.charter).count == 1, "twice is once, and others do not count")
        await #expect(throws: LedgerError.self) { try await honey.nodes[2].clawBack(draft) }
        draft = try await honey.nodes[3].sign(try ClawbackDraft(json: draft.json), honey.charter)
        // Sent again, and by another one, it is the same order, which is final once.
        let taken = try await honey.nodes[2].clawBack(draft)
        for node in [honey.nodes[2], honey.nodes[0]] {
            #expect(try await node.clawBack(draft).value == taken.value)
        }
        try await honey.expectAgreement()
        let ledger = try #require(await honey.member.state(honey.currency)).ledger
        #expect(ledger.account(thief).balance == 40 && ledger.account(owner).balance == 60)
        // The account is free again once the freeze has ended.
        honey.world.pass(2 * honey.charter.epochSeconds)
        try await honey.pay(5, at: honey.nodes[0])
        try await honey.expectAgreement()
    }

    @Test("what is here in the same bytes is not looked at again in others' logs, nor is one's own signature")
    func lookedAtOnce() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        let paid = try await honey.pay(7, at: honey.nodes[1])
        try await honey.expectAgreement()
        let entries = try await honey.nodes[1].store.finals(of: honey.currency, from: 0, limit: 10)
        #expect(entries.count == 2)
        var changed = entries[1]
        changed[changed.endIndex - 1] ^= 1
        let store = honey.nodes[0].store
        #expect(try await store.unknown(entries, in: honey.currency).isEmpty)
        let unknown = try await store.unknown([changed, entries[0], Data([1]), changed], in: honey.currency)
        #expect(unknown.ranges.map(Array.init) == [[0], [2, 3]])

        let own = AuthoritySignature(authority: 0, signature: Array(repeating: 7, count: 64))
        let commits = Array(paid.commits.filter { $0.authority != 0 }.prefix(2))
        let final = Final(order: paid.order, round: 0, commits: [own] + commits)
        #expect(honey.charter.isValid(final, own: own) && !honey.charter.isValid(final))
        let other = AuthoritySignature(authority: 0, signature: Array(repeating: 8, count: 64))
        #expect(!honey.charter.isValid(final, own: other))

        // Looked at by another thread before: all but one's own, which is found wrong by whoever does not know it.
        let looked = honey.charter.lookingAt(final, but: 0)
        #expect(looked == final && looked.lookedAt.found == [nil, true, true])
        #expect(honey.charter.isValid(looked, own: own) && !honey.charter.isValid(looked))
        let byOthers = honey.charter.lookingAt(final, but: 1)
        #expect(byOthers.lookedAt.found.contains(false) && !honey.charter.isValid(byOthers))
        let few = Final(order: paid.order, round: 0, commits: commits)
        #expect(honey.charter.lookingAt(few, but: 0).lookedAt.found.isEmpty && !honey.charter.isValid(few))
    }

    @Test("many orders under way at one node go to each operator together, and none waits to be sent again")
    func together() async throws {
        let honey = try await QuorumWorld()
        let payers = (0..<24).map { TestCurrency.key("payer \($0)") }
        _ = try await honey.nodes[0].grant(
            payers.map { Output(account: $0.publicKey, amount: 2) }, reference: nil, in: honey.currency)
        let before = honey.world.transport.asked
        try await withThrowingTaskGroup(of: Void.self) { group in
            for payer in payers {
                group.addTask {
                    for _ in 0..<2 {
                        _ = try await honey.nodes[0].perform(
                            .transfer([Output(account: honey.payee, amount: 1)]), of: payer.publicKey, by: payer,
                            in: honey.currency)
                    }
                }
            }
            try await group.waitForAll()
        }
        // An order, a certificate and a final to each of three.
        #expect(honey.world.transport.asked - before < payers.count * 2 * 3 * 3)
        try await honey.expectAgreement()
        let ledger = try #require(await honey.member.state(honey.currency)).ledger
        #expect(ledger.account(honey.payee).balance == 48)
    }

    @Test(
        "an order that got votes before the freeze blocks no clawback: its place is unlocked, and wardens take what is left",
        arguments: [false, true])
    func clawbackBehindVotes(isLocked: Bool) async throws {
        let honey = try await QuorumWorld(
            pace: 4,
            wardens: CharterDraft.Wardens(
                [], areOperators: true, threshold: 2, hasClawback: true, maxFreezeEpochs: 3))
        try await honey.fund()
        try await honey.expectAgreement()
        let (thief, owner) = (honey.payer.publicKey, TestCurrency.id("owner"))
        // The thief gives each half of the operators another order, or brings one as far as a certificate and no further.
        let orders = [try honey.order(1, 5), try honey.order(1, 6)]
        var votes: [AuthoritySignature] = []
        for (number, node) in honey.nodes.enumerated() {
            let order = orders[isLocked ? 0 : number / 2]
            if case .ballot(let vote) = try await node.answer([.order(order)], in: honey.currency)[0] {
                votes.append(vote.by)
            }
        }
        #expect(votes.count == 4)
        if isLocked {
            let certificate = QuorumCertificate(order: orders[0], round: 0, votes: Array(votes.prefix(3)))
            for node in honey.nodes.prefix(3) {
                _ = try await node.answer([.certificate(certificate)], in: honey.currency)
            }
        }
        let epoch = honey.charter.epoch(at: honey.world.now)
        _ = try await honey.nodes[1].freeze(thief, until: epoch + 1, by: nil, in: honey.currency)
        try await honey.expectAgreement()
        func draft(_ amount: Int64) async throws -> ClawbackDraft {
            var draft = try await honey.nodes[1].draftClawback(of: thief, to: owner, amount: amount, in: honey.currency)
            for node in [honey.nodes[1], honey.nodes[2]] { draft = try await node.sign(draft, honey.charter) }
            return draft
        }
        let blocked = try await draft(100)
        let error = await #expect(throws: LedgerError.self) { try await honey.nodes[2].clawBack(blocked) }
        guard case .refused(.slotUsed, let words)? = error else {
            throw LedgerOracle.Violation(description: "\(String(describing: error))")
        }
        #expect(words.contains("clawback draft"))
        let left: Int64 = isLocked ? 95 : 100
        let taken = try await honey.nodes[2].clawBack(try await draft(left))
        #expect(taken.order.order.slot == .account(thief, seq: 2))
        try await honey.expectAgreement()
        let ledger = try #require(await honey.member.state(honey.currency)).ledger
        #expect(ledger.account(thief).balance == 0 && ledger.account(owner).balance == left)
        #expect(ledger.account(honey.payee).balance == 100 - left)
    }

    @Test("a receipt of several operators is their signatures: it needs no log, and stands no change")
    func receipts() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        let order = try await honey.nodes[0].perform(
            .transfer([Output(account: honey.payee, amount: 7)]), of: honey.payer.publicKey, by: honey.payer,
            in: honey.currency)
        try await honey.member.follow(honey.currency)
        let final = try #require(try await honey.member.store.find(order.slotID, in: honey.currency)).final
        let encoded = try JSONEncoder().encode(LedgerReceipt(charter: honey.charter, final: final))
        let shown = try JSONDecoder().decode(LedgerReceipt.self, from: encoded).check()
        #expect(shown.final.value == order.value && shown.checkpoint == nil && shown.witnesses.isEmpty)
        var fewer = final.commits
        fewer.removeLast(fewer.count - honey.charter.quorum + 1)
        let cut = Final(
            order: final.order, round: final.round, commits: fewer, justification: final.justification)
        #expect(throws: AuditFailure.self) { try LedgerReceipt(charter: honey.charter, final: cut).check() }
        let lone = try CharterDraft(name: "Wax", symbol: "WAX").charter(
            authority: honey.payee, url: "http://a", genesis: 1)
        #expect(throws: AuditFailure.self) { try LedgerReceipt(charter: lone, final: final).check() }
    }

    @Test("one that is away is missed by nobody and catches up; with two away orders wait, and go on by themselves")
    func away() async throws {
        var honey = try await QuorumWorld()
        try await honey.fund()
        honey.world.transport.remove("http://d")
        try await honey.pay(1, at: honey.nodes[0])
        let health = await honey.nodes[0].health()[0].authorities
        #expect(!health[3].isAnswering && !health[3].error.isEmpty && health[1].isAnswering)
        // It comes back from its disk, with nothing that came meanwhile.
        honey.nodes[3] = try await honey.again("d")
        try await honey.expectAgreement()
        honey.world.transport.remove("http://d")
        honey.world.transport.remove("http://c")
        let alone = await #expect(throws: LedgerError.self) {
            try await honey.nodes[0].standing(honey.payee, in: honey.currency)
        }
        guard case .unreachable(_, let why)? = alone else {
            throw LedgerOracle.Violation(description: "\(String(describing: alone))")
        }
        #expect(why.contains("only 2 of 4"))
        // An order that was kept before they went is brought to its end by whoever has its key.
        let key = honey.payer
        await honey.nodes[0].use { $0 == key.publicKey ? key : nil }
        try await honey.nodes[0].store.keepPending(try honey.order(2, 3), since: honey.world.now)
        honey.nodes[2] = try await honey.again("c")
        honey.nodes[3] = try await honey.again("d")
        try await honey.nodes[0].settlePending()
        #expect(try await honey.nodes[0].pending(in: honey.currency).isEmpty)
        try await honey.expectAgreement()
        #expect(try #require(await honey.member.state(honey.currency)).ledger.account(honey.payee).balance == 4)
    }

    @Test("of an order that too few answer it is said that others are silent, and that it may end either way")
    func silent() async throws {
        var honey = try await QuorumWorld()
        try await honey.fund()
        honey.nodes[0] = try await honey.world.node("a", pace: honey.pace, order: .milliseconds(1))
        for url in ["http://c", "http://d"] { honey.world.transport.remove(url) }
        let (node, order) = (honey.nodes[0], try honey.order(1, 1))
        let quorum = try #require(await node.quorums[honey.currency])
        let unpaid = await #expect(throws: LedgerError.self) {
            try await node.drive(order, quorum, unlock: .nobody)
        }
        guard case .unreachable(let url, let why)? = unpaid else {
            throw LedgerOracle.Violation(description: "\(String(describing: unpaid))")
        }
        #expect(url != "http://a", "who says so is not the one that is silent")
        #expect(why.contains("fewer than 3 of 4") && why.contains("carried out or given up"))
    }

    @Test("two devices that split the votes: one order at most counts, and the account is not stuck")
    func devices() async throws {
        let honey = try await QuorumWorld(pace: 0.2)
        try await honey.fund()
        try await honey.expectAgreement()
        // The other device reached two of them and was lost.
        for node in honey.nodes.prefix(2) {
            guard case .ballot = try await node.answer([.order(try honey.order(1, 50))], in: honey.currency)[0] else {
                throw LedgerOracle.Violation(description: "no vote")
            }
        }
        let final = try await honey.pay(3, at: honey.nodes[3])
        #expect(final.order.order.operation == .transfer([Output(account: honey.payee, amount: 3)]))
        try await honey.expectAgreement()
        let ledger = try #require(await honey.member.state(honey.currency)).ledger
        #expect([3, 53].contains(ledger.account(honey.payee).balance))
        #expect(await honey.nodes[0].liars(in: honey.currency).isEmpty, "an accident names nobody")
        #expect(try await honey.nodes[3].store.frauds(in: honey.currency).isEmpty)
    }

    @Test("clocks an epoch apart refuse at most: what a quorum's clocks allow becomes final")
    func clocks() async throws {
        let honey = try await QuorumWorld(skew: [0, 0, 86_400, -86_400])
        try await honey.fund()
        try await honey.pay(9, at: honey.nodes[3])
        try await honey.expectAgreement()
        let error = await #expect(throws: LedgerError.self) {
            // Two epochs ahead of the slowest, and of a quorum.
            try await honey.nodes[0].perform(
                .grant(epoch: honey.charter.epoch(at: honey.world.now) + 2, [Output(account: honey.payee, amount: 1)]),
                of: try honey.key("a").publicKey, by: try honey.key("a"), in: honey.currency)
        }
        guard case .refused(.badEpoch, _)? = error else {
            throw LedgerOracle.Violation(description: "\(String(describing: error))")
        }
        try await honey.expectAgreement()
    }

    @Test("a restored authority of several does not vote again, and reads on what the others decide")
    func restored() async throws {
        var honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.expectAgreement()
        try LedgerKeyFile.markRestored(honey.world.path("d.authority"))
        honey.nodes[3] = try await honey.again("d")
        let view = try await honey.nodes[3].view(honey.currency)
        #expect(view.retired?.contains("restored") == true && view.stopped == nil)
        #expect(await honey.nodes[3].authority(honey.currency) == nil)
        await #expect(throws: LedgerError.self) {
            try await honey.nodes[3].resume(honey.currency, from: "http://a")
        }
        try await honey.pay(2, at: honey.nodes[0])
        // Its people go on paying with the votes of the others.
        try await honey.pay(3, at: honey.nodes[3])
        for node in honey.nodes {
            _ = try await node.follow(honey.currency)
            #expect(try #require(await node.state(honey.currency)).ledger.account(honey.payee).balance == 5)
        }
    }
}
