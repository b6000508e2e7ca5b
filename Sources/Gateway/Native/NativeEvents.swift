import Accounts
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import Operations
import PostLog
import ServiceLifecycle
import Synchronization
import WaggleProtocol

/// `GET /api/w1/events`: posts as they come into force and go, for programs, as server-sent events.
///
/// Each event has a cursor as its id; a client that comes back with it (`?cursor=`, or `Last-Event-ID` as browsers send it)
/// misses nothing and sees nothing twice. Without one the stream begins now.
struct NativeEvents: Sendable {
    let services: GatewayServices
    let door: NativeDoor
    let slots = StreamSlots()

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/events", shows: .account, .native, door.streaming(.read, events))
    }

    @Sendable private func events(_ call: NativeCall) async throws -> Response {
        let log = services.postLog
        var start = log.newestSeq
        if let text = call.query["cursor"] ?? call.request.headers[Self.lastEventID] {
            guard let cursor = StreamCursor(text) else {
                throw GatewayError.badRequest(code: "bad-cursor", "A cursor is the id of an event")
            }
            guard cursor.log == log.logID, cursor.seq <= log.newestSeq else {
                throw GatewayError.conflict(
                    code: "unknown-log",
                    "This node's log was set back since; read the lists anew and begin without a cursor")
            }
            start = cursor.seq
        }
        let slot = try slots.take(for: SHA256.hash(Array((try call.account.handle).utf8)))
        let stream = EventStream(
            services: services, filter: call.filter, start: start, channel: call.context.channel, slot: slot,
            isStillAdmitted: { [door] in await door.stillStands(call, for: .read) })
        let headers: HTTPFields = [
            .contentType: "text/event-stream", .cacheControl: "no-store", Self.accelBuffering: "no",
        ]
        guard call.request.method == .get else { return Response(status: .ok, headers: headers) }
        return Response(
            status: .ok, headers: headers, body: ResponseBody { writer in try await stream.run(&writer) })
    }

    // Literals that are valid field names.
    private static let lastEventID = HTTPField.Name("Last-Event-ID")!
    private static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
}

/// One reader of events.
private struct EventStream: Sendable {
    let services: GatewayServices
    let filter: ViewerFilter
    let start: UInt64
    let channel: any Channel
    let slot: StreamSlots.Slot
    /// False when whoever reads may not any more, or may see something else.
    let isStillAdmitted: @Sendable () async -> Bool

    private struct Event: Encodable {
        let event: String
        let kind: UInt32
        let post: String
        let author: String
        let created: String
    }

    private enum Wake: Sendable {
        case news
        case heartbeat
    }

    func run(_ writer: inout any ResponseBodyWriter) async throws {
        let (wakes, wake) = AsyncStream.makeStream(of: Wake.self, bufferingPolicy: .bufferingNewest(2))
        channel.closeFuture.whenComplete { _ in wake.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { [log = services.postLog] in
                for await _ in log.changes() { wake.yield(.news) }
                wake.finish()
            }
            group.addTask { [clock = services.clock] in
                while true {
                    try await clock.sleep(for: .seconds(Limits.Wire.heartbeatSeconds))
                    wake.yield(.heartbeat)
                }
            }
            group.addTask {
                // Ends the stream when the node stops, rather than holding it up.
                try await gracefulShutdown()
                wake.finish()
            }
            var position = start
            try await write("id: \(cursor(position))\nevent: begin\ndata: {}\n\n", &writer)
            position = try await catchUp(from: position, &writer)
            for await reason in wakes {
                // A stream must not outlive its token, session or account.
                guard await isStillAdmitted() else { break }
                position = try await catchUp(from: position, &writer)
                if case .heartbeat = reason { try await write(": still here\n\n", &writer) }
            }
        }
        try await writer.finish(nil)
    }

    private func cursor(_ seq: UInt64) -> String {
        StreamCursor(log: services.postLog.logID, seq: seq).text
    }

    private func catchUp(from start: UInt64, _ writer: inout any ResponseBodyWriter) async throws -> UInt64 {
        var position = start
        while !Task.isCancelled {
            let entries = try await services.postLog.entries(after: position, limit: Limits.Gateway.streamLines)
            guard let last = entries.last else { return position }
            // What the catalog does not show yet would be taken for something hidden.
            await services.catalog.waitUntilApplied(last.seq)
            let visible = VisiblePosts(services, filter)
            for entry in entries {
                guard let text = try await text(entry, visible) else { continue }
                try await write(text, &writer)
            }
            position = last.seq
        }
        return position
    }

    /// Nil for what the reader may not know of.
    private func text(_ entry: LogEntry, _ visible: VisiblePosts) async throws -> String? {
        let isShown = entry.event == .shown
        if isShown {
            guard try await visible.includes(entry.post) else { return nil }
        } else {
            // What is gone is not in the catalog any more: its own level decides, and where it has none nothing is told.
            let level = PostLevel.highest(
                of: entry.post.post, id: entry.post.id, author: entry.post.author, services.moderation.levelRules)
            guard let level, filter.contains(level) else { return nil }
        }
        let event = Event(
            event: isShown ? "shown" : "hidden", kind: entry.post.kind.rawValue, post: entry.post.id.hex,
            author: AuthorID.text(entry.post.author), created: Dates.timestamp(entry.post.created))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = String(decoding: try encoder.encode(event), as: UTF8.self)
        return "id: \(cursor(entry.seq))\nevent: \(event.event)\ndata: \(data)\n\n"
    }

    private func write(_ text: String, _ writer: inout any ResponseBodyWriter) async throws {
        let buffer = ByteBuffer(string: text)
        try await channel.cuttingStalls { try await writer.write(buffer) }
    }
}
