import Digests
import Federation
import Synchronization

/// Lets the store ask the federation who else has a blob. The store is opened first, so the federation is told later;
/// before that nobody is known to have anything.
final class OtherHolders: Sendable {
    private struct State {
        weak var federation: Federation?
    }

    private let state = Mutex(State())

    var federation: Federation? {
        get { state.withLock { $0.federation } }
        set { state.withLock { $0.federation = newValue } }
    }

    /// Of these blobs, those that some peer has.
    var holding: @Sendable (_ hashes: [Hash32]) async -> Set<Hash32> {
        { hashes in await self.federation?.heldElsewhere(hashes) ?? [] }
    }
}
