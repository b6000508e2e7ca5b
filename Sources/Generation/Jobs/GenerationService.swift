public import Digests
import Formats
import Synchronization
import WaggleProtocol

/// Carries out what `JobQueue` decides: writes it down, has it drawn, paid and told.
///
/// Inputs are taken one after another, each on disk before its effects begin and before whoever asked is answered. An input
/// that cannot be written down did not happen: the queue is put back, and the watchdog comes to it again.
public actor GenerationService {
    /// What drawing needs from the node besides the engine.
    public struct Studio: Sendable {
        /// Bytes of the picture to start from.
        public var initImage: @Sendable (Job) async throws(GenerationError) -> [UInt8]?
        /// Whether a file is not here any more, or may not be used any more.
        public var isGone: @Sendable (ModelFile) async -> Bool
        /// Gives a picture its recipe, stores it, and says what it became: the job, which picture, its bytes, the engine.
        public var finish: @Sendable (Job, Int, [UInt8], String) async throws(GenerationError) -> JobPicture

        public init(
            initImage: @escaping @Sendable (Job) async throws(GenerationError) -> [UInt8]?,
            isGone: @escaping @Sendable (ModelFile) async -> Bool,
            finish: @escaping @Sendable (Job, Int, [UInt8], String) async throws(GenerationError) -> JobPicture
        ) {
            self.initImage = initImage
            self.isGone = isGone
            self.finish = finish
        }
    }

    /// A job as it is now, with where it stands.
    public struct Standing: Codable, Hashable, Sendable {
        public var job: Job
        /// Jobs before it; nil when it does not wait.
        public var position: Int?
        /// Seconds until it begins, about; nil when it does not wait, or nobody knows.
        public var secondsBefore: UInt64?
        /// How often it was seen how far its picture is; 0 when there is nothing to see.
        public var previews: Int

        public init(job: Job, position: Int? = nil, secondsBefore: UInt64? = nil, previews: Int = 0) {
            self.job = job
            self.position = position
            self.secondsBefore = secondsBefore
            self.previews = previews
        }
    }

    /// How far a picture is that is being drawn. Never kept.
    public struct Preview: Sendable {
        public let picture: [UInt8]
        public let mediaType: String
        let number: Int
    }

    public nonisolated let backend: any GenerationBackend
    private let store: JobStore
    private let payment: any JobPayment
    private let studio: Studio
    private let now: @Sendable () -> UInt64
    private var queue: JobQueue
    /// What draws each running job, by a number that no other has.
    private var runs: [String: (number: Int, task: Task<Void, Never>)] = [:]
    private var runNumber = 0
    /// Of running jobs.
    private var previews: [String: Preview] = [:]
    private var watchers: [String: [Int: AsyncStream<Standing>.Continuation]] = [:]
    private var watcherNumber = 0
    private var isStarted = false
    private var isStopping = false
    /// Inputs wait for the one before them.
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - Parameters:
    ///   - slots: jobs that are drawn at once.
    ///   - now: unix seconds.
    public init(
        backend: any GenerationBackend, store: JobStore, payment: any JobPayment, studio: Studio, slots: Int,
        now: @escaping @Sendable () -> UInt64
    ) {
        self.backend = backend
        self.store = store
        self.payment = payment
        self.studio = studio
        self.now = now
        queue = JobQueue(slots: slots, blamesFiles: backend.opensFiles)
    }

    // MARK: Life

    /// Takes up what the node was at when it ended. Does nothing the second time.
    public func start() async throws(GenerationError) {
        guard !isStarted else { return }
        // An order that comes meanwhile waits: it would be lost with the queue that it joined.
        await enter()
        defer { leave() }
        guard !isStarted else { return }
        let (open, found) = (try await store.open(), try await store.crashes())
        let drawn = try await store.newest(limit: Limits.Generation.historyPage).filter { $0.state == .done }
        var crashes: [String: Int] = [:]
        for crash in found { crashes[crash.key] = crash.count }
        queue = JobQueue(slots: queue.slots, crashes: crashes, blamesFiles: queue.blamesFiles)
        for job in drawn.reversed() { queue.learn(from: job) }
        try await decided { queue, now in queue.restore(open, now: now) }
        isStarted = true
    }

    /// Watches over running jobs until the task is cancelled.
    public func run() async {
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: .seconds(Limits.Generation.tickSeconds))) != nil else { break }
            await take(.tick)
            await endLost()
        }
    }

    /// A job whose end could not be written down, because the disk was full, runs no more and does not know.
    private func endLost() async {
        try? await perform { queue, now in
            queue.running.filter { runs[$0.id] == nil }.flatMap {
                queue.handle(.ended($0.id, .crashed("nothing draws it")), now: now)
            }
        }
    }

    /// Ends what is drawn; it is begun anew by the next `start`.
    public func stop() async {
        isStopping = true
        let running = runs.values.map(\.task)
        for run in running { run.cancel() }
        for run in running { await run.value }
        await backend.rest()
        for stream in watchers.values.flatMap(\.values) { stream.finish() }
        watchers = [:]
    }

    // MARK: Jobs

    /// Takes an order. It survives the end of the node when this returns.
    public func submit(_ job: Job) async throws(GenerationError) -> Standing {
        guard !isStopping else { throw .paused }
        try await start()
        try await perform { queue, now throws(GenerationError) in try queue.submit(job, now: now) }
        return try await standing(job.id)
    }

    public func cancel(_ id: String) async throws(GenerationError) {
        try await perform { queue, now in queue.handle(.cancel(id), now: now) }
    }

    public func setMode(_ mode: JobQueue.Mode) async throws(GenerationError) {
        try await perform { queue, now in queue.handle(.mode(mode), now: now) }
    }

    /// Something was taken back, taken down or purged: ends the jobs that need it.
    public func reviewFiles() async {
        for file in Set(open.flatMap(\.models.files)) where await studio.isGone(file) {
            await take(.withdrawn(sha256: file.sha256))
        }
    }

    public var mode: JobQueue.Mode { queue.mode }
    /// Jobs that are not over.
    public var open: [Job] { queue.jobs.values.sorted { ($0.turn, $0.id) < ($1.turn, $1.id) } }

    /// - Throws: `unknownJob`.
    public func standing(_ id: String) async throws(GenerationError) -> Standing {
        if let job = queue.jobs[id] {
            return standing(of: job)
        }
        guard let job = try await store.find(id) else { throw .unknownJob(id) }
        return Standing(job: job)
    }

    private func standing(of job: Job) -> Standing {
        Standing(
            job: job, position: queue.position(of: job.id), secondsBefore: queue.secondsBefore(job.id),
            previews: previews[job.id]?.number ?? 0)
    }

    /// Nil while there is nothing to see.
    public func preview(of id: String) -> Preview? { previews[id] }

    public func history(of owner: String, limit: Int, offset: Int = 0) async throws(GenerationError) -> [Job] {
        try await store.history(of: owner, limit: limit, offset: offset).map { queue.jobs[$0.id] ?? $0 }
    }

    public func newest(limit: Int) async throws(GenerationError) -> [Job] {
        try await store.newest(limit: limit).map { queue.jobs[$0.id] ?? $0 }
    }

    /// Remembers what somebody thinks of a picture of a job that is over.
    ///
    /// - Returns: the picture as it was before.
    /// - Throws: `unknownJob`, also while it is not over.
    public func note(_ isGood: Bool, of index: Int, in id: String) async throws(GenerationError) -> JobPicture {
        guard queue.jobs[id] == nil, var job = try await store.find(id), job.state.isOver,
            let place = job.pictures.firstIndex(where: { $0.index == index })
        else { throw .unknownJob(id) }
        let before = job.pictures[place]
        job.pictures[place].isGood = isGood
        if before.isGood != isGood { try await store.write([job]) }
        return before
    }

    /// Whether a picture was drawn here for somebody, as far as their history goes.
    public func hasDrawn(_ picture: Hash32, for owner: String) async throws(GenerationError) -> Bool {
        try await store.hasPicture(picture.hex, of: owner)
    }

    /// Sets of files that engines died under.
    public func crashes() async throws(GenerationError) -> [(key: String, names: String, count: Int)] {
        try await store.crashes()
    }

    /// Lets a set of files be drawn with again.
    public func forgive(_ key: String) async throws(GenerationError) {
        try await store.forgive(key)
        queue.forgive(key)
    }

    /// What a look through a file came to before: nil when nobody looked, else why it is refused, empty for a good one.
    public func checked(_ sha256: String, as role: ModelFile.Role) async throws(GenerationError) -> String? {
        try await store.checked(sha256, role)
    }

    public func noteChecked(_ sha256: String, as role: ModelFile.Role, _ why: String) async throws(GenerationError) {
        try await store.noteChecked(sha256, role, why)
    }

    /// The job now, and again whenever something about it changes, until it is over.
    public func watch(_ id: String) async throws(GenerationError) -> AsyncStream<Standing> {
        let now = try await standing(id)
        let (stream, continuation) = AsyncStream.makeStream(of: Standing.self, bufferingPolicy: .bufferingNewest(1))
        continuation.yield(now)
        guard !now.job.state.isOver, !isStopping else {
            continuation.finish()
            return stream
        }
        watcherNumber += 1
        let number = watcherNumber
        watchers[id, default: [:]][number] = continuation
        continuation.onTermination = { [weak self] _ in
            Task { await self?.forget(number, id) }
        }
        return stream
    }

    private func forget(_ number: Int, _ id: String) {
        watchers[id]?[number] = nil
        if watchers[id]?.isEmpty == true { watchers[id] = nil }
    }

    // MARK: Inputs and effects

    private typealias Decision = (inout JobQueue, UInt64) throws(GenerationError) -> [JobQueue.Effect]

    private func perform(_ decide: Decision) async throws(GenerationError) {
        await enter()
        defer { leave() }
        try await decided(decide)
    }

    private func enter() async {
        while isBusy { await withCheckedContinuation { waiting.append($0) } }
        isBusy = true
    }

    private func leave() {
        isBusy = false
        if !waiting.isEmpty { waiting.removeFirst().resume() }
    }

    private func decided(_ decide: Decision) async throws(GenerationError) {
        let before = queue
        let effects = try decide(&queue, now())
        guard !effects.isEmpty else { return }
        var saved: [String: Job] = [:]
        var shown: [Job] = []
        var blamed: [(models: ModelSet, count: Int)] = []
        for effect in effects {
            if case .save(let job) = effect { saved[job.id] = job }
            if case .show(let job) = effect { shown.append(job) }
            if case .blame(let models, let crashes) = effect { blamed.append((models, crashes)) }
        }
        do throws(GenerationError) {
            try await store.write(Array(saved.values), crashes: blamed)
        } catch {
            queue = before
            throw error
        }
        for effect in effects { carryOut(effect) }
        for job in shown + saved.values { tell(job) }
    }

    /// An input that nobody waits for. In a task of its own: that a drawing was cancelled has to be written down, and a
    /// cancelled task writes nothing.
    private func take(_ input: JobQueue.Input) async {
        await Task {
            try? await self.perform { queue, now in queue.handle(input, now: now) }
        }.value
    }

    private func carryOut(_ effect: JobQueue.Effect) {
        switch effect {
        case .save, .show, .blame: break
        case .hold(let job):
            Task {
                do throws(GenerationError) {
                    let hold = try await payment.hold(job)
                    await take(.held(job.id, hold: hold))
                } catch {
                    await take(.holdRefused(job.id, error))
                }
            }
        case .settle(let job):
            Task {
                do throws(GenerationError) {
                    let captured = try await payment.settle(job)
                    await take(.settled(job.id, captured: captured))
                } catch {
                    await take(.settleFailed(job.id))
                }
            }
        case .start(let job):
            runNumber += 1
            let number = runNumber
            runs[job.id] = (number, Task { await self.draw(job, number) })
        case .stop(let id):
            if let run = runs[id] {
                run.task.cancel()
            } else {
                Task { await take(.ended(id, .crashed("nothing draws it"))) }
            }
        }
    }

    private func draw(_ job: Job, _ number: Int) async {
        var failure: GenerationError?
        do throws(GenerationError) {
            // It may have waited for long.
            for file in job.models.files where await studio.isGone(file) { throw .withdrawn(name: file.name) }
            let picture = try await studio.initImage(job)
            let order = DrawOrder(job: job.id, plan: job.plan, models: job.models, initImage: picture)
            try await backend.draw(order) { sign throws(GenerationError) in try await self.note(sign, of: job) }
        } catch {
            failure = Task.isCancelled ? .cancelled : error
        }
        previews[job.id] = nil
        // A node that ends leaves the job as it is: running, to be begun anew.
        if !isStopping { await take(.ended(job.id, failure)) }
        // It may have been begun again meanwhile.
        if runs[job.id]?.number == number { runs[job.id] = nil }
    }

    private func note(_ sign: DrawSign, of job: Job) async throws(GenerationError) {
        switch sign {
        case .loading: await take(.sign(job.id))
        case .step(let progress):
            await take(.progress(job.id, progress))
            if let current = queue.jobs[job.id] { tell(current) }
        case .preview(let picture):
            guard picture.count <= Limits.Generation.previewBytes, let type = ImageInfo.sniff(picture)?.mediaType,
                [.png, .jpeg, .webp].contains(type), let current = queue.jobs[job.id]
            else { return }
            previews[job.id] = Preview(
                picture: picture, mediaType: type.rawValue, number: (previews[job.id]?.number ?? 0) + 1)
            tell(current)
        case .picture(let index, let png, let engine):
            previews[job.id] = nil
            let picture = try await studio.finish(job, index, png, engine)
            try await perform { queue, now in queue.handle(.picture(job.id, picture), now: now) }
        }
    }

    private func tell(_ job: Job) {
        guard let streams = watchers[job.id] else { return }
        let standing = standing(of: job)
        for stream in streams.values {
            stream.yield(standing)
            if job.state.isOver { stream.finish() }
        }
        if job.state.isOver { watchers[job.id] = nil }
    }
}
