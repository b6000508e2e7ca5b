import Catalog
import Digests
import Federation
import Logging
import PostLog

/// Keeps the admission told of who has earned room: whoever is at home here, whom they follow, and the nodes that this one
/// talks to.
struct RoomKeeper: Sendable {
    let log: PostLog
    let catalog: Catalog
    let federation: Federation
    let admission: NodeAdmission
    let logger: Logger

    func run() async {
        for await seq in log.changes() {
            await catalog.waitUntilApplied(seq)
            if Task.isCancelled { return }
            do {
                try await refresh()
            } catch {
                // The node is closing.
                if Task.isCancelled { return }
                logger.error("who has earned room here is not known", metadata: ["why": "\(error)"])
            }
        }
    }

    func refresh() async throws {
        let peers = try await federation.peers.peers().map(\.node)
        let known = try await catalog.authorsWithRoom().union(peers)
        try await log.intake.welcome(admission.setKnown(known))
    }
}
