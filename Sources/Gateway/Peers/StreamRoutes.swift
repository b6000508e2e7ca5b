import Digests
import Federation
import HTTPTypes
import Hummingbird
import NIOCore
import PostLog
import ServiceLifecycle
import Synchronization
import WaggleProtocol

/// Posts as they come into force: `GET /w/1/stream?cursor=&kinds=10,11&ids=true&gossip=true`.
///
/// Without a cursor the stream begins now. The first frame is a heartbeat with the cursor, then come the backlog and
/// what is new, and a heartbeat every 20 s. Nothing is held back for a slow reader: it is given the log from where it
/// is, as fast as it takes it, and cut when it takes nothing. A reader that takes part in the gossip is sent the bytes only
/// of what it is not likely to have from others, the id alone of the rest, and nothing of what it gave itself.
struct StreamRoutes: Sendable {
    let services: GatewayServices
    let peers: PeerAuthentication
    let feed: LogFeed
    let slots = StreamSlots()

    func register(in routes: inout RouteTable) {
        routes.get("/w/1/stream", shows: .peerOnly, .peer, stream)
    }

    @Sendable private func stream(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let node = try await peers.peer(request, context, body: nil)
        let query = try Query(request)
        var kinds: Set<PostKind> = []
        for text in query.list("kinds") {
            guard let number = UInt32(text) else {
                throw GatewayError.badRequest(code: "bad-parameter", "kinds are numbers with commas between")
            }
            kinds.insert(PostKind(rawValue: number))
        }
        let reader = StreamReader(
            feed: feed, log: services.postLog, clock: services.clock, kinds: kinds,
            idsOnly: query.boolean("ids") ?? false, start: try start(query["cursor"]),
            slot: try slots.take(for: node), hub: services.gossip,
            link: query.boolean("gossip") == true ? services.gossip.accepted(node) : nil, node: node,
            channel: context.channel)
        return Response(
            status: .ok,
            headers: [
                .contentType: "application/x-protobuf; delimited=true", .cacheControl: "no-store",
                Self.accelBuffering: "no",
            ],
            body: ResponseBody { writer in try await reader.run(&writer) })
    }

    private func start(_ text: String?) throws(GatewayError) -> UInt64 {
        let log = services.postLog
        guard let text else { return log.newestSeq }
        guard let cursor = StreamCursor(text) else {
            throw .badRequest(code: "bad-cursor", "A cursor is {log id}.{number}")
        }
        // A number beyond the end is from a log that was set back: what the reader has is not what is here.
        guard cursor.log == log.logID, cursor.seq <= log.newestSeq else {
            throw .conflict(code: "unknown-log", "This log is not the one of the cursor; reconcile, then start anew")
        }
        return cursor.seq
    }

    // A literal that is a valid field name.
    private static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}

/// One reader of the stream.
private struct StreamReader: Sendable {
    let feed: LogFeed
    let log: PostLog
    let clock: any Clock<Duration>
    /// Empty means all.
    let kinds: Set<PostKind>
    let idsOnly: Bool
    let start: UInt64
    let slot: StreamSlots.Slot
    let hub: GossipHub
    /// Of a reader that takes part in the gossip.
    let link: GossipLink?
    let node: Hash32
    let channel: any Channel

    /// Why the loop goes round: something is new, a heartbeat is due, or ids are.
    private final class Alarm: Sendable {
        let isHeartbeatDue = Atomic(false)
        let areNamesDue = Atomic(false)
        let wakes: AsyncStream<Void>
        let continuation: AsyncStream<Void>.Continuation
        /// Told when ids wait.
        let (waits, waiting) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

        init() {
            // One pending wake is enough: whoever wakes reads to the end.
            (wakes, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        }
    }

    func run(_ writer: inout any ResponseBodyWriter) async throws {
        let alarm = Alarm()
        channel.closeFuture.whenComplete { _ in alarm.continuation.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                for await _ in log.changes() { alarm.continuation.yield() }
                alarm.continuation.finish()
            }
            group.addTask {
                while true {
                    try await clock.sleep(for: .seconds(Limits.Wire.heartbeatSeconds))
                    alarm.isHeartbeatDue.store(true, ordering: .relaxed)
                    alarm.continuation.yield()
                }
            }
            group.addTask {
                for await _ in alarm.waits {
                    try await clock.sleep(for: .milliseconds(Limits.Gossip.lazyMilliseconds))
                    alarm.areNamesDue.store(true, ordering: .relaxed)
                    alarm.continuation.yield()
                }
            }
            group.addTask {
                // Ends the stream when the node stops, rather than holding it up.
                try await gracefulShutdown()
                alarm.continuation.finish()
            }
            try await write(heartbeat(start), &writer)
            var position = start
            var names: [FeedLine] = []
            let joinedAt = log.newestSeq
            for await _ in alarm.wakes {
                if hub.isBlocked(node) || link?.isNewest == false { break }
                let hadNames = !names.isEmpty
                position = try await catchUp(from: position, joinedAt: joinedAt, &names, &writer)
                if !hadNames, !names.isEmpty { alarm.waiting.yield() }
                if alarm.areNamesDue.exchange(false, ordering: .relaxed) {
                    let due = names.filter { hub.lacks($0.id, node) }
                    names = []
                    if !due.isEmpty { try await write(due.flatMap(\.idFrame), &writer) }
                }
                if alarm.isHeartbeatDue.exchange(false, ordering: .relaxed) {
                    try await write(heartbeat(position), &writer)
                }
            }
        }
        try await writer.finish(nil)
    }

    /// Writes the lines after `start`; what is to be named a moment later goes to `names`.
    private func catchUp(
        from start: UInt64, joinedAt: UInt64, _ names: inout [FeedLine], _ writer: inout any ResponseBodyWriter
    ) async throws -> UInt64 {
        var position = start
        while !Task.isCancelled {
            let (lines, reached) = try await feed.lines(after: position)
            guard reached > position else { break }
            position = reached
            var pending: [UInt8] = []
            for line in lines where kinds.isEmpty || kinds.contains(line.kind) {
                switch delivery(of: line, joinedAt: joinedAt) {
                case .whole: pending += line.frame
                case .name where idsOnly || line.seq <= joinedAt: pending += line.idFrame
                case .name: names.append(line)
                case .nothing: break
                }
                if pending.count >= Limits.Gateway.streamWriteBytes {
                    try await write(pending, &writer)
                    pending = []
                }
            }
            if !pending.isEmpty { try await write(pending, &writer) }
        }
        return position
    }

    private func delivery(of line: FeedLine, joinedAt: UInt64) -> Gossip.Delivery {
        guard link != nil else { return idsOnly ? .name : .whole }
        let delivery = hub.delivery(of: line.id, to: node, isBacklog: idsOnly || line.seq <= joinedAt)
        if delivery == .whole { hub.countOut(1, to: node) }
        return delivery
    }

    private func heartbeat(_ seq: UInt64) -> [UInt8] {
        var frame = WireStreamFrame()
        frame.cursor = StreamCursor(log: log.logID, seq: seq).text
        return LogFeed.delimited(frame)
    }

    private func write(_ bytes: [UInt8], _ writer: inout any ResponseBodyWriter) async throws {
        let buffer = ByteBuffer(bytes: bytes)
        try await channel.cuttingStalls { try await writer.write(buffer) }
    }
}
