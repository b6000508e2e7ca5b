import Accounts
import Digests
import Foundation
import GRDB
import HTTPTypes
import Identity
import Operations
import PostLog
import Testing
import WaggleProtocol

@testable import Gateway
@testable import Ledger

@Suite("Currencies over HTTP")
struct BuzzTests {
    /// A node that decides in a currency, and a guest of it who takes that.
    private func world() async throws -> (
        node: TestNode, currencies: Currencies, charter: Charter, guest: Person, payer: Person
    ) {
        let node = try await TestNode.make()
        let currencies = node.services.context().currencies
        let charter = try await currencies.found(
            CharterDraft(name: "Honey <b>", symbol: "HNY"), url: "https://hive.example")
        let scopes: [WireScope] = [.release, .review, .post, .ledger]
        let (guest, payer) = (
            try Person(seed: 30, role: .person, scopes: scopes), try Person(seed: 31, role: .person, scopes: scopes)
        )
        try await node.take([guest.genesis, payer.genesis])
        node.services.context().keyring.add(payer.signer, as: "payer")
        try await node.accounts.adopt(handle: "payer", author: payer.id, role: .member, levels: 1)
        try await node.publish(by: guest) { $0.profile.currencies = [charter.currency.hex] }
        _ = try await currencies.grant(
            [Output(account: payer.device.publicKey, amount: 100)], reference: nil, in: charter.currency)
        return (node, currencies, charter, guest, payer)
    }

    private func body(_ value: [String: Any]) throws -> [UInt8] {
        [UInt8](try JSONSerialization.data(withJSONObject: value, options: .sortedKeys))
    }

    @Test("a tip needs the scope, keeps to the token's limit, and a refused one costs the token nothing")
    func tips() async throws {
        let (node, currencies, charter, guest, _) = try await world()
        @Sendable func bearer(_ scopes: Set<TokenScope>, limit: UInt64? = nil) async throws -> HTTPFields {
            let made = try await node.accounts.newToken(
                NewToken(label: "test", scopes: scopes, buzzLimit: limit), for: "payer")
            return [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
        }
        let (reader, spender) = (try await bearer([.read]), try await bearer([.spend], limit: 30))
        let author = AuthorID.text(guest.id)
        try await node.test { client in
            func tip(_ amount: Int, _ fields: HTTPFields) async throws -> Answer {
                try await client(
                    .post, "/api/w1/buzz/tips", fields, body: body(["subject": author, "amount": amount]))
            }
            #expect(try await tip(5, reader).status == .forbidden)
            let paid = try await tip(20, spender)
            #expect(paid.status == .created, "\(paid.text)")
            #expect(try paid.json()["operation"] as? String == "transfer")
            let over = try await tip(11, spender)
            #expect(over.status != .created && over.text.contains("30"), "\(over.text)")
            // More than the account has: refused by the authority, and given back to the token.
            let rich = try await bearer([.spend], limit: 500)
            #expect(try await tip(400, rich).status != .created)
            #expect(try await tip(80, rich).status == .created)
            let account = try #require(try await node.log.keyChain(of: guest.id)?.ledgerAccount)
            #expect(try await currencies.standing(account, in: charter.currency).balance == 100)
            let balance = try await client(.get, "/api/w1/buzz/HNY/accounts/\(author)").json()
            #expect(
                balance["balance"] as? Int == 100 && balance["trust"] as? String == "trust: 1 operator, 0 witnesses")
            let finals = try await client(.get, "/api/w1/buzz/HNY/accounts/\(author)/finals?limit=1").json()
            let items = try #require(finals["items"] as? [[String: Any]])
            #expect(items.count == 1 && items[0]["change"] as? Int == 80)
            let cursor = try #require(finals["next_cursor"] as? String)
            let rest = try await client(.get, "/api/w1/buzz/HNY/accounts/\(author)/finals?cursor=\(cursor)").json()
            #expect((rest["items"] as? [[String: Any]])?.count == 1)
        }
    }

