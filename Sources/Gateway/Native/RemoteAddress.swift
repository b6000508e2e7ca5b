import Federation
import HTTPTypes
import Hummingbird
import NIOCore

/// Where a request comes from, as limits count it.
enum RemoteAddress {
    /// The other end of the connection, or whom a proxy speaks for there.
    static func of(_ request: Request, _ context: GatewayContext) -> String {
        of(peer: context.channel.remoteAddress?.ipAddress, request.headers, context.proxies)
    }

    /// - Parameter peer: the other end of the connection; nil where there is none.
    static func of(peer: String?, _ fields: HTTPFields = [:], _ proxies: TrustedProxies = .none) -> String {
        guard let peer = peer.flatMap({ IPAddress($0) }) else { return unknown }
        return counted(proxies.client(of: peer, fields))
    }

    /// Whether it is an address of this machine, or of no connection at all.
    static func isHere(_ address: String) -> Bool {
        guard let address = IPAddress(address) else { return address == unknown }
        return AddressPolicy.kind(of: address) == .loopback
    }

    private static let unknown = "unknown"

    /// Who has one IPv6 address has the 2^64 of its network too.
    private static func counted(_ address: IPAddress) -> String {
        guard case .v6(let bits) = address, bits >> 64 != 0 else { return address.description }
        return "\(IPAddress.v6((bits >> 64) << 64))/64"
    }
}
