import Synchronization

/// Who sent wrong bytes. One bad unit costs a source the blob; the second, of whatever blob, costs it all further
/// requests of this process. Names are identities, so that a new address helps nobody.
final class Culprits: Sendable {
    private let badUnits = Mutex<[String: Int]>([:])
    private static let remembered = 10_000

    /// True when it is banned from now on.
    func blame(_ name: String) -> Bool {
        badUnits.withLock { counts in
            if counts.count >= Self.remembered, counts[name] == nil { counts.removeAll() }
            counts[name, default: 0] += 1
            return counts[name] == 2
        }
    }

    func isBanned(_ name: String) -> Bool {
        badUnits.withLock { $0[name, default: 0] >= 2 }
    }
}
