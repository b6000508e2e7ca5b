import NIOCore
import NIOHTTP2

/// Ends a stream of HTTP/2 whose request goes on after it was answered: what comes then is received for nothing.
///
/// For some time it is taken all the same, because there are clients that read no answer before they have sent everything.
/// The code is NO_ERROR, which says that the answer stands (RFC 9113, section 8.1); without an answer in full the stream is
/// not ended here. It sits where HTTP/2 is frames, in front of all other handlers of a stream. `ConnectionGuard` does the
/// same for HTTP/1.1.
final class EarlyAnswer: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias InboundOut = HTTP2Frame.FramePayload
    typealias OutboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let lingering: TimeAmount
    private var isRequestOver = false
    private var end: Scheduled<Void>?

    init(lingering: TimeAmount) {
        self.lingering = lingering
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if unwrapInboundIn(data).endsStream {
            isRequestOver = true
            end?.cancel()
            end = nil
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = unwrapOutboundIn(data).endsStream
        context.write(data, promise: promise)
        guard isEnd, !isRequestOver else { return }
        end = context.eventLoop.assumeIsolated().scheduleTask(in: lingering) {
            self.end = nil
            context.writeAndFlush(self.wrapOutboundOut(.rstStream(.noError)), promise: nil)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end?.cancel()
        end = nil
    }
}

extension HTTP2Frame.FramePayload {
    /// Whether whoever sends it sends nothing after it.
    fileprivate var endsStream: Bool {
        switch self {
        case .data(let data): data.endStream
        case .headers(let headers): headers.endStream
        default: false
        }
    }
}
