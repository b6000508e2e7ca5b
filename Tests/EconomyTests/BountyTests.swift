import Digests
import Ledger
import Testing
import WaggleProtocol

@testable import Economy

/// One bounty with backers, hunters and a clock, made from a seed.
private struct BountyHistory {
    var random: SplitMix
    let charter: Charter
    let terms: BountyTerms
    var entries: [BountyEntry] = []
    var awards: [BountyAward] = []
    var backings: [BountyBacking] = []
    /// Balances that the holds came from and went to.
    var balances: [AccountID: Int64] = [:]

    static let genesis: UInt64 = 86400 * 100
    static let arbiter = name("arbiter")

    static func name(_ text: String) -> Hash32 { SHA256.hash(Array(text.utf8)) }

    init(seed: UInt64) throws {
        random = SplitMix(seed: seed)
        var draft = CharterDraft(name: "Honey", symbol: "HNY")
        draft.maxHoldEpochs = 30
        charter = try draft.charter(
            authority: Self.name("authority"), url: "https://hive.example", genesis: Self.genesis)
        let deadline = Self.genesis + 86400 * UInt64.random(in: 1...6, using: &random)
        terms = BountyTerms(
            post: Self.name("bounty"), poster: Self.name("poster"), currency: charter.currency, arbiter: Self.arbiter,
            arbiterNode: Self.name("node"), deadline: deadline,
            decided: deadline + UInt64.random(in: 0...(86400 * 6), using: &random),
            rule: BountyRule.allCases.randomElement(using: &random)!)
    }

    var bounty: Bounty { Bounty(terms, entries: entries, awards: awards, backings: backings) }
    var all: Int64 {
        balances.values.reduce(0, +) + backings.reduce(0) { $0 + ($1.state == .open ? $1.amount : 0) }
    }

    func account(_ person: String) -> AccountID { Self.name("account of \(person)") }

    mutating func back(_ person: String, _ amount: Int64, isPledge: Bool = false) {
        let account = account(person)
        balances[account, default: 0] -= amount
        backings.append(
            BountyBacking(
                hold: Self.name("hold \(backings.count)"), payer: account, amount: amount,
                resolver: isPledge ? account : Self.arbiter, expiry: charter.expiry(forDecisionAt: terms.decided)))
    }

    mutating func enter(_ person: String, at time: UInt64) {
        entries.append(
            BountyEntry(
                post: Self.name("entry \(entries.count)"), author: Self.name(person), account: account(person),
                created: time, arrived: time + UInt64.random(in: 0...5000, using: &random)))
    }

    mutating func award(_ person: String, _ shares: [BountyAward.Share], at time: UInt64) {
        awards.append(
            BountyAward(
                post: Self.name("award \(awards.count)"), author: Self.name(person), account: account(person),
                created: time, shares: shares))
    }

    /// The arbiter, or anybody once there is no arbiter, does what is decided now. What was done.
    mutating func settle(at now: UInt64, isArbiterThere: Bool = true) -> [BountyDecision] {
        var done: [BountyDecision] = []
        for index in backings.indices {
            let backing = backings[index]
            let decision = bounty.decision(on: backing, at: now, epoch: charter.epoch(at: now), charter)
            switch decision {
            case .pay(let outputs, _) where isArbiterThere:
                for output in outputs { balances[output.account, default: 0] += output.amount }
                backings[index].state = .paid(outputs)
                balances[backing.payer, default: 0] += backing.amount - backings[index].paid
            case .giveBack where isArbiterThere, .expire:
                backings[index].state = .returned
                balances[backing.payer, default: 0] += backing.amount
            default: continue
            }
            done.append(decision)
        }
        return done
    }
}

