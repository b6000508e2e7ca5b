import Digests
import Federation
import PostLog
import WaggleProtocol

/// Honest nodes and others over a network that delays, loses, doubles, reorders and splits, with clocks that are off and
/// nodes that start anew. Everything follows from the seed.
struct Simulation {
    static let strangerBytes = 200_000

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
        case publish(Int)
        case stop(Int)
        case start(Int)
    }

    private let weather: Weather
    private var random: SplitMix
    private(set) var now = Duration.zero
    private(set) var nodes: [SimulatedNode] = []
    private var attackers: [SimulatedAttacker] = []
    /// How often each node started; what was on its way to an earlier life is lost.
    private var lives: [Int]
    private var isDown: Set<Int> = []
    private var queue = EventQueue<Event>()
    private var split: Set<Int> = []
    private var splitAt = Duration.zero..<Duration.zero
    private let activeUntil: Duration
    /// Posts of the people at the honest nodes, and when each was published.
    private(set) var published: [SimulatedPost: Duration] = [:]
    /// Everything that happened, as one number: two runs of a seed are the same or they are not.
    private(set) var trace: UInt64 = 0
    private(set) var steps = 0

    static let honest = 6

    /// - Parameter active: how long things go wrong and people publish.
    init(seed: UInt64, weather given: Weather? = nil, active: Duration = .seconds(90), posts: Int = 40) {
        random = SplitMix(seed: seed)
        weather = given ?? Weather(&random)
        activeUntil = active
        let count = Self.honest
        lives = Array(repeating: 0, count: count + weather.attackers.count)

        // A ring and chords, so that whoever refuses an author cuts nobody off.
        var dials = (0..<count).map { [($0 + 1) % count] }
        for node in 0..<count {
            let other = Int.random(in: 0..<count, using: &random)
            if other != node, !dials[node].contains(other), !dials[other].contains(node) { dials[node].append(other) }
        }
        for (offset, manner) in weather.attackers.enumerated() {
            let number = count + offset
            let victims = manner == .eclipses ? [0, 1, 2] : (0..<count).shuffled(using: &random).prefix(3).sorted()
            attackers.append(SimulatedAttacker(number: number, manner: manner, victims: Array(victims)))
            // Half of the victims dial the attacker too.
            for victim in victims where random.chance(50) { dials[victim].append(number) }
        }
        for node in 0..<count {
            let dialling = (0..<count).filter { dials[$0].contains(node) }
            let attacking = attackers.filter { $0.victims.contains(node) }.map(\.number)
            let skew =
                weather.skewSeconds == 0
                ? 0 : Int64.random(in: -weather.skewSeconds...weather.skewSeconds, using: &random)
            nodes.append(
                SimulatedNode(
                    number: node, skew: skew, followed: Set(0..<count),
                    unwanted: weather.hasRefusals && node == 3 ? [4] : [], dials: dials[node],
                    isDialledBy: dialling + attacking, seed: random.next()))
        }
        schedule(posts)
    }

    private mutating func schedule(_ posts: Int) {
        for node in nodes.indices {
            queue.add(.start(node), at: .zero)
            queue.add(.tick(node), at: .milliseconds(Int.random(in: 1...500, using: &random)))
        }
        for attacker in attackers { queue.add(.tick(attacker.number), at: .milliseconds(700)) }
        let milliseconds = Int(activeUntil.components.seconds) * 1000
        for _ in 0..<posts {
            let time = Duration.milliseconds(Int.random(in: 2000...milliseconds, using: &random))
            queue.add(.publish(Int.random(in: 0..<Self.honest, using: &random)), at: time)
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
    mutating func run(until end: Duration, check: (borrowing Simulation) -> Void = { _ in }) {
        while let (time, event) = queue.next(before: end) {
            now = time
            step(event)
            steps += 1
            if steps % 512 == 0 { check(self) }
        }
        now = end
        check(self)
    }

    private mutating func step(_ event: Event) {
        switch event {
        case .tick(let number): tick(number)
        case .arrival(let message, let sender, let receiver, let life):
            guard lives[receiver] == life, !isDown.contains(receiver) else { return }
            note(UInt64(sender) << 8 | UInt64(receiver))
            if receiver < Self.honest {
                carryOut(nodes[receiver].receive(message, from: sender, now: now), by: receiver)
            } else {
                carryOut(attackers[receiver - Self.honest].receive(message, from: sender, &random), by: receiver)
            }
        case .names(let ids, let sender, let receiver, let life):
            guard lives[sender] == life, !isDown.contains(sender) else { return }
            carryOut(nodes[sender].name(ids, to: receiver), by: sender)
        case .publish(let node):
            guard !isDown.contains(node) else { return }
            let post = SimulatedPost(
                author: node, number: published.count, created: nodes[node].seconds(now),
                bytes: Int.random(in: 200...2000, using: &random))
            published[post] = now
            carryOut(nodes[node].publish(post, now: now), by: node)
        case .stop(let node):
            guard !isDown.contains(node) else { return }
            isDown.insert(node)
            lives[node] += 1
        case .start(let node): start(node)
        }
    }

    private mutating func start(_ node: Int) {
        isDown.remove(node)
        lives[node] += 1
        carryOut(nodes[node].start(now: now, seed: random.next()), by: node)
        // The others notice that the connection broke, and make it again.
        for other in nodes.indices where other != node && !isDown.contains(other) {
            carryOut(nodes[other].connectionBroke(with: node, now: now), by: other)
        }
    }

    private mutating func tick(_ number: Int) {
        let pause: Duration = isActive ? .milliseconds(500) : .seconds(1)
        queue.add(.tick(number), at: now + pause)
        guard !isDown.contains(number) else { return }
        if number < Self.honest {
            carryOut(nodes[number].tick(now: now), by: number)
        } else if isActive {
            carryOut(attackers[number - Self.honest].tick(now: now, &random), by: number)
        }
    }

    private mutating func carryOut(_ actions: [SimulatedNode.Action], by sender: Int) {
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

    private mutating func send(_ message: SimulatedNode.Message, from sender: Int, to receiver: Int) {
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

    private mutating func note(_ number: UInt64) {
        trace = (trace ^ number ^ UInt64(now.components.seconds)) &* 0x100_0000_01b3
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
