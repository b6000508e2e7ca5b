import Digests
import Identity
import Testing

@testable import Ledger

/// A driver by itself: what it keeps, asks and believes.
@Suite("A client of several authorities")
struct SlotDriverTests {
    private let currency: TestCurrency
    private let order: SignedOrder
    private var charter: Charter { currency.charter }

    init() throws {
        currency = try TestCurrency(f: 1)
        order = try currency.order("u1", 1, .transfer([Output(account: TestCurrency.id("u2"), amount: 5)]))
    }

    private func driver(isKept: Bool = false, jitter: Double = 0) -> SlotDriver {
        SlotDriver(order, charter: charter, unlock: .keys([TestCurrency.key("u1")]), isKept: isKept, jitter: jitter)
    }

    private func ballot(_ phase: Ballot.Phase, _ authority: Int, _ order: Order? = nil, round: UInt32 = 0)
        -> AuthorityReply
    {
        let order = order ?? self.order.order
        let bytes = SignedBytes.ballot(
            phase, charter: charter.currency, slot: order.slotID, round: round, value: order.id)
        return .ballot(
            Ballot(
                phase: phase, slot: order.slotID, round: round, value: order.id,
                by: AuthoritySignature(
                    authority: authority, signature: TestCurrency.key("a\(authority)").sign(bytes))))
    }

    private func statement(_ authority: Int, _ round: UInt32, _ highest: QuorumCertificate? = nil) -> AuthorityReply {
        let bytes = SignedBytes.statement(
            charter: charter.currency, slot: order.order.slotID, round: round,
            highest: highest.map { ($0.round, $0.value) })
        return .statement(
            Statement(
                slot: order.order.slotID, round: round, highest: highest,
                by: AuthoritySignature(
                    authority: authority, signature: TestCurrency.key("a\(authority)").sign(bytes))))
    }

    private func refusal(_ code: RefusalCode, promised: UInt32 = 0, next: UInt64 = 1) -> AuthorityReply {
        var refusal = Refusal(slot: order.order.slotID, code: code)
        (refusal.promised, refusal.nextSeq) = (promised, next)
        return .refusal(refusal)
    }

    /// What effects are, in words.
    private func words(_ effects: [SlotDriver.Effect]) -> [String] {
        effects.map { effect in
            switch effect {
            case .keep: "keep"
            case .send(let request, let authority):
                switch request {
                case .order: "order \(authority)"
                case .certificate(let certificate): "certificate \(certificate.round) \(authority)"
                case .unlock(let unlock): "unlock \(unlock.round) \(authority)"
                case .proposal(let proposal): "propose \(proposal.round) \(authority)"
                case .final: "final \(authority)"
                }
            case .push(_, let authority): "push \(authority)"
            case .evidence(let proof): "evidence \(proof.verdict(in: charter)?.offence.rawValue ?? "none")"
            case .ended(.final): "ended"
            case .ended(.refused(let refusal)): "refused \(refusal.code.rawValue)"
            }
        }
    }

    private func all(_ what: String) -> [String] { (0..<4).map { "\(what) \($0)" } }

    @Test("the order is kept before it is sent, and not again when it was")
    func keeps() {
        var fresh = driver()
        #expect(words(fresh.handle(.start, at: 0)) == ["keep"] + all("order"))
        var resumed = driver(isKept: true)
        #expect(words(resumed.handle(.start, at: 0)) == all("order"))
    }

