import Digests
import HTTPTypes
import Hummingbird
import NIOCore

/// An answer of the native API before it is sent: it can be kept, and be compared with what the caller has.
struct NativeReply: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: [UInt8]
    /// Shows a token or words that nobody is to see twice: never kept.
    var isSecret = false
    static let mediaType = "application/json; charset=utf-8"

    /// JSON, with underscores in the names of members.
    init(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws {
        self.status = status
        self.headers = headers
        self.headers[.contentType] = Self.mediaType
        body = try JSONText.bytes(of: value, names: .withUnderscores)
    }

    /// Nothing to say.
    init(_ status: HTTPResponse.Status, headers: HTTPFields = [:]) {
        self.status = status
        self.headers = headers
        body = []
    }

    /// Somewhere that something new can be looked at.
    static func created(_ value: some Encodable, at location: String) throws -> NativeReply {
        try NativeReply(value, status: .created, headers: [.location: location])
    }

    private var knownTag: EntityTag?

    var tag: EntityTag { knownTag ?? EntityTag(SHA256.hash(body)) }

    /// The same, for an answer that is sent more than once as it is.
    func knowingTag() -> NativeReply {
        var reply = self
        reply.knownTag = tag
        return reply
    }

    var response: Response {
        var response = Response(status: status, headers: headers)
        if status != .noContent { response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: body)) }
        return response
    }
}

/// An error as RFC 9457 has it, with the stable code that programs go by.
enum Problem {
    private struct Body: Encodable {
        let type = "about:blank"
        let title: String
        let status: Int
        let code: String
        let detail: String
        let `case`: String?
    }

    static func response(_ failure: GatewayError) -> Response {
        var caseNumber: String?
        if case .purged(let number) = failure { caseNumber = number }
        let body = Body(
            title: failure.status.reasonPhrase, status: failure.status.code, code: failure.code,
            detail: failure.message, case: caseNumber)
        var response = Response.json(body, status: failure.status)
        response.headers[.contentType] = "application/problem+json"
        response.headers[.cacheControl] = "no-store"
        response.headers[.accessControlAllowOrigin] = "*"
        if failure.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }
}
