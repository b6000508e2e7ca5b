import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

/// Each kind of proof: what it names, and what passes for none.
@Suite("Proofs of fraud")
struct FraudProofTests {
    private let currency: TestCurrency
    private let slot: Slot
    private let one: SignedOrder
    private let two: SignedOrder
    private var charter: Charter { currency.charter }

    init() throws {
        currency = try TestCurrency(f: 1)
        slot = .account(TestCurrency.id("u1"), seq: 1)
        one = try currency.order("u1", 1, .burn(1))
        two = try currency.order("u1", 1, .burn(2))
    }

    private func sign(
        _ phase: Ballot.Phase, _ order: Order, _ authority: Int, round: UInt32 = 0, in charter: Charter? = nil
    ) -> AuthoritySignature {
        let bytes = SignedBytes.ballot(
            phase, charter: (charter ?? self.charter).currency, slot: order.slotID, round: round, value: order.id)
        return AuthoritySignature(authority: authority, signature: TestCurrency.key("a\(authority)").sign(bytes))
    }

    private func ballot(_ phase: Ballot.Phase, _ order: SignedOrder, _ authority: Int, round: UInt32 = 0) -> Ballot {
        Ballot(
            phase: phase, slot: order.order.slotID, round: round, value: order.order.id,
            by: sign(phase, order.order, authority, round: round))
    }

    private func certificate(_ order: SignedOrder, round: UInt32 = 0, _ voters: [Int] = [0, 1, 2]) -> QuorumCertificate
    {
        QuorumCertificate(
            order: order, round: round, votes: voters.map { sign(.vote, order.order, $0, round: round) })
    }

    private func final(
        _ order: SignedOrder, round: UInt32 = 0, _ committers: [Int] = [0, 1, 2], _ statements: [Statement] = []
    ) -> Final {
        Final(
            order: order, round: round, commits: committers.map { sign(.commit, order.order, $0, round: round) },
            justification: statements)
    }

    private func statement(_ authority: Int, _ round: UInt32, _ highest: QuorumCertificate? = nil) -> Statement {
        let bytes = SignedBytes.statement(
            charter: charter.currency, slot: slot.id, round: round, highest: highest.map { ($0.round, $0.value) })
        return Statement(
            slot: slot.id, round: round, highest: highest,
            by: AuthoritySignature(authority: authority, signature: TestCurrency.key("a\(authority)").sign(bytes)))
    }

    private func claim(_ authority: Int, _ round: UInt32, _ highest: QuorumCertificate? = nil) -> StatementClaim {
        StatementClaim(statement(authority, round, highest))
    }

    /// Survives the wire, and then shows what is expected.
    private func expect(
        _ proof: FraudProof, _ offence: FraudVerdict.Offence?, _ culprits: Set<Int> = [], isOverload: Bool = false,
        _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let read = try FraudProof.read(proof.bytes(in: charter.currency))
        #expect(read.proof == proof && read.currency == charter.currency, comment, sourceLocation: sourceLocation)
        let verdict = read.proof.verdict(in: charter)
        #expect(verdict?.offence == offence, comment, sourceLocation: sourceLocation)
        #expect(verdict?.culprits ?? [] == culprits, comment, sourceLocation: sourceLocation)
        #expect(verdict?.isOverload ?? false == isOverload, comment, sourceLocation: sourceLocation)
    }

    private func expect(
        _ proof: FraudProof, nothing comment: Comment, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        try expect(proof, nil, [], comment, sourceLocation: sourceLocation)
    }

    @Test("two votes, or two commits, of a round")
    func ballots() throws {
        try expect(.ballots(ballot(.vote, one, 2), ballot(.vote, two, 2)), .doubleVote, [2])
        try expect(.ballots(ballot(.commit, one, 3, round: 4), ballot(.commit, two, 3, round: 4)), .doubleCommit, [3])
        try expect(.ballots(ballot(.vote, one, 2), ballot(.vote, one, 2)), nothing: "the same twice")
        #expect(FraudProof.ballots(ballot(.vote, one, 2), ballot(.vote, two, 1)).verdict(in: charter) == nil)
        #expect(FraudProof.ballots(ballot(.vote, one, 2), ballot(.commit, two, 2)).verdict(in: charter) == nil)
        #expect(FraudProof.ballots(ballot(.vote, one, 2), ballot(.vote, two, 2, round: 1)).verdict(in: charter) == nil)
        let elsewhere = try currency.order("u1", 2, .burn(2))
        #expect(FraudProof.ballots(ballot(.vote, one, 2), ballot(.vote, elsewhere, 2)).verdict(in: charter) == nil)
        // Signed for another currency.
        let other = try TestCurrency(f: 1, ordersPerEpoch: 5)
        let foreign = Ballot(
            phase: .vote, slot: slot.id, round: 0, value: two.order.id,
            by: sign(.vote, two.order, 2, in: other.charter))
        try expect(.ballots(ballot(.vote, one, 2), foreign), nothing: "of another currency")
    }

