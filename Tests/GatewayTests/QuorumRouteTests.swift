import Digests
import Foundation
import HTTPTypes
import Identity
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway
@testable import Ledger

@Suite("A currency of several operators over HTTP")
struct QuorumRouteTests {
    private let fields: HTTPFields = [.contentType: "application/x-protobuf"]

    /// A node that is one of four operators; the keys of the others are the test's.
    private func world() async throws -> (
        node: TestNode, currencies: Currencies, charter: Charter, others: [SigningKey]
    ) {
        let node = try await TestNode.make()
        let currencies = node.services.context().currencies
        var ceremony = CharterCeremony(CharterDraft(name: "Honey <b>", symbol: "HNY"), now: node.services.now())
        try ceremony.add(
            try await currencies.draftOperator(node: "", url: "https://hive.example", capPerEpoch: 100))
        let others = (0..<3).map { _ in SigningKey.random() }
        for (number, key) in others.enumerated() {
            try ceremony.add(
                CharterCeremony.Operator(
                    key: key.publicKey, node: "", url: "http://127.0.0.1:\(number + 1)", capPerEpoch: 0))
        }
        ceremony = try await currencies.sign(ceremony)
        for key in others { try ceremony.sign(key) }
        return (node, currencies, try await currencies.found(ceremony), others)
    }

    @Test("requests of every kind are answered one by one; what is malformed, foreign or too much is refused")
    func requests() async throws {
        let (node, currencies, charter, others) = try await world()
        let key = try #require(await currencies.ownKey)
        func order(_ amount: Int64, in currency: Hash32) throws -> SignedOrder {
            SignedOrder(
                try Order(
                    currency: currency, slot: .account(key.publicKey, seq: 1),
                    .grant(
                        epoch: charter.epoch(at: node.services.now()),
                        [Output(account: others[0].publicKey, amount: amount)])), signedBy: [key])
        }
        let (first, second) = (try order(5, in: charter.currency), try order(6, in: charter.currency))
        let foreign = try order(5, in: .zero)
        let unlock = UnlockRequest(slot: first.order.slot, round: 1, currency: charter.currency, signedBy: [key])
        try await node.test { client in
            func send(_ bytes: Data) async throws -> Answer {
                try await client(.post, "/w/1/buzz/requests", fields, body: [UInt8](bytes))
            }
            for bad in [
                Data(), Data([1, 2, 3]), RequestBatch.encode([], in: charter.currency),
                RequestBatch.encode([.order(foreign)], in: charter.currency),
                RequestBatch.encode(
                    Array(repeating: .order(first), count: Limits.Ledger.ordersPerRequest + 1), in: charter.currency),
            ] {
                #expect(try await send(bad).status == .badRequest)
            }
            #expect(try await send(RequestBatch.encode([.order(foreign)], in: .zero)).status == .notFound)
            let twice = QuorumCertificate(
                order: first, round: 0,
                votes: Array(
                    repeating: AuthoritySignature(authority: 0, signature: Array(repeating: 1, count: 64)), count: 3))
            let answer = try await send(
                RequestBatch.encode(
                    [.order(first), .order(second), .certificate(twice), .unlock(unlock)], in: charter.currency))
            #expect(answer.status == .ok)
            let replies = try ReplyBatch.decode(Data(answer.bytes))
            guard replies.count == 4, case .ballot(let vote) = replies[0], case .refusal(let conflict) = replies[1],
                case .refusal(let malformed) = replies[2], case .statement(let statement) = replies[3]
            else { throw LedgerError.untrusted("\(replies)") }
            #expect(vote.phase == .vote && vote.value == first.order.id)
            #expect(conflict.code == .conflict && conflict.conflicting == first)
            #expect(malformed.code == .malformed)
            #expect(statement.round == 1 && statement.highest == nil)
            // The orders' route answers the same.
            let old = try await client(
                .post, "/w/1/buzz/orders", fields, body: [UInt8](OrderBatch.encode([second])))
            guard case .refusal(let promised)? = try ReplyBatch.decode(Data(old.bytes)).first else {
                throw LedgerError.untrusted("\(old.text)")
            }
            #expect(promised.code == .promised && promised.promised == 1)
            let slot = first.order.slotID.hex
            for path in ["certificates", "statements"] {
                let at = "/w/1/buzz/\(path)/\(charter.currency.hex)/\(slot)"
                #expect(try await client(.get, "\(at)/0/\(first.order.id.hex)").status == .notFound)
                #expect(try await client(.get, "\(at)/x/\(first.order.id.hex)").status == .badRequest)
                #expect(try await client(.get, "\(at)/0/zz").status == .badRequest)
            }
        }
    }