@Suite("Bounties: who gets the money")
struct BountyTests {
    @Test(
        "whatever people do or leave undone, nothing is made or lost, and every hold ends by itself", arguments: 0..<200
    )
    func histories(seed: UInt64) throws {
        var world = try BountyHistory(seed: seed)
        let people = ["a", "b", "c", "d", "e"]
        let isArbiterThere = Bool.random(using: &world.random)
        var now = BountyHistory.genesis
        for _ in 0..<40 {
            now += UInt64.random(in: 0...30_000, using: &world.random)
            let person = people.randomElement(using: &world.random)!
            switch Int.random(in: 0..<5, using: &world.random) {
            case 0 where now <= terms(world).deadline:
                world.back(
                    person, Int64.random(in: 1...1000, using: &world.random),
                    isPledge: Int.random(in: 0..<6, using: &world.random) == 0)
            case 1:
                // Some lie about when.
                world.enter(person, at: now - UInt64.random(in: 0...2000, using: &world.random))
            case 2:
                let shares = (0..<Int.random(in: 0...3, using: &world.random)).map { index in
                    BountyAward.Share(
                        entry: BountyHistory.name("entry \(index * 2)"),
                        weight: UInt32.random(in: 1...1000, using: &world.random))
                }
                world.award(person, shares, at: now)
            default: break
            }
            let before = world.backings
            for decision in world.settle(at: now, isArbiterThere: isArbiterThere) {
                if case .pay(let outputs, _) = decision {
                    #expect(outputs.allSatisfy { $0.amount > 0 }, "seed \(seed)")
                }
            }
            #expect(world.all == 0, "seed \(seed): conservation")
            for (old, new) in zip(before, world.backings) where old.state != .open {
                #expect(old == new, "seed \(seed): what is closed stays")
            }
            for backing in world.backings {
                #expect(backing.paid >= 0 && backing.returned >= 0, "seed \(seed)")
                let bounty = world.bounty
                if case .wait(let until) = bounty.decision(
                    on: backing, at: now, epoch: world.charter.epoch(at: now), world.charter)
                {
                    #expect(until > now, "seed \(seed): a wait ends later")
                }
            }
        }
        // Nobody does anything any more. Following the times that are named brings every hold to its end.
        for _ in 0..<100 {
            let waits = world.backings.compactMap { backing -> UInt64? in
                let decision = world.bounty.decision(
                    on: backing, at: now, epoch: world.charter.epoch(at: now), world.charter)
                switch decision {
                case .wait(let until): return until
                case .pay, .giveBack: return isArbiterThere ? now : world.charter.start(of: backing.expiry + 1)
                case .expire: return now
                case .closed: return nil
                }
            }
            guard let next = waits.min() else { break }
            now = max(now, next)
            _ = world.settle(at: now, isArbiterThere: isArbiterThere)
        }
        #expect(world.backings.allSatisfy { $0.state != .open }, "seed \(seed): all ended")
        #expect(world.all == 0 && world.bounty.phase(at: now + 1_000_000) == .closed, "seed \(seed)")
        // What was paid was paid to people who entered in time.
        let hunters = Set(world.bounty.entries.compactMap(\.account))
        for case .paid(let outputs) in world.backings.map(\.state) {
            #expect(outputs.allSatisfy { hunters.contains($0.account) }, "seed \(seed)")
        }
    }

    private func terms(_ world: BountyHistory) -> BountyTerms { world.terms }

    private func decision(_ world: BountyHistory, _ index: Int, at now: UInt64) -> BountyDecision {
        world.bounty.decision(
            on: world.backings[index], at: now, epoch: world.charter.epoch(at: now), world.charter)
    }

