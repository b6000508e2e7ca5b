import BlobStore
import Digests
import Formats
import Logging
import Media
import NIOCore
import WaggleProtocol

/// Has thumbnails made of the pictures that are here, the new ones and those that somebody wanted to see.
///
/// It follows the list of blobs by number and looks at the first bytes of each, so that it knows nothing of posts: what
/// nobody may see has thumbnails too, and the gate is the same for both.
struct PictureKeeper: Sendable {
    let blobs: BlobStore
    let thumbnails: ThumbnailStore
    let logger: Logger

    /// Until the task is cancelled.
    func run() async {
        var complained = false
        await removePurged()
        while !Task.isCancelled {
            var pause = Duration.seconds(Limits.Thumbnail.lookSeconds)
            do {
                if try await round() { continue }
                complained = false
            } catch let error as MediaError {
                if !complained { logger.warning("thumbnails", metadata: ["why": "\(error.message)"]) }
                complained = true
                pause = .seconds(Limits.Thumbnail.retrySeconds)
            } catch {
                logger.error("thumbnails", metadata: ["why": "\(error)"])
                pause = .seconds(Limits.Thumbnail.retrySeconds)
            }
            guard (try? await Task.sleep(for: pause)) != nil else { return }
        }
    }

    /// What was taken down while the node did not run.
    private func removePurged() async {
        for record in blobs.purgeRecords() {
            do {
                try await thumbnails.remove(record.sha256)
            } catch {
                logger.error("thumbnails", metadata: ["why": "\(error.message)"])
            }
        }
    }

    /// Makes what somebody waits for, then some of what is new.
    ///
    /// - Returns: whether there may be more.
    func round() async throws -> Bool {
        try await make(thumbnails.takeAsked(), isIdle: false)
        let last = try await thumbnails.lastBlob()
        let new = try await blobs.blobs(after: last, limit: Limits.Thumbnail.look)
        guard let newest = new.last else { return false }
        await blobs.giveWay()
        try await make(new.filter { $0.size <= Limits.Thumbnail.sourceBytes }.map(\.sha256), isIdle: true)
        // After the thumbnails: a crash makes some again rather than none.
        try await thumbnails.setLastBlob(newest.number)
        return true
    }

    private func make(_ hashes: [Hash32], isIdle: Bool) async throws {
        var batch: [ThumbnailStore.Picture] = []
        var bytes = 0
        let small = (try? await blobs.openSmall(hashes)) ?? [:]
        for hash in hashes {
            guard !Task.isCancelled else { throw CancellationError() }
            guard let picture = await picture(hash, small[hash]) else { continue }
            if bytes + picture.bytes.count > Limits.Thumbnail.batchBytes || batch.count == Limits.Thumbnail.batch {
                try await thumbnails.make(batch, isIdle: isIdle)
                (batch, bytes) = ([], 0)
            }
            bytes += picture.bytes.count
            batch.append(picture)
        }
        if !batch.isEmpty { try await thumbnails.make(batch, isIdle: isIdle) }
    }

    /// The bytes of a blob that is here and begins like a picture.
    ///
    /// - Parameter opened: the blob, where it was opened already.
    private func picture(_ hash: Hash32, _ opened: BlobReader?) async -> ThumbnailStore.Picture? {
        var reader = opened
        if reader == nil { reader = try? await blobs.open(hash) }
        guard let reader, reader.size <= Limits.Thumbnail.sourceBytes,
            let head = try? await reader.read(0..<min(reader.size, UInt64(Limits.Thumbnail.headBytes))),
            ImageInfo.sniff(Array(head.readableBytesView)) != nil,
            let whole = try? await reader.read(0..<reader.size)
        else { return nil }
        return ThumbnailStore.Picture(hash, Array(whole.readableBytesView))
    }
}
