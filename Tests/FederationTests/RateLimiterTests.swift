import Testing

@testable import Federation

@Suite("rate limits")
struct RateLimiterTests {
    /// Transfers that always want more, against a clock that jumps to the next event and is late by up to 3 ms, as real
    /// ones are.
    private struct Simulation {
        struct Transfer {
            let kind: TransferClass
            let peer: String
            var ticket: RateLimiter.Ticket?
            var bytes = 0
        }

        var limiter: RateLimiter
        var transfers: [Transfer]
        var random: SplitMix
        var now = Duration.zero
        /// Time, transfer and bytes of each grant.
        var grants: [(at: Duration, transfer: Int, bytes: Int)] = []

        mutating func run(for duration: Duration) {
            let end = now + duration
            while now < end {
                for index in transfers.indices where transfers[index].ticket == nil {
                    let most = limiter.quantum(transfers[index].kind)
                    transfers[index].bytes = min(most, .random(in: 16_000...300_000, using: &random))
                    transfers[index].ticket = limiter.request(
                        transfers[index].bytes, for: transfers[index].kind, peer: transfers[index].peer)
                }
                let granted = Set(limiter.advance(to: now))
                for index in transfers.indices {
                    guard let ticket = transfers[index].ticket, granted.contains(ticket) else { continue }
                    grants.append((now, index, transfers[index].bytes))
                    transfers[index].ticket = nil
                }
                guard granted.isEmpty else { continue }
                let wait = transfers.compactMap { $0.ticket.flatMap { limiter.wait(for: $0, at: now) } }.min()
                now += (wait ?? .zero) + .microseconds(Int.random(in: 0...3_000, using: &random))
            }
        }

        func bytes(_ window: Range<Duration>, where isCounted: (Transfer) -> Bool = { _ in true }) -> Int {
            grants.filter { window.contains($0.at) && isCounted(transfers[$0.transfer]) }.reduce(0) { $0 + $1.bytes }
        }
    }

    @Test("any 10 seconds carry the node's rate within 3 %", arguments: 0..<12 as Range<UInt64>)
    func holds(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let rate = UInt64.random(in: 20_000...200_000_000, using: &random)
        let transfers = (0..<Int.random(in: 1...6, using: &random)).map { number in
            Simulation.Transfer(
                kind: TransferClass.allCases.randomElement(using: &random) ?? .mirror, peer: "\(number % 3)")
        }
        var simulation = Simulation(limiter: RateLimiter(.init(node: rate)), transfers: transfers, random: random)
        simulation.run(for: .seconds(24))
        for start in stride(from: 0, to: 14_000, by: 501) {
            let window = Duration.milliseconds(start)..<Duration.milliseconds(start + 10_000)
            let ratio = Double(simulation.bytes(window)) / Double(rate * 10)
            #expect((0.97...1.03).contains(ratio), "seed \(seed), \(rate) B/s, from \(start) ms: \(ratio)")
        }
    }

    @Test("what is more urgent goes first, and the rest gets what is left")
    func priority() {
        var simulation = Simulation(
            limiter: RateLimiter(.init(node: 1_000_000, classes: [.interactive: 400_000, .model: 500_000])),
            transfers: [
                .init(kind: .mirror, peer: "a"), .init(kind: .model, peer: "b"), .init(kind: .interactive, peer: "c"),
            ], random: SplitMix(seed: 7))
        simulation.run(for: .seconds(20))
        let window = Duration.seconds(5)..<Duration.seconds(15)
        let shares = [TransferClass.interactive, .model, .mirror].map { kind in
            Double(simulation.bytes(window) { $0.kind == kind }) / 10_000_000
        }
        // A class that waits for the node's bucket does not save up for later what its own would have given.
        #expect(abs(shares[0] - 0.4) < 0.02, "\(shares)")
        #expect((0.4...0.51).contains(shares[1]), "\(shares)")
        #expect((0.97...1.03).contains(shares.reduce(0, +)), "\(shares)")
    }

