import NIOCore
import NIOHTTP1

/// Lets the kernel send parts of files as the body of a plain HTTP/1.1 response.
///
/// Hummingbird's bodies are buffers only. This handler sits next to the encoder, below the translation to Hummingbird's
/// parts, and turns an event into a body part that names a file. It is never put on a TLS or HTTP/2 channel, whose
/// handlers cannot take files: `BlobResponder` looks whether it is there. SwiftNIO means to drop file regions some day,
/// so nothing else knows of them.
final class FileRegionHandler: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// The event: send this part of this file.
    struct Piece: Sendable {
        let file: NIOFileHandle
        let range: Range<UInt64>
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard let piece = event as? Piece else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        let region = FileRegion(
            fileHandle: piece.file, readerIndex: Int(piece.range.lowerBound), endIndex: Int(piece.range.upperBound))
        context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(region))), promise: promise)
    }

    /// Puts a `FileRegionHandler` behind the encoder of the channel that it is added to.
    final class Installer: ChannelInboundHandler, RemovableChannelHandler {
        typealias InboundIn = NIOAny

        func handlerAdded(context: ChannelHandlerContext) {
            let pipeline = context.pipeline.syncOperations
            // Without the encoder this is no plain HTTP/1.1, and blobs go out as buffers.
            guard let encoder = try? pipeline.handler(type: HTTPResponseEncoder.self) else { return }
            try? pipeline.addHandler(FileRegionHandler(), position: .after(encoder))
        }
    }
}
