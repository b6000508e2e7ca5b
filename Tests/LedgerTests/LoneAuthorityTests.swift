import Digests
import Identity
import Testing

@testable import Ledger

/// One authority, honest and careless and hostile clients, crashes that lose what was not synced.
private struct LoneWorld {
    private let currency: TestCurrency
    private var random: SplitMix
    private var authority: Authority
    private let broken: LedgerRule?
    private var oracle = LedgerOracle()
    /// Records on disk, and those that a crash may lose.
    private var disk: [AuthorityRecord] = []
    private var unsynced: [AuthorityRecord] = []
    private var stored: [Hash32: Final] = [:]
    private var epoch: Int64 = 0
    private var keys: [String: String] = [:]
    private var holds: [(name: Hash32, resolver: String)] = []
    private var sent: [SignedOrder] = []
    private(set) var refusals: [RefusalCode: Int] = [:]

    private static let people = ["u1", "u2", "u3", "m1", "m2"]

    init(seed: UInt64, broken: LedgerRule?) throws {
        currency = try TestCurrency()
        random = SplitMix(seed: seed)
        authority = currency.authority()
        authority.broken = broken
        self.broken = broken
    }

    mutating func run(steps: Int) throws {
        for _ in 0..<steps {
            if random.chance(0.02) { epoch += 1 }
            if random.chance(0.01) { try crash() }
            if random.chance(0.05), let again = sent.randomElement(using: &random) {
                try submit(again)
            } else if let order = try makeOrder() {
                sent.append(order)
                try submit(order)
            }
        }
        try settle()
    }

    var finals: Int { oracle.history.count }

    private mutating func submit(_ order: SignedOrder) throws {
        let request = AuthorityRequest.order(order)
        let before = authority.ledger
        let outcome = authority.handle(request, decided: stored[request.slot.id], now: epoch)
        unsynced += outcome.records
        for final in outcome.applied { stored[final.slotID] = final }
        if outcome.mustSync {
            disk += unsynced
            unsynced = []
        }
        switch outcome.reply {
        case .final(let final):
            // The order that is final may be another one that the slot was filled with before.
            try oracle.saw(final, currency.charter, epoch: epoch, signers: signers(final.order))
            note(final)
        case .refusal(let refusal):
            refusals[refusal.code, default: 0] += 1
            guard authority.ledger == before else { throw failure("a refusal changed the ledger") }
        default: throw failure("a lone authority answers with finals and refusals")
        }
    }

    private func failure(_ what: String) -> LedgerOracle.Violation { .init(description: what) }

    private func signers(_ signed: SignedOrder) -> Set<Hash32> {
        Set(signed.signatures.map(\.key).filter { signed.isSigned(by: $0) })
    }

    private mutating func note(_ final: Final) {
        switch final.order.order.operation {
        case .hold(_, let resolver, _, _):
            let name = (Self.people + ["N1"]).first { TestCurrency.id($0) == resolver } ?? "N1"
            if !holds.contains(where: { $0.name == final.value }) { holds.append((final.value, name)) }
        case .rotate:
            if let name = Self.people.first(where: { isOf($0, final) }), let key = rotated(name, final) {
                keys[name] = key
            }
        default: break
        }
    }

    private func isOf(_ name: String, _ final: Final) -> Bool {
        if case .account(TestCurrency.id(name), _) = final.order.order.slot { true } else { false }
    }

    private func rotated(_ name: String, _ final: Final) -> String? {
        guard case .rotate(let key) = final.order.order.operation else { return nil }
        return (1..<40).map { name + String(repeating: "'", count: $0) }.first { TestCurrency.id($0) == key }
    }

    /// Any prefix of what was not synced may survive.
    private mutating func crash() throws {
        disk += unsynced.prefix(.random(in: 0...unsynced.count, using: &random))
        unsynced = []
        try recover()
    }

    private mutating func recover() throws {
        authority = currency.authority()
        authority.broken = broken
        stored = [:]
        for record in disk {
            authority.restore(record)
            if case .final(let final) = record { stored[final.slotID] = final }
        }
        for final in oracle.history where stored[final.slotID]?.value != final.value {
            throw failure("a final that was told is lost")
        }
    }

    /// At the end: recovery gives the same ledger, and so does the set of finals in any order, each taken twice.
    private mutating func settle() throws {
        let before = authority.ledger
        disk += unsynced
        unsynced = []
        try recover()
        guard authority.ledger == before else { throw failure("recovery gives another ledger") }
        var auditor = currency.authority()
        var known: [Hash32: Final] = [:]
        for final in (oracle.history + oracle.history).shuffled(using: &random) {
            let outcome = auditor.handle(.final(final), decided: known[final.slotID], now: epoch)
            for applied in outcome.applied { known[applied.slotID] = applied }
        }
        guard auditor.ledger == before else { throw failure("the finals in another order give another ledger") }
    }

    // MARK: Orders

