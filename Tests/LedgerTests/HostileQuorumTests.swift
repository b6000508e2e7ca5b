import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

@Suite("What liars and strangers send to a currency that four nodes decide")
struct HostileQuorumTests {
    private func code(_ honey: QuorumWorld, _ request: AuthorityRequest, at node: Int = 0) async throws -> RefusalCode?
    {
        if case .refusal(let refusal) = try await honey.nodes[node].answer([request], in: honey.currency)[0] {
            refusal.code
        } else {
            nil
        }
    }

    private func ballots(_ honey: QuorumWorld, _ request: AuthorityRequest) async throws -> [AuthoritySignature] {
        var found: [AuthoritySignature] = []
        for node in honey.nodes {
            if case .ballot(let ballot) = try await node.answer([request], in: honey.currency)[0] {
                found.append(ballot.by)
            }
        }
        return found
    }

    @Test("forged, stale, foreign and doubled votes make no certificate, and no such certificate makes a commit")
    func certificates() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.expectAgreement()
        let order = try honey.order(1, 5)
        let votes = try await ballots(honey, .order(order))
        #expect(votes.count == 4)
        func certificate(
            _ votes: [AuthoritySignature], of signed: SignedOrder = order, round: UInt32 = 0
        ) -> AuthorityRequest {
            .certificate(QuorumCertificate(order: signed, round: round, votes: votes))
        }
        let forged = AuthoritySignature(authority: 3, signature: Array(repeating: 7, count: 64))
        let own = AuthoritySignature(authority: 0, signature: forged.signature)
        let stranger = AuthoritySignature(authority: 9, signature: votes[0].signature)
        let bad: [(String, AuthorityRequest)] = [
            ("one signer twice", certificate([votes[0], votes[0], votes[1]])),
            ("too few", certificate(Array(votes.prefix(2)))),
            ("a forged vote", certificate([votes[0], votes[1], forged])),
            ("a forged vote of whoever is asked", certificate([own, votes[1], votes[2]])),
            ("a signer that there is not", certificate([votes[0], votes[1], stranger])),
            ("votes of another slot", certificate(votes, of: try honey.order(2, 5))),
            ("votes for another order", certificate(votes, of: try honey.order(1, 6))),
            ("votes of another round", certificate(votes, round: 1)),
            ("commits that are votes", .final(Final(order: order, round: 0, commits: votes))),
        ]
        for (what, request) in bad {
            #expect(try await code(honey, request) == .malformed, "\(what)")
        }
        // One of another currency does not even come to the authority.
        let other = try TestCurrency(f: 1).order("G", 1, .transfer([Output(account: honey.payee, amount: 1)]))
        let foreign = RequestBatch.encode([.order(other)], in: honey.currency)
        #expect(throws: MalformedMessage.self) { try RequestBatch.decode(foreign) }
        #expect(try await code(honey, .order(other)) == .malformed)
        // Nothing of all this changed anything.
        try await honey.pay(5, at: honey.nodes[1])
        try await honey.expectAgreement()
        #expect(try #require(await honey.nodes[0].state(honey.currency)).ledger.account(honey.payee).balance == 5)
        // What is decided answers stale votes with the final.
        guard case .final = try await honey.nodes[0].answer([certificate(votes)], in: honey.currency)[0] else {
            throw LedgerOracle.Violation(description: "a stale certificate was taken")
        }
    }

    @Test("statements that hide a lock prove the liar and force nothing; unlock storms leave the slot usable")
    func statements() async throws {
        let honey = try await QuorumWorld(pace: 0.2)
        try await honey.fund()
        try await honey.expectAgreement()
        let order = try honey.order(1, 5)
        let votes = try await ballots(honey, .order(order))
        let certificate = QuorumCertificate(order: order, round: 0, votes: Array(votes.prefix(3)))
        #expect(try await ballots(honey, .certificate(certificate)).count == 4)
        let slot = order.order.slot
        // d says that it knows no certificate, though it committed to one.
        let hidden = Ledger.Statement(
            slot: slot.id, round: 1, highest: nil,
            by: AuthoritySignature(
                authority: 3,
                signature: try honey.key("d").sign(
                    SignedBytes.statement(charter: honey.currency, slot: slot.id, round: 1, highest: nil))))
        let unlock = UnlockRequest(slot: slot, round: 1, currency: honey.currency, signedBy: [honey.payer])
        var statements = [hidden]
        for node in honey.nodes.prefix(2) {
            if case .statement(let statement) = try await node.answer([.unlock(unlock)], in: honey.currency)[0] {
                statements.append(statement)
            }
        }
        #expect(statements.count == 3)
        let nothing = SignedOrder(try Order(currency: honey.currency, slot: slot, .default))
        let proposal = Proposal(order: nothing, round: 1, justification: statements)
        #expect(try await code(honey, .proposal(proposal)) == .malformed, "the lock that others show is what counts")
        // Somebody else cannot unlock, and whoever may asks for as many rounds as they like.
        let stranger = UnlockRequest(
            slot: slot, round: 2, currency: honey.currency, signedBy: [TestCurrency.key("stranger")])
        #expect(try await code(honey, .unlock(stranger)) == .unauthorized)
        for round in UInt32(2)...200 {
            let request = UnlockRequest(slot: slot, round: round, currency: honey.currency, signedBy: [honey.payer])
            _ = try await honey.nodes[0].answer([.unlock(request)], in: honey.currency)
        }
        // a's own commit was in its reply to the certificate; d's lie came in the proposal.
        let final = try await honey.pay(5, at: honey.nodes[0])
        #expect(final.value == order.order.id, "what was locked is what became final")
        try await honey.expectAgreement()
        let commit = Ballot(
            phase: .commit, slot: slot.id, round: 0, value: order.order.id,
            by: AuthoritySignature(
                authority: 3,
                signature: try honey.key("d").sign(
                    SignedBytes.ballot(.commit, charter: honey.currency, slot: slot.id, round: 0, value: order.order.id)
                )))
        let proof = FraudProof.hiddenCommit(commit, StatementClaim(hidden)).bytes(in: honey.currency)
        #expect(try await honey.member.take(proof: proof, isPosted: true))
        #expect(await honey.member.liars(in: honey.currency) == [3])
    }

    @Test("a double vote names the liar at every node, and the others go on; a second liar is one too many")
    func doubleVote() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.expectAgreement()
        func double(_ name: String, _ index: Int) throws -> Data {
            let ballots = try [honey.order(1, 5), honey.order(1, 6)].map { signed in
                let bytes = SignedBytes.ballot(
                    .vote, charter: honey.currency, slot: signed.order.slotID, round: 0, value: signed.order.id)
                return Ballot(
                    phase: .vote, slot: signed.order.slotID, round: 0, value: signed.order.id,
                    by: AuthoritySignature(authority: index, signature: try honey.key(name).sign(bytes)))
            }
            return FraudProof.ballots(ballots[0], ballots[1]).bytes(in: honey.currency)
        }
        let proof = try double("d", 3)
        // The same with another's name on it proves nothing, and neither do bytes.
        #expect(try await !honey.nodes[0].take(proof: try double("d", 2), isPosted: true))
        await #expect(throws: LedgerError.self) { try await honey.nodes[0].take(proof: Data([1, 2]), isPosted: true) }
        #expect(await honey.nodes[0].liars(in: honey.currency).isEmpty)
        for node in honey.nodes + [honey.member] {
            for _ in 0..<3 { #expect(try await node.take(proof: proof, isPosted: true)) }
            #expect(await node.liars(in: honey.currency) == [3])
            #expect(try await node.view(honey.currency).stopped == nil)
            #expect(try await node.store.frauds(in: honey.currency).count == 1)
        }
        try await honey.pay(1, at: honey.nodes[0])
        try await honey.expectAgreement()
        let second = try double("c", 2)
        for node in honey.nodes {
            #expect(try await node.take(proof: second, isPosted: false))
            #expect(try await node.view(honey.currency).stopped?.contains("http://c") == true)
            #expect(await node.authority(honey.currency) == nil)
            await #expect(throws: LedgerError.self) { try await honey.pay(1, at: node) }
            await #expect(throws: LedgerError.self) { try await node.follow(honey.currency) }
            #expect(try await node.store.unpostedFrauds().count == 1, "whoever finds one posts it, and nobody else")
        }
        // It is known after a start, too.
        let again = try await honey.again("a")
        #expect(await again.liars(in: honey.currency) == [2, 3])
        #expect(try await again.view(honey.currency).stopped != nil)
    }

    @Test("an authority that shows each reader another log, or another sum, is named by whoever read it")
    func logs() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.pay(2, at: honey.nodes[0])
        try await honey.expectAgreement()
        let (currency, key) = (honey.currency, try honey.key("d"))
        let origin = LedgerCheckpoint.origin(currency: currency, authority: key.publicKey)
        @Sendable func signed(_ note: Data, _ change: (LedgerCheckpoint) -> LedgerCheckpoint) -> Data {
            guard let note = SignedNote(encoded: String(decoding: note, as: UTF8.self)),
                let checkpoint = LedgerCheckpoint(text: note.text), checkpoint.origin == origin
            else { return note }
            var forged = SignedNote(text: change(checkpoint).text)
            forged.sign(as: origin, key)
            return Data(forged.encoded.utf8)
        }
        // Other sums under the same entries.
        honey.world.transport.forge { what, bytes in
            guard what == "checkpoint" else { return bytes }
            return signed(bytes) {
                LedgerCheckpoint(
                    currency: currency, authority: key.publicKey, size: $0.size, root: $0.root, epoch: $0.epoch,
                    stateRoot: $0.stateRoot, issued: $0.issued + 1, burned: $0.burned, held: $0.held)
            }
        }
        _ = try await honey.member.follow(currency)
        try await Polling.until {
            try await honey.member.store.frauds(in: currency).map(\.offence).contains(.badCheckpoint)
        }
        try await Polling.until { await honey.member.liars(in: currency) == [3] }
        // Another log of as many entries.
        honey.world.transport.forge { what, bytes in
            guard what == "checkpoint" else { return bytes }
            return signed(bytes) {
                LedgerCheckpoint(
                    currency: currency, authority: key.publicKey, size: $0.size, root: SHA256.hash([1]),
                    epoch: $0.epoch, stateRoot: $0.stateRoot, issued: $0.issued, burned: $0.burned, held: $0.held)
            }
        }
        _ = try await honey.nodes[0].follow(currency)
        try await Polling.until { await honey.nodes[0].liars(in: currency) == [3] }
        #expect(try await honey.nodes[0].store.frauds(in: currency).map(\.offence) == [.splitLog])
        honey.world.transport.forge { $1 }
        for proof in try await honey.member.store.unpostedFrauds() {
            #expect(try await honey.nodes[1].take(proof: proof.bytes, isPosted: true), "\(proof.offence)")
        }
        #expect(await honey.nodes[1].liars(in: currency) == [3])
        try await honey.pay(1, at: honey.nodes[1])
        try await honey.expectAgreement()
    }
}

