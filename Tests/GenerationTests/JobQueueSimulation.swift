import Testing
import WaggleProtocol

@testable import Generation

/// A node with a queue, a disk that keeps what was saved, an authority that keeps holds, and engines that draw, crash and
/// hang; which may end at any moment with everything that was in memory.
private struct SimulatedNode {
    var random: SplitMix
    let slots: Int
    var queue: JobQueue
    var now: UInt64 = 1000
    var disk: [String: Job] = [:]
    var blamed: [String: Int] = [:]
    var balance: Int64 = 1_000_000
    /// Open holds by job; what was ever taken and given back.
    var holds: [String: Int64] = [:]
    var settled: [String: Int64] = [:]
    /// Answers under way: they get lost when the node ends.
    var asked: [JobQueue.Effect] = []
    var engines: [String: Int] = [:]
    var faults: [String] = []
    var ordered = 0

    init(seed: UInt64) {
        random = SplitMix(seed: seed)
        slots = Int.random(in: 1...3, using: &random)
        queue = JobQueue(slots: slots)
    }

    mutating func carryOut(_ effects: [JobQueue.Effect]) {
        for effect in effects {
            switch effect {
            case .save(let job): disk[job.id] = job
            case .blame(let models, let crashes): blamed[models.key] = crashes
            case .start(let job):
                if engines[job.id] != nil { faults.append("\(job.id) runs twice") }
                if disk[job.id]?.state != .running { faults.append("\(job.id) runs and the disk does not know") }
                if job.price > 0, holds[job.id] == nil { faults.append("\(job.id) runs and is not paid") }
                engines[job.id] = 0
                if engines.count > slots { faults.append("\(engines.count) engines") }
            case .show: break
            case .hold, .settle, .stop: asked.append(effect)
            }
        }
    }

    mutating func step(isEnding: Bool) {
        now += UInt64.random(in: 0...20, using: &random)
        if !isEnding, random.chance(20) { order() }
        if !isEnding, random.chance(2) { crash() }
        if random.chance(10), let id = queue.jobs.keys.sorted().randomElement(using: &random), !isEnding {
            carryOut(queue.handle(.cancel(id), now: now))
        }
        if !isEnding, random.chance(2) {
            carryOut(queue.handle(.mode([.open, .paused, .draining].randomElement(using: &random) ?? .open), now: now))
        }
        answer()
        draw()
        carryOut(queue.handle(.tick, now: now))
    }

    private mutating func order() {
        ordered += 1
        let owner = ["a", "b", "c"].randomElement(using: &random) ?? "a"
        let price = random.chance(30) ? 0 : Int64.random(in: 1...400, using: &random)
        guard
            let job = try? Samples.job(
                "j\(ordered)", owner: owner, price: price, batch: Int.random(in: 1...4, using: &random),
                models: Samples.models(UInt64.random(in: 1...9, using: &random)),
                milliunits: Int64.random(in: 1...9000, using: &random))
        else { return }
        if let effects = try? queue.submit(job, now: now) { carryOut(effects) }
    }

    /// Ends the node: engines go with it, answers are lost, some of what was asked was done all the same.
    private mutating func crash() {
        for effect in asked where random.chance(50) { _ = done(effect) }
        asked = []
        engines = [:]
        queue = JobQueue(slots: slots, crashes: blamed)
        carryOut(queue.restore(disk.values.filter { !$0.state.isOver }, now: now))
    }

    /// What the authority or the system makes of an effect, and what it answers. Asked twice, it is done once.
    private mutating func done(_ effect: JobQueue.Effect) -> JobQueue.Input? {
        switch effect {
        case .hold(let job):
            if holds[job.id] == nil, settled[job.id] == nil {
                guard balance >= job.price else { return .holdRefused(job.id, .payment("too little")) }
                balance -= job.price
                holds[job.id] = job.price
            }
            return .held(job.id, hold: "hold of \(job.id)")
        case .settle(let job):
            if let amount = holds.removeValue(forKey: job.id) {
                if job.captured > amount { faults.append("\(job.id) takes \(job.captured) of \(amount)") }
                balance += amount - job.captured
                settled[job.id] = job.captured
            } else if settled[job.id] != job.captured {
                faults.append("\(job.id) settles \(job.captured) after \(settled[job.id] ?? -1)")
            }
            return .settled(job.id, captured: settled[job.id] ?? 0)
        case .stop(let id): return engines.removeValue(forKey: id) == nil ? nil : .ended(id, .crashed("signal 9"))
        default: return nil
        }
    }

    private mutating func answer() {
        guard !asked.isEmpty, random.chance(70) else { return }
        let effect = asked.remove(at: Int.random(in: asked.indices, using: &random))
        if case .settle(let job) = effect, random.chance(20) {
            carryOut(queue.handle(.settleFailed(job.id), now: now))
        } else if let input = done(effect) {
            carryOut(queue.handle(input, now: now))
        }
    }

    private mutating func draw() {
        guard let id = engines.keys.sorted().randomElement(using: &random), let drawn = engines[id],
            let job = queue.jobs[id]
        else { return }
        switch Int.random(in: 0..<100, using: &random) {
        case ..<5: end(id, .crashed("signal 6"))
        case ..<10: end(id, .flatPicture)
        case ..<13: break
        case ..<40: carryOut(queue.handle(.progress(id, JobProgress(step: 1, steps: 2)), now: now))
        default:
            carryOut(queue.handle(.picture(id, Samples.picture(drawn)), now: now))
            engines[id] = drawn + 1
            if drawn + 1 == job.plan.batch { end(id, nil) }
        }
    }

    private mutating func end(_ id: String, _ error: GenerationError?) {
        engines[id] = nil
        carryOut(queue.handle(.ended(id, error), now: now))
    }
}

@Suite("Jobs in a node that ends at any moment")
struct JobQueueSimulation {
    @Test("nothing is paid twice, no hold is lost, nothing runs twice", arguments: 0..<200)
    func seeds(_ seed: Int) {
        var node = SimulatedNode(seed: UInt64(seed))
        for _ in 0..<400 { node.step(isEnding: false) }
        node.carryOut(node.queue.handle(.mode(.draining), now: node.now))
        var steps = 0
        while !node.queue.jobs.isEmpty, steps < 20_000 {
            node.step(isEnding: true)
            steps += 1
        }
        #expect(node.faults == [], "seed \(seed)")
        #expect(node.queue.jobs.isEmpty, "seed \(seed): \(node.queue.jobs.values.map(\.state))")
        #expect(!node.disk.values.contains { !$0.state.isOver }, "seed \(seed)")
        #expect(node.holds.isEmpty, "seed \(seed): holds without a job")
        let taken = node.disk.values.reduce(0) { $0 + $1.captured }
        #expect(node.balance == 1_000_000 - taken, "seed \(seed)")
        for job in node.disk.values {
            switch job.state {
            case .done: #expect(job.captured == job.price && job.pictures.count == job.plan.batch, "seed \(seed)")
            case .failed: #expect(job.captured == 0 && job.failure != nil, "seed \(seed)")
            default: #expect(job.captured <= job.price, "seed \(seed)")
            }
        }
    }
}
