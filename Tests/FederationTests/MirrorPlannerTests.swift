import Digests
import Moderation
import Testing

@testable import Catalog
@testable import Federation

@Suite("mirror plans")
struct MirrorPlannerTests {
    static let hive = Hash32(words: (1, 0, 0, 0))
    static let swarm = Hash32(words: (2, 0, 0, 0))

    private func candidate(
        _ number: UInt64, size: UInt64, type: String = "LORA", base: String = "SDXL 1.0", level: Level = .pg,
        author: Hash32 = .zero, tags: [String] = [], hasMirrors: Bool = false
    ) -> MirrorCandidate {
        MirrorCandidate(
            sha256: Hash32(words: (9, 9, 9, number)), piecesRoot: .zero, size: size, name: "\(number)", isImage: false,
            author: author, level: level, releaseID: nil, release: nil, modelType: type, baseModel: base, tags: tags,
            hasMirrors: hasMirrors)
    }

    private func rule(
        _ n: Int64, from node: Hash32? = nil, budget: UInt64 = 0, keepFree: UInt64 = 0, paused: Bool = false
    ) -> MirrorRule {
        MirrorRule(
            n: n, terms: .init(node: node, maxLevel: .xxx, budget: budget, keepFree: keepFree), isPaused: paused,
            lastRun: 0, lastError: "")
    }

    private func planner(
        _ rules: [MirrorRule], used: [Int64: UInt64] = [:], silent: Set<Hash32> = [],
        budgetLeft: UInt64? = nil, diskLeft: UInt64? = nil, keepFree: UInt64 = 0
    ) -> MirrorPlanner {
        MirrorPlanner(
            rules: rules, used: used, peers: [Self.hive, Self.swarm], silent: silent,
            room: .init(budgetLeft: budgetLeft, diskLeft: diskLeft, keepFree: keepFree))
    }

    private func item(
        _ candidate: MirrorCandidate, _ rules: [Int64], _ standing: MirrorPlanner.Standing = .absent,
        by holders: Set<Hash32> = [hive, swarm], pinnedTo: Int64? = nil
    ) -> MirrorPlanner.Item {
        .init(
            candidate: candidate, rules: rules, standing: standing, holders: .known(holders), pinnedTo: pinnedTo)
    }

    @Test("a rule wants what fits every kind of filter, and one word of each")
    func filters() {
        let maker = Hash32(words: (7, 7, 7, 7))
        let terms = MirrorRule.Terms(
            types: ["lora", "VAE"], bases: ["sdxl 1.0"], tags: ["Bees"], creators: [maker], maxLevel: .r)
        let good = candidate(1, size: 1, author: maker, tags: ["bees", "night"])
        #expect(terms.matches(good))
        #expect(!terms.matches(candidate(1, size: 1, type: "Checkpoint", author: maker, tags: ["bees"])))
        #expect(!terms.matches(candidate(1, size: 1, base: "Pony", author: maker, tags: ["bees"])))
        #expect(!terms.matches(candidate(1, size: 1, level: .x, author: maker, tags: ["bees"])))
        #expect(!terms.matches(candidate(1, size: 1, tags: ["bees"])))
        #expect(!terms.matches(candidate(1, size: 1, author: maker)))
        #expect(MirrorRule.Terms(maxLevel: .pg).matches(candidate(1, size: 1)))
    }

