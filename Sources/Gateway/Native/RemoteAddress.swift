import Federation
import HTTPTypes
import Hummingbird
import NIOCore

/// Where a request comes from, as limits count it.
enum RemoteAddress {
    /// The other end of the connection, or whom a proxy speaks for there.
    static func of(_ request: Request, _ context: GatewayContext) -> String {
        text(client(request, context))
    }

    /// The same before it is a text, which takes longer than to look at it.
    static func client(_ request: Request, _ context: GatewayContext) -> IPAddress? {
        context.channel.remoteAddress.flatMap { IPAddress($0) }.map { context.proxies.client(of: $0, request.headers) }
    }

    /// - Parameter peer: the other end of the connection; nil where there is none.
    static func of(peer: String?, _ fields: HTTPFields = [:], _ proxies: TrustedProxies = .none) -> String {
        text(peer.flatMap { IPAddress($0) }.map { proxies.client(of: $0, fields) })
    }

    static func text(_ address: IPAddress?) -> String {
        address.map(counted) ?? unknown
    }

    /// Whether it is an address of this machine, or of no connection at all.
    static func isHere(_ address: String) -> Bool {
        address == unknown || IPAddress(address).map { isHere($0) } ?? false
    }

    static func isHere(_ address: IPAddress?) -> Bool {
        address.map { AddressPolicy.kind(of: $0) == .loopback } ?? true
    }

    private static let unknown = "unknown"

    /// Who has one IPv6 address has the 2^64 of its network too.
    private static func counted(_ address: IPAddress) -> String {
        guard case .v6(let bits) = address, bits >> 64 != 0 else { return address.description }
        return "\(IPAddress.v6((bits >> 64) << 64))/64"
    }
}

extension IPAddress {
    /// The address of a socket; nil for one that has none.
    init?(_ socket: SocketAddress) {
        let isFour: Bool
        switch socket {
        case .v4: isFour = true
        case .v6: isFour = false
        case .unixDomainSocket: return nil
        }
        self = socket.withSockAddr { start, count in
            // Behind the family and the port, and with IPv6 the flow (`struct sockaddr_in`, `struct sockaddr_in6`).
            let bytes = UnsafeRawBufferPointer(start: start, count: count)
            return isFour
                ? .v4(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
                : .v6(UInt128(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt128.self)))
        }
    }
}
