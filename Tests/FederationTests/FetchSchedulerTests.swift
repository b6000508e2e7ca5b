import BlobStore
import Testing

@testable import Federation

@Suite("Fetching from several sources")
struct FetchSchedulerTests {
    private typealias Simulation = FetchSimulation

    @Test(
        "the blob completes whenever the honest sources together have every unit, and only liars are blamed",
        arguments: 0..<300 as Range<UInt64>)
    func alwaysCompletes(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let count = Int.random(in: 1...200, using: &random)
        var actors: [Simulation.Actor] = (0..<Int.random(in: 1...6, using: &random)).map { _ in
            let manner = Simulation.Manner.allCases.randomElement(using: &random) ?? .honest
            var actor = Simulation.Actor(manner, rate: manner == .slow ? 0.5 : .random(in: 2...200, using: &random))
            actor.turns = .random(in: 0...3, using: &random)
            actor.roundTrip = .random(in: 0.001...0.3, using: &random)
            if manner == .partial { actor.holding = Self.some(of: count, using: &random) }
            return actor
        }
        // Each unit is with somebody honest: a whole source, or two that share.
        if Bool.random(using: &random) {
            actors.append(Simulation.Actor(.honest, rate: .random(in: 1...100, using: &random)))
        } else {
            var (one, other) = (UnitSet(capacity: count), UnitSet(capacity: count))
            for unit in 0..<count {
                if Bool.random(using: &random) { one.insert(unit) } else { other.insert(unit) }
            }
            for holding in [one, other] {
                var actor = Simulation.Actor(.partial, rate: .random(in: 1...100, using: &random))
                actor.holding = holding
                actors.append(actor)
            }
        }
        actors.shuffle(using: &random)
        var simulation = Simulation(held: UnitSet(capacity: count), actors: actors)
        simulation.run(seconds: 3600)
        #expect(simulation.held.isFull, "seed \(seed): \(simulation.scheduler.remaining) of \(count) are missing")
        #expect(simulation.doubled.isEmpty, "seed \(seed): \(simulation.doubled) were asked of two sources")
        for source in simulation.blamed {
            #expect(simulation.actors[source].manner == .lies, "seed \(seed): \(source) was blamed")
        }
        for source in simulation.dropped {
            #expect(!simulation.actors[source].isHonest, "seed \(seed): \(source) was dropped")
        }
    }

    private static func some(of count: Int, using random: inout SplitMix) -> UnitSet {
        var units = UnitSet(capacity: count)
        for unit in 0..<count where Bool.random(using: &random) { units.insert(unit) }
        return units
    }

    @Test("three sources that are limited bring nearly the sum of what they may", arguments: 0..<50 as Range<UInt64>)
    func sum(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let actors = (0..<3).map { _ in Simulation.Actor(.honest, rate: .random(in: 5...40, using: &random)) }
        var simulation = Simulation(held: UnitSet(capacity: 1024), actors: actors)
        simulation.run(seconds: 3600)
        let sum = actors.reduce(0) { $0 + $1.rate }
        let achieved = 1024 / simulation.now / sum
        #expect(simulation.held.isFull, "seed \(seed)")
        #expect(achieved >= 0.93, "seed \(seed): \(achieved) of \(actors.map(\.rate))")
    }

    @Test("one of three that sends wrong bytes costs two units at most", arguments: 0..<50 as Range<UInt64>)
    func corrupt(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let actors = [Simulation.Manner.honest, .lies, .honest].map {
            Simulation.Actor($0, rate: .random(in: 5...40, using: &random))
        }
        var simulation = Simulation(held: UnitSet(capacity: 256), actors: actors)
        simulation.run(seconds: 3600)
        let sent = simulation.actors.reduce(0) { $0 + $1.sent }
        #expect(simulation.held.isFull && sent <= 258, "seed \(seed): \(sent) units were sent for 256")
        #expect(simulation.blamed == [1], "seed \(seed)")
    }

    @Test("after a crash at half only units in flight are asked for again", arguments: 0..<50 as Range<UInt64>)
    func crash(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let actors = (0..<3).map { _ in Simulation.Actor(.honest, rate: .random(in: 5...40, using: &random)) }
        var before = Simulation(held: UnitSet(capacity: 256), actors: actors)
        before.run(seconds: 3600) { $0.held.count >= 128 }
        let flying = before.inFlight.count
        var after = Simulation(held: before.held, actors: actors)
        after.run(seconds: 3600)
        let sent = after.actors.reduce(before.actors.reduce(0) { $0 + $1.sent }) { $0 + $1.sent }
        #expect(after.held.isFull && sent <= 256 + flying, "seed \(seed)")
    }

