import Digests
import Foundation
import Identity
import Testing

@testable import Ledger

@Suite("Charters and orders, byte for byte")
struct VectorTests {
    private struct Vectors: Decodable {
        struct Signed: Decodable {
            let seed: String
            let key: Hash32
            let signature: String
        }
        struct Good: Decodable {
            let name: String
            let order: String
            let id: Hash32
            let slot: Hash32
            let signed: String
            let signatures: [Signed]
            let newKey: Signed?
        }
        struct BadOrder: Decodable {
            let why: String
            let order: String
        }
        struct BadCharter: Decodable {
            let why: String
            let charter: String
        }
        struct Statement: Decodable {
            let kind: String
            let round: UInt32
            let highest: UInt32?
            let bytes: String
        }

        struct Batch: Decodable {
            let kind: String
            let bytes: String
        }

        let charter: String
        let currency: Hash32
        let orders: [Good]
        let signed: [Statement]
        let batches: [Batch]
        let badOrders: [BadOrder]
        let badCharters: [BadCharter]
    }

    private let vectors: Vectors

    init() throws {
        let path = #filePath.replacing("Tests/LedgerTests/VectorTests.swift", with: "Protocol/vectors/buzz.json")
        vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: URL(filePath: path)))
    }

    private func bytes(_ hex: String) throws -> [UInt8] {
        try #require(Hex.decode(hex, count: hex.utf8.count / 2))
    }

    @Test("a charter is read, and named by its bytes")
    func charter() throws {
        let charter = try Charter(bytes: Data(bytes(vectors.charter)))
        #expect(charter.currency == vectors.currency)
        #expect(charter.name == "Honey" && charter.symbol == "HNY")
        #expect(charter.quorum == 1 && charter.wardenThreshold == 2 && charter.maxHoldEpochs == 6)
        #expect(charter.epoch(at: 0) == 0 && charter.epoch(at: 1_767_225_600 + 7200) == 2)
        let granter = try #require(charter.granters.values.first)
        #expect(granter.capPerEpoch == 300 && granter.perRecipientPerEpoch == 120 && granter.rewards.count == 1)
    }

    @Test("orders have the ids, slots and signatures of the vectors, and are written as they were read")
    func orders() throws {
        for good in vectors.orders {
            let order = try Order(bytes: Data(bytes(good.order)))
            #expect(order.id == good.id && order.slotID == good.slot, "\(good.name)")
            #expect(try SignedBytes.order(order) == bytes(good.signed), "\(good.name)")
            let written = try Order(
                currency: order.currency, slot: order.slot, order.operation, reference: order.reference)
            #expect(written.bytes == order.bytes, "\(good.name)")
            let keys = try good.signatures.map { try #require(SigningKey(seed: bytes($0.seed))) }
            let newKey = try good.newKey.map { try #require(SigningKey(seed: bytes($0.seed))) }
            let signed = SignedOrder(order, signedBy: keys, newKey: newKey)
            let expected = good.signatures + (good.newKey.map { [$0] } ?? [])
            #expect(try signed.signatures.map(\.signature) == expected.map { try bytes($0.signature) }, "\(good.name)")
            #expect(signed.count(of: expected.map(\.key)) == keys.count, "a new key's consent is no order")
            if let newKey { #expect(signed.isAccepted(by: newKey.publicKey)) }
        }
    }

    @Test("authorities sign the bytes of the vectors")
    func signed() throws {
        let order = try Order(bytes: Data(bytes(vectors.orders[0].order)))
        for statement in vectors.signed {
            let made =
                switch statement.kind {
                case "unlock":
                    SignedBytes.unlock(charter: vectors.currency, slot: order.slotID, round: statement.round)
                case "statement":
                    SignedBytes.statement(
                        charter: vectors.currency, slot: order.slotID, round: statement.round,
                        highest: statement.highest.map { ($0, order.id) })
                case "founding": SignedBytes.founding(vectors.currency)
                default:
                    SignedBytes.ballot(
                        try #require(Ballot.Phase(rawValue: statement.kind)), charter: vectors.currency,
                        slot: order.slotID, round: statement.round, value: order.id)
                }
            #expect(try made == bytes(statement.bytes), "\(statement.kind)")
        }
    }

    @Test("requests and replies are read, and written as they were read")
    func batches() throws {
        let order = try Order(bytes: Data(bytes(vectors.orders[0].order)))
        for batch in vectors.batches {
            let bytes = try Data(bytes(batch.bytes))
            if batch.kind == "requests" {
                let (currency, requests) = try RequestBatch.decode(bytes)
                #expect(currency == vectors.currency && RequestBatch.encode(requests, in: currency) == bytes)
                guard requests.count == 2, case .order(let signed) = requests[0], case .unlock(let unlock) = requests[1]
                else { throw LedgerOracle.Violation(description: "\(requests)") }
                #expect(signed.order == order && unlock.slot == .hold(order.id) && unlock.round == 3)
            } else {
                let replies = try ReplyBatch.decode(bytes)
                #expect(ReplyBatch.encode(replies) == bytes)
                guard replies.count == 3, case .ballot(let vote) = replies[0], case .ballot(let commit) = replies[1],
                    replies[2] == .accepted(slot: order.slotID)
                else { throw LedgerOracle.Violation(description: "\(replies)") }
                #expect(
                    vote.phase == .vote && commit.phase == .commit && vote.value == order.id && vote.by.authority == 1)
            }
        }
    }

    @Test("an order that is not written in its one form, or breaks a rule that needs no state, is refused")
    func badOrders() throws {
        for bad in vectors.badOrders {
            let bytes = try Data(bytes(bad.order))
            #expect(throws: MalformedMessage.self, "\(bad.why)") { try Order(bytes: bytes) }
        }
        #expect(throws: MalformedMessage.self) { try Order(bytes: Data(count: 16 << 10 + 1)) }
    }

    @Test("a charter that nobody could keep is refused")
    func badCharters() throws {
        for bad in vectors.badCharters {
            let bytes = try Data(bytes(bad.charter))
            #expect(throws: MalformedMessage.self, "\(bad.why)") { try Charter(bytes: bytes) }
        }
    }

    @Test(
        "whatever is done to an order's bytes gives another order or none, never the same one", arguments: [UInt64(1)])
    func mutation(seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        for good in vectors.orders {
            let original = try bytes(good.order)
            for _ in 0..<2000 {
                var changed = original
                switch Int.random(in: 0..<4, using: &random) {
                case 0: changed[.random(in: changed.indices, using: &random)] ^= .random(in: 1...255, using: &random)
                case 1: changed.remove(at: .random(in: changed.indices, using: &random))
                case 2:
                    changed.insert(
                        .random(in: 0...255, using: &random), at: .random(in: changed.indices, using: &random))
                default: changed = Array(changed.prefix(.random(in: 0..<changed.count, using: &random)))
                }
                guard changed != original, let order = try? Order(bytes: Data(changed)) else { continue }
                #expect(order.id != good.id, "seed \(seed)")
                let written = try Order(
                    currency: order.currency, slot: order.slot, order.operation, reference: order.reference)
                #expect(written.bytes == Data(changed), "seed \(seed): \(Data(changed).map { String($0, radix: 16) })")
            }
        }
    }
}
