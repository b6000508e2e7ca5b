import HTTPTypes
import Hummingbird
import Logging

/// Errors as clients of the Hub tell them apart: by `X-Error-Code`.
enum HubError: Error, Sendable {
    case noRepository(String)
    case noRevision(String, repository: String)
    /// The revision is there and has no such file; clients want to know which revision it was.
    case noEntry(String, commit: String)

    private var code: String {
        switch self {
        case .noRepository: "RepoNotFound"
        case .noRevision: "RevisionNotFound"
        case .noEntry: "EntryNotFound"
        }
    }

    private var message: String {
        switch self {
        case .noRepository(let name): "There is no model \(name.prefix(200)) here that you may see"
        case .noRevision(let revision, let repository): "\(repository) has no version \(revision.prefix(200))"
        case .noEntry(let path, _): "There is no file \(path.prefix(200)) in this version"
        }
    }

    private struct Body: Encodable {
        let error: String
    }

    var response: Response {
        var headers: HTTPFields = [.cacheControl: "no-store"]
        headers[Self.errorCode] = code
        headers[Self.errorMessage] = String(message.unicodeScalars.map { $0.isASCII ? Character($0) : "?" })
        if case .noEntry(_, let commit) = self { headers[Self.repositoryCommit] = commit }
        return .json(Body(error: message), status: .notFound, headers: headers)
    }

    /// What else can go wrong, for the same clients.
    static func response(_ error: any Error, _ logger: Logger) -> Response {
        if let error = error as? HubError { return error.response }
        let failure = GatewayError(describing: error, logger)
        var response = Response.json(Body(error: failure.message), status: failure.status, headers: failure.headers)
        response.headers[errorMessage] = String(
            failure.message.unicodeScalars.map { $0.isASCII ? Character($0) : "?" })
        if failure.status == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
        return response
    }

    // Literals that are valid field names.
    static let errorCode = HTTPField.Name("X-Error-Code")!
    static let errorMessage = HTTPField.Name("X-Error-Message")!
    static let repositoryCommit = HTTPField.Name("X-Repo-Commit")!
}
