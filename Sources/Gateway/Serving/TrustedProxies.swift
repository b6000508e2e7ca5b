import Federation
import HTTPTypes

/// Reverse proxies whose word is believed about where a request comes from, and the field in which they say it.
///
/// Anybody can send such a field, so it counts from these addresses alone.
public struct TrustedProxies: Sendable, Hashable {
    private let networks: [IPNetwork]
    private let field: HTTPField.Name?

    /// - Parameters:
    ///   - networks: addresses and networks with commas between; empty for none.
    ///   - field: `X-Forwarded-For`, or another that has addresses with commas between, the nearest last.
    /// Nil when either cannot be read. `Forwarded` (RFC 7239) has another form and is not taken.
    public init?(_ networks: String, field: String) {
        var read: [IPNetwork] = []
        for part in networks.split(separator: ",").map(\.trimmed) where !part.isEmpty {
            guard let network = IPNetwork(part) else { return nil }
            read.append(network)
        }
        guard let name = HTTPField.Name(field), name.canonicalName != "forwarded" else { return nil }
        self.networks = read
        self.field = name
    }

    private init(_ networks: [IPNetwork], field: HTTPField.Name?) {
        self.networks = networks
        self.field = field
    }

    /// Nobody's word counts.
    public static let none = TrustedProxies([], field: nil)
    /// What holds while the operator says nothing: a proxy on this machine.
    public static let onThisMachine = TrustedProxies(
        ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }, field: HTTPField.Name("X-Forwarded-For"))

    func contains(_ address: IPAddress) -> Bool {
        networks.contains { $0.contains(address.unmapped) }
    }

    /// Whom the other end of a connection speaks for: the nearest address that no proxy of ours has. A word that is no
    /// address, and all that is farther, is not believed.
    func client(of peer: IPAddress, _ fields: HTTPFields) -> IPAddress {
        var nearest = peer.unmapped
        guard contains(nearest) else { return nearest }
        var named = field.flatMap { fields[$0] }?.split(separator: ",", omittingEmptySubsequences: false) ?? []
        while contains(nearest), let last = named.popLast(), let address = IPAddress(last.trimmed) {
            nearest = address.unmapped
        }
        return nearest
    }
}
