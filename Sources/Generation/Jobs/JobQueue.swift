import WaggleProtocol

/// Decides everything about jobs: who is next, what a sign of life is worth, what is paid and what is given back. It does
/// nothing itself: each input gives effects to carry out, `save` before all others of the same input.
///
/// **Turns** are start-time fair queueing (Goyal, Vin, Cheng 1996): a job's turn is where its owner's last one ended, or now
/// in the queue's own time if that is later, plus its work divided by its weight. The smallest turn is next. So whoever
/// orders a hundred pictures waits behind whoever orders one, and nobody waits for ever.
///
/// **Money** is held before a job waits and settled once when it is over, whatever happened: a job leaves the queue only
/// through `settling`.
public struct JobQueue: Sendable {
    public enum Mode: String, Codable, Sendable {
        case open
        /// Takes orders and begins none.
        case paused
        /// Takes no orders and finishes what it has.
        case draining
    }

    public enum Input: Sendable, Hashable {
        /// The price was put aside; nil where there is none.
        case held(String, hold: String?)
        case holdRefused(String, GenerationError)
        /// A sign of life while the model is loaded.
        case sign(String)
        case progress(String, JobProgress)
        case picture(String, JobPicture)
        /// The engine is done with a job, or gave up, or was stopped; nil is well.
        case ended(String, GenerationError?)
        /// What was taken of the hold.
        case settled(String, captured: Int64)
        case settleFailed(String)
        case cancel(String)
        /// A file was taken back or purged.
        case withdrawn(sha256: String)
        case mode(Mode)
        /// Time passes.
        case tick
    }

    public enum Effect: Sendable, Hashable {
        /// Put this on disk, before anything else of this list.
        case save(Job)
        /// Show it to whoever watches. Nothing of it is kept: a node that comes back begins the job anew.
        case show(Job)
        /// Put the price aside.
        case hold(Job)
        case start(Job)
        /// End the engine that draws this.
        case stop(String)
        /// Take `captured` of the hold and give back the rest.
        case settle(Job)
        /// Remember that engines died under these files, so many times.
        case blame(ModelSet, crashes: Int)
    }

    /// Jobs that are not over.
    public private(set) var jobs: [String: Job] = [:]
    public private(set) var mode: Mode
    /// How often engines died under a set of files, by `ModelSet.key`.
    public private(set) var crashes: [String: Int]
    let slots: Int
    /// Whether an engine's end counts against the files of its job.
    let blamesFiles: Bool
    /// The queue's own time: the turn of the job that was begun last.
    private var virtualTime = 0.0
    private var lastTurns: [String: Double] = [:]
    /// The last sign of each running job, and why it is being stopped.
    private var signs: [String: UInt64] = [:]
    private var loaded: Set<String> = []
    private var doomed: [String: GenerationError] = [:]
    private var settleAgain: [String: UInt64] = [:]
    /// Seconds for a thousandth of a unit.
    private var pace: Double?

    /// - Parameters:
    ///   - slots: jobs that run at once.
    ///   - blamesFiles: whether an engine's end counts against the files of its job.
    public init(slots: Int, crashes: [String: Int] = [:], mode: Mode = .open, blamesFiles: Bool = true) {
        self.slots = max(1, slots)
        self.blamesFiles = blamesFiles
        self.crashes = crashes
        self.mode = mode
    }

    // MARK: Inputs

    /// Takes an order.
    ///
    /// - Throws: `paused` while draining, `queueFull`, `tooManyJobs`, `quarantined`; nothing is held then.
    public mutating func submit(_ job: Job, now: UInt64) throws(GenerationError) -> [Effect] {
        guard mode != .draining else { throw .paused }
        guard jobs.count < Limits.Generation.jobs else { throw .queueFull(limit: Limits.Generation.jobs) }
        let own = jobs.values.count { $0.owner == job.owner }
        guard own < Limits.Generation.jobsPerPerson else {
            throw .tooManyJobs(limit: Limits.Generation.jobsPerPerson)
        }
        guard !isQuarantined(job.models) else { throw .quarantined(name: job.models.names) }
        precondition(jobs[job.id] == nil, "a job's id is new")
        var job = job
        job.turn = max(virtualTime, lastTurns[job.owner] ?? 0) + Double(job.milliunits) / Double(job.weight)
        lastTurns[job.owner] = job.turn
        guard job.price == 0 else {
            jobs[job.id] = job
            return [.save(job), .hold(job)]
        }
        job.state = .queued
        jobs[job.id] = job
        return [.save(job)] + next(now)
    }

