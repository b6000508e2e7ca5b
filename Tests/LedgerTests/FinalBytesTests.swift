import Digests
import Foundation
import SwiftProtobuf
import Testing
import WaggleProtocol

@testable import Ledger

@Suite("Finals as bytes")
struct FinalBytesTests {
    private func finals() throws -> [Final] {
        let currency = try TestCurrency()
        let (u1, u2) = (TestCurrency.id("u1"), TestCurrency.id("u2"))
        let orders = [
            try currency.order("u1", 1, .transfer([Output(account: u2, amount: 1)])),
            try currency.order("u1", 1 << 40, .hold(amount: .max, resolver: u2, payees: [u1, u2], expiry: 3)),
            try currency.order("u1", 2, .rotate(u2), newKey: "u2"),
            try currency.order(hold: u1, .expire, by: []),
        ]
        let commits = [0, 1, 130].map {
            AuthoritySignature(authority: $0, signature: [UInt8](repeating: UInt8($0), count: 64))
        }
        let statement = Statement(
            slot: orders[0].order.slotID, round: 300,
            highest: QuorumCertificate(order: orders[0], round: 1, votes: commits, justification: u2), by: commits[1])
        return orders.map { Final(order: $0, round: 0, commits: [commits[0]]) }
            + [
                Final(order: orders[0], round: 300, commits: commits, justification: [statement, statement]),
                Final(order: orders[1], round: 0, commits: []),
            ]
    }

    @Test("they are those that the protobuf library writes")
    func same() throws {
        for final in try finals() {
            let order: Data = try final.order.wire.serializedBytes()
            let whole: Data = try final.wire.serializedBytes()
            #expect(final.order.bytes == order)
            #expect(final.bytes == whole)
        }
    }

    /// What the protobuf library and the rules beside it make of bytes.
    private func parsed(final bytes: Data) throws -> Final { try Final(WireFinal(serializedBytes: bytes)) }

    private func parsed(orders bytes: Data) throws -> [SignedOrder] {
        let orders = try WireOrderBatch(serializedBytes: bytes).orders
        guard (1...Limits.Ledger.ordersPerRequest).contains(orders.count) else {
            throw MalformedMessage(what: "\(orders.count) orders")
        }
        return try orders.map { try SignedOrder($0) }
    }

    /// The bytes with one of them changed, left out or given twice, and cut off at each.
    private func variants(of bytes: Data) -> [Data] {
        var variants: [Data] = []
        for place in bytes.indices {
            for change: UInt8 in [1, 8, 0x80] {
                var changed = bytes
                changed[place] ^= change
                variants.append(changed)
            }
            var (without, twice) = (bytes, bytes)
            without.remove(at: place)
            twice.insert(bytes[place], at: place)
            variants += [without, twice, Data(bytes[..<place])]
        }
        return variants
    }

    @Test("they are read from their bytes as the protobuf library reads them, whatever is done to the bytes")
    func reading() throws {
        for final in try finals().filter({ $0.commits.allSatisfy { $0.authority < Limits.Ledger.authorities } }) {
            #expect(try Final(bytes: final.bytes) == parsed(final: final.bytes))
            for bytes in variants(of: final.bytes) {
                #expect((try? Final(bytes: bytes)) == (try? parsed(final: bytes)))
            }
        }
    }

    @Test("orders of a request, too")
    func readingOrders() throws {
        let bytes = OrderBatch.encode(try finals().map(\.order))
        #expect(try OrderBatch.decode(bytes) == parsed(orders: bytes))
        for bytes in variants(of: bytes) {
            #expect((try? OrderBatch.decode(bytes)) == (try? parsed(orders: bytes)))
        }
    }

    @Test("what is missing from them is said")
    func missing() throws {
        let order = try finals()[0].order
        func message(_ bytes: Data) -> String? {
            do throws(MalformedMessage) {
                _ = try Final(bytes: bytes)
                return nil
            } catch {
                return error.what
            }
        }
        func final(_ change: (inout WireFinal) -> Void) throws -> Data {
            var wire = Final(
                order: order, round: 0,
                commits: [AuthoritySignature(authority: 1, signature: [UInt8](repeating: 1, count: 64))]
            ).wire
            change(&wire)
            return try wire.serializedBytes()
        }
        #expect(message(try final { _ in }) == nil)
        #expect(message(try final { $0.order.signatures[0].sig = Data() }) == MalformedMessage.badSignature.what)
        #expect(message(try final { $0.order.signatures[0].key = Data() }) == MalformedMessage.badSignature.what)
        #expect(message(try final { $0.commits[0].sig = Data() }) == MalformedMessage.badAuthoritySignature.what)
        #expect(message(try final { $0.commits[0].authority = 31 }) == MalformedMessage.badAuthoritySignature.what)
        #expect(message(try final { $0.clearOrder() }) != nil)
        #expect(message(Data()) != nil)
    }

    @Test("replies, too")
    func replies() throws {
        let refusal = Refusal(slot: TestCurrency.id("u1"), code: .insufficient)
        let replies =
            try finals().map { AuthorityReply.final($0) } + [.refusal(refusal), .accepted(slot: TestCurrency.id("u2"))]
        let bytes = ReplyBatch.encode(replies)
        let again: Data = try WireReplyBatch(serializedBytes: bytes).serializedBytes()
        #expect(again == bytes)
    }
}
