import Accounts
import BlobStore
import Catalog
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Operations
import PostLog
import SwiftProtobuf
import WaggleProtocol

/// Turns errors into answers that their readers understand, and adds the fields that every answer has.
struct ErrorMiddleware: RouterMiddleware {
    let pages: PageRenderer
    let metrics: RequestMetrics
    let flood: FloodLimit
    let people: CallerIdentity
    let proxies: TrustedProxies
    let mode: ModeGate

    func handle(
        _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        let began = ContinuousClock.now
        var context = context
        context.proxies = proxies
        let face = Face(path: request.uri.path)
        let takesGzip = ContentCoding.takesGzip(request)
        let visitor = face == .page ? await visitor(request) : nil
        var response =
            if takesGzip || visitor != nil {
                await ContentCoding.$takesGzip.withValue(takesGzip) { [context] in
                    await PageVisitor.$current.withValue(visitor) { await answer(request, context, face, next) }
                }
            } else {
                // Most programs ask like this, and nothing has to be said around their requests.
                await answer(request, context, face, next)
            }
        response.headers[.xContentTypeOptions] = "nosniff"
        // Other sites learn nothing. Not "no-referrer": with it browsers name no origin for our own forms, and the check
        // against forged requests would have nothing to look at.
        response.headers[Self.referrerPolicy] = "same-origin"
        metrics.note(status: response.status.code, took: ContinuousClock.now - began)
        return response
    }

    private func answer(
        _ request: Request, _ context: GatewayContext, _ face: Face,
        _ next: (Request, GatewayContext) async throws -> Response
    ) async -> Response {
        do {
            try flood.admit(face, request, context)
            try await mode.admit(request, context)
            return try await next(request, context)
        } catch {
            return answer(to: request, error, context.logger)
        }
    }

    /// Whoever is signed in; a store that fails is told by what needs it.
    private func visitor(_ request: Request) async -> PageVisitor? {
        try? await people.visitor(request)
    }

    private func answer(to request: Request, _ error: any Error, _ logger: Logger) -> Response {
        let face = (error as? FacedError)?.face ?? Face(path: request.uri.path)
        let failure = GatewayError(describing: (error as? FacedError)?.error ?? error, logger)
        var response = response(to: request, failure, face)
        response.headers.append(contentsOf: failure.headers)
        if request.method == .head { response = response.createHeadResponse() }
        return response
    }

    private func response(to request: Request, _ failure: GatewayError, _ face: Face) -> Response {
        switch face {
        case .page:
            if case .unauthorized = failure, PageVisitor.current == nil {
                let isRead = request.method == .get || request.method == .head
                return pages.signIn(
                    next: isRead ? request.uri.string : nil, lead: say("this-page-is-for-people-who"),
                    status: failure.status)
            }
            return pages.error(failure)
        case .api, .bytes:
            var headers: HTTPFields = [.accessControlAllowOrigin: "*"]
            headers[.cacheControl] = "no-store"
            return .json(ErrorBody(failure), status: failure.status, headers: headers)
        case .native:
            return Problem.response(failure)
        case .peer:
            var reply = WireErrorReply()
            reply.code = failure.code
            reply.message = failure.message
            return .protobuf(reply, status: failure.status)
        }
    }

    /// `error` is the member that clients of the Civitai API look for.
    private struct ErrorBody: Encodable {
        let error: String
        let code: String
        let message: String
        let `case`: String?

        init(_ failure: GatewayError) {
            error = failure.shortMessage
            code = failure.code
            message = failure.message
            if case .purged(let caseNumber) = failure { self.case = caseNumber } else { self.case = nil }
        }
    }

    // A literal that is a valid field name.
    private static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
}

extension GatewayError {
    /// What the stores and the router throw, in the gateway's words. What happened inside is for the log, not the caller.
    init(describing error: any Error, _ logger: Logger) {
        switch error {
        case let error as GatewayError:
            self = error
        case let error as HTTPError where error.status == .notFound:
            self = .notFound("There is nothing at this address")
        case let error as HTTPError where error.status == .contentTooLarge:
            self = .bodyTooLarge(limit: Limits.Wire.bodyBytes)
        case let error as HTTPError where error.status.kind == .clientError:
            self = .badRequest(code: "bad-request", "This request cannot be understood (\(error.status.code))")
        case let error as SignatureError:
            self.init(error)
        case CatalogError.badCursor(let cursor):
            self = .badRequest(code: "bad-cursor", CatalogError.badCursor(cursor).message)
        case CatalogError.limit(let what):
            self = .badRequest(code: "limit", CatalogError.limit(what).message)
        case let error as BlobError:
            self.init(error, logger)
        case let error as AccountsError:
            self.init(error, logger)
        case let error as OperationError:
            self.init(error, logger)
        case let error as FileUploadError:
            self.init(error)
        default:
            logger.error("a request failed", metadata: ["error": "\(Self.detail(of: error))"])
            self = .unavailable("This node cannot answer that at the moment; its log says why")
        }
    }