    public mutating func handle(_ input: Input, now: UInt64) -> [Effect] {
        switch input {
        case .held(let id, let hold):
            guard var job = jobs[id], job.state == .holding else { return [] }
            job.hold = hold
            guard !job.isCancelled else { return over(job, .cancelled, .cancelled, now) }
            job.state = .queued
            jobs[id] = job
            return [.save(job)] + next(now)
        case .holdRefused(let id, let error):
            guard let job = jobs[id], job.state == .holding else { return [] }
            return over(job, .failed, error, now)
        case .sign(let id):
            if jobs[id]?.state == .running { signs[id] = now }
            return []
        case .progress(let id, let progress):
            guard jobs[id]?.state == .running else { return [] }
            jobs[id]?.progress = progress
            signs[id] = now
            loaded.insert(id)
            return []
        case .picture(let id, let picture):
            guard var job = jobs[id], job.state == .running else { return [] }
            signs[id] = now
            loaded.insert(id)
            guard !job.pictures.contains(where: { $0.index == picture.index }) else { return [] }
            job.pictures.append(picture)
            jobs[id] = job
            return [.show(job)]
        case .ended(let id, let error): return ended(id, error, now)
        case .settled(let id, let captured):
            guard var job = jobs[id], job.state == .settling, let outcome = job.outcome else { return [] }
            (job.state, job.captured) = (outcome, captured)
            jobs[id] = nil
            settleAgain[id] = nil
            forgetOwner(job.owner)
            return [.save(job)]
        case .settleFailed(let id):
            guard jobs[id]?.state == .settling else { return [] }
            settleAgain[id] = now + Limits.Generation.settleSeconds
            return []
        case .cancel(let id): return cancel(id, now)
        case .withdrawn(let sha256):
            return jobs.values.filter { job in job.models.files.contains { $0.sha256 == sha256 } }.map(\.id).sorted()
                .flatMap { lost($0, sha256, now) }
        case .mode(let mode):
            self.mode = mode
            return next(now)
        case .tick: return tick(now)
        }
    }

    /// Goes on after a restart with the jobs that were not over. What ran is begun anew, once.
    public mutating func restore(_ found: [Job], now: UInt64) -> [Effect] {
        var effects: [Effect] = []
        for var job in found.sorted(by: { $0.turn < $1.turn }) where !job.state.isOver {
            lastTurns[job.owner] = max(lastTurns[job.owner] ?? 0, job.turn)
            switch job.state {
            case .holding:
                jobs[job.id] = job
                effects.append(.hold(job))
            case .running:
                job.progress = JobProgress()
                job.pictures = []
                if job.isCancelled {
                    effects += over(job, .cancelled, .cancelled, now)
                } else if job.attempts >= Limits.Generation.attempts {
                    effects += over(job, .failed, .crashed("the node ended while it was drawn, twice"), now)
                } else {
                    job.state = .queued
                    jobs[job.id] = job
                    effects.append(.save(job))
                }
            case .settling:
                jobs[job.id] = job
                effects.append(.settle(job))
            default: jobs[job.id] = job
            }
        }
        return effects + next(now)
    }

    /// Lets a set of files be drawn with again.
    public mutating func forgive(_ key: String) { crashes[key] = nil }

    // MARK: Answers

    public func isQuarantined(_ models: ModelSet) -> Bool {
        (crashes[models.key] ?? 0) >= Limits.Generation.crashes
    }

    /// How many jobs come before this one; nil when it does not wait.
    public func position(of id: String) -> Int? {
        guard let job = jobs[id], job.state == .queued else { return nil }
        return jobs.values.count { $0.state == .queued && Self.precedes($0, job) }
    }

    /// Work before a job begins, in thousandths of a unit: those before it and what runs.
    public func workBefore(_ id: String) -> Int64 {
        guard let job = jobs[id] else { return 0 }
        return jobs.values.reduce(0) { sum, other in
            let isBefore = other.state == .running || (other.state == .queued && Self.precedes(other, job))
            return isBefore && other.id != id ? sum &+ other.milliunits : sum
        }
    }

    /// Seconds until a waiting job begins, by the pace of those before it; nil when it does not wait, or nothing was drawn yet.
    public func secondsBefore(_ id: String) -> UInt64? {
        guard let pace, jobs[id]?.state == .queued else { return nil }
        return UInt64(min((Double(workBefore(id)) * pace / Double(slots)).rounded(.up), 1e9))
    }

    /// Takes the pace from a job that was drawn: newer ones count more.
    public mutating func learn(from job: Job) {
        guard let started = job.started, let finished = job.finished, finished >= started, job.milliunits > 0 else {
            return
        }
        // The clock has whole seconds.
        let found = Double(max(1, finished - started)) / Double(job.milliunits)
        pace = pace.map { 0.75 * $0 + 0.25 * found } ?? found
    }

    public var running: [Job] { jobs.values.filter { $0.state == .running } }

    private static func precedes(_ left: Job, _ right: Job) -> Bool {
        (left.turn, left.id) < (right.turn, right.id)
    }

    // MARK: Steps

    /// Begins what can be begun.
    private mutating func next(_ now: UInt64) -> [Effect] {
        guard mode != .paused else { return [] }
        var effects: [Effect] = []
        while running.count < slots,
            var job = jobs.values.filter({ $0.state == .queued }).min(by: Self.precedes)
        {
            guard !isQuarantined(job.models) else {
                effects += over(job, .failed, .quarantined(name: job.models.names), now)
                continue
            }
            virtualTime = max(virtualTime, job.turn - Double(job.milliunits) / Double(job.weight))
            job.state = .running
            job.attempts += 1
            job.started = now
            job.progress = JobProgress()
            jobs[job.id] = job
            signs[job.id] = now
            loaded.remove(job.id)
            effects += [.save(job), .start(job)]
        }
        return effects
    }

