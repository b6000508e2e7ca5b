import Synchronization

/// Tells everyone who follows the log that it has grown.
final class Followers: Sendable {
    private struct State {
        var newest: UInt64 = 0
        var tickets: UInt64 = 0
        var waiting: [UInt64: AsyncStream<UInt64>.Continuation] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    var newestSeq: UInt64 { state.withLock { $0.newest } }

    func follow() -> AsyncStream<UInt64> {
        let (stream, continuation) = AsyncStream.makeStream(of: UInt64.self, bufferingPolicy: .bufferingNewest(1))
        let ticket: UInt64? = state.withLock { state in
            continuation.yield(state.newest)
            guard !state.isClosed else { return nil }
            state.tickets += 1
            state.waiting[state.tickets] = continuation
            return state.tickets
        }
        guard let ticket else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.waiting.removeValue(forKey: ticket) }
        }
        return stream
    }

    func announce(_ seq: UInt64) {
        state.withLock { state in
            state.newest = max(state.newest, seq)
            state.waiting.values.forEach { $0.yield(state.newest) }
        }
    }

    func close() {
        let waiting = state.withLock { state in
            defer { (state.waiting, state.isClosed) = ([:], true) }
            return state.waiting
        }
        waiting.values.forEach { $0.finish() }
    }
}