    private init(_ error: BlobError, _ logger: Logger) {
        switch error {
        case .notFound, .changedOnDisk, .damaged:
            self = .notFound("The bytes are not on this node at the moment")
        case .purged(_, let reason):
            self = .purged(caseNumber: reason)
        default:
            logger.error("a blob cannot be served", metadata: ["error": "\(error)"])
            self = .unavailable("This node cannot read the bytes at the moment; its log says why")
        }
    }

    private init(_ error: AccountsError, _ logger: Logger) {
        switch error {
        case .badHandle, .weakPassphrase, .longPassphrase, .applicationNeeded, .scopes, .limit:
            self = .badRequest(code: error.code, error.message)
        case .handleTaken, .authorTaken, .keyInUse, .lastAdmin, .notPending:
            self = .conflict(code: error.code, error.message)
        case .tooManyPosts(_, .max): self = .unprocessable(code: error.code, error.message)
        case .tooManyPosts(_, let seconds): self = .tooManyPosts(error.message, retryAfter: seconds)
        case .keyReused: self = .unprocessable(code: error.code, error.message)
        case .noAccount, .noToken: self = .notFound(error.message)
        case .registrationClosed, .inviteNeeded, .badInvite, .pending, .disabled, .moved, .ageNeeded, .rejected:
            self = .forbidden(code: error.code, error.message)
        case .wrongCredentials, .badChallenge, .badSetupToken:
            self = .unauthorized(code: error.code, error.message)
        case .tooManyAttempts(let seconds): self = .tooManyRequests(retryAfter: seconds)
        case .busy: self = .tooManyRequests(retryAfter: 5)
        case .cancelled, .database:
            logger.error("accounts", metadata: ["error": "\(error.message)"])
            self = .unavailable("This node cannot answer that at the moment; its log says why")
        }
    }

    private init(_ error: OperationError, _ logger: Logger) {
        switch error.code {
        case .usage: self = .badRequest(code: "invalid", error.message)
        case .notFound: self = .notFound(error.message)
        case .auth: self = .forbidden(code: "not-allowed", error.message)
        case .conflict: self = .conflict(code: "conflict", error.message)
        case .limits: self = .unprocessable(code: "limit", error.message)
        case .quota: self = .unprocessable(code: "over-quota", error.message)
        case .integrity: self = .unprocessable(code: "integrity", error.message)
        case .rate:
            self =
                error.retryAfter.map { .tooManyPosts(error.message, retryAfter: $0) }
                ?? .unprocessable(code: "too-many-posts", error.message)
        case .failed where error.isRefused == true: self = .unprocessable(code: "refused", error.message)
        case .network, .failed:
            logger.error("a request failed", metadata: ["error": "\(error.message)"])
            self = .unavailable("This node cannot do that at the moment; its log says why")
        }
    }

    init(_ error: FileUploadError) {
        switch error {
        case .notFound: self = .notFound(error.message)
        case .wrongOffset, .busy: self = .conflict(code: error.code, error.message)
        case .tooLong, .hashMismatch, .overQuota, .tooMany, .diskFull:
            self = .unprocessable(code: error.code, error.message)
        case .badName, .empty: self = .badRequest(code: error.code, error.message)
        case .failed: self = .unavailable(error.message)
        }
    }

    private init(_ error: SignatureError) {
        switch error.status {
        case 400: self = .badRequest(code: "bad-signature", error.description)
        case 421: self = .misdirected(error.description)
        case 429: self = .tooManyRequests(retryAfter: error.retryAfter ?? Limits.Wire.nonceSeconds)
        default:
            self = .unauthorized(code: error.isClockError ? "clock" : "bad-signature", error.description)
        }
    }

    private static func detail(of error: any Error) -> String {
        switch error {
        case let error as PostLogError: error.message
        case let error as CatalogError: error.message
        default: String(describing: error)
        }
    }

    /// Clients compare `error` with these words.
    fileprivate var shortMessage: String {
        switch self {
        case .unauthorized: "Unauthorized"
        default: message
        }
    }
}

extension Response {
    /// A JSON answer.
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        guard let bytes = try? JSONText.bytes(of: value) else { return Response(status: .internalServerError) }
        var headers = headers
        headers[.contentType] = jsonType
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static let jsonType = "application/json; charset=utf-8"

    static func protobuf(
        _ message: some SwiftProtobuf.Message, status: HTTPResponse.Status = .ok
    ) -> Response {
        guard let bytes: [UInt8] = try? message.serializedBytes() else { return Response(status: .internalServerError) }
        return Response(
            status: status, headers: [.contentType: WireBody.mediaType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    // A literal that is a valid field name. A page that opened ours has no hand on it.
    private static let openerPolicy = HTTPField.Name("Cross-Origin-Opener-Policy")!

    static func html(
        _ text: String, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.contentSecurityPolicy] = """
            default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; \
            form-action 'self'; base-uri 'none'; frame-ancestors 'none'
            """
        headers[Self.openerPolicy] = "same-origin"
        let body = ContentCoding.body(text, &headers)
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