    @Test("planned bytes are the union of all rules without what is here, each blob once, to the byte")
    func union() {
        var planner = planner([rule(1, from: Self.hive), rule(2, from: Self.swarm)])
        planner.add(item(candidate(1, size: 1_000_003), [1, 2]))
        planner.add(item(candidate(2, size: 70), [1, 2], by: [Self.swarm]))
        planner.add(item(candidate(3, size: 5_000), [1, 2], .kept))
        planner.add(item(candidate(4, size: 9_000_000), [1, 2], .partial(heldBytes: 8_388_608), by: [Self.hive]))
        planner.add(item(candidate(5, size: 12), [1], .cached))
        let plan = planner.finish()
        #expect(plan.fetchBytes == 1_000_003 + 70 + 611_392)
        #expect(plan.fetches.map(\.rule.n) == [1, 2, 1])
        #expect(plan.fetches.map(\.holders) == [[Self.hive], [Self.swarm], [Self.hive]])
        #expect(plan.keeps.map(\.candidate.name) == ["5"])
        let (first, second) = (plan.rules[0], plan.rules[1])
        #expect(first.present == sum(2, 5_012) && first.fetch == sum(2, 1_611_395) && first.shared == sum(0, 0))
        #expect(second.present == sum(1, 5_000) && second.fetch == sum(1, 70) && second.shared == sum(1, 1_000_003))
        #expect(first.holders == [Self.hive: sum(2, 1_611_395)])
        // What a peer says it has not is not wanted by the rule that is for its files only.
        #expect(first.wanted.blobs == 4 && second.wanted.blobs == 3)
        #expect(plan.unfit.isEmpty)
    }

    private func sum(_ blobs: Int, _ bytes: UInt64) -> MirrorPlan.Sum {
        var sum = MirrorPlan.Sum()
        (sum.blobs, sum.bytes) = (blobs, bytes)
        return sum
    }

