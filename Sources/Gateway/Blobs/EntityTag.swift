import Digests
import HTTPTypes
import Hummingbird

/// The strong entity tag of bytes that are named by their SHA-256.
struct EntityTag: Hashable, Sendable {
    /// With its quotation marks.
    let field: String

    init(_ sha256: Hash32) {
        field = "\"\(sha256.hex)\""
    }

    /// Whether `If-None-Match` names it: the caller has these bytes.
    func isKnown(to request: Request) -> Bool {
        Self.tags(request, .ifNoneMatch).contains { $0 == "*" || $0 == field || $0 == "W/" + field }
    }

    /// Whether `If-Match`, where it is there, names something else: the caller wants other bytes or none. Weak tags never
    /// match here (RFC 9110 section 13.1.1).
    func isRefused(by request: Request) -> Bool {
        guard request.headers[.ifMatch] != nil else { return false }
        return !Self.tags(request, .ifMatch).contains { $0 == "*" || $0 == field }
    }

    /// Whether a range may be answered: there is no `If-Range`, or it names these bytes.
    func admitsRange(of request: Request) -> Bool {
        request.headers[.ifRange].map { $0.trimmed == field } ?? true
    }

    private static func tags(_ request: Request, _ name: HTTPField.Name) -> [Substring] {
        request.headers[values: name].flatMap { $0.split(separator: ",") }.map(\.trimmed)
    }
}
