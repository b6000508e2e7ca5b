import Digests
import Synchronization
import WaggleProtocol

/// Counts open streams, so that no peer takes all connections.
final class StreamSlots: Sendable {
    private let open = Mutex<[Hash32: Int]>([:])

    /// A place among the open streams; free again when the last reference goes.
    func take(for node: Hash32) throws(GatewayError) -> Slot {
        let isFree = open.withLock { open in
            let count = open[node, default: 0]
            guard count < Limits.Gateway.streamsPerPeer, open.values.reduce(0, +) < Limits.Gateway.streams else {
                return false
            }
            open[node] = count + 1
            return true
        }
        guard isFree else { throw .tooManyRequests(retryAfter: 60) }
        return Slot(slots: self, node: node)
    }

    private func release(_ node: Hash32) {
        open.withLock { open in
            let count = open[node, default: 1] - 1
            open[node] = count > 0 ? count : nil
        }
    }

    final class Slot: Sendable {
        private let slots: StreamSlots
        private let node: Hash32

        fileprivate init(slots: StreamSlots, node: Hash32) {
            self.slots = slots
            self.node = node
        }

        deinit { slots.release(node) }
    }
}
