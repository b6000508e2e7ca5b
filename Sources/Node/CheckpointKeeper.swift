import BlobStore
import Catalog
import Digests
import Federation
import Identity
import Logging
import PostLog
import WaggleProtocol

/// Sees to it that the lists of checkpoints which decide over posts here are here, too: fetches them from peers, and has the
/// posts judged again.
struct CheckpointKeeper: Sendable {
    let log: PostLog
    let blobs: BlobStore
    let catalog: Catalog
    let federation: Federation
    let known: CheckpointBlobs
    let logger: Logger

    /// Reads what is here, before the log judges anything.
    static func load(_ log: PostLog, _ blobs: BlobStore, into known: CheckpointBlobs) async throws {
        for checkpoint in try await log.checkpoints() { await known.load(checkpoint.blob, from: blobs) }
    }

    /// Works until the task is cancelled: at once when a checkpoint or key document came in, and once a minute for what
    /// nobody had.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await follow() }
            group.addTask {
                repeat { await look(at: nil) } while (try? await Task.sleep(for: .seconds(60))) != nil
            }
            await group.waitForAll()
        }
    }

    private func follow() async {
        var seq = log.newestSeq
        for await newest in log.changes() {
            while seq < newest, !Task.isCancelled {
                guard let entries = try? await log.entries(after: seq, limit: 1000), let last = entries.last else {
                    break
                }
                seq = last.seq
                let authors = Set(
                    entries.filter { $0.event == .shown && $0.post.kind.isSignedByRoots }.map(\.post.author))
                for author in authors { await look(at: author) }
            }
            if Task.isCancelled { return }
        }
    }

    /// Gets the lists that decide about devices of an author, or of all authors who have checkpoints.
    private func look(at author: Hash32?) async {
        do {
            let checkpoints = try await log.checkpoints(of: author)
            for author in Set(checkpoints.map(\.author)).sorted() {
                let deciding = Set(
                    try await log.keyChain(of: author)?.devices.values.compactMap(\.decidingCheckpoint) ?? [])
                var isNew = false
                for checkpoint in checkpoints where checkpoint.author == author && deciding.contains(checkpoint.id) {
                    if Task.isCancelled { return }
                    guard known.ids(inBlob: checkpoint.blob) == nil else { continue }
                    isNew = try await get(checkpoint) || isNew
                }
                if isNew { try await log.intake.reevaluate(author: author) }
            }
        } catch {
            logger.warning("a checkpoint could not be looked at", metadata: ["why": "\(error)"])
        }
    }

    private func get(_ checkpoint: LoggedCheckpoint) async throws -> Bool {
        if await known.load(checkpoint.blob, from: blobs) { return true }
        let isTrusted = try await catalog.hasEarnedRoom(checkpoint.author)
        let limit = isTrusted ? Limits.Checkpoint.bytes : Limits.Checkpoint.strangerBytes
        guard let bytes = await federation.bytes(ofBlob: checkpoint.blob, limit: limit) else { return false }
        _ = try await blobs.add(bytes: bytes)
        if isTrusted { try await blobs.pin(checkpoint.blob, .user) }
        return await known.load(checkpoint.blob, from: blobs)
    }
}
