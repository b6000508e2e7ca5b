import Digests
import FoundationEssentials
import NIOCore
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// A line of the log as readers of the stream get it: encoded once for all of them.
struct FeedLine: Sendable {
    let seq: UInt64
    let id: Hash32
    let kind: PostKind
    /// Length-delimited frames: with the envelope, and with the id alone.
    let frame: [UInt8]
    let idFrame: [UInt8]
}

/// Reads the log for all streams together.
///
/// Readers that keep up share the newest lines from memory, so that fifty of them cost one read. A reader that comes with
/// an old cursor reads the log itself until it has caught up. Only posts in force are given: a line whose post was
/// deleted, superseded or purged since is passed over.
actor LogFeed {
    private let log: PostLog
    private let offer: PeerOffer
    /// Lines after `start` up to `end`, without gaps but for what is passed over.
    private var recent: [FeedLine] = []
    private var recentBytes = 0
    private var start: UInt64
    private var end: UInt64
    private var loading: Task<Void, any Error>?

    init(log: PostLog, offer: PeerOffer) {
        self.log = log
        self.offer = offer
        start = log.newestSeq
        end = start
    }

    /// The next lines after `seq`, and the sequence number reached, which is `seq` when there is nothing new.
    func lines(after seq: UInt64) async throws -> (lines: [FeedLine], reached: UInt64) {
        // First to the end of the log: a post that went out of force since must not be given from memory.
        while end < log.newestSeq {
            let before = end
            try await load()
            guard end > before else { break }
        }
        guard seq < start else {
            let first = recent.firstIndex { $0.seq > seq } ?? recent.endIndex
            return (Array(recent[first...]), max(seq, end))
        }
        let batch = try await read(after: seq)
        return (batch.lines, batch.reached)
    }

    /// Adds the next lines of the log to the memory; several callers share one read.
    private func load() async throws {
        if let loading { return try await loading.value }
        let from = end
        let task = Task {
            let batch = try await read(after: from)
            append(batch)
        }
        loading = task
        defer { loading = nil }
        try await task.value
    }

    private struct Batch {
        var lines: [FeedLine] = []
        var hidden: Set<Hash32> = []
        var reached: UInt64
    }

    private func append(_ batch: Batch) {
        recent.removeAll { line in
            guard batch.hidden.contains(line.id) else { return false }
            recentBytes -= line.frame.count
            return true
        }
        recent += batch.lines
        recentBytes += batch.lines.reduce(0) { $0 + $1.frame.count }
        end = batch.reached
        let limit = Limits.Wire.streamBacklogBytes
        guard recent.count > Limits.Gateway.recentFrames || recentBytes > limit else { return }
        // Down to half, so that this happens seldom.
        var dropped = 0
        while dropped < recent.count,
            recent.count - dropped > Limits.Gateway.recentFrames / 2 || recentBytes > limit / 2
        {
            recentBytes -= recent[dropped].frame.count
            start = recent[dropped].seq
            dropped += 1
        }
        recent.removeFirst(dropped)
    }

    private func read(after seq: UInt64) async throws -> Batch {
        let entries = try await log.entries(after: seq, limit: Limits.Gateway.streamLines)
        var batch = Batch(reached: entries.last?.seq ?? seq)
        let shown = entries.filter { $0.event == .shown }
        let inForce = try await log.posts(ids: shown.map(\.post.id))
        for entry in entries where entry.event != .shown { batch.hidden.insert(entry.post.id) }
        for entry in shown {
            guard let post = inForce[entry.post.id], try await offer.includes(post) else { continue }
            // Shown again after it was hidden.
            batch.hidden.remove(post.id)
            batch.lines.append(line(entry.seq, post))
        }
        return batch
    }

    private func line(_ seq: UInt64, _ post: LoggedPost) -> FeedLine {
        var frame = WireStreamFrame()
        frame.cursor = StreamCursor(log: log.logID, seq: seq).text
        var idFrame = frame
        frame.envelope = post.envelope
        idFrame.id = post.id.data
        return FeedLine(
            seq: seq, id: post.id, kind: post.kind, frame: Self.delimited(frame), idFrame: Self.delimited(idFrame))
    }

    /// A frame with its length as a varint before it.
    static func delimited(_ frame: WireStreamFrame) -> [UInt8] {
        // A message of strings and bytes without required fields always serializes.
        guard let bytes: [UInt8] = try? frame.serializedBytes() else { return [] }
        var length = bytes.count
        var prefix: [UInt8] = []
        while length >= 0x80 {
            prefix.append(UInt8(length & 0x7f) | 0x80)
            length >>= 7
        }
        prefix.append(UInt8(length))
        return prefix + bytes
    }
}

/// A place in the log of one node: `{log id}.{seq}`.
struct StreamCursor: Hashable, Sendable {
    let log: String
    let seq: UInt64

    init(log: String, seq: UInt64) {
        self.log = log
        self.seq = seq
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let seq = UInt64(parts[1]) else { return nil }
        self.init(log: String(parts[0]), seq: seq)
    }

    var text: String { "\(log).\(seq)" }
}
