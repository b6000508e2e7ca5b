import Catalog
import Logging
import PostLog

/// Keeps the catalog up with the log: reads the lines after the last one applied, applies them, waits for more.
struct CatalogFollower: Sendable {
    let log: PostLog
    let catalog: Catalog
    let logger: Logger

    private static let linesAtOnce = 2000

    func run() async {
        for await _ in log.changes() {
            do {
                try await catchUp()
            } catch CatalogError.cancelled {
                return
            } catch {
                if Task.isCancelled { return }
                // The lines are not lost: the next change, or the next start, begins where this one stopped.
                logger.error("the catalog does not follow the log", metadata: ["why": "\(error)"])
            }
            if Task.isCancelled { return }
        }
    }

    /// Applies what is there; meanwhile prepares what comes next and reads what comes after that.
    private func catchUp() async throws {
        var seq = catalog.takenSeq
        var entries = try await catalog.prepare(log.entries(after: seq, limit: Self.linesAtOnce))
        var next = try await following(entries.entries)
        let isLong = !next.isEmpty
        while let last = entries.entries.last {
            let ahead = next
            async let prepared = catalog.prepare(ahead)
            async let later = following(ahead)
            try await catalog.apply(entries, after: seq, moreFollow: !ahead.isEmpty)
            if Task.isCancelled { return }
            // Emptied meanwhile: whoever did that wakes the followers.
            if catalog.takenSeq < last.seq { return }
            (seq, entries, next) = (last.seq, try await prepared, try await later)
        }
        if isLong { catalog.releaseMemory() }
    }

    /// The lines after these; none after a batch that is not full.
    private func following(_ entries: [LogEntry]) async throws -> [LogEntry] {
        guard entries.count == Self.linesAtOnce, let last = entries.last else { return [] }
        return try await log.entries(after: last.seq, limit: Self.linesAtOnce)
    }
}
