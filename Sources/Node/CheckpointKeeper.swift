import BlobStore
import Catalog
import Digests
import Federation
import Identity
import Logging
import NIOCore
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
    /// Lists came in some other way.
    let wakeups: AsyncStream<Void>
    /// Whose checkpoints this node brings to its peers.
    let ownAuthors: @Sendable () -> [Hash32]

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
                for await _ in wakeups { await look(at: nil) }
            }
            group.addTask {
                var brought: [Hash32: Set<Hash32>] = [:]
                repeat {
                    await look(at: nil)
                    await bring(&brought)
                } while (try? await Task.sleep(for: .seconds(60))) != nil
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
                for checkpoint in checkpoints where checkpoint.author == author {
                    if Task.isCancelled { return }
                    guard known.ids(inBlob: checkpoint.blob) == nil else { continue }
                    // A list that is here before its revocation is known before it, too: nothing is hidden in between.
                    if await known.load(checkpoint.blob, from: blobs) {
                        isNew = isNew || deciding.contains(checkpoint.id)
                    } else if deciding.contains(checkpoint.id) {
                        isNew = try await get(checkpoint) || isNew
                    }
                }
                if isNew { try await log.intake.reevaluate(author: author) }
            }
        } catch {
            logger.warning("a checkpoint could not be looked at", metadata: ["why": "\(error)"])
        }
    }

    private func get(_ checkpoint: LoggedCheckpoint) async throws -> Bool {
        let isTrusted = try await catalog.hasEarnedRoom(checkpoint.author)
        let limit = isTrusted ? Limits.Checkpoint.bytes : Limits.Checkpoint.strangerBytes
        guard let bytes = await federation.bytes(ofBlob: checkpoint.blob, limit: limit) else { return false }
        _ = try await blobs.add(bytes: bytes)
        if isTrusted { try await blobs.pin(checkpoint.blob, .user) }
        return await known.load(checkpoint.blob, from: blobs)
    }

    /// Brings the lists of own checkpoints to peers that were away when they were made.
    ///
    /// - Parameter brought: which peers have which checkpoint, by post id.
    private func bring(_ brought: inout [Hash32: Set<Hash32>]) async {
        for author in ownAuthors() {
            guard let chain = try? await log.keyChain(of: author),
                let checkpoints = try? await log.checkpoints(of: author)
            else { continue }
            let deciding = Set(chain.devices.values.compactMap(\.decidingCheckpoint))
            for checkpoint in checkpoints where deciding.contains(checkpoint.id) {
                guard let post = try? await log.posts(ids: [checkpoint.id])[checkpoint.id],
                    let reader = try? await blobs.open(checkpoint.blob),
                    let bytes = try? await reader.read(0..<reader.size)
                else { continue }
                let done = await federation.bring(
                    checkpoint: post.envelope, list: Array(bytes.readableBytesView),
                    except: brought[checkpoint.id] ?? [])
                brought[checkpoint.id, default: []].formUnion(done)
            }
        }
    }
}
