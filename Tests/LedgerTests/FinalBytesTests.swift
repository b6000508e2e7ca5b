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
