import Synchronization

/// So many at a time, and of those who come from one address one.
final class AddressPlaces: Sendable {
    private let count: Int
    private let taken = Mutex<Set<String>>([])

    init(_ count: Int) {
        self.count = count
    }

    /// Whether there was a place; whoever took one gives it back.
    ///
    /// - Parameter address: as `RemoteAddress` counts it.
    func take(_ address: String) -> Bool {
        taken.withLock { $0.count < count && $0.insert(address).inserted }
    }

    func give(_ address: String) { taken.withLock { _ = $0.remove(address) } }
}
