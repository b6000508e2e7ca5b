import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Moderation
import NIOCore
import Operations
import Synchronization
import WaggleProtocol

/// What every request to the native API goes through: limits, who sends it, what they may, repeated requests, and what all
/// answers have in common.
final class NativeDoor: Sendable {
    typealias Handler = @Sendable (NativeCall) async throws -> NativeReply
    /// The handler of a request with a JSON body, which was read already.
    typealias BodyHandler = @Sendable (NativeCall, [UInt8]) async throws -> NativeReply

    private let services: GatewayServices
    private let viewers: Viewers
    private let people: CallerIdentity
    private let origins: Origins
    private let repeated: RepeatedRequests
    private let limiter = Mutex(RequestLimiter())
    private let kept: AnswerCache<NativeReply>

    init(services: GatewayServices, viewers: Viewers, people: CallerIdentity, origins: Origins) {
        self.services = services
        self.viewers = viewers
        self.people = people
        self.origins = origins
        repeated = RepeatedRequests(accounts: services.accounts)
        kept = AnswerCache(services) { $0.body.count }
    }

    // MARK: Kinds of routes

    /// What visitors may ask too. Answers have an entity tag.
    func reading(_ handler: @escaping Handler) -> RouteTable.Handler {
        { request, context in
            try await self.answer(request, context) { call in
                let call = self.reader(call)
                return self.tagged(try await handler(call), call)
            }
        }
    }

    /// The same of what the catalog alone says: visitors who ask it again are answered from memory.
    func browsing(_ handler: @escaping Handler) -> RouteTable.Handler {
        reading { [kept] call in
            guard call.grant == nil, call.viewer.kind == .anonymous else { return try await handler(call) }
            let key = AnswerCache<NativeReply>.Key(
                target: call.request.uri.string, base: call.base, filter: call.filter)
            // The last so many days end now.
            let isTimeless = call.query["days"] == nil
            return try await kept.answer(key, isTimeless: isTimeless) { try await handler(call).knowingTag() }
        }
    }

    /// What is for whoever has a scope.
    func asking(_ scope: TokenScope, _ handler: @escaping Handler) -> RouteTable.Handler {
        { request, context in
            try await self.answer(request, context) { call in
                try Self.require(scope, call)
                var reply = try await handler(call)
                reply.headers[.cacheControl] = "private, no-store"
                return reply.response
            }
        }
    }

    /// What changes something, with a JSON body. A POST with an `Idempotency-Key` is carried out once.
    ///
    /// - Parameter byToken: false for what only a session may do.
    func writing(
        _ scope: TokenScope, byToken: Bool = true, _ handler: @escaping BodyHandler
    ) -> RouteTable.Handler {
        { request, context in
            try await self.answer(request, context) { call in
                // Nothing of the body is read for somebody who may not send one, and nothing kept is shown.
                try Self.require(scope, call)
                if !byToken {
                    guard case .session = call.grant?.source else { throw Self.sessionNeeded }
                }
                let body = try await call.body()
                var reply = try await self.once(call, body) { try await handler(call, body) }
                reply.headers[.cacheControl] = "private, no-store"
                return reply.response
            }
        }
    }

    /// What somebody asks who has no account yet, or is not signed in: guarded by a stricter limit.
    func knocking(_ handler: @escaping BodyHandler) -> RouteTable.Handler {
        knockingWithFiles { call in try await handler(call, try await call.body()) }
    }

    /// The same for what may bring files: the handler reads the body.
    func knockingWithFiles(_ handler: @escaping Handler) -> RouteTable.Handler {
        { request, context in
            try await self.answer(request, context, isKnocking: true) { call in
                // A browser must not be made to sign in as somebody else.
                if request.headers[.origin] != nil { try self.people.refuseForgery(request, context) }
                var reply = try await handler(call)
                reply.headers[.cacheControl] = "no-store"
                return reply.response
            }
        }
    }

    /// What sends its answer itself: streams and uploads.
    func streaming(
        _ scope: TokenScope, _ handler: @escaping @Sendable (NativeCall) async throws -> Response
    ) -> RouteTable.Handler {
        { request, context in
            try await self.answer(request, context) { call in
                try Self.require(scope, call)
                return try await handler(call)
            }
        }
    }

    /// Whether what a call was admitted with is still there and shows the same, for answers that go on for hours.
    func stillStands(_ call: NativeCall, for scope: TokenScope) async -> Bool {
        guard let before = call.grant, let grant = try? await people.grant(call.request, call.context) else {
            return false
        }
        return grant.allows(scope) && grant.account.id == before.account.id
            && services.moderation.filter(for: grant.account.viewer) == call.filter
    }

    private static func require(_ scope: TokenScope, _ call: NativeCall) throws(GatewayError) {
        guard let grant = call.grant else { throw CallerIdentity.unauthorized }
        guard grant.allows(scope) else {
            throw .forbidden(
                code: "scope-missing",
                "This needs the scope \(scope.rawValue), which this token or account does not have")
        }
    }

    /// A token must not be able to make itself stronger, or to lock its owner out.
    static let sessionNeeded = GatewayError.forbidden(
        code: "session-needed", "This needs a session, opened with the passphrase or a key; a token is not enough")

    /// Who may not read for an account sees what visitors see.
    private func reader(_ call: NativeCall) -> NativeCall {
        guard let grant = call.grant, !grant.allows(.read) else { return call }
        return NativeCall(
            request: call.request, context: call.context, query: call.query, grant: nil, viewer: .anonymous,
            filter: services.moderation.filter(for: .anonymous), base: call.base, address: call.address,
            clock: call.clock)
    }

