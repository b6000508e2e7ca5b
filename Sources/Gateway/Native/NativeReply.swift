import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// An answer of the native API before it is sent: it can be kept, and be compared with what the caller has.
struct NativeReply: Sendable {
    var status: HTTPResponse.Status
    var headers: HTTPFields
    var body: Data
    /// Shows a token or words that nobody is to see twice: never kept.
    var isSecret = false
    static let mediaType = "application/json; charset=utf-8"

    /// Names with underscores, keys sorted, so that equal answers are equal bytes.
    init(_ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        self.status = status
        self.headers = headers
        self.headers[.contentType] = Self.mediaType
        body = try encoder.encode(value)
    }

    /// Nothing to say.
    init(_ status: HTTPResponse.Status, headers: HTTPFields = [:]) {
        self.status = status
        self.headers = headers
        body = Data()
    }

    /// Somewhere that something new can be looked at.
    static func created(_ value: some Encodable, at location: String) throws -> NativeReply {
        try NativeReply(value, status: .created, headers: [.location: location])
    }

    var tag: EntityTag { EntityTag(SHA256.hash(Array(body))) }

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