    @Test("votes make a certificate, commits a final that is kept before it is told")
    func decides() throws {
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        #expect(driver.handle(.reply(ballot(.vote, 0), authority: 0), at: 1).isEmpty)
        #expect(driver.handle(.reply(ballot(.vote, 0), authority: 0), at: 1).isEmpty, "the same vote again")
        #expect(driver.handle(.reply(ballot(.vote, 1), authority: 1), at: 1).isEmpty)
        #expect(words(driver.handle(.reply(ballot(.vote, 3), authority: 3), at: 2)) == all("certificate 0"))
        #expect(driver.handle(.reply(ballot(.vote, 2), authority: 2), at: 2).isEmpty, "one too many")
        for authority in 1...2 {
            #expect(driver.handle(.reply(ballot(.commit, authority), authority: authority), at: 3).isEmpty)
        }
        #expect(words(driver.handle(.reply(ballot(.commit, 0), authority: 0), at: 4)) == ["ended"] + all("final"))
        guard case .final(let final)? = driver.outcome else { throw LedgerOracle.Violation(description: "no final") }
        #expect(final.value == order.order.id && charter.isValid(final))
        #expect(driver.wakeUp == nil)
        #expect(driver.handle(.time, at: 1_000_000).isEmpty)
    }

    @Test("who does not answer is asked again, and after the patience of the round the next one is asked for")
    func patience() {
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        _ = driver.handle(.reply(ballot(.vote, 0), authority: 0), at: 10)
        #expect(driver.wakeUp == 1000)
        #expect(driver.handle(.time, at: 999).isEmpty)
        #expect(words(driver.handle(.time, at: 1000)) == ["order 1", "order 2", "order 3"])
        #expect(driver.wakeUp == 2000)
        var now: UInt64 = 2000
        for (round, patience) in zip(1...7, [4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000] as [UInt64]) {
            #expect(words(driver.handle(.time, at: now)) == all("unlock \(round)"))
            _ = driver.handle(.time, at: now + patience - 1)
            #expect(driver.round == UInt32(round))
            now += patience
        }
        var slow = self.driver(jitter: 1)
        _ = slow.handle(.start, at: 0)
        _ = slow.handle(.time, at: 2999)
        #expect(slow.round == 0)
        _ = slow.handle(.time, at: 3000)
        #expect(slow.round == 1)
    }

