import Digests
import Foundation
import Identity
import Moderation
import PostLog
import WaggleProtocol

@testable import Federation

/// Honest nodes and others over a network that delays, loses, doubles, reorders and splits, with clocks that are off and
/// nodes that start anew from what they have on disk. Everything follows from the seed.
final class Simulation {
    static let strangerBytes = 150_000

    /// What may go wrong.
    struct Weather {
        var lossPercent = 0
        var doublePercent = 0
        /// Milliseconds.
        var latency = 20...150
        var hasPartition = false
        var hasRestarts = false
        var skewSeconds: Int64 = 0
        var attackers: [SimulatedAttacker.Manner] = []
        /// One node takes nothing above PG.
        var hasRefusals = false

        static let calm = Weather()

        init() {}

        init(_ random: inout SplitMix) {
            lossPercent = [0, 0, 2, 10, 30].randomElement(using: &random) ?? 0
            doublePercent = [0, 5, 20].randomElement(using: &random) ?? 0
            latency = [5...20, 20...150, 50...2000].randomElement(using: &random) ?? 20...150
            hasPartition = random.chance(40)
            hasRestarts = random.chance(40)
            skewSeconds = [0, 2, 300].randomElement(using: &random) ?? 0
            hasRefusals = random.chance(30)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                attackers.append(SimulatedAttacker.Manner.allCases.randomElement(using: &random) ?? .floods)
            }
        }
    }

    private enum Event {
        case tick(Int)
        case arrival(SimulatedNode.Message, from: Int, to: Int, life: Int)
        case names([Hash32], from: Int, to: Int, life: Int)
        case begin(Int)
        case publish(Int)
        case theft(Int)
        case stop(Int)
        case start(Int)
    }

    /// A post of a person at an honest node.
    struct Published {
        let post: SignedPost
        let at: Duration
    }

    private let weather: Weather
    private var random: SplitMix
    private(set) var now = Duration.zero
    private(set) var nodes: [SimulatedNode] = []
    private(set) var attackers: [SimulatedAttacker] = []
    private(set) var people: [SimulatedPerson] = []
    private let lists = SimulatedLists()
    private let folder: String
    /// How often each node started; what was on its way to an earlier life is lost.
    private var lives: [Int]
    private var isDown: Set<Int> = []
    private var queue = EventQueue<Event>()
    private var split: Set<Int> = []
    private var splitAt = Duration.zero..<Duration.zero
    private let activeUntil: Duration
    private(set) var published: [Published] = []
    /// Everything that happened, as one number: two runs of a seed are the same or they are not.
    private(set) var trace: UInt64 = 0
    private(set) var steps = 0

    static let honest = 6

    /// - Parameter active: how long things go wrong and people publish.
    init(
        seed: UInt64, weather given: Weather? = nil, active: Duration = .seconds(90), posts: Int = 40,
        mutant: SimulatedNode.Mutant? = nil
    ) throws {
        random = SplitMix(seed: seed)
        weather = given ?? Weather(&random)
        activeUntil = active
        // In memory, where there is such a place: what is tested is what is written, not how fast a disk is.
        let place = FileManager.default.isWritableFile(atPath: "/dev/shm") ? "/dev/shm/" : NSTemporaryDirectory()
        folder = place + "waggle-simulation-\(UUID().uuidString)"
        let count = Self.honest
        lives = Array(repeating: 0, count: count + weather.attackers.count)
        people = try (0..<count).map { try SimulatedPerson($0) }

        // A ring and chords, so that whoever refuses something cuts nobody off.
        var dials = (0..<count).map { [($0 + 1) % count] }
        for node in 0..<count {
            let other = Int.random(in: 0..<count, using: &random)
            if other != node, !dials[node].contains(other), !dials[other].contains(node) { dials[node].append(other) }
        }
        let trusts = dials.map { dialled in Set(dialled.filter { _ in random.chance(50) }) }
        for (offset, manner) in weather.attackers.enumerated() {
            let number = count + offset
            let victims = manner == .eclipses ? [0, 1, 2] : (0..<count).shuffled(using: &random).prefix(3).sorted()
            attackers.append(try SimulatedAttacker(number: number, manner: manner, victims: Array(victims)))
            // Half of the victims dial the attacker too.
            for victim in victims where random.chance(50) { dials[victim].append(number) }
        }
        let followed = Set(people.map(\.id))
        for node in 0..<count {
            let dialling = (0..<count).filter { dials[$0].contains(node) }
            let attacking = attackers.filter { $0.victims.contains(node) }.map(\.number)
            let skew =
                weather.skewSeconds == 0
                ? 0 : Int64.random(in: -weather.skewSeconds...weather.skewSeconds, using: &random)
            nodes.append(
                try SimulatedNode(
                    number: node, skew: skew, ceiling: weather.hasRefusals && node == 3 ? .pg : .xxx,
                    dials: dials[node], isDialledBy: dialling + attacking, trusts: trusts[node], followed: followed,
                    mutant: mutant, folder: folder, lists: lists, seed: random.next()))
        }
        schedule(posts)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func schedule(_ posts: Int) {
        for node in nodes.indices {
            queue.add(.start(node), at: .zero)
            queue.add(.begin(node), at: .milliseconds(Int.random(in: 1...1500, using: &random)))
            queue.add(.tick(node), at: .milliseconds(Int.random(in: 1...500, using: &random)))
        }
        for attacker in attackers { queue.add(.tick(attacker.number), at: .milliseconds(700)) }
        let milliseconds = Int(activeUntil.components.seconds) * 1000
        for _ in 0..<posts {
            let time = Duration.milliseconds(Int.random(in: 2000...milliseconds, using: &random))
            queue.add(.publish(Int.random(in: 0..<Self.honest, using: &random)), at: time)
        }
        for attacker in attackers where attacker.manner == .steals {
            queue.add(.theft(attacker.number), at: .milliseconds(milliseconds / 4))
        }
        if weather.hasPartition {
            let start = Int.random(in: 5000...milliseconds / 2, using: &random)
            splitAt = .milliseconds(start)..<(.milliseconds(start + milliseconds / 3))
            split = Set((0..<Self.honest).filter { _ in random.chance(50) })
        }
        if weather.hasRestarts {
            for _ in 0..<2 {
                let node = Int.random(in: 0..<Self.honest, using: &random)
                let time = Int.random(in: 5000...milliseconds * 3 / 4, using: &random)
                queue.add(.stop(node), at: .milliseconds(time))
                queue.add(.start(node), at: .milliseconds(time + Int.random(in: 100...15_000, using: &random)))
            }
        }
    }

    // MARK: Running

    private var isActive: Bool { now < activeUntil }

    /// Runs until so much time has gone by; `check` after every so many steps.
    func run(
        until end: Duration, check: (Simulation) async throws -> Void = { _ in }
    ) async throws {
        while let (time, event) = queue.next(before: end) {
            now = time
            try await step(event)
            steps += 1
            if steps % 512 == 0 { try await check(self) }
        }
        now = end
        try await check(self)
    }

    private func step(_ event: Event) async throws {
        switch event {
        case .tick(let number): try await tick(number)
        case .arrival(let message, let sender, let receiver, let life):
            guard lives[receiver] == life, !isDown.contains(receiver) else { return }
            note(UInt64(sender) << 8 | UInt64(receiver))
            if receiver < Self.honest {
                carryOut(try await nodes[receiver].receive(message, from: sender, now: now), by: receiver)
            } else {
                let place = receiver - Self.honest
                carryOut(try attackers[place].receive(message, from: sender, &random), by: receiver)
            }
        case .names(let ids, let sender, let receiver, let life):
            guard lives[sender] == life, !isDown.contains(sender) else { return }
            carryOut(nodes[sender].name(ids, to: receiver), by: sender)
        case .begin(let node):
            // Before people can say anything, their nodes have their keys.
            try await publish(try people[node].begin(now: nodes[node].seconds(now)), at: node)
        case .publish(let node):
            guard !isDown.contains(node) else { return }
            let posts = try people[node].act(now: nodes[node].seconds(now), &random)
            try await publish(posts, at: node)
        case .theft(let number): try await theft(number)
        case .stop(let node):
            guard !isDown.contains(node) else { return }
            isDown.insert(node)
            lives[node] += 1
            nodes[node].stop()
        case .start(let node): try await start(node)
        }
    }

    private func publish(_ posts: [SignedPost], at node: Int) async throws {
        let (taken, actions) = try await nodes[node].publish(posts, now: now)
        published += taken.map { Published(post: $0, at: now) }
        carryOut(actions, by: node)
    }

    /// A phone is gone; a while later its owner says so.
    private func theft(_ number: Int) async throws {
        let place = number - Self.honest
        let owner = place % Self.honest
        guard !isDown.contains(owner) else {
            queue.add(.theft(number), at: now + .seconds(5))
            return
        }
        if attackers[place].stolen == nil {
            let phone = people[owner].devices[1]
            attackers[place].stolen = (people[owner].id, phone)
            queue.add(.theft(number), at: now + activeUntil / 4)
        } else {
            try await publish(
                try people[owner].reportTheft(now: nodes[owner].seconds(now), to: lists), at: owner)
        }
    }

    private func start(_ node: Int) async throws {
        isDown.remove(node)
        lives[node] += 1
        nodes[node].stop()
        carryOut(try await nodes[node].start(now: now, seed: random.next()), by: node)
        // The others notice that the connection broke, and make it again.
        for other in nodes.indices where other != node && !isDown.contains(other) && lives[other] > 0 {
            carryOut(try await nodes[other].connectionBroke(with: node, now: now), by: other)
        }
    }

    private func tick(_ number: Int) async throws {
        // Attackers do more at a time instead: what they send costs the test most.
        let pause: Duration = number >= Self.honest ? .milliseconds(1500) : isActive ? .milliseconds(500) : .seconds(3)
        queue.add(.tick(number), at: now + pause)
        guard !isDown.contains(number) else { return }
        if number < Self.honest {
            carryOut(try await nodes[number].tick(now: now), by: number)
        } else if isActive {
            let second = UInt64(1_700_000_000 + now.components.seconds)
            carryOut(try attackers[number - Self.honest].tick(now: second, &random), by: number)
        }
    }

    private func carryOut(_ actions: [SimulatedNode.Action], by sender: Int) {
        for action in actions {
            switch action {
            case .again(let receiver, let pause, let ids):
                queue.add(.names(ids, from: sender, to: receiver, life: lives[sender]), at: now + pause)
            case .send(let receiver, let message):
                for _ in 0..<(weather.doublePercent > 0 && isActive && random.chance(weather.doublePercent) ? 2 : 1) {
                    send(message, from: sender, to: receiver)
                }
            }
        }
    }

    private func send(_ message: SimulatedNode.Message, from sender: Int, to receiver: Int) {
        // Each message has a delay of its own, so they overtake each other.
        let delay = Duration.milliseconds(Int.random(in: weather.latency, using: &random))
        if isActive, random.chance(weather.lossPercent) { return }
        if splitAt.contains(now), split.contains(sender) != split.contains(receiver),
            max(sender, receiver) < Self.honest
        {
            return
        }
        queue.add(.arrival(message, from: sender, to: receiver, life: lives[receiver]), at: now + delay)
    }

    private func note(_ number: UInt64) {
        trace = (trace ^ number ^ UInt64(now.components.seconds)) &* 0x100_0000_01b3
    }

    // MARK: What must come out

    /// Ids in force of what people said, as a log has them that got everything in order and knows no peers.
    func expected() async throws -> Set<Hash32> {
        let path = folder + "/expected"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let second = UInt64(1_700_000_000 + now.components.seconds)
        let log = try PostLog(path: path + "/posts.db", checkpoints: lists, now: { second + 900 })
        defer { log.close() }
        _ = try await log.intake.submit(published.map(\.post.envelope), from: .local)
        var ids: Set<Hash32> = []
        let index = log.offered.all
        index.forEachID(in: 0..<index.count) { ids.insert($0) }
        return ids
    }
}

/// Events in the order of their time, and of their coming for one time.
struct EventQueue<Event> {
    private var heap: [(time: Duration, order: Int, event: Event)] = []
    private var added = 0

    mutating func add(_ event: Event, at time: Duration) {
        added += 1
        heap.append((time, added, event))
        var child = heap.count - 1
        while child > 0, precedes(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next(before end: Duration) -> (Duration, Event)? {
        guard let first = heap.first, first.time < end else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            guard least != parent else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.event)
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].order) < (heap[right].time, heap[right].order)
    }
}
