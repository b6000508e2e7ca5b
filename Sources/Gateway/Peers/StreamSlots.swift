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
            let all = open.values.reduce(0, +)
            // Ids of nodes are free: when it gets tight, each has one, and so many have any.
            let most = all < Limits.Gateway.streams / 2 ? Limits.Gateway.streamsPerPeer : 1
            guard count < most, all < Limits.Gateway.streams, count > 0 || open.count < Limits.Peers.inbound else {
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
