import Synchronization

/// How far the log was applied, and who waits for it.
final class AppliedSequence: Sendable {
    private struct State {
        var seq: UInt64
        var nextWaiter = 0
        var waiters: [Int: Waiter] = [:]
    }

    private struct Waiter {
        let seq: UInt64
        let continuation: CheckedContinuation<Void, Never>
    }

    private let state: Mutex<State>

    init(_ seq: UInt64) {
        state = Mutex(State(seq: seq))
    }

    var value: UInt64 { state.withLock { $0.seq } }

    /// Sets the number and lets go those who waited for it or less.
    func set(_ seq: UInt64) {
        let released = state.withLock { state in
            state.seq = seq
            let due = state.waiters.filter { $0.value.seq <= seq }
            for id in due.keys { state.waiters[id] = nil }
            return due.values.map(\.continuation)
        }
        for continuation in released { continuation.resume() }
    }

    /// Returns when the number is reached, or when the task is cancelled.
    func wait(for seq: UInt64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // The cancellation handler takes the same lock: it either finds the waiter, or ran before this check.
                let isDone = state.withLock { state in
                    if state.seq >= seq || Task.isCancelled { return true }
                    state.waiters[id] = Waiter(seq: seq, continuation: continuation)
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }
}
