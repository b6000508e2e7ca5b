/// What a file of a library folder is to the store.
public enum LibraryFileState: Int64, Hashable, Sendable, CaseIterable {
    /// It is new or was changed, and waits to be hashed.
    case waiting = 0
    /// It is hashed and in service.
    case hashed = 1
    /// This account may not read it, or the disk fails.
    case unreadable = 2
    /// Its bytes were taken down on this node.
    case purged = 3
}

/// What to do about a file that a scan finds: a pure decision, from what is known and what is there.
///
/// A hash is never taken of a growing file, and never twice of an unchanged one. Clocks that jump, in either direction,
/// cost at most another wait: what decides in doubt is that two looks, apart in time, see the same file.
struct ScanPlan: Hashable, Sendable {
    /// What is remembered of a path.
    struct Known: Hashable, Sendable {
        var identity: FileIdentity
        var state: LibraryFileState
        /// When the file was first seen as it is, in milliseconds since 1970.
        var since: Int64
    }

    enum Verdict: Hashable, Sendable {
        /// It is as it was hashed: nothing is read.
        case unchanged
        /// It may still be written to; look again later.
        case waits(since: Int64)
        /// It can be hashed.
        case ready(since: Int64)
    }

    /// How long a file must have been left alone, in milliseconds.
    var quiet: Int64

    /// - Parameters:
    ///   - isUnderWay: a download tool's control file stands beside it.
    ///   - now: milliseconds since 1970.
    func verdict(_ known: Known?, found: FileIdentity, isUnderWay: Bool, now: Int64) -> Verdict {
        let isSame = known?.identity == found
        if let known, isSame, known.state == .hashed || known.state == .purged { return .unchanged }
        // A time after now was written by a clock that has been set back since.
        let since = if let known, isSame, known.since <= now { known.since } else { now }
        if isUnderWay { return .waits(since: since) }
        let age = now - found.changed / 1_000_000
        let isQuiet = age >= 0 ? age >= quiet : now - since >= quiet
        return isQuiet ? .ready(since: since) : .waits(since: since)
    }
}
