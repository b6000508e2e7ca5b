import Synchronization

/// Memory that large requests of one kind take together: what is read whole, and not sent from the disk or written to it as
/// it comes.
final class MemoryBudget: Sendable {
    private let limit: Int
    private let used = Mutex(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Memory of one request, given back with this object at the latest.
    final class Room: Sendable {
        private let memory: MemoryBudget
        private let bytes: Mutex<Int>

        fileprivate init(_ memory: MemoryBudget, _ bytes: Int) {
            self.memory = memory
            self.bytes = Mutex(bytes)
        }

        func giveBack() {
            let bytes = bytes.withLock { bytes in
                defer { bytes = 0 }
                return bytes
            }
            memory.used.withLock { $0 -= bytes }
        }

        deinit {
            giveBack()
        }
    }

    /// - Throws: `tooManyRequests` while there is not so much.
    func take(_ bytes: Int) throws(GatewayError) -> Room {
        let isFree = used.withLock { used in
            guard used + bytes <= limit else { return false }
            used += bytes
            return true
        }
        guard isFree else { throw .tooManyRequests(retryAfter: 5) }
        return Room(self, bytes)
    }
}
