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

    /// Reads what is here and may decide, before the log judges anything.
    static func load(_ log: PostLog, _ blobs: BlobStore, _ catalog: Catalog, into known: CheckpointBlobs) async throws {
        for wanted in try await wanted(of: nil, log, catalog) {
            await known.load(wanted.checkpoint.blob, from: blobs, ofStranger: wanted.isStrangers)
        }
    }

    /// A checkpoint whose list belongs in memory.
    private struct Wanted {
        let checkpoint: LoggedCheckpoint
        let isDeciding: Bool
        let isStrangers: Bool
    }

    /// Of authors who have earned room here all: a list that is known before its revocation hides nothing in between. Of
    /// strangers those that decide.
    private static func wanted(of author: Hash32?, _ log: PostLog, _ catalog: Catalog) async throws -> [Wanted] {
        let checkpoints = try await log.checkpoints(of: author)
        var wanted: [Wanted] = []
        for author in Set(checkpoints.map(\.author)).sorted() {
            let isStranger = try await !catalog.hasEarnedRoom(author)
            let deciding = Set(
                try await log.keyChain(of: author)?.devices.values.compactMap(\.decidingCheckpoint) ?? [])
            for checkpoint in checkpoints where checkpoint.author == author {
                let isDeciding = deciding.contains(checkpoint.id)
                guard isDeciding || !isStranger else { continue }
                wanted.append(Wanted(checkpoint: checkpoint, isDeciding: isDeciding, isStrangers: isStranger))
            }
        }
        return wanted
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
            let before = known.loaded
            let wanted = try await Self.wanted(of: author, log, catalog)
            if author == nil { known.forget(before.subtracting(wanted.map(\.checkpoint.blob))) }
            var changed: Set<Hash32> = []
            for wanted in wanted {
                if Task.isCancelled { return }
                let checkpoint = wanted.checkpoint
                guard !before.contains(checkpoint.blob) else { continue }
                var isHere = await known.load(checkpoint.blob, from: blobs, ofStranger: wanted.isStrangers)
                if !isHere, wanted.isDeciding {
                    isHere = try await get(checkpoint, ofStranger: wanted.isStrangers)
                }
                if isHere, wanted.isDeciding { changed.insert(checkpoint.author) }
            }
            for author in changed.sorted() { try await log.intake.reevaluate(author: author) }
        } catch {
            logger.warning("a checkpoint could not be looked at", metadata: ["why": "\(error)"])
        }
    }

    private func get(_ checkpoint: LoggedCheckpoint, ofStranger isStrangers: Bool) async throws -> Bool {
        let limit = isStrangers ? Limits.Checkpoint.strangerBytes : Limits.Checkpoint.bytes
        // What could not be kept would be fetched for nothing, every minute.
        guard known.hasRoom(for: 1, ofStranger: isStrangers),
            let bytes = await federation.bytes(ofBlob: checkpoint.blob, limit: limit)
        else { return false }
        _ = try await blobs.add(bytes: bytes)
        if !isStrangers { try await blobs.pin(checkpoint.blob, .user) }
        return await known.load(checkpoint.blob, from: blobs, ofStranger: isStrangers)
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