    @Test("pages say how many operators agree, how each answers, and who is proven to lie")
    func pages() async throws {
        let (node, currencies, charter, others) = try await world()
        let slot = Slot.account(others[0].publicKey, seq: 1).id
        let ballots = [SHA256.hash([1]), SHA256.hash([2])].map { value in
            let bytes = SignedBytes.ballot(.vote, charter: charter.currency, slot: slot, round: 0, value: value)
            return Ballot(
                phase: .vote, slot: slot, round: 0, value: value,
                by: AuthoritySignature(authority: 1, signature: others[0].sign(bytes)))
        }
        let proof = FraudProof.ballots(ballots[0], ballots[1])
        try await node.test { client in
            let paths = [
                "/buzz", "/buzz/\(charter.currency.hex)", "/buzz/HNY/accounts/\(others[0].publicKey.hex)",
                "/federation",
            ]
            for path in paths {
                let page = try await client(.get, path)
                #expect(page.status == .ok && HTMLLint.problems(page.text) == [], "\(path)")
                #expect(!page.text.contains("proven to lie") && !page.text.contains("<b>"), "\(path)")
            }
            #expect(try await client(.get, paths[2]).text.contains("trust: 3 of 4 operators"))
            #expect(try await client(.get, paths[3]).text.contains("not asked yet"))
            #expect(try await currencies.take(proof: proof.bytes(in: charter.currency), isPosted: false))
            for path in paths {
                let page = try await client(.get, path)
                #expect(HTMLLint.problems(page.text) == [], "\(path)")
                #expect(page.text.contains("proven to lie") && page.text.contains("http://127.0.0.1:1"), "\(path)")
            }
            #expect(try await client(.get, "/api/w1/buzz/HNY/accounts/\(others[0].publicKey.hex)").status == .ok)
            // None of these pages, which anybody may ask for, made this node ask the other operators.
            let health = try #require(await currencies.health().first).authorities
            #expect(health.filter { !$0.isOwn }.allSatisfy { $0.answered == 0 && $0.failed == 0 }, "\(health)")
            let api = try await client(.get, "/api/w1/buzz").json()
            let item = try #require((api["items"] as? [[String: Any]])?.first)
            #expect(item["operators"] as? Int == 4 && item["quorum"] as? Int == 3)
            #expect((item["warning"] as? String)?.contains("1 of 4 operators is proven to lie") == true)
        }
        // The proof becomes a post that says all that is needed, and one is enough.
        let context = node.services.context()
        let me = try Person(seed: 40, role: .person, scopes: [.post, .ledger])
        try await node.take([me.genesis])
        context.keyring.add(me.signer, as: "me")
        let (posts, again) = try await node.following {
            (try await PublishFrauds().run(in: context).posts, try await PublishFrauds().run(in: context).posts)
        }
        #expect(posts.count == 1 && again.isEmpty)
        let id = try #require(posts.first.flatMap { Hash32(hex: $0) })
        let body = try #require(try await node.log.posts(ids: [id])[id]).post.fraudProof
        #expect(body.currency == charter.currency.data && body.votes.authority == 1)
        let kept = try #require(try await currencies.store.frauds(in: charter.currency).first)
        let (currency, read) = try FraudProof.read(kept.bytes)
        #expect(currency == charter.currency && read == proof && read.verdict(in: charter)?.culprits == [1])
        var reading = FraudDesk.Reading()
        #expect(try await FraudDesk(context).read(&reading) == 1)
        #expect(try await FraudDesk(context).read(&reading) == 0)
        #expect(try await ListFrauds().run(in: context).map(\.operators) == [["http://127.0.0.1:1"]])
    }
}