    private func world(_ rule: BountyRule) throws -> BountyHistory {
        let worlds = try (0..<100).map { try BountyHistory(seed: UInt64($0)) }
        return try #require(
            worlds.first { $0.terms.rule == rule && $0.terms.decided > $0.terms.deadline + 20_000 })
    }

    @Test("each rule, when a backer stays silent")
    func rules() throws {
        for rule in BountyRule.allCases {
            var world = try world(rule)
            world.back("silent", 100)
            world.back("other", 50)
            world.enter("first", at: world.terms.deadline - 20_000)
            world.enter("second", at: world.terms.deadline - 9_000)
            world.award("other", [.init(entry: BountyHistory.name("entry 1"), weight: 1)], at: world.terms.deadline)
            #expect(
                decision(world, 1, at: world.terms.deadline)
                    == .pay(
                        [Output(account: world.account("second"), amount: 50)], .award(BountyHistory.name("award 0"))))
            guard case .wait = decision(world, 0, at: world.terms.decided) else {
                Issue.record("\(rule): the backer has until then")
                continue
            }
            let late = world.terms.decided + 1
            let outcome = decision(world, 0, at: late)
            let (first, second) = (world.account("first"), world.account("second"))
            switch rule {
            case .refund: #expect(outcome == .giveBack(.rule))
            case .first: #expect(outcome == .pay([Output(account: first, amount: 100)], .rule))
            case .split:
                #expect(
                    outcome
                        == .pay([Output(account: first, amount: 50), Output(account: second, amount: 50)], .rule))
            case .mostAwarded: #expect(outcome == .pay([Output(account: second, amount: 100)], .rule))
            }
        }
    }

    @Test("nobody enters: all goes back, on asking at once and by itself after the deadline")
    func noEntries() throws {
        var world = try world(.first)
        world.back("a", 7)
        let end = world.terms.lastArrival
        #expect(decision(world, 0, at: end) == .wait(until: end + 1))
        #expect(decision(world, 0, at: end + 1) == .giveBack(.noEntries))
        world.award("a", [], at: BountyHistory.genesis)
        #expect(decision(world, 0, at: BountyHistory.genesis) == .giveBack(.asked))
        // Too late to ask once somebody entered.
        world.enter("b", at: BountyHistory.genesis)
        guard case .wait = decision(world, 0, at: BountyHistory.genesis) else {
            Issue.record("an entry binds")
            return
        }
    }

    @Test("an entry that reaches the arbiter too late does not count, whatever its author says of its time")
    func lateEntries() throws {
        var world = try world(.split)
        world.back("a", 9)
        world.entries = [
            BountyEntry(
                post: BountyHistory.name("e"), author: BountyHistory.name("x"), account: world.account("x"),
                created: BountyHistory.genesis, arrived: world.terms.lastArrival + 1)
        ]
        #expect(decision(world, 0, at: world.terms.decided + 4000) == .giveBack(.noEntries))
    }

    @Test("parts add up, for the largest amounts and the smallest")
    func parts() {
        let (a, b, c) = (BountyHistory.name("a"), BountyHistory.name("b"), BountyHistory.name("c"))
        for amount in [1, 2, 3, 99, Int64.max] {
            let parts = Bounty.parts(of: amount, among: [(a, 1000), (b, 1), (a, 3), (c, 1000)])
            #expect(parts.reduce(0) { $0 + $1.amount } == amount)
            #expect(Set(parts.map(\.account)).count == parts.count && parts.allSatisfy { $0.amount > 0 })
        }
        #expect(Bounty.parts(of: 5, among: []) == [])
    }

    @Test("an award counts for its own backer alone, the newest one, and never after the decision")
    func awards() throws {
        var world = try world(.refund)
        world.back("a", 10)
        world.back("b", 10)
        world.enter("x", at: BountyHistory.genesis)
        world.enter("y", at: BountyHistory.genesis)
        let (x, y) = (BountyHistory.name("entry 0"), BountyHistory.name("entry 1"))
        world.award("a", [.init(entry: x, weight: 1)], at: BountyHistory.genesis + 1)
        world.award("a", [.init(entry: y, weight: 1)], at: BountyHistory.genesis + 2)
        world.award("a", [.init(entry: x, weight: 1)], at: world.terms.decided + 1)
        world.award("a", [.init(entry: BountyHistory.name("elsewhere"), weight: 1)], at: BountyHistory.genesis + 3)
        let time = BountyHistory.genesis + 10
        #expect(
            decision(world, 0, at: time)
                == .pay([Output(account: world.account("y"), amount: 10)], .award(BountyHistory.name("award 1"))))
        guard case .wait = decision(world, 1, at: time) else {
            Issue.record("b awarded nothing")
            return
        }
    }
}
