import Catalog
import Logging
import PostLog

/// Keeps the catalog up with the log: reads the lines after the last one applied, applies them, waits for more.
struct CatalogFollower: Sendable {
    let log: PostLog
    let catalog: Catalog
    let logger: Logger

    private static let linesAtOnce = 1000

    func run() async {
        for await _ in log.changes() {
            do {
                while true {
                    let entries = try await log.entries(after: catalog.appliedSeq, limit: Self.linesAtOnce)
                    if entries.isEmpty { break }
                    try await catalog.apply(entries)
                    if Task.isCancelled { return }
                }
            } catch CatalogError.cancelled {
                return
            } catch {
                if Task.isCancelled { return }
                // The lines are not lost: the next change, or the next start, begins where this one stopped.
                logger.error("the catalog does not follow the log", metadata: ["why": "\(error)"])
            }
        }
    }
}
