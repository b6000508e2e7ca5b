import Digests
import Synchronization

/// The last ids that were put in, at most `capacity` of them.
final class RecentIDs: Sendable {
    private struct State {
        var ids: Set<Hash32> = []
        var order: [Hash32] = []
        var oldest = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = capacity
    }

    func insert(_ id: Hash32) {
        state.withLock { state in
            guard state.ids.insert(id).inserted else { return }
            if state.order.count < capacity {
                state.order.append(id)
            } else {
                state.ids.remove(state.order[state.oldest])
                state.order[state.oldest] = id
                state.oldest = (state.oldest + 1) % capacity
            }
        }
    }

    func contains(_ id: Hash32) -> Bool {
        state.withLock { $0.ids.contains(id) }
    }
}