    @Test("a class that others would leave nothing gets a tenth of what they get", arguments: 0..<8 as Range<UInt64>)
    func noStarvation(seed: UInt64) {
        var simulation = Simulation(
            limiter: RateLimiter(.init(node: 2_000_000)),
            transfers: [
                .init(kind: .mirror, peer: "a"), .init(kind: .mirror, peer: "b"), .init(kind: .model, peer: "c"),
                .init(kind: .interactive, peer: "d"), .init(kind: .interactive, peer: "e"),
            ], random: SplitMix(seed: seed))
        simulation.run(for: .seconds(40))
        let window = Duration.seconds(10)..<Duration.seconds(40)
        let shares = [TransferClass.interactive, .model, .mirror].map { kind in
            Double(simulation.bytes(window) { $0.kind == kind }) / 60_000_000
        }
        #expect(shares[0] > 0.7 && shares[1] > 0.06 && shares[2] > 0.06, "seed \(seed): \(shares)")
        #expect((0.97...1.03).contains(shares.reduce(0, +)), "seed \(seed): \(shares)")
    }

    @Test("a peer at its own limit holds nobody else up")
    func peers() {
        var simulation = Simulation(
            limiter: RateLimiter(.init(node: 10_000_000, peer: 1_000_000)),
            transfers: (0..<5).map { .init(kind: .mirror, peer: $0 < 3 ? "a" : "\($0)") }, random: SplitMix(seed: 8))
        simulation.run(for: .seconds(20))
        let window = Duration.seconds(5)..<Duration.seconds(15)
        for peer in ["a", "3", "4"] {
            let bytes = Double(simulation.bytes(window) { $0.peer == peer })
            #expect((0.97...1.03).contains(bytes / 10_000_000), "\(peer): \(bytes)")
        }
    }

    @Test("new rates hold for what is waiting; a request taken back takes nothing")
    func changes() throws {
        var limiter = RateLimiter(.init(node: 1000))
        #expect(limiter.quantum(.mirror) == 100)
        let first = limiter.request(100, for: .mirror, peer: "")
        #expect(limiter.advance(to: .zero) == [first])
        let second = limiter.request(100, for: .mirror, peer: "")
        let third = limiter.request(50, for: .mirror, peer: "")
        #expect(limiter.advance(to: .zero).isEmpty)
        limiter.cancel(second)
        #expect(limiter.wait(for: second, at: .zero) == nil)
        #expect(try #require(limiter.wait(for: third, at: .zero)) <= .milliseconds(1))
        limiter.set(.init())
        #expect(limiter.advance(to: .zero) == [third])
        #expect(limiter.quantum(.mirror) == .max)
    }

    @Test("the last entry that fits the day and minute decides, over midnight too")
    func schedule() {
        let schedule = RateSchedule([
            .init(rate: 20), .init(days: [0, 1, 2, 3, 4], from: 480, to: 1080, rate: 5),
            .init(scope: .kind(.mirror), rate: 2), .init(scope: .peer, rate: 1),
            .init(days: [4], from: 1320, to: 360, scope: .kind(.mirror), rate: nil),
        ])
        #expect(schedule.rates(day: 0, minute: 479) == .init(node: 20, classes: [.mirror: 2], peer: 1))
        #expect(schedule.rates(day: 0, minute: 480).node == 5)
        #expect(schedule.rates(day: 0, minute: 1080).node == 20)
        #expect(schedule.rates(day: 5, minute: 600).node == 20)
        #expect(schedule.rates(day: 4, minute: 1320).classes[.mirror] == nil)
        #expect(schedule.rates(day: 5, minute: 359).classes[.mirror] == nil)
        #expect(schedule.rates(day: 5, minute: 360).classes[.mirror] == 2)
        #expect(schedule.rates(day: 4, minute: 100).classes[.mirror] == 2)
        #expect(RateSchedule().rates(day: 0, minute: 0).isUnlimited)
    }

    @Test("without limits nobody waits, and a wait can be cancelled")
    func wrapper() async throws {
        let open = TransferLimiter()
        #expect(try await open.take(upTo: 1 << 30, for: .mirror, peer: "") == 1 << 30)
        let slow = TransferLimiter(RateSchedule([.init(rate: 20_000)]), localTime: { (0, 0) })
        #expect(try await slow.take(upTo: 1 << 30, for: .mirror, peer: "") == 2_000)
        let task = Task { try await slow.admit(1 << 30, for: .mirror, peer: "") }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
