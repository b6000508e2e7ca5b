import Digests
public import HTTPTypes

/// Why a request is not answered as asked. Each case has a status, a stable code, and words that say what helps.
public enum GatewayError: Error, Equatable, Sendable {
    /// Nothing here that the caller may see.
    case notFound(String)
    /// A parameter or body that cannot be understood.
    case badRequest(code: String, String)
    /// The method is not among those that the path has.
    case methodNotAllowed(allowed: String)
    /// The caller is not known: the signature or token is missing or wrong.
    case unauthorized(code: String, String)
    /// The caller is known and may not.
    case forbidden(code: String, String)
    /// The author took it back.
    case gone(String)
    /// Purged on this node.
    case purged(caseNumber: String)
    case bodyTooLarge(limit: Int)
    /// The body did not arrive in time.
    case bodyTooSlow
    case unsupportedMediaType(String)
    /// `If-Match` names something else.
    case preconditionFailed(String)
    case conflict(code: String, String)
    /// Understood, and cannot be done as asked.
    case unprocessable(code: String, String)
    /// The signature is for another URL than this node's.
    case misdirected(String)
    case tooManyRequests(retryAfter: UInt64)
    /// What an account's role may post in an hour is used up.
    case tooManyPosts(String, retryAfter: UInt64)
    case tooManyItems(limit: Int)
    /// A page number further on than pages are counted.
    case pageTooFar(items: Int)
    /// A store of this node failed; the log says more.
    case unavailable(String)
    /// The operator has the node stand still for a while.
    case standing(code: String, String)

    public var status: HTTPResponse.Status {
        switch self {
        case .notFound: .notFound
        case .badRequest, .tooManyItems: .badRequest
        case .methodNotAllowed: .methodNotAllowed
        case .unauthorized: .unauthorized
        case .forbidden: .forbidden
        case .gone: .gone
        case .purged: .unavailableForLegalReasons
        case .bodyTooLarge: .contentTooLarge
        case .bodyTooSlow: .requestTimeout
        case .unsupportedMediaType: .unsupportedMediaType
        case .preconditionFailed: .preconditionFailed
        case .conflict: .conflict
        case .unprocessable: .unprocessableContent
        case .misdirected: .misdirectedRequest
        case .tooManyRequests, .tooManyPosts, .pageTooFar: .tooManyRequests
        case .unavailable, .standing: .serviceUnavailable
        }
    }

    /// Stable; for programs.
    public var code: String {
        switch self {
        case .notFound: "not-found"
        case .badRequest(let code, _), .unauthorized(let code, _), .forbidden(let code, _), .conflict(let code, _),
            .unprocessable(let code, _), .standing(let code, _):
            code
        case .methodNotAllowed: "method-not-allowed"
        case .gone: "gone"
        case .purged: "purged"
        case .bodyTooLarge: "body-too-large"
        case .bodyTooSlow: "body-too-slow"
        case .unsupportedMediaType: "unsupported-media-type"
        case .preconditionFailed: "precondition-failed"
        case .misdirected: "wrong-target"
        case .tooManyRequests: "too-many-requests"
        case .tooManyPosts: "too-many-posts"
        case .tooManyItems: "too-many-items"
        case .pageTooFar: "page-too-far"
        case .unavailable: "unavailable"
        }
    }

    /// For people.
    public var message: String {
        switch self {
        case .notFound(let text), .badRequest(_, let text), .unauthorized(_, let text), .forbidden(_, let text),
            .gone(let text), .preconditionFailed(let text), .conflict(_, let text), .misdirected(let text),
            .unprocessable(_, let text), .unavailable(let text), .tooManyPosts(let text, _), .standing(_, let text):
            text
        case .methodNotAllowed(let allowed): "This address takes \(allowed) only"
        case .purged(let caseNumber): "This was taken down on this node (case \(caseNumber))"
        case .bodyTooLarge(let limit): "The body has more than \(limit) bytes; send less at a time"
        case .bodyTooSlow: "The body did not arrive in time"
        case .unsupportedMediaType(let expected): "The body must be \(expected)"
        case .tooManyRequests(let seconds): "Too many requests; try again in \(seconds) seconds"
        case .tooManyItems(let limit): "At most \(limit) items fit into one request"
        case .pageTooFar(let items): "Page numbers reach \(items) items; go on with the cursor"
        }
    }

    /// Fields that belong to the answer.
    var headers: HTTPFields {
        switch self {
        case .methodNotAllowed(let allowed): [.allow: allowed]
        case .tooManyRequests(let seconds), .tooManyPosts(_, let seconds):
            [.retryAfter: "\(seconds)", .cacheControl: "no-store"]
        case .unavailable: [.retryAfter: "5", .cacheControl: "no-store"]
        case .standing: [.retryAfter: "300", .cacheControl: "no-store"]
        case .unauthorized, .forbidden: [.cacheControl: "no-store"]
        default: [:]
        }
    }
}
