import Accounts
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

@Suite("News of tips")
struct TipNewsTests {
    @Test("a tip that another node's wallet sent is news here once, with what it is for; payments for nothing are none")
    func fromElsewhere() async throws {
        let node = try await TestNode.make()
        let context = node.services.context()
        let charter = try await context.currencies.found(
            CharterDraft(name: "Honey", symbol: "HNY"), url: "https://hive.example")
        let hunter = try Person(seed: 41, role: .person, scopes: [.release, .review, .post, .ledger])
        try await node.take([hunter.genesis])
        try await node.accounts.adopt(handle: "hunter", author: hunter.id, role: .member, levels: 1)
        let article = try await node.publish(by: hunter) { post in
            post.slot = "wax"
            post.article.title = "On <b>wax</b>"
            post.article.text = "Words."
            post.article.level = 1
        }
        // Somebody of whom this node knows a key in the currency and nothing else.
        let guest = try #require(SigningKey(seed: [UInt8](repeating: 9, count: 32)))
        _ = try await context.currencies.grant(
            [Output(account: guest.publicKey, amount: 100)], reference: nil, in: charter.currency)
        let tips: [(amount: Int64, about: Hash32?)] = [
            (5, hunter.id), (7, article.id), (3, nil), (2, SHA256.hash([1])),
        ]
        let account = try await node.accounts.existing("hunter")
        try await node.test { client in
            var orders: [Order] = []
            for (index, tip) in tips.enumerated() {
                let order = try Order(
                    currency: charter.currency, slot: .account(guest.publicKey, seq: UInt64(index) + 1),
                    .transfer([Output(account: hunter.device.publicKey, amount: tip.amount)]), reference: tip.about)
                let answer = try await client(
                    .post, "/w/1/buzz/orders", [.contentType: "application/x-protobuf"],
                    body: [UInt8](OrderBatch.encode([SignedOrder(order, signedBy: [guest])])))
                guard case .final? = try ReplyBatch.decode(Data(answer.bytes)).first else {
                    throw LedgerError.untrusted("\(answer.text)")
                }
                orders.append(order)
            }
            for _ in 0..<2 { try await TipNews(context).catchUp() }
            let told = try await node.accounts.notifications(of: account, limit: 50)
            #expect(told.map(\.detail) == ["7 HNY", "5 HNY"] && told.allSatisfy { $0.kind == .tip })
            #expect(told.map(\.subject) == [article.id, nil] && told.allSatisfy { $0.actor == nil })

            let member = try await node.member("hunter", client)
            let page = try await member.get("/account/notifications")
            #expect(page.status == .ok && HTMLLint.problems(page.text) == [])
            #expect(page.text.contains("tipped you 7 HNY for") && page.text.contains("tipped you 5 HNY"))
            #expect(page.text.contains("Somebody") && page.text.contains("On &lt;b&gt;wax"), "\(page.text)")

            // Who gave it is known to the node at which it was given, be it told later.
            for actor in [node.maker.id, hunter.id] {
                try await node.accounts.tell([
                    NewNotification(
                        for: hunter.id, .tip, key: orders[0].slotID.hex, actor: actor, detail: "5 HNY",
                        created: TestNode.time)
                ])
            }
            let later = try await node.accounts.notifications(of: account, limit: 50)
            #expect(later.count == 2 && later.last?.actor == node.maker.id)
        }
    }
}
