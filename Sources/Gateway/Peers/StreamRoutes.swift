import HTTPTypes
import Hummingbird
import NIOCore
import PostLog
import ServiceLifecycle
import Synchronization
import WaggleProtocol

/// Posts as they come into force: `GET /w/1/stream?cursor=&kinds=10,11&ids=true`.
///
/// Without a cursor the stream begins now. The first frame is a heartbeat with the cursor, then come the backlog and
/// what is new, and a heartbeat every 20 s. Nothing is held back for a slow reader: it is given the log from where it
/// is, as fast as it takes it, and cut when it takes nothing.
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
            slot: try slots.take(for: node), channel: context.channel)
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
    let channel: any Channel

    /// Why the loop goes round: something is new, or a heartbeat is due.
    private final class Alarm: Sendable {
        let isHeartbeatDue = Atomic(false)
        let wakes: AsyncStream<Void>
        let continuation: AsyncStream<Void>.Continuation

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
                // Ends the stream when the node stops, rather than holding it up.
                try await gracefulShutdown()
                alarm.continuation.finish()
            }
            try await write(heartbeat(start), &writer)
            var position = start
            for await _ in alarm.wakes {
                position = try await catchUp(from: position, &writer)
                if alarm.isHeartbeatDue.exchange(false, ordering: .relaxed) {
                    try await write(heartbeat(position), &writer)
                }
            }
        }
        try await writer.finish(nil)
    }

    private func catchUp(from start: UInt64, _ writer: inout any ResponseBodyWriter) async throws -> UInt64 {
        var position = start
        while !Task.isCancelled {
            let (lines, reached) = try await feed.lines(after: position)
            guard reached > position else { break }
            position = reached
            var pending: [UInt8] = []
            for line in lines where kinds.isEmpty || kinds.contains(line.kind) {
                pending += idsOnly ? line.idFrame : line.frame
                if pending.count >= Limits.Gateway.streamWriteBytes {
                    try await write(pending, &writer)
                    pending = []
                }
            }
            if !pending.isEmpty { try await write(pending, &writer) }
        }
        return position
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
