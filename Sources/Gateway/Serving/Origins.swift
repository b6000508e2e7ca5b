import Federation
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import WaggleProtocol

/// The URLs by which this node is reached.
struct Origins: Sendable {
    private let publicURLs: [PeerURL]
    private let allowed: Set<String>
    /// What this node itself speaks on its port.
    private let scheme: String
    private let known = KnownBases()

    init(_ configuration: GatewayConfiguration) {
        publicURLs = configuration.publicURLs
        scheme = configuration.tls == nil ? "http" : "https"
        allowed = Set((configuration.publicURLs + configuration.allowedOrigins).map { Self.origin(of: $0) })
    }

    /// What absolute links in the answer begin with, without a slash at the end.
    ///
    /// The origin that the client used, if the operator listed it: a client behind a hosts entry refuses links to other
    /// hosts, while an unchecked `Host` would let anybody poison a shared cache. Else the public URL; a node that has none
    /// answers with the address that the connection arrived at.
    func base(for request: Request, _ context: GatewayContext) -> String {
        let asked = KnownBases.Asked(
            host: request.head.authority ?? "", forwardedHost: request.headers[Self.forwardedHost],
            forwardedScheme: request.headers[Self.forwardedScheme], arrivedAt: context.channel.localAddress)
        return known.base(asked) {
            base(host: asked.host, headers: request.headers, local: localURLs(asked.arrivedAt))
        }
    }

    /// - Parameter local: where the connection arrived.
    func base(host: String, headers: HTTPFields, local: [PeerURL]) -> String {
        let forwardedHost = headers[Self.forwardedHost]
        let scheme = headers[Self.forwardedScheme] ?? scheme
        if let claimed = try? PeerURL("\(scheme)://\(forwardedHost ?? host)"), claimed.pathPrefix.isEmpty {
            let origin = Self.origin(of: claimed)
            if let same = publicURLs.first(where: { Self.origin(of: $0) == origin }) { return same.description }
            if allowed.contains(origin) || (forwardedHost == nil && local.contains(claimed)) { return origin }
        }
        return (publicURLs.first ?? local.first)?.description ?? "\(self.scheme)://localhost"
    }

    /// Whether an `Origin` field names this node.
    func isOwn(_ origin: String, _ request: Request, _ context: GatewayContext) -> Bool {
        guard let url = try? PeerURL(origin), url.pathPrefix.isEmpty else { return false }
        return allowed.contains(Self.origin(of: url)) || localURLs(context.channel.localAddress).contains(url)
    }

    /// The URLs that a signature may name: the public ones, and where this connection arrived.
    func targets(_ context: GatewayContext) -> [PeerURL] {
        publicURLs + localURLs(context.channel.localAddress)
    }

    /// The local end of a connection as URLs.
    private func localURLs(_ address: SocketAddress?) -> [PeerURL] {
        guard let address, let ip = address.ipAddress, let port = address.port else { return [] }
        let hosts =
            switch address {
            case .v6: ip.hasPrefix("::ffff:") ? [String(ip.dropFirst(7))] : ["[\(ip)]"]
            default: [ip]
            }
        let isLoopback = hosts.contains { $0.hasPrefix("127.") || $0 == "[::1]" }
        return (hosts + (isLoopback ? ["localhost"] : [])).compactMap { try? PeerURL("\(scheme)://\($0):\(port)") }
    }

    private static func origin(of url: PeerURL) -> String {
        "\(url.scheme.rawValue)://\(url.authority)"
    }

    // Literals that are valid field names.
    private static let forwardedHost = HTTPField.Name("X-Forwarded-Host")!
    private static let forwardedScheme = HTTPField.Name("X-Forwarded-Proto")!
}

/// What links began with for those who asked before: clients ask under few names, and reading them takes longer than many
/// an answer.
private final class KnownBases: Sendable {
    /// Everything that it depends on.
    struct Asked: Hashable {
        let host: String
        let forwardedHost: String?
        let forwardedScheme: String?
        let arrivedAt: SocketAddress?
    }

    private let bases = Mutex<[Asked: String]>([:])

    func base(_ asked: Asked, _ make: () -> String) -> String {
        if let base = bases.withLock({ $0[asked] }) { return base }
        let base = make()
        bases.withLock { bases in
            // Names that nobody uses twice are those of somebody who makes them up.
            if bases.count >= Limits.Gateway.knownBases { bases = [:] }
            bases[asked] = base
        }
        return base
    }
}