extension HostileQuorumTests {
    @Test("a grant above the cap that a quorum made final stops the currency everywhere, and blames nobody alone")
    func overIssue() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.expectAgreement()
        let (currency, granter) = (honey.currency, try honey.key("a"))
        func grant(_ seq: UInt64, _ amount: Int64) throws -> Final {
            let order = SignedOrder(
                try Order(
                    currency: currency, slot: .account(granter.publicKey, seq: seq),
                    .grant(
                        epoch: honey.charter.epoch(at: honey.world.now),
                        [Output(account: honey.payee, amount: amount)])), signedBy: [granter])
            let bytes = SignedBytes.ballot(
                .commit, charter: currency, slot: order.order.slotID, round: 0, value: order.order.id)
            return Final(
                order: order, round: 0,
                commits: try ["a", "b", "c"].enumerated().map { index, name in
                    AuthoritySignature(authority: index, signature: try honey.key(name).sign(bytes))
                }, justification: [])
        }
        // 100 were granted before: 900 more are allowed, and one more is not.
        _ = try await honey.nodes[3].answer([.final(try grant(2, 900))], in: currency)
        #expect(try await honey.nodes[3].store.frauds(in: currency).isEmpty)
        _ = try await honey.nodes[3].answer([.final(try grant(3, 1))], in: currency)
        try await Polling.until { try await honey.nodes[3].view(currency).stopped != nil }
        let frauds = try await honey.nodes[3].store.frauds(in: currency)
        #expect(frauds.map(\.offence) == [.overIssue] && frauds[0].isOverload && frauds[0].culprits.isEmpty)
        #expect(await honey.nodes[3].liars(in: currency).isEmpty)
        let proof = try #require(try await honey.nodes[3].store.unpostedFrauds().first).bytes
        #expect(try await honey.member.take(proof: proof, isPosted: true))
        #expect(try await honey.member.view(currency).stopped != nil)
    }

    @Test("a hold that pays out too much stops the currency; an account below nothing is told once nothing explains it")
    func overspending() async throws {
        for isHold in [true, false] {
            let honey = try await QuorumWorld()
            try await honey.fund()
            try await honey.expectAgreement()
            let (currency, payer) = (honey.currency, honey.payer.publicKey)
            func final(_ slot: Slot, _ operation: OrderOperation) throws -> Final {
                let order = SignedOrder(
                    try Order(currency: currency, slot: slot, operation), signedBy: [honey.payer])
                let bytes = SignedBytes.ballot(
                    .commit, charter: currency, slot: order.order.slotID, round: 0, value: order.order.id)
                return Final(
                    order: order, round: 0,
                    commits: try ["a", "b", "c"].enumerated().map { index, name in
                        AuthoritySignature(authority: index, signature: try honey.key(name).sign(bytes))
                    }, justification: [])
            }
            let first = try final(
                .account(payer, seq: 1),
                isHold
                    ? .hold(amount: 40, resolver: payer, payees: [], expiry: 9)
                    : .transfer([Output(account: honey.payee, amount: 101)]))
            let last = try final(.hold(first.value), .resolve([Output(account: honey.payee, amount: 41)]))
            _ = try await honey.nodes[3].answer([.final(first)] + (isHold ? [.final(last)] : []), in: currency)
            if isHold {
                try await Polling.until { try await honey.nodes[3].view(currency).stopped != nil }
                let frauds = try await honey.nodes[3].store.frauds(in: currency)
                #expect(frauds.map(\.offence) == [.overpaidHold] && frauds[0].culprits.isEmpty)
                #expect(try await honey.member.take(proof: frauds[0].bytes, isPosted: true))
                #expect(try await honey.member.view(currency).stopped != nil)
            } else {
                #expect(try await honey.nodes[3].view(currency).overspent == [], "what came to it may be on its way")
                honey.world.pass(2 * 3600)
                #expect(try await honey.nodes[3].view(currency).overspent == [payer])
                #expect(try await honey.nodes[3].store.frauds(in: currency).isEmpty)
                _ = try await honey.nodes[0].grant(
                    [Output(account: payer, amount: 1)], reference: nil, in: currency)
                try await honey.nodes[3].follow(currency)
                #expect(try await honey.nodes[3].view(currency).overspent == [], "it came after all")
            }
        }
    }

    @Test("two orders that one key signed for one place are shown with the account, and are nobody's fraud")
    func doubleOrder() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.expectAgreement()
        let (currency, account) = (honey.currency, honey.payer.publicKey)
        for amount in [Int64(50), 51] {
            for node in honey.nodes {
                _ = try await node.answer([.order(try honey.order(1, amount))], in: currency)
            }
        }
        for node in honey.nodes {
            #expect(try await node.store.doubleOrders(of: account, in: currency) == [1])
            #expect(try await node.store.frauds(in: currency).isEmpty)
            #expect(try await node.store.unpostedFrauds().isEmpty)
            #expect(try await node.view(currency).stopped == nil)
        }
        // Whoever has not the account's key says nothing about it.
        honey.world.pass(2)
        let stranger = TestCurrency.key("stranger")
        for amount in [Int64(1), 2] {
            let order = try Order(
                currency: currency, slot: .account(account, seq: 7),
                .transfer([Output(account: honey.payee, amount: amount)]))
            _ = try await honey.nodes[0].answer([.order(SignedOrder(order, signedBy: [stranger]))], in: currency)
        }
        #expect(try await honey.nodes[0].store.doubleOrders(of: account, in: currency) == [1])
    }

    @Test("readers tell each other what they were shown: whoever signed two logs is named, and nobody by less")
    func shown() async throws {
        let honey = try await QuorumWorld()
        try await honey.fund()
        try await honey.expectAgreement()
        let key = try honey.key("d")
        let quorum = try #require(await honey.nodes[0].quorums[honey.currency])
        let notes = await quorum.notes()
        let own = try #require(
            notes.compactMap { SignedNote(encoded: $0).flatMap { LedgerCheckpoint(text: $0.text) } }.first {
                $0.origin == LedgerCheckpoint.origin(currency: honey.currency, authority: key.publicKey)
            })
        func note(size: UInt64, root: Hash32, by signer: SigningKey) -> String {
            let forged = LedgerCheckpoint(
                currency: honey.currency, authority: key.publicKey, size: size, root: root,
                epoch: own.epoch, stateRoot: own.stateRoot, issued: own.issued, burned: own.burned, held: own.held)
            var note = SignedNote(text: forged.text)
            note.sign(as: forged.origin, signer)
            return note.encoded
        }
        // The same again, of another time, of another size, by somebody else, and nothing at all.
        try await quorum.compare(notes)
        try await quorum.compare([
            note(size: own.size, root: own.root, by: key), note(size: own.size + 1, root: .zero, by: key),
            note(size: own.size, root: .zero, by: honey.payer), "", "no note",
        ])
        for node in honey.nodes { try await node.compareCheckpoints(honey.currency) }
        #expect(await honey.nodes[0].liars(in: honey.currency).isEmpty)
        try await quorum.compare([note(size: own.size, root: .zero, by: key)])
        try await honey.nodes[0].compareCheckpoints(honey.currency)
        #expect(await honey.nodes[0].liars(in: honey.currency) == [3])
    }
}

/// For what is found out beside.
enum Polling {
    static func until(_ isSo: () async throws -> Bool) async throws {
        for _ in 0..<200_000 {
            if try await isSo() { return }
            await Task.yield()
        }
        throw LedgerOracle.Violation(description: "it never came to this")
    }
}
