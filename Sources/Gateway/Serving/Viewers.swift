import Accounts
import Digests
import Hummingbird
import Moderation
import Operations

/// On whose behalf a request reads.
struct Viewers: Sendable {
    let peers: PeerAuthentication
    private let accounts: Accounts
    private let ownerToken: Hash32?

    init(_ configuration: GatewayConfiguration, _ peers: PeerAuthentication, _ accounts: Accounts) {
        self.peers = peers
        self.accounts = accounts
        ownerToken = configuration.ownerToken.map { SHA256.hash(Array($0.utf8)) }
    }

    /// The operator by token, a person by token, an accepted peer by signature, else nobody. Unknown tokens count as none: clients of other
    /// sites send the tokens that they have for those.
    ///
    /// - Parameters:
    ///   - queryToken: also looked for in the query, for clients of the Civitai API.
    ///   - bySession: also a person by a browser's session: for the bytes that pages show and lead to. Those answers are in no
    ///     cache that others share.
    func viewer(
        _ request: Request, _ context: GatewayContext, queryToken: String? = nil, bySession: Bool = false
    ) async throws -> Viewer {
        if let token = CallerIdentity.bearer(request) ?? queryToken {
            if isOperator(token) { return .owner }
            if let grant = try await accounts.grant(token: token), grant.allows(.read) { return grant.account.viewer }
        }
        if bySession, let session = CallerIdentity.session(request),
            let grant = try await accounts.grant(session: session)
        {
            return grant.account.viewer
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

    /// Whether the request shows the operator's token.
    func isOperator(_ request: Request) -> Bool {
        CallerIdentity.bearer(request).map { isOperator($0) } ?? false
    }

    private func isOperator(_ token: String) -> Bool {
        // Comparing digests takes the same time wherever the tokens differ.
        ownerToken.map { SHA256.hash(Array(token.utf8)) == $0 } ?? false
    }
}
