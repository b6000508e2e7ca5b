import Digests
import Testing

@testable import Ledger

/// The reference model's adversary against authorities, clients and proofs, from seeds: a failure names its seed.
@Suite("Several authorities")
struct SimulatedQuorumTests {
    /// f = 0, 1 and 2, as the model mixes them.
    private static func f(_ seed: UInt64) -> Int { [0, 1, 1, 1, 1, 2][Int(seed % 6)] }

    private static func world(_ seed: UInt64, _ setting: SimulatedQuorum.Setting) throws -> SimulatedQuorum {
        let world = try SimulatedQuorum(seed: seed, setting)
        try world.run()
        return world
    }

    @Test("with at most f liars nothing breaks an invariant, nobody honest stays stuck, and nobody honest is blamed")
    func histories() async {
        let counts = await withTaskGroup(of: SimulatedQuorum.Counts.self) { group in
            for seed in 0..<Soak.seeds(200) {
                group.addTask {
                    do {
                        return try Self.world(seed, .init(f: Self.f(seed))).counts
                    } catch {
                        Issue.record("seed \(seed), f = \(Self.f(seed)): \(error)")
                        return .init()
                    }
                }
            }
            return await group.reduce(.init(), +)
        }
        // The histories are worth something: all of this happened.
        guard Soak.seeds(200) >= 200 else { return }
        #expect(counts.finals > 2000)
        #expect(counts.crashes > 100)
        #expect(counts.accidents > 50)
        #expect(counts.unlocks > 100)
        #expect(counts.defaults > 50)
        #expect(counts.clawbacks > 0)
        #expect(counts.proofs > 100)
    }

    /// Rules that chance finds soon; those of which it seldom does have a schedule of their own in `ScheduleTests`.
    @Test(
        "a rule that is taken away is missed",
        arguments: LedgerRule.allCases.filter { !ScheduleTests.rules.contains($0) })
    func mutants(rule: LedgerRule) async {
        for seed in UInt64(0)..<200 {
            // A lone authority cannot do without most rules either.
            let f = seed % 5 == 4 && rule != .quorumIsTwoThirds ? 0 : 1
            do {
                _ = try Self.world(seed, .init(f: f, liars: seed % 2 == 0 ? f : nil, broken: rule))
            } catch {
                return
            }
        }
        Issue.record("200 histories without \(rule) broke nothing")
    }

    @Test("with f + 1 liars every slot with two finals names more than f of them, and nobody honest")
    func overload() async {
        let found = await withTaskGroup(of: (conflicts: Int, rounds: Int, questions: Int).self) { group in
            for seed in 0..<Soak.seeds(120) {
                group.addTask { Self.conflicts(seed) }
            }
            return await group.reduce((conflicts: 0, rounds: 0, questions: 0)) {
                ($0.conflicts + $1.conflicts, $0.rounds + $1.rounds, $0.questions + $1.questions)
            }
        }
        guard Soak.seeds(120) >= 120 else { return }
        #expect(found.conflicts > 10)
        #expect(found.rounds > 0, "some spanned rounds")
    }

    private static func conflicts(_ seed: UInt64) -> (conflicts: Int, rounds: Int, questions: Int) {
        let f = seed % 4 == 0 ? 2 : 1
        var found = (conflicts: 0, rounds: 0, questions: 0)
        do {
            let world = try world(seed, .init(f: f, liars: f + 1))
            for finals in world.published.values where finals.count > 1 {
                let pair = finals.values.sorted { ($0.round, $0.value.hex) < ($1.round, $1.value.hex) }
                guard var inquiry = ConflictInquiry(pair[0], pair[1], in: world.charter) else {
                    throw LedgerOracle.Violation(description: "two finals that are no conflict")
                }
                found.conflicts += 1
                if pair[0].round != pair[1].round { found.rounds += 1 }
                // Only the honest answer.
                while let question = inquiry.question {
                    found.questions += 1
                    for name in world.honest.keys.sorted() where inquiry.question == question {
                        world.honest[name]!.answer(question, &inquiry)
                    }
                    guard inquiry.question != question else { break }
                }
                world.check(inquiry.proofs)
                if let violation = world.violation { throw violation }
                guard inquiry.culprits.count > f else {
                    throw LedgerOracle.Violation(
                        description: """
                            \(inquiry.culprits.sorted()) of \(world.liars.sorted()) for finals of rounds \(pair[0].round) \
                            and \(pair[1].round); asked \(String(describing: inquiry.question))
                            """)
                }
            }
        } catch {
            Issue.record("seed \(seed), f = \(f): \(error)")
        }
        return found
    }
}
