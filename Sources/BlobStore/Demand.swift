import Synchronization
import WaggleProtocol

/// When somebody last asked for blobs or brought some, for work that can wait while anybody does.
final class Demand: Sendable {
    /// Milliseconds since 1970; 0 before the first.
    private let last = Atomic<Int64>(0)

    func note(at now: Int64) { last.store(now, ordering: .relaxed) }

    /// A clock that was set back makes nobody wait.
    func isQuiet(at now: Int64) -> Bool {
        !(0..<Limits.BlobStore.demandMilliseconds).contains(now - last.load(ordering: .relaxed))
    }
}

extension BlobStore {
    /// Notes that somebody asks for blobs, so that background work lets them go first.
    public func noteDemand() { demand.note(at: options.now()) }

    /// To be called by background work before each portion: returns when nobody asked for anything for a while, and after two
    /// seconds in any case, so that it is slow under steady demand and never stands still.
    public func giveWay(
        sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) async {
        for _ in 0..<Limits.BlobStore.demandLooks where !demand.isQuiet(at: options.now()) {
            guard (try? await sleep(.milliseconds(Limits.BlobStore.demandLookMilliseconds))) != nil else { return }
        }
    }
}