    @Test("two statements of a round, and a statement that hides a commit")
    func statements() throws {
        let lock = certificate(one)
        try expect(.statements(claim(1, 3), claim(1, 3, lock)), .doubleStatement, [1])
        try expect(.statements(claim(1, 3), claim(1, 3)), nil)
        #expect(FraudProof.statements(claim(1, 3), claim(1, 4, lock)).verdict(in: charter) == nil)
        try expect(.hiddenCommit(ballot(.commit, one, 1), claim(1, 1)), .hiddenCommit, [1])
        try expect(.hiddenCommit(ballot(.commit, one, 1, round: 2), claim(1, 3, lock)), .hiddenCommit, [1])
        try expect(.hiddenCommit(ballot(.commit, one, 1), claim(1, 1, lock)), nothing: "it shows it")
        try expect(
            .hiddenCommit(ballot(.commit, one, 1, round: 3), claim(1, 3)), nothing: "the commit may be the later")
        // A vote binds nobody: not as it is, and not as the commit that it is read as.
        let vote = FraudProof.hiddenCommit(ballot(.vote, one, 1), claim(1, 1))
        #expect(vote.verdict(in: charter) == nil)
        #expect(try FraudProof.read(vote.bytes(in: charter.currency)).proof.verdict(in: charter) == nil)
    }

    @Test("two finals of a slot show that more than f lie, and name those whom they can")
    func finals() throws {
        try expect(
            .finals(final(one, [0, 1, 2]), final(two, [1, 2, 3])), .conflictingFinals, [1, 2], isOverload: true)
        try expect(.finals(final(one), final(one)), nil)
        let few = Final(order: two, round: 0, commits: [sign(.commit, two.order, 3), sign(.commit, two.order, 3)])
        #expect(FraudProof.finals(final(one), few).verdict(in: charter) == nil)
        // Of later rounds: those who committed and then knew nothing.
        let none = SignedOrder(try Order(currency: charter.currency, slot: slot, .default))
        let hides = [statement(1, 1), statement(2, 1), statement(3, 1)]
        let later = final(none, round: 1, [1, 2, 3], hides)
        try expect(.finals(final(one), later), .conflictingFinals, [1, 2], isOverload: true)
        let inquiry = try #require(ConflictInquiry(later, final(one), in: charter))
        #expect(inquiry.question == nil && inquiry.culprits == [1, 2])
    }

