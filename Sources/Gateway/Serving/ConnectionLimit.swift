import Federation
import HummingbirdCore
import Logging
import NIOCore
import NIOSSL
import Synchronization
import WaggleProtocol

/// How many connections each address has open. One IPv6 network counts as one address; this machine and the operator's
/// proxies are not counted, because a proxy brings everybody.
final class ConnectionCounts: Sendable {
    private let limit: Int
    private let proxies: TrustedProxies
    private let counts = Mutex<[String: Int]>([:])

    init(limit: Int, proxies: TrustedProxies) {
        self.limit = limit
        self.proxies = proxies
    }

    /// What a connection is counted under; nil for one that is not counted.
    func address(of peer: String?) -> String? {
        peer.flatMap { IPAddress($0) }.map { proxies.contains($0) } == true ? nil : RemoteAddress.of(peer: peer)
    }

    /// False when the address has as many as one may have. Each true is ended by `closed`.
    func opened(_ address: String) -> Bool {
        counts.withLock { counts in
            guard counts[address, default: 0] < limit || RemoteAddress.isHere(address) else { return false }
            counts[address, default: 0] += 1
            return true
        }
    }

    func closed(_ address: String) {
        counts.withLock { counts in
            counts[address] = counts[address].flatMap { $0 > 1 ? $0 - 1 : nil }
        }
    }
}

/// A server's connections, so many of each address; the others are closed at once. Below TLS, so that connections that never
/// get through their handshake count, and those end too.
struct CountedChannel<Inner: ServerChildChannel>: ServerChildChannel {
    let inner: Inner
    let counts: ConnectionCounts
    /// For the first byte after the handshake, where there is one.
    let handshakeTime: TimeAmount

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Inner.Value> {
        do {
            try channel.pipeline.syncOperations.addHandler(Counter(counts))
            let value = inner.setup(channel: channel, logger: logger)
            if let tls = try? channel.pipeline.syncOperations.handler(type: NIOSSLServerHandler.self) {
                try channel.pipeline.syncOperations.addHandler(Handshake(handshakeTime), position: .after(tls))
            }
            return value
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
    }

    func handle(value: Inner.Value, logger: Logger) async {
        await inner.handle(value: value, logger: logger)
    }
}

private final class Counter: ChannelInboundHandler {
    typealias InboundIn = NIOAny

    private let counts: ConnectionCounts
    private var address: String?

    init(_ counts: ConnectionCounts) {
        self.counts = counts
    }

    func channelActive(context: ChannelHandlerContext) {
        if let from = counts.address(of: context.remoteAddress?.ipAddress) {
            if counts.opened(from) {
                address = from
            } else {
                context.close(promise: nil)
            }
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let address { counts.closed(address) }
        address = nil
        context.fireChannelInactive()
    }
}

/// Closes a connection over which nothing has come that could be decrypted.
private final class Handshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let time: TimeAmount
    private var end: Scheduled<Void>?

    init(_ time: TimeAmount) {
        self.time = time
    }

    func channelActive(context: ChannelHandlerContext) {
        end = context.eventLoop.assumeIsolated().scheduleTask(in: time) { context.close(promise: nil) }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        end?.cancel()
        end = nil
        context.fireChannelRead(data)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end?.cancel()
    }
}
