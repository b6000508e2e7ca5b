import BlobStore
import Digests
import Logging
import NIOCore
import WaggleProtocol

/// Carries out what a `FetchScheduler` decides about one blob, and tells it what happens.
actor BlobTransfer {
    enum Outcome {
        case complete
        /// The store refused.
        case store(BlobError)
        /// The bytes of its one unit have the signed SHA-256, and the signed pieces root is of others.
        case contradiction
        case noSource(missingUnits: Int, last: String)
    }

    private let partial: PartialBlob
    private var sources: [BlobSource] = []
    private let culprits: Culprits
    private let logger: Logger
    /// Asks a partial holder again what it has.
    private let refresh: @Sendable (BlobSource) async -> UnitSet?
    /// Looks for sources that have appeared meanwhile; gets the names of all that ever took part.
    private let look: @Sendable (Set<String>) async -> [FetchSource]
    /// Gets the number of units that are missing.
    private let progress: @Sendable (Int) -> Void
    /// Gets the bytes of each unit that a peer sent and that are right.
    private let brought: @Sendable (Hash32, Int) -> Void

    private let memory = UnitMemory()
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var scheduler = FetchScheduler<Int>(held: UnitSet(capacity: 0))
    private let (effects, outbox) = AsyncStream.makeStream(of: FetchScheduler<Int>.Effect.self)
    /// Ends the run when it is finished.
    private var signals: [Int: AsyncStream<Never>.Continuation] = [:]
    /// Of each source, the turn of the run that was asked of it last.
    private var turns: [Int: Turn] = [:]
    private var lastFailure = ""
    private var storeFailure: BlobError?
    private var contradicts = false

    init(
        partial: PartialBlob, culprits: Culprits, logger: Logger,
        refresh: @escaping @Sendable (BlobSource) async -> UnitSet?,
        look: @escaping @Sendable (Set<String>) async -> [FetchSource] = { _ in [] },
        progress: @escaping @Sendable (Int) -> Void, brought: @escaping @Sendable (Hash32, Int) -> Void
    ) {
        self.brought = brought
        self.partial = partial
        self.culprits = culprits
        self.logger = logger
        self.refresh = refresh
        self.look = look
        self.progress = progress
        start = clock.now
    }

    /// Fetches until the blob is complete or nobody is left to ask.
    func run(joining: [FetchSource], held: UnitSet) async -> Outcome {
        scheduler = FetchScheduler(held: held)
        for source in joining { join(source) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                while (try? await Task.sleep(for: .milliseconds(250))) != nil { await self.handle(.tick) }
            }
            group.addTask {
                var seconds = FetchLimits.lookSeconds.lowerBound
                while (try? await Task.sleep(for: .seconds(seconds))) != nil {
                    for source in await self.look(self.names) { await self.join(source) }
                    seconds = min(2 * seconds, FetchLimits.lookSeconds.upperBound)
                }
            }
            for await effect in effects {
                switch effect {
                case .ask(let run, let source, let units):
                    let (signal, end) = AsyncStream.makeStream(of: Never.self)
                    signals[run] = end
                    let turn = Turn(after: turns[source])
                    turns[source] = turn
                    let from = sources[source]
                    group.addTask { await self.carryOut(run, from, units, turn, until: signal) }
                case .cancel(let run): signals.removeValue(forKey: run)?.finish()
                case .refresh(let source):
                    let asked = sources[source]
                    group.addTask {
                        if let units = await self.refresh(asked) {
                            await self.handle(.holds(source, units))
                        }
                    }
                case .blame(let source, let unit): blame(sources[source], unit)
                case .drop(let source, let reason):
                    let url = sources[source].url
                    lastFailure = reason.contains(url) ? reason : "\(url) sent \(reason)"
                }
            }
            // A complete blob must not wait for a source that stalls with a unit that another has brought.
            group.cancelAll()
        }
        if contradicts { return .contradiction }
        if let storeFailure { return .store(storeFailure) }
        if scheduler.isComplete { return .complete }
        let last = lastFailure.isEmpty ? scheduler.lastFailure : lastFailure
        return .noSource(missingUnits: scheduler.remaining, last: last)
    }

    private var names: Set<String> { Set(sources.map(\.name)) }

    private func join(_ source: FetchSource) {
        guard !names.contains(source.source.name) else { return }
        sources.append(source.source)
        handle(.joined(sources.count - 1, holding: source.holding, roundTrip: source.roundTrip))
    }

    private func handle(_ event: FetchScheduler<Int>.Event) {
        for effect in scheduler.handle(event, now: (clock.now - start) / .seconds(1)) { outbox.yield(effect) }
        if scheduler.isComplete || scheduler.isStuck || storeFailure != nil || contradicts { outbox.finish() }
    }

    private func blame(_ source: BlobSource, _ unit: Int) {
        logger.warning("a source sent a bad unit", metadata: ["source": "\(source.url)", "unit": "\(unit)"])
        if culprits.blame(source.culprit) {
            logger.warning("a source is asked for nothing more", metadata: ["source": "\(source.url)"])
        }
    }

    // MARK: One run

    /// Fetches the units of a run until they are there or the run is cancelled.
    private nonisolated func carryOut(
        _ run: Int, _ source: BlobSource, _ units: Range<Int>, _ turn: Turn, until signal: AsyncStream<Never>
    ) async {
        defer { turn.end() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await self.fetch(run, source, units, turn)
                    await self.handle(.ended(run))
                } catch {
                    await self.note(error, run)
                }
            }
            group.addTask {
                await turn.come()
                await self.handle(.began(run))
                for await _ in signal {}
            }
            await group.next()
            group.cancelAll()
        }
        await forget(run)
    }

    private func forget(_ run: Int) {
        signals[run] = nil
    }

    private func note(_ error: any Error, _ run: Int) {
        switch error {
        case is TakenOver: handle(.ended(run))
        case is Contradiction:
            contradicts = true
            handle(.ended(run))
        case BlobError.badUnit(let unit, _): handle(.bad(run, unit: unit))
        case let error as BlobError:
            storeFailure = error
            handle(.tick)
        case let error as PeerError:
            // A connection may break; a refusal, a drip or nonsense are the source's own doing.
            if case .unreachable = error {
                handle(.broke(run, error.message))
            } else {
                handle(.refused(run, error.message))
            }
        default: handle(.refused(run, "\(error)"))
        }
    }

    /// What is left of the run was given to another source.
    private struct TakenOver: Error {}

    /// Units of one run that are verified and written while the next are received.
    private static let writesAtOnce = 4

    private nonisolated func fetch(
        _ run: Int, _ source: BlobSource, _ units: Range<Int>, _ turn: Turn
    ) async throws {
        let unitBytes = UInt64(Limits.Blob.unitBytes)
        let range = UInt64(units.lowerBound) * unitBytes..<min(partial.size, UInt64(units.upperBound) * unitBytes)
        try await withThrowingTaskGroup(of: ByteBuffer.self) { writes in
            var cutter = UnitCutter(units: units, byteCount: range.count, memory: memory)
            var underWay = 0
            try await source.bytes(partial.sha256, range: range, of: partial.size) { chunk in
                if !turn.hasCome { await turn.come() }
                cutter.append(chunk)
                while let (unit, buffer) = cutter.next() {
                    let due = await self.due(unit, run)
                    guard due.this else { throw TakenOver() }
                    if underWay == Self.writesAtOnce, let written = try await writes.next() {
                        memory.give(written)
                        underWay -= 1
                    }
                    writes.addTask {
                        try await self.partial.take(unit, buffer)
                        await self.stored(run, unit)
                        if let node = source.node { self.brought(node, buffer.readableBytes) }
                        return buffer
                    }
                    underWay += 1
                    if !due.next, unit + 1 < units.upperBound {
                        while try await writes.next() != nil {}
                        throw TakenOver()
                    }
                }
            }
            turn.end()
            while let written = try await writes.next() { memory.give(written) }
        }
    }

    /// Whether a unit and the one behind it are still this run's, or were given to another source meanwhile.
    private func due(_ unit: Int, _ run: Int) -> (this: Bool, next: Bool) {
        (scheduler.isDue(unit, in: run), scheduler.isDue(unit + 1, in: run))
    }

    private func stored(_ run: Int, _ unit: Int) {
        handle(.stored(run, unit: unit))
        progress(scheduler.remaining)
    }
}

/// The bytes are those of the signed SHA-256 and not of the signed pieces root: whoever brought them is right, and the post
/// is not.
struct Contradiction: Error {}

extension PartialBlob {
    /// Verifies a unit that a source sent and stores it. The root of a blob of one unit is that unit's hash, so it may be
    /// a post's invention, and a source must not be blamed for it.
    ///
    /// - Throws: `BlobError` as `write`; `Contradiction` for the right bytes of a blob whose root was signed wrongly.
    nonisolated func take(_ unit: Int, _ bytes: ByteBuffer) async throws {
        do throws(BlobError) {
            try await write(unit: unit, bytes: bytes.readableBytesView)
        } catch {
            if case .badUnit = error, layer.count == 1, SHA256.hash(bytes.readableBytesView) == sha256 {
                throw Contradiction()
            }
            throw error
        }
    }
}
