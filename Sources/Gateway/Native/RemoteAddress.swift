import Federation
import HTTPTypes
import Hummingbird
import NIOCore

/// Where a request comes from, as limits count it.
enum RemoteAddress {
    /// The other end of the connection. Behind a proxy on this machine that is the proxy, which says whom it speaks for:
    /// the last address of `X-Forwarded-For` is what the proxy itself saw.
    static func of(_ request: Request, _ context: GatewayContext) -> String {
        of(peer: context.channel.remoteAddress?.ipAddress, forwarded: request.headers[forwardedFor])
    }

    /// - Parameters:
    ///   - peer: the other end of the connection; nil where there is none.
    ///   - forwarded: the field `X-Forwarded-For`, believed from this machine alone, and only when it names an address.
    static func of(peer: String?, forwarded: String?) -> String {
        guard let peer = peer.flatMap({ IPAddress($0) }).map(unmapped) else { return unknown }
        guard peer == .v4(0x7f00_0001) || peer == .v6(1),
            let last = forwarded?.split(separator: ",").last, let address = IPAddress(last.trimmed)
        else { return counted(peer) }
        return counted(unmapped(address))
    }

    /// Whether it is an address of this machine, or of no connection at all.
    static func isHere(_ address: String) -> Bool {
        guard let address = IPAddress(address) else { return address == unknown }
        return AddressPolicy.kind(of: address) == .loopback
    }

    private static let unknown = "unknown"

    /// An IPv4 address that came over an IPv6 socket (RFC 4291, 2.5.5.2) is the same one.
    private static func unmapped(_ address: IPAddress) -> IPAddress {
        guard case .v6(let bits) = address, bits >> 32 == 0xffff else { return address }
        return .v4(UInt32(truncatingIfNeeded: bits))
    }

    /// Who has one IPv6 address has the 2^64 of its network too.
    private static func counted(_ address: IPAddress) -> String {
        guard case .v6(let bits) = address, bits >> 64 != 0 else { return address.description }
        return "\(IPAddress.v6((bits >> 64) << 64))/64"
    }

    // A literal that is a valid field name.
    private static let forwardedFor = HTTPField.Name("X-Forwarded-For")!
}
