public import Digests
import Glibc
public import SystemPackage

/// What a store is told when it is opened. Everything it takes from the world comes through here.
public struct StoreOptions: Sendable {
    /// Bytes that own blobs, trash and downloads may take together; nil for no limit. Adopted files do not count.
    public var budget: UInt64?
    /// Bytes of the disk that are left free for others.
    public var keepFree: UInt64
    /// Milliseconds since 1970.
    public var now: @Sendable () -> Int64
    /// Bytes free for this account on the file system of a path; nil when it cannot be told.
    public var freeSpace: @Sendable (FilePath) -> UInt64?
    /// Asked before blobs are evicted: those of them that somebody else is known to have. The others are last known
    /// copies and stay.
    public var heldElsewhere: @Sendable (_ hashes: [Hash32]) async -> Set<Hash32>
    /// Called at each step that a crash could separate from the next.
    var onStep: @Sendable (Step) -> Void = { _ in }

    /// Options with the system's clock and disk.
    public init(
        budget: UInt64? = nil, keepFree: UInt64 = 0,
        now: @escaping @Sendable () -> Int64 = StoreOptions.systemTime,
        freeSpace: @escaping @Sendable (FilePath) -> UInt64? = StoreOptions.systemFreeSpace,
        heldElsewhere: @escaping @Sendable (_ hashes: [Hash32]) async -> Set<Hash32> = { Set($0) }
    ) {
        self.budget = budget
        self.keepFree = keepFree
        self.now = now
        self.freeSpace = freeSpace
        self.heldElsewhere = heldElsewhere
    }

    /// The system's clock in milliseconds since 1970.
    @Sendable public static func systemTime() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// What `statvfs` says is free for accounts other than root.
    @Sendable public static func systemFreeSpace(_ path: FilePath) -> UInt64? {
        var status = statvfs()
        guard path.withPlatformString({ statvfs($0, &status) }) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}

/// The points between two durable steps.
enum Step: Hashable, Sendable, CaseIterable {
    case copied, dataSynced, renamed, indexed
    case smallLooked, smallStored, smallIndexed
    case unitWritten, unitsSynced, unitsRecorded
    case purgeLogged, purged
    case trashed, trashUnlinked
    case linked, exchanged, separated
}
