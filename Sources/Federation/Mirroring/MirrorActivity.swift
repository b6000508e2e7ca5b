import Catalog
import Digests
import Synchronization

/// What the mirror runner is doing at the moment, and the handle to stop it. One pass works at a time.
final class MirrorActivity: Sendable {
    /// A rule's part in the pass under way.
    struct Part: Sendable {
        var doneBytes: UInt64 = 0
        var toFetch: UInt64 = 0
        var rate = TransferRate()
        /// Names of the files under way.
        var files: [Hash32: String] = [:]
    }

    private struct State {
        var isBusy = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var parts: [Int64: Part] = [:]
        var stop: AsyncStream<Void>.Continuation?
        /// The pass under way was stopped, be it before it had anything to stop.
        var isStopped = false
    }

    private let state = Mutex(State())

    /// Runs one pass, after the one that is under way.
    func turn<Value: Sendable>(_ body: () async throws -> Value) async rethrows -> Value {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isBusy {
                    state.waiting.append(continuation)
                    return false
                }
                state.isBusy = true
                return true
            }
            if isFree { continuation.resume() }
        }
        defer {
            let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
                state.parts = [:]
                state.stop = nil
                state.isStopped = false
                state.isBusy = !state.waiting.isEmpty
                return state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            }
            next?.resume()
        }
        return try await body()
    }

    /// Runs `body`, whose task is cancelled when `interrupt` is called meanwhile.
    func interruptible<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let (stops, stop) = AsyncStream.makeStream(of: Void.self)
        state.withLock { state in
            state.stop = stop
            if state.isStopped { stop.yield() }
        }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask { await body() }
            group.addTask {
                for await _ in stops { return nil }
                return nil
            }
            while true {
                // The signal comes as nil; the body ends soon after it was cancelled.
                if let value = await group.next() ?? nil {
                    group.cancelAll()
                    return value
                }
                group.cancelAll()
            }
        }
    }

    /// Stops the pass under way; what was verified stays.
    func interrupt() {
        state.withLock { state in
            guard state.isBusy else { return }
            state.isStopped = true
            state.stop?.yield()
        }
    }

    // MARK: What is done

    func begin(_ plan: MirrorPlan) {
        state.withLock { state in
            for rule in plan.rules { state.parts[rule.rule.n] = Part(toFetch: rule.fetch.bytes) }
        }
    }

    func began(_ fetch: MirrorPlan.Fetch, name: String) {
        state.withLock { $0.parts[fetch.rule.n]?.files[fetch.candidate.sha256] = name }
    }

    /// More bytes of a file are here; the bytes done in the whole pass.
    func came(_ bytes: UInt64, for rule: Int64, at second: UInt64) -> UInt64 {
        state.withLock { state in
            state.parts[rule]?.doneBytes += bytes
            state.parts[rule]?.rate.add(bytes, at: second)
            return state.parts.values.reduce(0) { $0 + $1.doneBytes }
        }
    }

    func ended(_ fetch: MirrorPlan.Fetch) {
        _ = state.withLock { $0.parts[fetch.rule.n]?.files.removeValue(forKey: fetch.candidate.sha256) }
    }

    /// The parts of the pass under way, by rule; empty when none is.
    var parts: [Int64: Part] { state.withLock { $0.parts } }
}
