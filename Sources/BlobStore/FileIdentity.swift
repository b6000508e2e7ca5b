import Glibc

/// What tells one state of a file from another without reading it. The change time cannot be set by programs, so any
/// write shows.
struct FileIdentity: Hashable, Sendable {
    var device: Int64
    var inode: Int64
    var size: UInt64
    /// Last change of the bytes, nanoseconds since 1970.
    var modified: Int64
    /// Last change of the bytes, the name or the permissions, nanoseconds since 1970.
    var changed: Int64
}

extension FileIdentity {
    init(_ status: stat) {
        device = Int64(bitPattern: UInt64(status.st_dev))
        inode = Int64(bitPattern: UInt64(status.st_ino))
        size = UInt64(max(0, status.st_size))
        modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
        changed = Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec)
    }

    /// File systems stamp changes with a clock that ticks every few milliseconds. A file changed in this very tick
    /// could change again under the same stamp; this waits (10 ms at most) until a further change would show.
    func waitUntilSettled() {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let age = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) - changed
        if (0..<10_000_000).contains(age) { usleep(UInt32((10_000_000 - age) / 1000)) }
    }
}
