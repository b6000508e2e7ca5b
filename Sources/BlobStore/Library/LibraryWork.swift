import Synchronization
import WaggleProtocol

/// Whether files of library folders are being hashed, for those who can wait until the disk is free.
final class LibraryWork: Sendable {
    private let state = Mutex<(underWay: Int, ended: Int64?)>((0, nil))

    func begin() {
        state.withLock { $0.underWay += 1 }
    }

    /// - Parameter now: milliseconds since 1970.
    func end(now: Int64) {
        state.withLock { state in
            state.underWay -= 1
            state.ended = now
        }
    }

    /// Nothing is hashed, and nothing was for a while. A clock that was set back does not make it wait longer.
    func isQuiet(at now: Int64) -> Bool {
        state.withLock { state in
            guard state.underWay == 0 else { return false }
            guard let ended = state.ended else { return true }
            return !(0..<Limits.BlobStore.backgroundQuietMilliseconds).contains(now - ended)
        }
    }
}
