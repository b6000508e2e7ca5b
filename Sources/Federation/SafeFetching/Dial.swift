import WaggleProtocol

/// Where to connect for a URL, decided before any connection is made.
///
/// Follow no redirects on node routes, and put size and time limits on every answer: a decision covers one URL only.
public enum Dial: Hashable, Sendable {
    /// Connect as the URL says, whatever it resolves to.
    case asTyped(PeerURL)
    /// Connect to one of `addresses` (never empty, the system's preference first) and to nothing else, so that no second
    /// look-up can lead elsewhere. `Host` and the TLS server name stay those of `url`.
    case pinned(PeerURL, addresses: [IPAddress])

    /// Who named the URL.
    public enum Origin: Hashable, Sendable {
        /// The operator typed it, or it stands in the node's configuration.
        case `operator`
        /// It came from another node, a post, or a bootstrap file.
        case stranger
    }

    /// Decides how to dial `url`. What a stranger named is resolved once, here, and refused when any of the answers is not
    /// a public address.
    public static func decide(
        _ url: PeerURL, from origin: Origin, resolver: some AddressResolver
    ) async throws(DialError) -> Dial {
        guard origin == .stranger else { return .asTyped(url) }
        let addresses: [IPAddress]
        switch url.host {
        case .address(let address): addresses = [address]
        case .name(let name): addresses = try await resolver.addresses(of: name)
        }
        guard !addresses.isEmpty else { throw .noAddress(host: url.hostText) }
        guard addresses.count <= Limits.Dialling.addresses else { throw .tooManyAddresses(host: url.hostText) }
        for address in addresses where !AddressPolicy.isPublic(address) {
            throw .notPublic(host: url.hostText, address, AddressPolicy.kind(of: address))
        }
        return .pinned(url, addresses: addresses)
    }
}

/// Finds the addresses of a host name.
public protocol AddressResolver: Sendable {
    /// All addresses of `host`, preferred ones first.
    func addresses(of host: String) async throws(DialError) -> [IPAddress]
}

/// Why an address is not dialled.
public enum DialError: Error, Hashable, Sendable {
    /// The look-up itself failed, for the reason given.
    case unresolved(host: String, reason: String)
    case noAddress(host: String)
    case tooManyAddresses(host: String)
    /// A stranger named a host with an address inside somebody's network.
    case notPublic(host: String, IPAddress, AddressPolicy.Kind)
}

extension DialError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unresolved(let host, let reason): "\(host) could not be looked up: \(reason)"
        case .noAddress(let host): "\(host) has no address"
        case .tooManyAddresses(let host): "\(host) has more than \(Limits.Dialling.addresses) addresses"
        case .notPublic(let host, let address, let kind):
            "\(host) was named by another node but leads to \(address), which is not public (\(kind.rawValue)); "
                + "to allow it, add the address yourself"
        }
    }
}
