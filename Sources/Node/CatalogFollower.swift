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

    /// Applies what is there, and reads the next lines meanwhile.
    private func catchUp() async throws {
        var entries = try await log.entries(after: catalog.appliedSeq, limit: Self.linesAtOnce)
        var isLong = false
        while let last = entries.last {
            async let next = log.entries(after: last.seq, limit: Self.linesAtOnce)
            try await catalog.apply(entries)
            if Task.isCancelled { return }
            isLong = isLong || entries.count == Self.linesAtOnce
            entries = try await next
        }
        if isLong { catalog.releaseMemory() }
    }
}