    @Test("what does not fit says why: pause, the rule's budget, the store's, the disk, nobody who has it")
    func obstacles() {
        func obstacle(_ planner: MirrorPlanner, _ item: MirrorPlanner.Item) -> MirrorObstacle? {
            var planner = planner
            planner.add(item)
            let plan = planner.finish()
            #expect(plan.fetches.isEmpty && plan.rules[0].unfit == sum(1, 100))
            return plan.unfit.first?.obstacles.first?.obstacle
        }
        let wanted = item(candidate(1, size: 100), [1])
        #expect(obstacle(planner([rule(1, paused: true)]), wanted) == .paused)
        #expect(obstacle(planner([rule(1, budget: 150)], used: [1: 51]), wanted) == .ruleBudget(left: 99))
        #expect(obstacle(planner([rule(1)], budgetLeft: 99), wanted) == .storeBudget(left: 99))
        #expect(obstacle(planner([rule(1)], diskLeft: 99), wanted) == .disk(left: 99))
        #expect(obstacle(planner([rule(1, keepFree: 950)], diskLeft: 999, keepFree: 50), wanted) == .disk(left: 99))
        let nobodys = item(candidate(1, size: 100), [1], by: [])
        #expect(
            obstacle(planner([rule(1)], silent: [Self.hive]), nobodys) == .noHolder(asked: 2, silent: 1))
        #expect(
            obstacle(planner([rule(1, from: Self.hive)], silent: [Self.hive]), nobodys)
                == .noHolder(asked: 1, silent: 1))
    }

    @Test(
        "what the signed release names a web address for is fetched though no peer has it, but not for one peer's rule")
    func onTheWeb() {
        var planner = planner([rule(1, from: Self.hive), rule(2)], silent: [Self.hive])
        planner.add(item(candidate(1, size: 10, hasMirrors: true), [1, 2], by: []))
        let plan = planner.finish()
        #expect(plan.fetches.map(\.rule.n) == [2] && plan.fetches[0].holders.isEmpty)
    }

    @Test("the oldest rule with room takes a file; one that began it goes on with it")
    func order() {
        var planner = planner([rule(1, budget: 100), rule(2), rule(3)])
        planner.add(item(candidate(1, size: 60), [1, 2, 3]))
        planner.add(item(candidate(2, size: 60), [1, 2, 3]))
        planner.add(item(candidate(3, size: 30), [1, 2, 3], .partial(heldBytes: 10), pinnedTo: 3))
        planner.add(item(candidate(4, size: 40), [1, 2, 3]))
        #expect(planner.finish().fetches.map(\.rule.n) == [1, 2, 3, 1])
    }

    @Test("a download that was begun needs no more room; one that was not does")
    func begun() {
        var planner = planner([rule(1)], budgetLeft: 10, diskLeft: 10)
        planner.add(item(candidate(1, size: 100), [1], .partial(heldBytes: 1)))
        planner.add(item(candidate(2, size: 11), [1]))
        planner.add(item(candidate(3, size: 10), [1]))
        let plan = planner.finish()
        #expect(plan.fetches.map(\.candidate.name) == ["1", "3"])
        #expect(plan.unfit.map(\.candidate.name) == ["2"])
    }

    @Test("sums add up and no limit is passed, whatever comes", arguments: 0..<200 as Range<UInt64>)
    func sums(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let rules = (1...Int64.random(in: 1...4, using: &random)).map { n in
            rule(
                n, from: [nil, Self.hive, Self.swarm].randomElement(using: &random) ?? nil,
                budget: Bool.random(using: &random) ? 0 : .random(in: 1...3_000, using: &random),
                keepFree: .random(in: 0...500, using: &random), paused: Int.random(in: 0..<6, using: &random) == 0)
        }
        let used = Dictionary(uniqueKeysWithValues: rules.map { ($0.n, UInt64.random(in: 0...500, using: &random)) })
        let budgetLeft: UInt64? = Bool.random(using: &random) ? nil : .random(in: 0...5_000, using: &random)
        let diskLeft = UInt64.random(in: 0...6_000, using: &random)
        var planner = planner(rules, used: used, budgetLeft: budgetLeft, diskLeft: diskLeft, keepFree: 100)
        for number in 0..<UInt64.random(in: 0...40, using: &random) {
            let size = UInt64.random(in: 0...800, using: &random)
            let standings: [MirrorPlanner.Standing] = [
                .absent, .absent, .partial(heldBytes: .random(in: 0...size, using: &random)), .kept, .cached,
            ]
            planner.add(
                item(
                    candidate(number, size: size), rules.map(\.n).filter { _ in Bool.random(using: &random) },
                    standings.randomElement(using: &random) ?? .absent,
                    by: [[], [Self.hive], [Self.swarm], [Self.hive, Self.swarm]].randomElement(using: &random) ?? []))
        }
        let plan = planner.finish()
        #expect(plan.fetchBytes == plan.rules.reduce(0) { $0 + $1.fetch.bytes }, "seed \(seed)")
        #expect(Set(plan.fetches.map(\.candidate.sha256)).count == plan.fetches.count, "seed \(seed)")
        for part in plan.rules {
            let taken = plan.fetches.filter { $0.rule == part.rule }
            let whole = taken.reduce(0) { $0 + $1.candidate.size }
            #expect(
                part.wanted.bytes == part.present.bytes + part.shared.bytes + part.unfit.bytes + whole, "seed \(seed)")
            #expect(
                part.wanted.blobs == part.present.blobs + part.shared.blobs + part.unfit.blobs + part.fetch.blobs,
                "seed \(seed)")
            let kept = plan.keeps.filter { $0.rule == part.rule }.reduce(0) { $0 + $1.candidate.size }
            if part.rule.terms.budget > 0, whole + kept > 0 {
                #expect(part.used + whole + kept <= part.rule.terms.budget, "seed \(seed)")
            }
            #expect(!part.rule.isPaused || taken.isEmpty, "seed \(seed)")
            #expect(taken.allSatisfy { !$0.holders.isEmpty }, "seed \(seed)")
        }
        let fresh = plan.fetches.filter { $0.bytes == $0.candidate.size }.reduce(0) { $0 + $1.bytes }
        if !plan.fetches.contains(where: { $0.bytes < $0.candidate.size }) {
            #expect(fresh <= budgetLeft ?? .max && fresh <= diskLeft, "seed \(seed)")
        }
    }

    @Test("the rate is the mean of the last ten seconds, or of the time since the first byte")
    func rate() {
        var rate = TransferRate()
        #expect(rate.bytesPerSecond(at: 100) == 0)
        rate.add(500, at: 100)
        rate.add(500, at: 101)
        #expect(rate.bytesPerSecond(at: 101) == 500)
        for second in 102..<140 as Range<UInt64> { rate.add(200, at: second) }
        #expect(rate.bytesPerSecond(at: 139) == 200)
        #expect(rate.bytesPerSecond(at: 144) == 100)
        #expect(rate.bytesPerSecond(at: 160) == 0)
    }
}