    private mutating func ended(_ id: String, _ error: GenerationError?, _ now: UInt64) -> [Effect] {
        guard var job = jobs[id], job.state == .running else { return [] }
        // What it was stopped for says more than that it stopped.
        let error = doomed.removeValue(forKey: id) ?? error
        signs[id] = nil
        loaded.remove(id)
        var effects: [Effect] = []
        if let error, blamesFiles, error.blamesFiles {
            let count = (crashes[job.models.key] ?? 0) + 1
            crashes[job.models.key] = count
            effects.append(.blame(job.models, crashes: count))
        }
        guard let error else {
            let isWhole = job.pictures.count == job.plan.batch
            return over(job, isWhole ? .done : .failed, isWhole ? nil : .badReply("a picture is missing"), now)
                + next(now)
        }
        if !job.isCancelled, error.isWorthAnotherTry, job.attempts < Limits.Generation.attempts,
            !isQuarantined(job.models)
        {
            job.state = .queued
            job.pictures = []
            job.progress = JobProgress()
            jobs[id] = job
            return effects + [.save(job)] + next(now)
        }
        effects += over(job, job.isCancelled ? .cancelled : .failed, job.isCancelled ? .cancelled : error, now)
        return effects + next(now)
    }

    private mutating func cancel(_ id: String, _ now: UInt64) -> [Effect] {
        guard var job = jobs[id], !job.isCancelled, job.state != .settling else { return [] }
        job.isCancelled = true
        jobs[id] = job
        switch job.state {
        case .queued: return over(job, .cancelled, .cancelled, now)
        case .running:
            doomed[id] = .cancelled
            return [.save(job), .stop(id)]
        // The hold is on its way; it is given back when it is there.
        default: return [.save(job)]
        }
    }

    private mutating func lost(_ id: String, _ sha256: String, _ now: UInt64) -> [Effect] {
        guard let job = jobs[id] else { return [] }
        let name = job.models.files.first { $0.sha256 == sha256 }?.name ?? sha256
        switch job.state {
        case .queued: return over(job, .failed, .withdrawn(name: name), now)
        case .running where doomed[id] == nil:
            doomed[id] = .withdrawn(name: name)
            return [.stop(id)]
        default: return []
        }
    }

    private mutating func tick(_ now: UInt64) -> [Effect] {
        var effects: [Effect] = []
        for job in running.sorted(by: { $0.id < $1.id }) where doomed[job.id] == nil {
            guard let error = overdue(job, now) else { continue }
            doomed[job.id] = error
            effects.append(.stop(job.id))
        }
        for (id, due) in settleAgain.sorted(by: { $0.key < $1.key }) where due <= now {
            settleAgain[id] = nil
            if let job = jobs[id] { effects.append(.settle(job)) }
        }
        return effects + next(now)
    }

    /// Why a running job is waited for no longer.
    private func overdue(_ job: Job, _ now: UInt64) -> GenerationError? {
        typealias Bounds = Limits.Generation
        let (begun, sign) = (job.started ?? now, signs[job.id] ?? now)
        if now >= begun + Bounds.jobSeconds { return .tookTooLong(seconds: Bounds.jobSeconds) }
        if loaded.contains(job.id) {
            let megapixels = UInt64(job.plan.width * job.plan.height) >> 20
            let limit = Bounds.stepSeconds * (1 + megapixels)
            return now >= sign + limit ? .timedOut(what: "a step", seconds: limit) : nil
        }
        let limit = Bounds.loadSeconds + Bounds.loadSecondsPerGigabyte * (job.models.bytes / 1_000_000_000 + 1)
        return now >= sign + limit ? .timedOut(what: "loading the model", seconds: limit) : nil
    }

    /// Ends a job: what it was worth is fixed now, and paid once.
    private mutating func over(
        _ job: Job, _ outcome: Job.State, _ error: GenerationError?, _ now: UInt64
    ) -> [Effect] {
        var job = job
        job.outcome = outcome
        job.failure = error.map { JobFailure($0) }
        job.finished = now
        if outcome == .done { learn(from: job) }
        switch outcome {
        case .done: job.captured = job.price
        // Whoever cancels has the pictures that are done, and pays for those.
        case .cancelled: job.captured = job.price / Int64(job.plan.batch) * Int64(job.pictures.count)
        default: job.captured = 0
        }
        guard job.hold != nil else {
            job.captured = 0
            job.state = outcome
            jobs[job.id] = nil
            forgetOwner(job.owner)
            return [.save(job)]
        }
        job.state = .settling
        jobs[job.id] = job
        return [.save(job), .settle(job)]
    }

    /// Turns of people who have no job are the queue's own time again.
    private mutating func forgetOwner(_ owner: String) {
        guard !jobs.values.contains(where: { $0.owner == owner }), (lastTurns[owner] ?? 0) <= virtualTime else {
            return
        }
        lastTurns[owner] = nil
    }
}