    @Test("pages say how far a currency may be trusted, and are sound whatever a charter is called")
    func pages() async throws {
        let (node, _, charter, guest, _) = try await world()
        let account = try #require(try await node.log.keyChain(of: guest.id)?.ledgerAccount)
        try await node.test { client in
            for path in [
                "/buzz", "/buzz/\(charter.currency.hex)", "/buzz/HNY/accounts/\(account.hex)", "/buzz/HNY/finals/0",
            ] {
                let page = try await client(.get, path)
                #expect(page.status == .ok, "\(path)")
                #expect(HTMLLint.problems(page.text) == [], "\(path)")
                #expect(page.text.contains("trust: 1 operator, 0 witnesses") && !page.text.contains("<b>"), "\(path)")
            }
            #expect(try await client(.get, "/buzz/HNY/finals/99").status == .notFound)
            let receipt = try await client(.get, "/buzz/HNY/finals/0/receipt.json")
            #expect(
                try JSONDecoder().decode(LedgerReceipt.self, from: Data(receipt.bytes)).check().checkpoint?.size == 1)
        }
    }

    @Test("orders that are malformed, of another currency or too many are refused, and others are answered one by one")
    func orders() async throws {
        let (node, currencies, charter, guest, payer) = try await world()
        let (key, account) = (payer.device, payer.device.publicKey)
        let fields: HTTPFields = [.contentType: "application/x-protobuf"]
        @Sendable func signed(_ seq: UInt64, _ amount: Int64, currency: Charter? = nil) throws -> SignedOrder {
            SignedOrder(
                try Order(
                    currency: (currency ?? charter).currency, slot: .account(account, seq: seq),
                    .transfer([Output(account: guest.device.publicKey, amount: amount)])), signedBy: [key])
        }
        let other = try CharterDraft(name: "Other", symbol: "OTH").charter(
            authority: account, url: "https://other.example", genesis: 1)
        try await node.test { client in
            func send(_ bytes: Data) async throws -> Answer {
                try await client(.post, "/w/1/buzz/orders", fields, body: [UInt8](bytes))
            }
            #expect(try await send(Data([1, 2, 3])).status == .badRequest)
            #expect(try await send(Data()).status == .badRequest)
            #expect(try await send(OrderBatch.encode([signed(1, 1, currency: other)])).status == .notFound)
            #expect(
                try await send(OrderBatch.encode([signed(1, 1), signed(1, 1, currency: other)])).status == .badRequest)
            let answer = try await send(OrderBatch.encode([signed(1, 60), signed(2, 60), signed(3, 1), signed(2, 40)]))
            let replies = try ReplyBatch.decode(Data(answer.bytes))
            let codes = replies.map { reply -> RefusalCode? in
                if case .refusal(let refusal) = reply { refusal.code } else { nil }
            }
            #expect(codes == [nil, .insufficient, .missingEarlier, nil])
            #expect(try await currencies.standing(account, in: charter.currency).balance == 0)
            // Again, and in another order: the same finals.
            let again = try await send(OrderBatch.encode([signed(2, 40), signed(1, 60)]))
            #expect(try ReplyBatch.decode(Data(again.bytes)) == [replies[3], replies[0]])
        }
    }

    @Test("an address sends so many orders a minute, in however few requests")
    func pace() async throws {
        let (node, _, charter, guest, payer) = try await world()
        let order = try Order(
            currency: charter.currency, slot: .account(payer.device.publicKey, seq: 9),
            .transfer([Output(account: guest.device.publicKey, amount: 1)]))
        let batch = OrderBatch.encode(Array(repeating: SignedOrder(order), count: Limits.Ledger.ordersPerRequest))
        try await node.test { client in
            var statuses: [HTTPResponse.Status] = []
            for _ in 0..<7 {
                statuses.append(
                    try await client(
                        .post, "/w/1/buzz/orders", [.contentType: "application/x-protobuf"], body: [UInt8](batch)
                    ).status)
            }
            #expect(statuses.prefix(5).allSatisfy { $0 == .ok } && statuses.last == .tooManyRequests, "\(statuses)")
        }
    }

    @Test("a tip that was never sent costs a token nothing; one that may still be paid is not paid twice")
    func lostAnswers() async throws {
        let (node, currencies, charter, guest, _) = try await world()
        @Sendable func run(_ sql: String) async throws {
            try await currencies.store.pool.write { try $0.execute(sql: sql) }
        }
        let made = try await node.accounts.newToken(
            NewToken(label: "test", scopes: [.spend], buzzLimit: 100), for: "payer")
        let fields: HTTPFields = [.authorization: "Bearer \(made.secret.text)", .contentType: "application/json"]
        let author = AuthorID.text(guest.id)
        let payee = try #require(try await node.log.keyChain(of: guest.id)?.ledgerAccount)
        @Sendable func balance() async throws -> Int64 {
            try await currencies.standing(payee, in: charter.currency).balance
        }
        try await node.test { client in
            func tip(_ amount: Int, key: String) async throws -> HTTPResponse.Status {
                var fields = fields
                fields[HTTPField.Name("Idempotency-Key")!] = key
                return try await client(
                    .post, "/api/w1/buzz/tips", fields, body: body(["subject": author, "amount": amount])
                ).status
            }
            // The order is not even kept: the whole budget is there, and the key is free.
            try await run("CREATE TRIGGER failing BEFORE INSERT ON pending BEGIN SELECT RAISE(ABORT, 'no'); END")
            for _ in 0..<3 { #expect(try await tip(100, key: "first") != .created) }
            try await run("DROP TRIGGER failing")
            #expect(try await tip(10, key: "second") == .created)
            // It is kept, and nobody knows what came of it.
            try await run("CREATE TRIGGER failing BEFORE INSERT ON final BEGIN SELECT RAISE(ABORT, 'no'); END")
            let lost = try await tip(40, key: "third")
            #expect(lost != .created && lost != .conflict)
            try await run("DROP TRIGGER failing")
            try await currencies.settlePending()
            #expect(try await balance() == 50)
            let again = try await tip(40, key: "third")
            #expect(again == .conflict, "said again, it is not paid again: \(again)")
            #expect(try await balance() == 50)
            #expect(try await tip(51, key: "fourth") != .created, "it stays spent")
            #expect(try await tip(50, key: "fifth") == .created)
        }
        #expect(try await balance() == 100)
    }
}
