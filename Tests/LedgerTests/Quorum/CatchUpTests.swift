import Digests
import Testing

@testable import Ledger

@Suite("What an authority lacks")
struct CatchUpTests {
    private let currency: TestCurrency
    private let finals: [Final]

    /// u1 is granted, pays u2 twice and opens a hold; u2 pays u3.
    init() throws {
        currency = try TestCurrency(f: 1)
        func output(_ name: String) -> [Output] { [Output(account: TestCurrency.id(name), amount: 1)] }
        let hold = try currency.order(
            "u1", 3, .hold(amount: 1, resolver: TestCurrency.id("N"), payees: [], expiry: 2))
        finals = try [
            currency.order("G", 1, .grant(epoch: 0, output("u1"))),
            currency.order("u1", 1, .transfer(output("u2"))), currency.order("u1", 2, .transfer(output("u2"))), hold,
            currency.order("u2", 1, .transfer(output("u3"))),
            currency.order(hold: hold.order.id, .resolve(output("u4")), by: ["N"]),
        ].map { Final(order: $0, round: 0, commits: []) }
    }

    private var source: CatchUp.Source {
        CatchUp.Source(
            final: { [finals] slot in finals.first { $0.order.order.slot == slot } },
            opening: { [finals] name in finals.first { $0.value == name } },
            income: { [finals] id in
                finals.filter { $0.order.order.operation.outputs.contains { $0.account == id } }
            })
    }

    private func places(_ needs: [CatchUp.Need], limit: Int? = nil) throws -> [Int] {
        try CatchUp.finals(for: needs, from: source, limit: limit).compactMap { final in
            finals.firstIndex { $0.value == final.value }
        }
    }

    @Test("a refusal says what is missing")
    func needs() throws {
        let order = try currency.order("u1", 4, .burn(1)).order
        var refusal = Refusal(slot: order.slotID, code: .missingEarlier)
        refusal.nextSeq = 2
        let id = TestCurrency.id("u1")
        #expect(CatchUp.needs(after: refusal, for: order) == [.chain(id, from: 2, before: 4)])
        refusal.nextSeq = .max
        #expect(CatchUp.needs(after: refusal, for: order).isEmpty, "it cannot be ahead of the order")
        var poor = Refusal(slot: order.slotID, code: .insufficient)
        poor.nextSeq = 4
        #expect(CatchUp.needs(after: poor, for: order) == [.chain(id, from: 4, before: 4), .income(id)])
        let resolve = try currency.order(hold: finals[3].value, .expire, by: []).order
        let closed = Refusal(slot: resolve.slotID, code: .missingEarlier)
        #expect(CatchUp.needs(after: closed, for: resolve) == [.hold(finals[3].value)])
        #expect(CatchUp.needs(after: Refusal(slot: order.slotID, code: .frozen), for: order).isEmpty)
    }

    @Test("finals come in an order in which each can be applied")
    func order() throws {
        let id = TestCurrency.id("u1")
        #expect(try places([.chain(id, from: 1, before: 4)]) == [1, 2, 3])
        #expect(try places([.chain(id, from: 3, before: 4)]) == [3])
        #expect(try places([.hold(finals[3].value)]) == [1, 2, 3])
        #expect(try places([.income(TestCurrency.id("u3"))]) == [4])
        #expect(try places([.income(TestCurrency.id("u2"))]) == [1, 2])
        // What a hold paid needs the hold, and that what comes before it.
        #expect(try places([.income(TestCurrency.id("u4"))]) == [1, 2, 3, 5])
        #expect(try places([.hold(.zero), .chain(id, from: 9, before: 3)]).isEmpty)
        #expect(try places([.chain(id, from: 1, before: 4)], limit: 2) == [2, 3], "the nearest")
    }
}
