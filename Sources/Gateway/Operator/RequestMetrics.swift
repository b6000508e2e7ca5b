import Synchronization

/// Counts answers, for the operator: by class of status, and how long they took until they began.
final class RequestMetrics: Sendable {
    struct Standing: Sendable {
        /// Hundreds of the status → answers.
        var answers: [Int: Int] = [:]
        /// Upper bound in seconds → answers that took no longer; the last has no bound.
        var buckets = [Int](repeating: 0, count: RequestMetrics.bounds.count + 1)
        var seconds = 0.0
    }

    static let bounds = [0.005, 0.02, 0.1, 0.5, 2, 10]
    private let state = Mutex(Standing())

    func note(status: Int, took duration: Duration) {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
        state.withLock { state in
            state.answers[status / 100, default: 0] += 1
            state.buckets[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
            state.seconds += seconds
        }
    }

    var standing: Standing { state.withLock { $0 } }
}
