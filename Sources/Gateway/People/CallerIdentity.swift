import Accounts
import HTTPTypes
import Hummingbird
import Moderation

/// Finds out which person a request speaks for.
struct CallerIdentity: Sendable {
    let accounts: Accounts
    let origins: Origins

    /// `__Host-` makes a browser take it from this host alone, over HTTPS or on its own machine.
    static let cookieName = "__Host-waggle"

    /// Whoever the token or the session belongs to; nil when neither is shown.
    ///
    /// - Throws: `unauthorized` for a token that is unknown, revoked or expired, all alike; `forbidden` for a request that
    ///   another site made a browser send.
    func grant(_ request: Request, _ context: GatewayContext) async throws -> Grant? {
        if request.headers[.authorization] != nil {
            guard let token = Self.bearer(request), let grant = try await accounts.grant(token: token) else {
                throw Self.unauthorized
            }
            return grant
        }
        guard let session = Self.session(request), let grant = try await accounts.grant(session: session) else {
            return nil
        }
        try refuseForgery(request, context)
        return grant
    }

    static let unauthorized = GatewayError.unauthorized(
        code: "unauthorized", "Send a token of this node as \"Authorization: Bearer …\"; it may be wrong or revoked")

    static func bearer(_ request: Request) -> String? {
        guard let field = request.headers[.authorization] else { return nil }
        let parts = field.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1].trimmed)
    }

    // MARK: Browsers

    static func session(_ request: Request) -> String? {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.trimmed.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == cookieName { return String(parts[1]) }
            }
        }
        return nil
    }

    static func cookie(_ session: OpenedSession, now: UInt64) -> String {
        let seconds = session.expires - min(now, session.expires)
        return "\(cookieName)=\(session.token.text); Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=\(seconds)"
    }

    static let noCookie = "\(cookieName)=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"

    /// A browser sends cookies along with what other sites have it send. What changes something must come from a page of
    /// this node: browsers say so themselves, in fields that no page can write.
    func refuseForgery(_ request: Request, _ context: GatewayContext) throws(GatewayError) {
        if request.method == .get || request.method == .head { return }
        if let site = request.headers[Self.fetchSite] {
            if site == "same-origin" { return }
        } else if let origin = request.headers[.origin], origins.isOwn(origin, request, context) {
            return
        }
        throw .forbidden(code: "cross-site", "This was not sent by a page of this node")
    }

    // A literal that is a valid field name.
    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")!
}