    // MARK: Every request

    private func answer(
        _ request: Request, _ context: GatewayContext, isKnocking: Bool = false,
        _ body: (NativeCall) async throws -> Response
    ) async throws -> Response {
        let address = RemoteAddress.of(request, context)
        var standing: RequestLimiter.Standing?
        var response: Response
        do {
            // By address before anything is looked up, so that guessing tokens is no way around.
            let isUnknown = request.headers[.authorization] == nil
            let limit = isKnocking ? Limits.API.knocksPerMinute : services.configuration.requestsPerAddress
            if isKnocking || isUnknown {
                standing = try take("\(isKnocking ? "door" : "address") \(address)", limit)
            } else {
                _ = try take("bearers of \(address)", Limits.API.requestsPerToken * 4)
            }
            let call = try await self.call(request, context, address)
            if case .token(let id, _) = call.grant?.source {
                standing = try take("token \(id)", Limits.API.requestsPerToken)
            }
            response = try await body(call)
        } catch let error as Limited {
            standing = error.standing
            response = Problem.response(.tooManyRequests(retryAfter: error.standing.wait ?? 1))
            response.headers[.retryAfter] = "\(error.standing.wait ?? 1)"
        } catch {
            let failure = GatewayError(describing: error, context.logger)
            response = Problem.response(failure)
            response.headers.append(contentsOf: failure.headers)
        }
        if let standing {
            response.headers[Self.policy] = "\"default\";q=\(standing.limit);w=60"
            response.headers[Self.rate] = "\"default\";r=\(standing.remaining);t=\(standing.seconds)"
        }
        return response
    }

    private struct Limited: Error {
        let standing: RequestLimiter.Standing
    }

    private func take(_ key: String, _ limit: Int) throws -> RequestLimiter.Standing {
        let standing = limiter.withLock { $0.take(key, limit: limit, now: services.now()) }
        if standing.wait != nil { throw Limited(standing: standing) }
        return standing
    }

    private func call(
        _ request: Request, _ context: GatewayContext, _ address: String
    ) async throws -> NativeCall {
        let query = try Query(request)
        guard query["token"] == nil else {
            throw GatewayError.badRequest(
                code: "token-in-query", "Addresses end up in logs: send the token as \"Authorization: Bearer …\"")
        }
        for name in Self.singleParameters where query.values(name).count > 1 || query.values(name).contains("") {
            throw GatewayError.badRequest(
                code: "bad-parameter", "\(name) has one value; leave it out where there is none")
        }
        let isOperator = viewers.isOperator(request)
        let grant = isOperator ? nil : try await people.grant(request, context)
        let viewer = isOperator ? Viewer.owner : grant?.account.viewer ?? .anonymous
        return NativeCall(
            request: request, context: context, query: query, grant: grant, viewer: viewer,
            filter: services.moderation.filter(for: viewer), base: origins.base(for: request, context),
            address: address, clock: services.clock)
    }

    // MARK: Answers

    private func tagged(_ reply: NativeReply, _ call: NativeCall) -> Response {
        var reply = reply
        let isPublic = call.viewer.kind == .anonymous
        reply.headers[.cacheControl] = isPublic ? "public, max-age=10" : "private, no-cache"
        reply.headers[.accessControlAllowOrigin] = "*"
        reply.headers[.accessControlExposeHeaders] = "ETag, Link, RateLimit, RateLimit-Policy, Retry-After"
        reply.headers[.vary] = "Host, X-Forwarded-Host, X-Forwarded-Proto, Authorization, Cookie"
        guard reply.status == .ok else { return reply.response }
        reply.headers[.eTag] = reply.tag.field
        guard reply.tag.isKnown(to: call.request) else { return reply.response }
        reply.headers[.contentType] = nil
        return Response(status: .notModified, headers: reply.headers)
    }

    /// Carries a POST out, or gives the answer that the same POST had.
    private func once(
        _ call: NativeCall, _ body: [UInt8], _ handler: () async throws -> NativeReply
    ) async throws -> NativeReply {
        guard call.request.method == .post, let key = call.request.headers[Self.idempotencyKey] else {
            return try await handler()
        }
        guard !key.isEmpty, key.utf8.count <= Limits.Accounts.idempotencyKeyBytes else {
            throw GatewayError.badRequest(
                code: "bad-idempotency-key", "A key has 1 to \(Limits.Accounts.idempotencyKeyBytes) bytes")
        }
        guard let grant = call.grant else { throw CallerIdentity.unauthorized }
        // Whoever may do something else is not told what this one was answered.
        let scopes = grant.scopes.sorted().map(\.rawValue).joined(separator: " ")
        let fingerprint = SHA256.hash(Array("\(call.request.uri.path)\n\(scopes)\n".utf8) + body)
        return try await repeated.answer(
            to: key, fingerprint: fingerprint, of: grant.account, logger: call.context.logger, handler)
    }

    /// Parameters of which an empty or second value would be a slip that is better told.
    private static let singleParameters = [
        "limit", "sort", "days", "from_here", "has_recipe", "model", "release", "subject",
    ]

    // Literals that are valid field names.
    private static let rate = HTTPField.Name("RateLimit")!
    private static let policy = HTTPField.Name("RateLimit-Policy")!
    private static let idempotencyKey = HTTPField.Name("Idempotency-Key")!
}