    @Test("a quorum of statements forces a value: the certificate shown, else the default")
    func rounds() throws {
        for isLocked in [false, true] {
            var driver = driver()
            _ = driver.handle(.start, at: 0)
            _ = driver.handle(.time, at: 2000)
            let lock = QuorumCertificate(
                order: SignedOrder(order.order), round: 0,
                votes: (0..<3).compactMap { if case .ballot(let ballot) = ballot(.vote, $0) { ballot.by } else { nil } }
            )
            #expect(driver.handle(.reply(statement(0, 1), authority: 0), at: 2001).isEmpty)
            #expect(driver.handle(.reply(statement(1, 1, isLocked ? lock : nil), authority: 1), at: 2001).isEmpty)
            #expect(words(driver.handle(.reply(statement(2, 1), authority: 2), at: 2002)) == all("propose 1"))
            let value =
                try isLocked
                ? order : SignedOrder(Order(currency: charter.currency, slot: order.order.slot, .default))
            for authority in 0...1 {
                _ = driver.handle(
                    .reply(ballot(.vote, authority, value.order, round: 1), authority: authority), at: 2003)
            }
            #expect(
                words(driver.handle(.reply(ballot(.vote, 2, value.order, round: 1), authority: 2), at: 2003))
                    == all("certificate 1"))
            for authority in 0...2 {
                _ = driver.handle(
                    .reply(ballot(.commit, authority, value.order, round: 1), authority: authority), at: 2004)
            }
            guard case .final(let final)? = driver.outcome else {
                throw LedgerOracle.Violation(description: "no final")
            }
            #expect(final.value == value.order.id && charter.isValid(final) && charter.isJustified(final))
            // The lock came without the client's signature; what is kept has it.
            #expect(final.order == value)
        }
    }

    @Test("one liar cannot take the rounds away, and what many promised is passed over")
    func promises() {
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        _ = driver.handle(.reply(refusal(.promised, promised: .max), authority: 3), at: 1)
        _ = driver.handle(.time, at: 2000)
        #expect(driver.round == 1)
        _ = driver.handle(.reply(refusal(.promised, promised: 9), authority: 0), at: 2001)
        _ = driver.handle(.time, at: 6000)
        #expect(driver.round == 10, "not far ahead")
        _ = driver.handle(.reply(refusal(.promised, promised: 500), authority: 1), at: 6001)
        _ = driver.handle(.time, at: 66_000)
        #expect(driver.round == 501, "two of four say so")
    }

    @Test("rounds that others signed for ahead are asked for in turn, and a liar uses none of them up")
    func signedAhead() {
        func signatures(_ round: UInt32) -> [KeySignature] {
            UnlockRequest(
                slot: order.order.slot, round: round, currency: charter.currency,
                signedBy: [TestCurrency.key("W1"), TestCurrency.key("W2")]
            ).signatures
        }
        let rounds: [UInt32: [KeySignature]] = [1: signatures(1), 4: signatures(4)]
        var driver = SlotDriver(order, charter: charter, unlock: .signed(rounds), isKept: true)
        _ = driver.handle(.start, at: 0)
        _ = driver.handle(.reply(refusal(.promised, promised: 3), authority: 3), at: 1)
        var now: UInt64 = 0
        for round: UInt32 in [1, 4] {
            now += 70_000
            let asked = driver.handle(.time, at: now).compactMap { effect -> UnlockRequest? in
                if case .send(.unlock(let request), _) = effect { request } else { nil }
            }
            #expect(asked.count == 4 && driver.round == round)
            #expect(asked.allSatisfy { $0.round == round && $0.signatures == rounds[round] })
        }
        _ = driver.handle(.time, at: now + 140_000)
        #expect(driver.round == 4 && driver.outcome == nil, "nobody signed for more")
    }

    @Test("an authority that lacks something is given it, and its next refusal counts")
    func catchesUp() {
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        for authority in 0..<3 {
            let push = driver.handle(.reply(refusal(.insufficient), authority: authority), at: 1)
            #expect(words(push) == ["push \(authority)"])
            #expect(driver.handle(.reply(refusal(.insufficient), authority: authority), at: 1).isEmpty, "under way")
            #expect(words(driver.handle(.pushed(authority: authority), at: 2)) == ["order \(authority)"])
        }
        _ = driver.handle(.reply(refusal(.insufficient), authority: 0), at: 3)
        _ = driver.handle(.reply(refusal(.insufficient), authority: 1), at: 3)
        #expect(words(driver.handle(.reply(refusal(.insufficient), authority: 2), at: 3)) == ["refused INSUFFICIENT"])
    }

    @Test("it does not give up what somebody voted for")
    func isVotedFor() {
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        _ = driver.handle(.reply(ballot(.vote, 3), authority: 3), at: 1)
        for authority in 0..<3 {
            #expect(driver.handle(.reply(refusal(.frozen), authority: authority), at: 1).isEmpty)
        }
        #expect(driver.outcome == nil)
    }

    @Test("with one authority the first answer is the last one")
    func alone() throws {
        let alone = try TestCurrency()
        let order = try alone.order("u1", 1, .burn(1))
        for code in [RefusalCode.insufficient, .missingEarlier, .rate, .conflict] {
            var driver = SlotDriver(order, charter: alone.charter, unlock: .keys([TestCurrency.key("u1")]))
            #expect(driver.handle(.start, at: 0).count == 2)
            #expect(driver.handle(.time, at: 10_000_000).count == 1, "it is asked again, and never unlocks")
            let refusal = AuthorityReply.refusal(Refusal(slot: order.order.slotID, code: code))
            #expect(words(driver.handle(.reply(refusal, authority: 0), at: 1)) == ["refused \(code.rawValue)"])
        }
    }

    @Test("nothing is believed that is forged, stale, of another slot or of another currency")
    func forged() throws {
        let other = try TestCurrency(f: 1, ordersPerEpoch: 5)
        let next = try currency.order("u1", 2, .burn(1)).order
        let foreign = try other.order("u1", 1, .transfer([Output(account: TestCurrency.id("u2"), amount: 5)])).order
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        for authority in 0..<4 {
            guard case .ballot(let vote) = ballot(.vote, authority) else { continue }
            let forged = Ballot(
                phase: .vote, slot: vote.slot, round: 0, value: vote.value,
                by: AuthoritySignature(authority: authority, signature: [UInt8](repeating: 7, count: 64)))
            // A vote shown as a commit, another's, one for another slot, one of another round.
            let asCommit = Ballot(phase: .commit, slot: vote.slot, round: 0, value: vote.value, by: vote.by)
            let borrowed = Ballot(
                phase: .vote, slot: vote.slot, round: 0, value: vote.value,
                by: AuthoritySignature(authority: (authority + 1) % 4, signature: vote.by.signature))
            let outside = Ballot(
                phase: .vote, slot: vote.slot, round: 0, value: vote.value,
                by: AuthoritySignature(authority: 31, signature: vote.by.signature))
            let bytes = SignedBytes.ballot(
                .vote, charter: other.charter.currency, slot: vote.slot, round: 0, value: vote.value)
            let abroad = Ballot(
                phase: .vote, slot: vote.slot, round: 0, value: vote.value,
                by: AuthoritySignature(
                    authority: authority, signature: TestCurrency.key("a\(authority)").sign(bytes)))
            for ballot in [forged, asCommit, borrowed, outside, abroad] {
                #expect(driver.handle(.reply(.ballot(ballot), authority: authority), at: 1).isEmpty)
            }
            for order in [next, foreign] {
                #expect(driver.handle(.reply(ballot(.vote, authority, order), authority: authority), at: 1).isEmpty)
            }
            #expect(
                driver.handle(.reply(ballot(.vote, authority, round: 1), authority: authority), at: 1).isEmpty)
            #expect(driver.handle(.reply(statement(authority, 1), authority: authority), at: 1).isEmpty)
        }
        #expect(driver.handle(.reply(ballot(.vote, 0), authority: 99), at: 1).isEmpty)
        guard case .order = driver.phase else {
            Issue.record("it went on")
            return
        }
        // A final that one authority signed three times is none.
        guard case .ballot(let commit) = ballot(.commit, 0) else { return }
        let thrice = Final(order: order, round: 0, commits: [commit.by, commit.by, commit.by])
        #expect(driver.handle(.reply(.final(thrice), authority: 0), at: 1).isEmpty)
    }

    @Test(
        "commits of a round whose statements it does not have make no final: a client that was ended meanwhile goes on")
    func unjustified() {
        var driver = driver(isKept: true)
        _ = driver.handle(.start, at: 0)
        _ = driver.handle(.time, at: 2000)
        for authority in 0..<4 {
            #expect(
                driver.handle(.reply(ballot(.commit, authority, round: 1), authority: authority), at: 2001).isEmpty)
        }
        #expect(driver.outcome == nil)
        _ = driver.handle(.time, at: 6000)
        #expect(driver.round == 2)
    }

    @Test("an authority that votes twice is shown to have done so")
    func evidence() throws {
        var driver = driver()
        _ = driver.handle(.start, at: 0)
        _ = driver.handle(.reply(ballot(.vote, 2), authority: 2), at: 1)
        let other = try currency.order("u1", 1, .burn(3)).order
        #expect(
            words(driver.handle(.reply(ballot(.vote, 2, other), authority: 2), at: 1)) == ["evidence doubleVote"])
        var conflict = Refusal(slot: order.order.slotID, code: .conflict)
        conflict.conflicting = try currency.order("u1", 1, .burn(3))
        #expect(
            words(driver.handle(.reply(.refusal(conflict), authority: 1), at: 1)) == ["evidence doubleOrder"])
    }
}
