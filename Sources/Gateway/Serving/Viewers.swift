import Digests
import Hummingbird
import Moderation

/// On whose behalf a request reads.
struct Viewers: Sendable {
    let peers: PeerAuthentication
    private let ownerToken: Hash32?

    init(_ configuration: GatewayConfiguration, _ peers: PeerAuthentication) {
        self.peers = peers
        ownerToken = configuration.ownerToken.map { SHA256.hash(Array($0.utf8)) }
    }

    /// The operator by token, an accepted peer by signature, else nobody. Unknown tokens count as none: clients of other
    /// sites send the tokens that they have for those.
    ///
    /// - Parameter token: also looked for in the query, for clients of the Civitai API.
    func viewer(_ request: Request, _ context: GatewayContext, queryToken: String? = nil) async throws -> Viewer {
        if let token = Self.bearer(request) ?? queryToken, let ownerToken {
            // Comparing digests takes the same time wherever the tokens differ.
            if SHA256.hash(Array(token.utf8)) == ownerToken { return .owner }
        }
        guard PeerAuthentication.isSigned(request) else { return .anonymous }
        do {
            _ = try await peers.peer(request, context, body: nil)
            return .peer
        } catch GatewayError.unauthorized, GatewayError.forbidden {
            // A node that is no peer of ours sees what anybody sees.
            return .anonymous
        }
    }

    private static func bearer(_ request: Request) -> String? {
        guard let field = request.headers[.authorization] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].trimmed)
    }
}
