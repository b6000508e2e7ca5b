import Digests
import Foundation
import GRDB
import Identity
import Synchronization
import Testing

@testable import Ledger

@Suite("What an authority keeps, and how it is found")
struct OrderPolicyTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "policy-\(UUID().uuidString)")
    private let time = Time()

    private final class Time: Sendable {
        private let seconds = Mutex<UInt64>(86_401)
        var now: UInt64 { seconds.withLock { $0 } }
        func pass(_ more: UInt64) { seconds.withLock { $0 += more } }
    }

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private var path: String { folder.appending(path: "ledger.db").path }
    private func id(_ name: String) -> AccountID { TestCurrency.id(name) }
    private func clean() { try? FileManager.default.removeItem(at: folder) }

    private func service(_ currency: TestCurrency, generation: Int64 = 1) async throws -> AuthorityService {
        try await AuthorityService(
            store: LedgerStore(path: path), charter: currency.charter, key: TestCurrency.key("a0"),
            generation: generation, now: { [time] in time.now })
    }

    /// The reason why each was refused; nil for what became final.
    private func give(_ orders: [SignedOrder], to service: AuthorityService) async throws -> [RefusalCode?] {
        try await service.submit(orders.map { .order($0) }).map { reply in
            switch reply {
            case .final: nil
            case .refusal(let refusal): refusal.code
            default: throw LedgerOracle.Violation(description: "\(reply)")
            }
        }
    }

    private func pay(_ currency: TestCurrency, _ seq: UInt64, reference: Hash32? = nil) throws -> SignedOrder {
        try currency.order(
            "u1", seq, .transfer([Output(account: id("u3"), amount: 1)]), reference: reference)
    }

    @Test("a key that never had anything gets no account for nothing, and nobody sends signatures that nobody needs")
    func forNothing() async throws {
        defer { clean() }
        let currency = try TestCurrency()
        let service = try await service(currency)
        func rotation(_ name: String, _ seq: UInt64 = 1) throws -> SignedOrder {
            try currency.order(name, seq, .rotate(id(name + "'")), newKey: name + "'")
        }
        let grant = try currency.order("G", 1, .grant(epoch: 1, [Output(account: id("u1"), amount: 90)]))
        let freeze = try currency.order("W1", 1, .freeze(id("u2"), until: 2))
        let before = service.state()
        let unsigned = try currency.order("x", 1, .rotate(id("x'")), by: [], newKey: "x'")
        #expect(
            try await give([rotation("x"), rotation("y"), unsigned, rotation("x", 2)], to: service)
                == [.rate, .rate, .unauthorized, .missingEarlier])
        #expect(service.state().ledger == before.ledger && service.state().size == 0, "nothing of it is kept")
        #expect(try await give([grant, freeze, rotation("u1")], to: service) == [nil, nil, nil])

        // One good signature among twenty, in a slot that is open, and in one that is decided.
        let paid = try currency.order(
            "u1", 2, .transfer([Output(account: id("u3"), amount: 1)]), by: ["u1'"])
        let junk = (0..<19).map { KeySignature(key: id("junk \($0)"), signature: [UInt8](repeating: 7, count: 64)) }
        let many = SignedOrder(paid.order, signatures: paid.signatures + junk)
        let early = try currency.order("u1", 5, .burn(1), by: ["u1'", "u1", "x"])
        #expect(try await give([many, early], to: service) == [.unauthorized, .missingEarlier])
        #expect(try await give([paid, many], to: service) == [nil, nil])
        let stored = try await LedgerStore(path: path).finals(of: currency.charter.currency, from: 3, limit: 9)
        #expect(try stored.map { try Final(bytes: $0).order.signatures.count } == [1])
        let clawback = try currency.order(
            "u2", 1, .clawback(to: id("u1"), amount: 1), by: ["W1", "W2", "W3", "x"])
        #expect(try await give([clawback], to: service) == [.unauthorized])
    }

    @Test("an account gives as many orders in an epoch as its charter says, and no more")
    func manyOrders() async throws {
        defer { clean() }
        let currency = try TestCurrency(ordersPerEpoch: 3)
        var service = try await service(currency)
        let grant = try currency.order("G", 1, .grant(epoch: 1, [Output(account: id("u1"), amount: 90)]))
        #expect(try await give([grant], to: service) == [nil])
        let orders = try (1...8).map { try pay(currency, UInt64($0)) }
        #expect(try await give(Array(orders[..<5]), to: service) == [nil, nil, nil, .rate, .missingEarlier])
        #expect(try await give([orders[0], orders[2]], to: service) == [nil, nil], "what is decided is answered")
        let poor = try currency.order("u1", 4, .burn(91))
        #expect(try await give([poor], to: service) == [.insufficient], "the currency's own reasons come first")
        time.pass(86_400)
        #expect(try await give(Array(orders[3..<7]), to: service) == [nil, nil, nil, .rate])
        service = try await self.service(currency, generation: 2)
        #expect(try await give([orders[6]], to: service) == [nil], "a start forgives")
        // An audit knows nothing of it.
        _ = try await StoredAudit(LedgerStore(path: path)).run(
            currency.charter, against: service.checkpoint().encoded)
    }

    @Test("names that begin like another one hide neither its history nor the hold of that name")
    func crowd() async throws {
        defer { clean() }
        let currency = try TestCurrency()
        let service = try await service(currency)
        let hold = try currency.order("u1", 1, .hold(amount: 5, resolver: id("N"), payees: [], expiry: 3))
        let grant = try currency.order("G", 1, .grant(epoch: 1, [Output(account: id("u1"), amount: 90)]))
        #expect(try await give([grant, hold], to: service) == [nil, nil])
        let account = id("u1")
        let store = try LedgerStore(path: path)
        let (u9, name) = (id("u9"), hold.order.id)
        var orders = [try currency.order("u1", 2, .transfer([Output(account: u9, amount: 2)]))]
        for number in 3...900 {
            let like = number % 2 == 0 ? u9 : name
            let reference = Hash32(words: (like.words.0, UInt64(number), 0, 0))
            orders.append(
                try currency.order(
                    "u1", UInt64(number), .transfer([Output(account: account, amount: 1)]), reference: reference))
        }
        for start in stride(from: 0, to: orders.count, by: 300) {
            let part = Array(orders[start..<min(start + 300, orders.count)])
            #expect(try await give(part, to: service).allSatisfy { $0 == nil })
        }
        let history = try await store.mentions(of: u9, in: currency.charter.currency, limit: 5)
        #expect(history.map(\.position) == [2])
        #expect(try await store.mentions(of: u9, in: currency.charter.currency, before: 2, limit: 5).isEmpty)
        #expect(
            try await store.mentions(of: account, in: currency.charter.currency, limit: 700).map(\.position)
                == Array((201...900).reversed()))
        #expect(try await store.find(name, in: currency.charter.currency)?.position == 1)
        let like = Hash32(words: (name.words.0, 3, 0, 0))
        #expect(try await store.find(like, in: currency.charter.currency) == nil)

        // A database of before, that had the whole slots beside finals of two columns, knows its holds and slots after it was
        // opened once.
        let finals = try await store.finals(of: currency.charter.currency, from: 0, limit: 1000)
        let slots = try finals.map { try Final(bytes: $0).slotID }
        try await store.pool.write { db in
            try db.execute(
                sql: """
                    DROP TABLE opening; DROP TABLE slot; ALTER TABLE final RENAME TO final_now;
                    CREATE TABLE final (
                        currency INTEGER NOT NULL, position INTEGER NOT NULL, slot BLOB NOT NULL, bytes BLOB NOT NULL,
                        PRIMARY KEY (currency, position)
                    ) WITHOUT ROWID;
                    CREATE UNIQUE INDEX final_slot ON final(currency, slot);
                    INSERT INTO final SELECT place >> 40, place & (1 << 40) - 1, randomblob(32), bytes FROM final_now;
                    DROP TABLE final_now;
                    DELETE FROM grdb_migrations WHERE identifier IN
                        ('3 openings', '5 slots by their first bytes', '7 finals in rows of their own');
                    """)
            for (position, slot) in slots.enumerated() {
                try db.execute(
                    sql: "UPDATE final SET slot = ? WHERE position = ?", arguments: [slot.data, position])
            }
        }
        let opened = try LedgerStore(path: path)
        #expect(try await opened.find(name, in: currency.charter.currency)?.position == 1)
        for slot in slots {
            #expect(try await opened.final(of: currency.charter.currency, slot: slot)?.slotID == slot)
        }
        #expect(try await opened.final(of: currency.charter.currency, slot: name) == nil)
        #expect(try await opened.finals(of: currency.charter.currency, from: 0, limit: 1000) == finals)
    }

    @Test("a final of four authorities takes at most 575 bytes on the disk, with everything by which it is found")
    func room() async throws {
        defer { clean() }
        let currency = try TestCurrency(f: 1)
        let store = try LedgerStore(path: path)
        try await store.add(currency.charter)
        func pages() async throws -> Int {
            try await store.read { db in try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0 }
        }
        let before = try await pages()
        let names = (0..<64).map { id("u\($0)") }
        let signature = [UInt8](repeating: 7, count: 64)
        let finals = try (0..<2000).map { number in
            let order = try Order(
                currency: currency.charter.currency,
                slot: .account(names[number % 64], seq: UInt64(1 + number / 64)),
                .transfer([Output(account: names[number * 7 % 63], amount: 1)]))
            return Final(
                order: SignedOrder(order, signatures: [KeySignature(key: names[number % 64], signature: signature)]),
                round: 0, commits: (0..<3).map { AuthoritySignature(authority: $0, signature: signature) })
        }
        try await store.write { db in
            let rows = try LedgerStore.rows(currency.charter.currency, db)
            var tree = LogTree()
            for final in finals { try rows.append(final, to: &tree) }
        }
        let bytes = try await (pages() - before) * 4096 / finals.count
        #expect(bytes <= 575, "\(bytes) bytes")
        let newest = try await store.finals(of: currency.charter.currency, from: 1990, limit: 100)
        #expect(newest == finals[1990...].map(\.bytes))
        #expect(try await store.finals(of: currency.charter.currency, from: .max, limit: 1).isEmpty)
    }
}
