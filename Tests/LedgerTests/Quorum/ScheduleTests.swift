import Digests
import Testing

@testable import Ledger

/// Schedules that chance seldom finds, each with the rule that it needs: four authorities, the last of which lies.
@Suite("Schedules of several authorities")
struct ScheduleTests {
    static let rules: [LedgerRule] = [
        .creditAtFinal, .unlockTakesHighest, .holdUnlocksLate, .promiseIsSynced, .certificateIsSynced,
        .frozenMayNotSpend,
    ]

    @Test("it holds with all rules, and not without the one it needs", arguments: rules)
    func schedule(rule: LedgerRule) throws {
        var lab = try QuorumLab(nil)
        try lab.run(rule)
        lab = try QuorumLab(rule)
        #expect(throws: LedgerOracle.Violation.self) { try lab.run(rule) }
    }

    @Test("two devices of one person that split the votes end in the default, and the account goes on")
    func split() throws {
        var lab = try QuorumLab(nil)
        try lab.fund(["u1"])
        let one = try lab.order("u1", 1, .transfer([Output(account: TestCurrency.id("p"), amount: 10)]))
        let two = try lab.order("u1", 1, .transfer([Output(account: TestCurrency.id("r"), amount: 9)]))
        #expect(try lab.votes(one, of: [0]).count == 1)
        #expect(try lab.votes(two, of: [1]).count == 1)
        #expect(try lab.votes(one, of: [1, 2]).count == 1)
        let statements = try lab.statements(one.order.slot, 1, of: [0, 1, 2], by: ["u1"])
        let forced = try #require(lab.charter.forced(one.order.slot, round: 1, by: statements))
        #expect(forced.order.operation == .default)
        lab.oracle.note(forced.order, signers: [])
        let votes = try lab.votes(forced, 1, statements, of: [0, 1, 2])
        #expect(try lab.votes(one, of: [2]).isEmpty, "round 0 is over")
        let commits = try lab.commits(lab.certificate(forced, 1, votes), of: [0, 1, 2])
        try lab.finish(Final(order: forced, round: 1, commits: commits, justification: statements))
        try lab.decide(lab.order("u1", 2, .transfer([Output(account: TestCurrency.id("p"), amount: 10)])))
        #expect(lab.oracle.ledger.balances[TestCurrency.id("p")] == 10)
    }
}

extension QuorumLab {
    fileprivate mutating func run(_ rule: LedgerRule) throws {
        switch rule {
        case .creditAtFinal: try phantomCredit()
        case .unlockTakesHighest: try lowestCertificate()
        case .holdUnlocksLate: try earlyUnlock()
        case .promiseIsSynced: try lostPromise()
        case .certificateIsSynced: try lostCertificate()
        case .frozenMayNotSpend: try frozen()
        default: break
        }
    }

    // MARK: Schedules

    /// Two payments that have certificates, and may still be undone, must not back a third.
    private mutating func phantomCredit() throws {
        try fund(["m1", "m2"])
        for (payer, victim) in [("m1", 0), ("m2", 1)] {
            let order = try order(payer, 1, payment("p"))
            let votes = try votes(order, of: [0, 1, 2])
            _ = try commits(certificate(order, 0, votes), of: [victim])
        }
        let phantom = try order("p", 1, payment("x"))
        let votes = try votes(phantom, of: [0, 1, 2])
        if votes.count >= 2 { _ = try commits(certificate(phantom, 0, votes), of: [0, 1, 2]) }
    }

    /// Round 1 decided for the default; a certificate of round 0 must not come back in round 2.
    private mutating func lowestCertificate() throws {
        try fund(["m1"])
        let order = try order("m1", 1, payment("p"))
        let slot = order.order.slot
        let votes = try votes(order, of: [0, 1])
        _ = try commits(certificate(order, 0, votes), of: [0])
        let first = try statements(slot, 1, of: [1, 2], by: ["m1"]) + [lie(slot, 1)]
        guard let none = charter.forced(slot, round: 1, by: first) else { return }
        oracle.note(none.order, signers: [])
        let again = try self.votes(none, 1, first, of: [1, 2])
        _ = try commits(certificate(none, 1, again), of: [1, 2])
        let second = try statements(slot, 2, of: [0, 1], by: ["m1"]) + [lie(slot, 2)]
        guard
            let forced = charter.forced(
                slot, round: 2, by: second, breaking: honest[0].authority.broken)
        else { return }
        let last = try self.votes(forced, 2, second, of: [0, 1, 2])
        _ = try commits(certificate(forced, 2, last), of: [0, 1, 2])
    }

    /// A payer must not get its hold back before its end.
    private mutating func earlyUnlock() throws {
        try fund(["m1"])
        let hold = try order(
            "m1", 1,
            .hold(amount: 10, resolver: TestCurrency.id("N1"), payees: [TestCurrency.id("N1")], expiry: 4))
        try decide(hold)
        let slot = Slot.hold(hold.order.id)
        let found = try statements(slot, 1, of: [0, 1, 2], by: ["m1"])
        guard found.count == 3, let forced = charter.forced(slot, round: 1, by: found) else { return }
        oracle.note(forced.order, signers: [])
        let votes = try votes(forced, 1, found, of: [0, 1, 2])
        _ = try commits(certificate(forced, 1, votes), of: [0, 1, 2])
    }

    /// What two authorities promised before they crashed must still hold.
    private mutating func lostPromise() throws {
        try fund(["m1"])
        let order = try order("m1", 1, payment("p"))
        let slot = order.order.slot
        let votes = try votes(order, of: [0, 1, 2])
        let found = try statements(slot, 1, of: [0, 1], by: ["m1"]) + [lie(slot, 1)]
        guard let none = charter.forced(slot, round: 1, by: found) else { return }
        oracle.note(none.order, signers: [])
        crash(0)
        crash(1)
        _ = try commits(certificate(order, 0, votes), of: [0, 1])
    }

    /// A freeze that every honest authority has applied binds.
    private mutating func frozen() throws {
        try fund(["m1"])
        try decide(order("W1", 1, .freeze(TestCurrency.id("m1"), until: 3)))
        oracle.frozen[TestCurrency.id("m1")] = (since: 1, until: 3)
        let order = try order("m1", 1, payment("p"))
        oracle.born[order.order.id] = 2
        let votes = try votes(order, of: [0, 1, 2])
        if votes.count >= 2 { _ = try commits(certificate(order, 0, votes), of: [0, 1, 2]) }
    }

    /// What an authority committed to before it crashed must be in its statement.
    private mutating func lostCertificate() throws {
        try fund(["m1"])
        let order = try order("m1", 1, payment("p"))
        let votes = try votes(order, of: [0, 1, 2])
        _ = try commits(certificate(order, 0, votes), of: [0, 1])
        crash(0)
        crash(1)
        _ = try statements(order.order.slot, 1, of: [0, 1, 2], by: ["m1"])
    }
}
