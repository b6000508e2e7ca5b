import NIOCore
import NIOHTTP1
import WaggleProtocol

/// Says when the other end of a connection takes nothing any more: nothing that waits to be written has left for too long.
/// A value; time is handed in.
struct StallWatch {
    enum Verdict: Equatable {
        /// Nothing waits.
        case idle
        /// Look again after this time.
        case look(TimeAmount)
        case stalled
    }

    private let limit: TimeAmount
    private var waiting = 0
    /// When something left last, or began to wait while nothing did.
    private var sign = NIODeadline.uptimeNanoseconds(0)

    /// - Parameter limit: how long nothing may leave.
    init(limit: TimeAmount) {
        self.limit = limit
    }

    mutating func began(now: NIODeadline) {
        if waiting == 0 { sign = now }
        waiting += 1
    }

    mutating func ended(now: NIODeadline) {
        waiting -= 1
        sign = now
    }

    func verdict(now: NIODeadline) -> Verdict {
        guard waiting > 0 else { return .idle }
        return now - sign >= limit ? .stalled : .look(limit - (now - sign))
    }
}

/// Closes connections that hold what they do not use: of readers that take nothing of an answer, and of senders that go on
/// with a body after the answer to it. Hummingbird's own limit is for connections between two requests.
///
/// It sits where HTTP/1.1 is parts. A stream of HTTP/2 gets a `StreamGuard` and an `EarlyAnswer`.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// What one write waits for, so that a slow reader of a large answer is seen to read.
    private static let piece = 64 << 10

    private let writes: WatchedWrites
    private let lingering: TimeAmount
    private var isBodyComing = false
    /// Of the answer that is being written.
    private var hasBody = false
    private var end: Scheduled<Void>?

    init(stall: TimeAmount, lingering: TimeAmount) {
        writes = WatchedWrites(limit: stall)
        self.lingering = lingering
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isBodyComing = true
        case .body: break
        case .end:
            isBodyComing = false
            end?.cancel()
            end = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head:
            // Whoever does not take it does not take what follows it.
            hasBody = false
            context.write(data, promise: promise)
        case .body(.byteBuffer(var bytes)):
            hasBody = true
            while bytes.readableBytes > Self.piece, let piece = bytes.readSlice(length: Self.piece) {
                writes.write(wrapOutboundOut(.body(.byteBuffer(piece))), context, nil)
            }
            writes.write(wrapOutboundOut(.body(.byteBuffer(bytes))), context, promise)
        case .body:
            writes.write(data, context, promise)
        case .end:
            // Behind a body it is a few bytes at most, and the connection is idle then: a limit of its own ends it.
            if hasBody { context.write(data, promise: promise) } else { writes.write(data, context, promise) }
            guard isBodyComing else { return }
            // Whoever has sent the rest already gets to read the answer; nobody reads on for ever.
            end = context.eventLoop.assumeIsolated().scheduleTask(in: lingering) { context.close(promise: nil) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end?.cancel()
        writes.stop()
    }

    /// Puts a guard into the channel that it is added to.
    final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        private let stall: TimeAmount
        private let lingering: TimeAmount

        init(stall: TimeAmount, lingering: TimeAmount) {
            (self.stall, self.lingering) = (stall, lingering)
        }

        func handlerAdded(context: ChannelHandlerContext) {
            let pipeline = context.pipeline.syncOperations
            do {
                if let decoder = try? pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self) {
                    try pipeline.addHandler(
                        ConnectionGuard(stall: stall, lingering: lingering), position: .after(decoder))
                } else {
                    try pipeline.addHandler(StreamGuard(stall: stall), position: .before(self))
                    try pipeline.addHandler(EarlyAnswer(lingering: lingering), position: .first)
                }
            } catch {
                // Never without a guard.
                context.close(promise: nil)
            }
        }
    }
}

/// Closes a stream of HTTP/2 whose reader takes nothing of an answer.
final class StreamGuard: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = NIOAny
    typealias OutboundOut = NIOAny

    private let writes: WatchedWrites

    init(stall: TimeAmount) {
        writes = WatchedWrites(limit: stall)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writes.write(data, context, promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        writes.stop()
    }
}

/// Hands writes on, and closes the channel when they stall. Used on its event loop alone.
private final class WatchedWrites {
    private var watch: StallWatch
    private var check: Scheduled<Void>?

    init(limit: TimeAmount) {
        watch = StallWatch(limit: limit)
    }

    func write(_ data: NIOAny, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
        let promise = promise ?? context.eventLoop.makePromise(of: Void.self)
        let eventLoop = context.eventLoop
        watch.began(now: eventLoop.now)
        promise.futureResult.assumeIsolated().whenComplete { _ in self.watch.ended(now: eventLoop.now) }
        look(context)
        context.write(data, promise: promise)
    }

    /// One look is due while anything waits, and at most one a connection: writes that get away cost no timer.
    private func look(_ context: ChannelHandlerContext) {
        guard check == nil, case .look(let wait) = watch.verdict(now: context.eventLoop.now) else { return }
        check = context.eventLoop.assumeIsolated().scheduleTask(in: wait) {
            self.check = nil
            if self.watch.verdict(now: context.eventLoop.now) == .stalled {
                context.close(promise: nil)
            } else {
                self.look(context)
            }
        }
    }

    func stop() {
        check?.cancel()
        check = nil
    }
}
