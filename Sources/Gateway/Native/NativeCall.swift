import Accounts
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import Operations
import WaggleProtocol

/// One request to the native API, with who sent it.
struct NativeCall: Sendable {
    let request: Request
    let context: GatewayContext
    let query: Query
    /// Nil for visitors.
    let grant: Grant?
    let viewer: Viewer
    let filter: ViewerFilter
    /// What absolute links begin with.
    let base: String
    /// Where the request comes from, for limits.
    let address: String
    let clock: any Clock<Duration>

    /// The account that a route which needs one is called for.
    ///
    /// - Throws: `unauthorized`.
    var account: Account {
        get throws(GatewayError) {
            guard let grant else { throw CallerIdentity.unauthorized }
            return grant.account
        }
    }

    /// What operations work with on behalf of the caller.
    func operations(_ services: GatewayServices) throws(GatewayError) -> OperationContext {
        services.context().acting(for: try account)
    }

    // MARK: Parameters

    /// A number of this node, or the 64 digits of a post.
    enum Name: Sendable {
        case number(Int32)
        case post(Hash32)
    }

    /// - Throws: `notFound` for what is neither.
    func name(_ parameter: String = "id") throws(GatewayError) -> Name {
        let text = context.parameter(parameter) ?? ""
        if let hash = Hash32(hex: text) { return .post(hash) }
        if let number = Int32(text), number > 0 { return .number(number) }
        throw .notFound("There is nothing with this id; an id is a number of this node or 64 hexadecimal digits")
    }

    /// - Throws: `badRequest` for what is neither true nor false.
    func boolean(_ name: String) throws(GatewayError) -> Bool {
        guard query[name] != nil else { return false }
        guard let value = query.boolean(name) else {
            throw .badRequest(code: "bad-parameter", "\(name) is true or false")
        }
        return value
    }

    /// Items of one page.
    func limit(_ standard: Int = 20, most: Int = 100) throws(GatewayError) -> Int {
        try query.integer("limit", in: 1...most) ?? standard
    }

    // MARK: Bodies

    /// The bytes of a JSON body, up to a limit.
    func body() async throws -> [UInt8] {
        let limit = Limits.API.bodyBytes
        if let declared = request.headers[.contentLength].flatMap(Int.init), declared > limit {
            throw GatewayError.bodyTooLarge(limit: limit)
        }
        return try await WireBody.collect(request.body, limit: limit, clock: clock)
    }

    /// - Throws: `unsupportedMediaType`; `badRequest` saying which member is wrong.
    func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(GatewayError) -> Value {
        let mediaType = request.headers[.contentType].map { String($0.split(separator: ";")[0].trimmed).lowercased() }
        guard mediaType == nil || mediaType == "application/json" else {
            throw .unsupportedMediaType("JSON (application/json)")
        }
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        do {
            return try decoder.decode(type, from: Data(bytes))
        } catch let error as DecodingError {
            throw .badRequest(code: "bad-body", Self.words(error))
        } catch {
            throw .badRequest(code: "bad-body", "The body is not JSON")
        }
    }

    private static func words(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context, _ last: String? = nil) -> String {
            let parts =
                context.codingPath.map { $0.intValue.map { "\($0)" } ?? $0.stringValue } + (last.map { [$0] } ?? [])
            return parts.isEmpty ? "the body" : parts.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context, key.stringValue)) is missing"
        case .valueNotFound(_, let context): return "\(path(context)) is null"
        case .typeMismatch(let type, let context): return "\(path(context)) is not a \(type)"
        case .dataCorrupted(let context):
            return context.codingPath.isEmpty ? "The body is not JSON" : "\(path(context)) cannot be read"
        @unknown default: return "The body cannot be read"
        }
    }
}
