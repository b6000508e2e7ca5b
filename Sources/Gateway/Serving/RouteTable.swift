import HTTPTypes
import Hummingbird

/// What a route shows. A test walks the router, asks for a hidden item by each route, and fails on a route without a
/// subject, so nothing is served that the level rule was not thought of for.
public enum Subject: Sendable, Hashable {
    /// The same bytes for everyone.
    case nothing
    /// What this node says of itself.
    case node
    /// Models, images or creators, filtered row by row.
    case list
    case model
    case release
    case image
    case collection
    case article
    case bounty
    case workflow
    /// A person, with what of theirs the viewer may see.
    case creator
    /// A tag or base model, which is known by the models that have it.
    case term
    /// Bytes by hash.
    case blob
    /// Nothing to anyone but accepted peers.
    case peerOnly
    /// What belongs to whoever is signed in; nothing to others.
    case account
}

/// Who reads the answers of a route, and so what its errors look like.
public enum Face: Sendable, Hashable {
    /// People in a browser: HTML.
    case page
    /// Clients of a JSON API of another site.
    case api
    /// Clients of the native API.
    case native
    /// Download tools.
    case bytes
    /// Other nodes: protobuf.
    case peer

    /// The face of addresses that no route has.
    init(path: String) {
        let segments = path.split(separator: "/", maxSplits: 2)
        self =
            switch segments.first {
            case "api": segments.dropFirst().first == "w1" ? .native : .api
            case "v1", "sdapi": .api
            case "blobs": .bytes
            case "w", ".well-known": .peer
            default: .page
            }
    }
}

/// A route as it was registered.
public struct DeclaredRoute: Sendable, Hashable {
    public let method: String
    /// With `{parameters}`.
    public let path: String
    public let subject: Subject
    public let face: Face
}

/// The one way to add a route.
struct RouteTable {
    typealias Handler = @Sendable (Request, GatewayContext) async throws -> Response

    let router: Router<GatewayContext>
    private(set) var declared: [DeclaredRoute] = []

    init(router: Router<GatewayContext>) {
        self.router = router
    }

    /// Adds a GET route and its HEAD.
    mutating func get(_ path: String, shows subject: Subject, _ face: Face, _ handler: @escaping Handler) {
        on(.get, path, subject, face, handler)
        on(.head, path, subject, face) { request, context in
            try await handler(request, context).createHeadResponse()
        }
    }

    mutating func post(_ path: String, shows subject: Subject, _ face: Face, _ handler: @escaping Handler) {
        on(.post, path, subject, face, handler)
    }

    mutating func put(_ path: String, shows subject: Subject, _ face: Face, _ handler: @escaping Handler) {
        on(.put, path, subject, face, handler)
    }

    mutating func patch(_ path: String, shows subject: Subject, _ face: Face, _ handler: @escaping Handler) {
        on(.patch, path, subject, face, handler)
    }

    mutating func delete(_ path: String, shows subject: Subject, _ face: Face, _ handler: @escaping Handler) {
        on(.delete, path, subject, face, handler)
    }

    private mutating func on(
        _ method: HTTPRequest.Method, _ path: String, _ subject: Subject, _ face: Face, _ handler: @escaping Handler
    ) {
        declared.append(DeclaredRoute(method: method.rawValue, path: path, subject: subject, face: face))
        let responder = CallbackResponder<GatewayContext> { request, context in
            do {
                return try await handler(request, context)
            } catch {
                throw FacedError(error: error, face: face)
            }
        }
        router.on(RouterPath(path), method: method, responder: responder)
    }

    /// Answers the methods that a path does not have with 405, and OPTIONS as browsers ask it before API calls.
    mutating func finish() {
        for (path, routes) in Dictionary(grouping: declared, by: \.path) {
            let methods = routes.map(\.method)
            let allowed = (methods + ["OPTIONS"]).joined(separator: ", ")
            let face = routes[0].face
            for method in [HTTPRequest.Method.get, .head, .post, .put, .patch, .delete, .trace, .query]
            where !methods.contains(method.rawValue) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    throw FacedError(error: GatewayError.methodNotAllowed(allowed: allowed), face: face)
                }
            }
            let isForBrowsers = face == .api || face == .bytes || face == .native
            router.on(RouterPath(path), method: .options) { _, _ in
                var headers: HTTPFields = [.allow: allowed]
                if isForBrowsers {
                    headers[.accessControlAllowOrigin] = "*"
                    // Pages of other sites may read what is public; they write nothing.
                    headers[.accessControlAllowMethods] = face == .native ? "GET, HEAD" : allowed
                    headers[.accessControlAllowHeaders] = "Authorization, Content-Type, Range"
                    headers[.accessControlMaxAge] = "86400"
                }
                return Response(status: .noContent, headers: headers)
            }
        }
    }
}

extension HTTPRequest.Method {
    /// A read with a body (draft-ietf-httpbis-safe-method-w-body). A literal that is a valid method.
    fileprivate static let query = HTTPRequest.Method("QUERY")!
}

/// An error with the face of the route where it happened.
struct FacedError: Error {
    let error: any Error
    let face: Face
}