    @Test("whole sources are asked in order, and not further ahead than the window")
    func inOrder() {
        var scheduler = FetchScheduler<Int>(held: UnitSet(capacity: 2000))
        #expect(
            scheduler.handle(.joined(1, holding: nil, roundTrip: 0.01), now: 0) == [
                .ask(0, 1, 0..<4)
            ])
        // Unit 0 does not come, all others do, from a source that is fast.
        var asked = scheduler.handle(.joined(2, holding: nil, roundTrip: 0.01), now: 0)
        var furthest = 0
        var now = 0.0
        while let index = asked.firstIndex(where: { if case .ask = $0 { true } else { false } }) {
            guard case .ask(let run, let source, let units) = asked.remove(at: index) else { break }
            guard source == 2, units.lowerBound >= 4 else { continue }
            furthest = max(furthest, units.upperBound)
            for unit in units {
                now += 0.002
                asked += scheduler.handle(.stored(run, unit: unit), now: now)
            }
            asked += scheduler.handle(.ended(run), now: now)
        }
        #expect(furthest == FetchLimits.window)
    }

    @Test("the units that the fewest have are asked for first")
    func rarestFirst() {
        var scheduler = FetchScheduler<Int>(held: UnitSet(capacity: 8))
        var (one, other) = (UnitSet(capacity: 8), UnitSet(capacity: 8))
        for unit in 0..<8 { one.insert(unit) }
        for unit in 0..<4 { other.insert(unit) }
        _ = scheduler.handle(.joined(2, holding: other, roundTrip: 0.01), now: 0)
        let effects = scheduler.handle(.joined(1, holding: one, roundTrip: 0.01), now: 0)
        #expect(effects.first == .ask(1, 1, 4..<8))
    }

    @Test("a source joins while others fetch, and takes half of what the slowest has to bring")
    func steals() {
        var simulation = Simulation(held: UnitSet(capacity: 8), actors: [Simulation.Actor(.slow, rate: 0.5)])
        simulation.run(seconds: 3)
        simulation.join(Simulation.Actor(.honest, rate: 50))
        simulation.run(seconds: 3600)
        #expect(simulation.held.isFull)
        #expect(simulation.now < 8, "\(simulation.now)")
        #expect(simulation.doubled.isEmpty)
    }

    private struct Unexpected: Error {
        let effects: String
    }

    @Test(
        "a source that has not brought a whole run has one request at a time; then the next goes out near the end of a run"
    )
    func firstRun() throws {
        var scheduler = FetchScheduler<Int>(held: UnitSet(capacity: 200))
        func isAsked(_ effects: [FetchScheduler<Int>.Effect]) -> Bool {
            effects.contains { if case .ask = $0 { true } else { false } }
        }
        #expect(scheduler.handle(.joined(1, holding: nil, roundTrip: 0.001), now: 0) == [.ask(0, 1, 0..<4)])
        for unit in 0..<3 {
            #expect(!isAsked(scheduler.handle(.stored(0, unit: unit), now: 0.01 * Double(unit + 1))))
        }
        let second = scheduler.handle(.stored(0, unit: 3), now: 0.04)
        #expect(!isAsked(scheduler.handle(.ended(0), now: 0.04)))
        guard case .ask(let run, _, let units)? = second.first else { throw Unexpected(effects: "\(second)") }
        // 100 units a second, so some three are left when the next request has to go out.
        let last = units.first { unit in
            isAsked(scheduler.handle(.stored(run, unit: unit), now: 0.01 * Double(unit + 2)))
        }
        let left = units.upperBound - 1 - (last ?? 0)
        #expect((1...4).contains(left), "\(left)")
    }

    @Test("a unit that is about to be here is not asked of another source; one of a silent source is")
    func lastUnit() {
        var scheduler = FetchScheduler<Int>(held: UnitSet(capacity: 5))
        _ = scheduler.handle(.joined(1, holding: nil, roundTrip: 0.001), now: 0)
        let second = scheduler.handle(.joined(2, holding: nil, roundTrip: 0.001), now: 0)
        #expect(second == [.ask(1, 2, 4..<5)])
        for unit in 0..<3 { _ = scheduler.handle(.stored(0, unit: unit), now: 0.1 * Double(unit + 1)) }
        #expect(scheduler.handle(.stored(1, unit: 4), now: 0.31) == [])
        #expect(scheduler.handle(.ended(1), now: 0.31) == [], "unit 3 is due at 0.4")
        #expect(scheduler.handle(.tick, now: 0.5) == [])
        #expect(scheduler.handle(.tick, now: 1.2) == [.cancel(0), .ask(2, 2, 3..<4)])
    }

    @Test("two fetches of one blob hold leases of their own")
    func leases() {
        let leases = FetchLeases()
        #expect(leases.next() != leases.next())
    }

    @Test("what a source may have in flight follows from its rate")
    func window() {
        var meter = RateMeter()
        #expect(meter.value == nil)
        for _ in 0..<100 { meter.add(1, after: 0.1) }
        #expect(abs((meter.value ?? 0) - 10) < 0.5)
        for _ in 0..<100 { meter.add(1, after: 1) }
        #expect(abs((meter.value ?? 0) - 1) < 0.2)
    }

    @Test("mirrors of a release name files by hash, by folder, or the only file itself")
    func mirrorURLs() {
        let mirrors = ["https://a.example/{sha256}", "https://b.example/x/", "https://c.example/the.bin"]
        #expect(
            MirrorURLs.of(sha256: "ab", name: "ä b.bin", isOnlyFile: true, in: mirrors)
                == ["https://a.example/ab", "https://b.example/x/%C3%A4%20b.bin", "https://c.example/the.bin"])
        #expect(MirrorURLs.of(sha256: "ab", name: "n", isOnlyFile: false, in: mirrors).count == 2)
    }

    @Test("a mirror that a stranger names may not lead inside, unless the operator typed that host")
    func mirrorAddresses() async throws {
        let resolver = SystemResolver()
        for url in ["http://127.0.0.1:9/x", "http://[::1]/x", "http://10.0.0.1/{sha256}", "http://169.254.169.254/"] {
            await #expect(throws: DialError.self, "\(url)") {
                try await HTTPMirror.open(url, typedAuthorities: [], resolver: resolver)
            }
        }
        for url in ["ftp://a.example/x", "http://a.example/x#y", "http://u@a.example/x", "http://a.example/\u{e9}"] {
            await #expect(throws: PeerURLError.self, "\(url)") {
                try await HTTPMirror.open(url, typedAuthorities: [], resolver: resolver)
            }
        }
        let typed = try await HTTPMirror.open(
            "http://127.0.0.1:9/x?y=1", typedAuthorities: ["127.0.0.1:9"], resolver: resolver)
        await typed.close()
    }
}