    private mutating func makeOrder() throws -> SignedOrder? {
        if !holds.isEmpty, random.chance(0.25) { return try holdOrder() }
        if random.chance(0.1) { return try wardenOrder() }
        if random.chance(0.25) { return try grant() }
        let name = Self.people.randomElement(using: &random)!
        let account = authority.ledger.account(TestCurrency.id(name))
        let seq =
            random.chance(0.9) ? account.nextSeq : max(1, account.nextSeq &+ .random(in: 0...2, using: &random) &- 1)
        let signer = random.chance(0.9) ? keys[name] ?? name : Self.people.randomElement(using: &random)!
        let most = max(1, account.balance)
        let amount = random.chance(0.85) ? Int64.random(in: 1...most, using: &random) : most + 1
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5:
            return try currency.order(name, seq, .transfer([output(amount)]), by: [signer])
        case 5..<8:
            let resolver = (Self.people + ["N1"]).randomElement(using: &random)!
            let payees = random.chance(0.5) ? [] : [TestCurrency.id("N1"), TestCurrency.id("u1")]
            return try currency.order(
                name, seq,
                .hold(
                    amount: amount, resolver: TestCurrency.id(resolver), payees: payees,
                    expiry: epoch + .random(in: 0...7, using: &random)), by: [signer],
                reference: Hash32(words: (random.next(), 0, 0, 0)))
        case 8: return try currency.order(name, seq, .burn(amount), by: [signer])
        default:
            let key = (keys[name] ?? name) + "'"
            return try currency.order(
                name, seq, .rotate(TestCurrency.id(key)), by: [signer],
                newKey: random.chance(0.8) ? key : nil)
        }
    }

    private mutating func output(_ amount: Int64) -> Output {
        Output(account: TestCurrency.id((Self.people + ["N1"]).randomElement(using: &random)!), amount: amount)
    }

    private mutating func grant() throws -> SignedOrder {
        let name = ["G", "MG", "m1"].randomElement(using: &random)!
        let seq = authority.ledger.account(TestCurrency.id(name)).nextSeq
        let outputs = (0..<Int.random(in: 1...3, using: &random)).map { _ in
            output(.random(in: 1...130, using: &random))
        }
        let day = epoch + (random.chance(0.8) ? 0 : .random(in: -3...3, using: &random))
        return try currency.order(name, seq, .grant(epoch: day, outputs))
    }

    private mutating func holdOrder() throws -> SignedOrder {
        let (hold, resolver) = holds.randomElement(using: &random)!
        let amount = authority.ledger.holds[hold]?.amount ?? 5
        let signer = random.chance(0.85) ? resolver : "m2"
        if random.chance(0.3) { return try currency.order(hold: hold, .expire, by: []) }
        if random.chance(0.2) { return try currency.order(hold: hold, .resolve([]), by: [signer]) }
        let paid = random.chance(0.8) ? Int64.random(in: 1...amount, using: &random) : amount + 1
        return try currency.order(hold: hold, .resolve([output(paid)]), by: [signer])
    }

    private mutating func wardenOrder() throws -> SignedOrder {
        let victim = Self.people.randomElement(using: &random)!
        if random.chance(0.5) {
            let warden = ["W1", "W1", "W2", "m1"].randomElement(using: &random)!
            let seq = authority.ledger.account(TestCurrency.id(warden)).nextSeq
            return try currency.order(
                warden, seq, .freeze(TestCurrency.id(victim), until: epoch + .random(in: 0...5, using: &random)))
        }
        let account = authority.ledger.account(TestCurrency.id(victim))
        let signers = [["W1", "W2"], ["W1"], ["W2", "W3"], [victim]].randomElement(using: &random)!
        return try currency.order(
            victim, account.nextSeq, .clawback(to: TestCurrency.id("W1"), amount: max(1, account.balance / 2)),
            by: signers)
    }
}

@Suite("One authority alone")
struct LoneAuthorityTests {
    private func run(_ seed: UInt64, _ broken: LedgerRule? = nil) throws -> LoneWorld {
        var world = try LoneWorld(seed: seed, broken: broken)
        try world.run(steps: 400)
        return world
    }

    @Test("no history breaks an invariant, and every rule of one authority is met in some", arguments: [UInt64(0)])
    func histories(first: UInt64) async throws {
        let seeds = Soak.seeds(200)
        let refusals = try await withThrowingTaskGroup(of: [RefusalCode: Int].self) { group in
            for seed in first..<first + seeds {
                group.addTask {
                    do {
                        let world = try run(seed)
                        #expect(world.finals > 20, "seed \(seed)")
                        return world.refusals
                    } catch {
                        Issue.record("seed \(seed): \(error)")
                        return [:]
                    }
                }
            }
            return try await group.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
        }
        let met: [RefusalCode] = [
            .unauthorized, .missingEarlier, .insufficient, .frozen, .cap, .recipientCap, .badEpoch, .badExpiry,
            .expired,
            .notExpired, .exceedsHold, .badPayee, .notGranter, .notWarden, .notFrozen,
        ]
        for code in met { #expect(refusals[code, default: 0] > 0, "\(code)") }
    }

    @Test(
        "a rule that is taken away is missed",
        arguments: [
            LedgerRule.voteIsSynced, .balance, .chainHasNoGaps, .grantCap, .grantEpoch, .payerSigns, .appliedOnce,
            .resolverSigns, .captureWithinHold, .frozenMayNotSpend,
        ])
    func mutants(rule: LedgerRule) {
        for seed in UInt64(0)..<100 {
            do {
                _ = try run(seed, rule)
            } catch {
                return
            }
        }
        Issue.record("100 histories without \(rule) broke nothing")
    }
}
