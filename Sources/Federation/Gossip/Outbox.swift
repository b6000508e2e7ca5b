import Digests
import Synchronization

/// Ids that are to be named to a peer soon.
final class Outbox: Sendable {
    struct Item: Sendable {
        let id: Hash32
        /// To be named although the peer has it.
        let isRepeat: Bool
    }

    private let items = Mutex<[Item]>([])
    /// Told when there is something.
    let filled: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init() {
        (filled, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ ids: [Hash32], isRepeat: Bool = false) {
        items.withLock { $0 += ids.map { Item(id: $0, isRepeat: isRepeat) } }
        wake.yield()
    }

    func take() -> [Item] {
        items.withLock { items in
            defer { items = [] }
            return items
        }
    }
}