    @Test("what two finals lack is asked for, down to the certificate of the first one")
    func inquiry() throws {
        // Round 0: one is final by 0, 1 and 2. Round 1: a certificate of round 0 for two is shown, two gets a certificate.
        // Round 2: that one is shown, and two is final.
        let false0 = certificate(two, [1, 2, 3])
        let first = final(one, [0, 1, 2])
        let level1 = [statement(0, 1, certificate(one)), statement(1, 1, false0), statement(3, 1, false0)]
        // Among certificates of one round the first one shown counts; liars chose the order.
        let chosen = [level1[1], level1[0], level1[2]]
        let middle = certificate(two, round: 1, [1, 2, 3])
        let level2 = [statement(1, 2, middle), statement(2, 2, middle), statement(3, 2, middle)]
        let second = final(two, round: 2, [1, 2, 3], level2)
        #expect(charter.isJustified(second))
        var inquiry = try #require(ConflictInquiry(first, second, in: charter))
        #expect(inquiry.culprits.isEmpty)
        #expect(inquiry.question == .justification(slot: slot.id, round: 1, value: two.order.id))
        inquiry.take(level2)
        #expect(inquiry.question == .justification(slot: slot.id, round: 1, value: two.order.id), "no answer to it")
        inquiry.take([statement(1, 1, false0), statement(2, 1, false0), statement(3, 1, false0)])
        #expect(inquiry.question == .certificate(slot: slot.id, round: 0, value: one.order.id))
        inquiry.take(certificate(one))
        #expect(inquiry.question == nil)
        #expect(inquiry.culprits == [1, 2])
        for proof in inquiry.proofs { #expect(proof.verdict(in: charter) != nil) }
        // The other statements of that round name them at once.
        var other = try #require(ConflictInquiry(first, second, in: charter))
        other.take(chosen)
        #expect(other.culprits == [1, 2] && other.question == nil)
    }

    @Test("grants above a cap name nobody alone")
    func grants() throws {
        func grant(_ seq: UInt64, _ epoch: Int64, _ amount: Int64, _ name: String = "G", to: String = "u1") throws
            -> Final
        {
            final(
                try currency.order(
                    name, seq, .grant(epoch: epoch, [Output(account: TestCurrency.id(to), amount: amount)])))
        }
        let many = try (1...4).map { try grant(UInt64($0), 0, 80, to: "u\($0)") }
        try expect(.grants(many), .overIssue, [], isOverload: true)
        try expect(.grants(Array(many.dropLast())), nothing: "240 of 300")
        try expect(.grants([try grant(1, 0, 80), try grant(2, 0, 41)]), .overIssue, [], isOverload: true)
        try expect(.grants([try grant(1, 0, 80), try grant(2, 1, 41)]), nothing: "of two epochs")
        try expect(.grants([many[0], many[0], many[0], many[0]]), nothing: "one of them four times")
        try expect(.grants([try grant(1, 0, 1, "m1")]), .overIssue, [], isOverload: true)
        try expect(.grants([]), nil)
        let opened = final(
            try currency.order(
                "u1", 1,
                .hold(amount: 50, resolver: TestCurrency.id("n"), payees: [TestCurrency.id("u2")], expiry: 3)))
        func paid(_ amount: Int64, to: String = "u2") throws -> Final {
            final(
                SignedOrder(
                    try Order(
                        currency: charter.currency, slot: .hold(opened.value),
                        .resolve([Output(account: TestCurrency.id(to), amount: amount)])),
                    signedBy: [TestCurrency.key("n")]))
        }
        try expect(.grants([opened, try paid(51)]), .overpaidHold, [], isOverload: true)
        try expect(.grants([opened, try paid(1, to: "u3")]), .overpaidHold, [], isOverload: true)
        try expect(.grants([opened, try paid(50)]), nothing: "as much as it has")
        try expect(.grants([try paid(51), opened]), nothing: "the wrong way round")
    }

    @Test("two orders of one key are shown with the key, and blame no authority")
    func orders() throws {
        let proof = FraudProof.orders(one, two)
        try expect(proof, .doubleOrder)
        #expect(proof.verdict(in: charter)?.payer == TestCurrency.id("u1"))
        try expect(.orders(one, SignedOrder(two.order)), nothing: "the other one is not signed")
        try expect(.orders(one, one), nil)
        let forged = SignedOrder(
            two.order, signatures: [KeySignature(key: TestCurrency.id("u1"), signature: one.signatures[0].signature)])
        try expect(.orders(one, forged), nil)
    }

    // MARK: Logs

    private struct Log {
        let currency: TestCurrency
        var tree = LogTree()
        var leaves: [Hash32] = []
        var entries: [Data] = []
        var state = LedgerState()

        mutating func append(_ final: Final) {
            entries.append(final.bytes)
            leaves.append(LogTree.leaf(final.bytes))
            _ = tree.append(LogTree.leaf(final.bytes))
            state.apply(final.order.order)
        }

        func note(_ authority: Int = 1, issued: Int64? = nil, root: Hash32? = nil) -> SignedNote {
            var states = StateTree(state)
            let key = TestCurrency.key("a\(authority)")
            let checkpoint = LedgerCheckpoint(
                currency: currency.charter.currency, authority: key.publicKey, size: tree.size,
                root: root ?? tree.root, epoch: 3, stateRoot: states.root(), issued: issued ?? state.issued,
                burned: state.burned, held: state.held)
            var note = SignedNote(text: checkpoint.text)
            note.sign(as: checkpoint.origin, key)
            return note
        }

        func subtree(_ level: Int, _ index: UInt64) -> Hash32 {
            LogTree.root(of: leaves[Int(index) << level..<Int(index + 1) << level])
        }
    }

    private func log(_ amounts: [Int64]) throws -> Log {
        var log = Log(currency: currency)
        for (number, amount) in amounts.enumerated() {
            log.append(
                final(
                    try currency.order(
                        "G", UInt64(number + 1),
                        .grant(epoch: Int64(number), [Output(account: TestCurrency.id("u1"), amount: amount)]))))
        }
        return log
    }

    @Test("two checkpoints that are not of one log", arguments: 1...9)
    func logs(size: Int) throws {
        let whole = try log([1, 2, 3, 4, 5, 6, 7, 8, 9])
        let beginning = try log(Array([1, 2, 3, 4, 5, 6, 7, 8, 9].prefix(size)))
        let other = try log(Array([1, 2, 3, 4, 5, 6, 7, 8, 9].prefix(size - 1)) + [77])
        let proof =
            size < 9 ? try LogProof.prefix(UInt64(size), size: 9, subtree: { whole.subtree($0, $1) }) : []
        try expect(.logs(other.note(), whole.note(), proof: proof), .splitLog, [1])
        try expect(.logs(whole.note(), other.note(), proof: proof), .splitLog, [1], "in either order")
        try expect(.logs(beginning.note(), whole.note(), proof: proof), nothing: "one log")
        try expect(.logs(other.note(2), whole.note(), proof: proof), nothing: "of two authorities")
        if size < 9 {
            try expect(.logs(other.note(), whole.note(), proof: Array(proof.dropLast())), nil)
            try expect(.logs(other.note(), whole.note(), proof: proof.reversed() + [.zero]), nil)
        }
        try expect(.logs(whole.note(), whole.note(issued: 1), proof: []), .splitLog, [1], "another supply")
    }

    @Test("an entry that is no final, under a signed root")
    func entry() throws {
        var log = try log([1, 2, 3])
        let cut = final(try currency.order("u1", 1, .burn(1)), [0, 1])
        log.append(cut)
        log.append(final(try currency.order("u1", 2, .burn(1))))
        func proof(_ position: UInt64) throws -> FraudProof {
            .entry(
                log.note(), position: position, entry: log.entries[Int(position)],
                proof: try LogProof.inclusion(position, size: 5, subtree: { log.subtree($0, $1) }))
        }
        try expect(try proof(3), .badEntry, [1])
        try expect(try proof(4), nothing: "a final")
        if case .entry(let note, _, let entry, let hashes) = try proof(3) {
            try expect(.entry(note, position: 2, entry: entry, proof: hashes), nothing: "not there")
            try expect(
                .entry(log.note(root: .zero), position: 3, entry: entry, proof: hashes), nothing: "not under its root")
        }
    }

    @Test("a checkpoint that is not what its log comes to needs the log, and its order blames nobody")
    func checkpoint() throws {
        var log = try log([10, 20, 30])
        let charter = charter
        #expect(FraudProof.checkpoint(log.note(issued: 1)).needsLog)
        try expect(.checkpoint(log.note(issued: 1)), nil)
        func verdict(_ note: SignedNote) -> FraudVerdict? {
            FraudProof.checkpoint(note).verdict(in: charter, log: log.entries)
        }
        #expect(verdict(log.note()) == nil)
        #expect(verdict(log.note(issued: 1))?.culprits == [1])
        #expect(verdict(log.note(issued: 1, root: .zero)) == nil, "the log of another checkpoint")
        // Spent before the log has what was paid: honest, where others decided.
        var early = Log(currency: currency)
        early.append(final(try currency.order("u1", 1, .burn(5))))
        early.append(final(try self.log([10]).entries.first.map { try Final(bytes: $0).order } ?? one))
        #expect(FraudProof.checkpoint(early.note()).verdict(in: charter, log: early.entries) == nil)
        // The same slot twice, and an order that nobody signed.
        log.append(final(try currency.order("u1", 1, .burn(5))))
        let good = log
        log.append(final(try currency.order("u1", 1, .burn(6))))
        #expect(verdict(log.note())?.offence == .badCheckpoint)
        log = good
        log.append(final(SignedOrder(try currency.order("u1", 2, .burn(1)).order)))
        #expect(verdict(log.note())?.culprits == [1])
    }

    @Test("what is not signed hides nothing that is")
    func masked() throws {
        var watch = FraudWatch(charter)
        let junk = Ballot(
            phase: .vote, slot: slot.id, round: 0, value: two.order.id,
            by: AuthoritySignature(authority: 2, signature: [UInt8](repeating: 1, count: 64)))
        #expect(watch.see(junk).isEmpty)
        #expect(watch.see(ballot(.vote, one, 2)).isEmpty)
        #expect(watch.see(junk).isEmpty)
        #expect(watch.see(ballot(.vote, two, 2)).count == 1)
        #expect(watch.see(ballot(.vote, two, 2)).isEmpty, "shown before")
        let made = Ballot(
            phase: .commit, slot: slot.id, round: 0, value: one.order.id,
            by: AuthoritySignature(authority: 1, signature: [UInt8](repeating: 1, count: 64)))
        #expect(watch.see(made).isEmpty)
        #expect(watch.see(ballot(.commit, one, 1)).isEmpty)
        #expect(watch.see(statement(1, 1)).count == 1)
        #expect(watch.see(final(one)).isEmpty)
        #expect(watch.see(final(two, [1, 2, 3])).contains { if case .finals = $0 { true } else { false } })
    }

    @Test("bytes that are no proof are refused")
    func bytes() throws {
        let good = FraudProof.ballots(ballot(.vote, one, 2), ballot(.vote, two, 2)).bytes(in: charter.currency)
        #expect(throws: MalformedMessage.self) { try FraudProof.read(Data()) }
        #expect(throws: MalformedMessage.self) { try FraudProof.read(good.dropLast(3)) }
        for place in good.indices {
            var changed = good
            changed[place] ^= 0x41
            guard let read = try? FraudProof.read(changed), let verdict = read.proof.verdict(in: charter) else {
                continue
            }
            // Only the name of the currency is not the proof's own.
            #expect(read.currency != charter.currency && verdict.culprits == [2])
        }
    }
}
