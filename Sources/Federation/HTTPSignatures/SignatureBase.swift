/// What a signature can cover of a request.
public struct SignableRequest: Sendable {
    public var method: String
    /// The absolute URL as the client sees it.
    public var targetURI: String
    /// All fields, names in either case, in the order received.
    public var fields: [(name: String, value: String)]

    public init(method: String, targetURI: String, fields: [(name: String, value: String)]) {
        self.method = method
        self.targetURI = targetURI
        self.fields = fields
    }
}

/// The text that is signed (RFC 9421 section 2.5).
///
/// Knows the derived components of requests but `@query-param`, and whole fields; component parameters (`sf`, `bs`, `key`,
/// `req`, `tr`) are refused.
enum SignatureBase {
    static func text(
        of request: SignableRequest, _ signature: FieldInnerList
    ) throws(SignatureError) -> [UInt8] {
        var lines: [String] = []
        var seen: Set<String> = []
        for item in signature.items {
            guard case .string(let name) = item.value else { throw .malformedField("signature-input") }
            guard item.parameters.all.isEmpty else { throw .unexpectedComponent(item.serialized) }
            guard seen.insert(name).inserted else { throw .malformedField("signature-input") }
            let value = try value(of: name, in: request)
            guard value.utf8.allSatisfy({ (0x20...0x7e).contains($0) || $0 == UInt8(ascii: "\t") }) else {
                throw .malformedField(name)
            }
            lines.append("\(item.serialized): \(value)")
        }
        lines.append("\"@signature-params\": \(signature.serialized)")
        return Array(lines.joined(separator: "\n").utf8)
    }

    private static func value(of name: String, in request: SignableRequest) throws(SignatureError) -> String {
        let target = TargetURI(request.targetURI)
        switch name {
        case "@method": return request.method
        case "@target-uri": return request.targetURI
        case "@scheme": return target.scheme
        case "@authority": return target.authority
        case "@path": return target.path
        case "@query": return "?" + target.query
        case "@request-target": return target.path + (target.query.isEmpty ? "" : "?" + target.query)
        case _ where name.hasPrefix("@"): throw .unexpectedComponent(name)
        default:
            let values = request.values(of: name)
            guard !values.isEmpty else { throw .missingComponent(name) }
            return values.map(trimmed).joined(separator: ", ")
        }
    }

    private static func trimmed(_ value: String) -> Substring {
        var value = value[...]
        while let last = value.last, last == " " || last == "\t" { value.removeLast() }
        return value.drop { $0 == " " || $0 == "\t" }
    }

    /// The parts of an absolute URL.
    private struct TargetURI {
        let scheme: String
        let authority: String
        let path: String
        let query: String

        init(_ text: String) {
            let fragment = text.firstIndex(of: "#") ?? text.endIndex
            let whole = text[..<fragment]
            let separator = whole.firstRange(of: "://")
            scheme = separator.map { whole[..<$0.lowerBound].lowercased() } ?? ""
            let rest = separator.map { whole[$0.upperBound...] } ?? whole
            let question = rest.firstIndex(of: "?") ?? rest.endIndex
            let slash = rest[..<question].firstIndex(of: "/") ?? question
            let port = scheme == "https" ? ":443" : ":80"
            let host = rest[..<slash].lowercased()
            authority = host.hasSuffix(port) ? String(host.dropLast(port.count)) : host
            path = slash == question ? "/" : String(rest[slash..<question])
            query = String(rest[question...].dropFirst())
        }
    }
}

extension SignableRequest {
    /// The values of all lines of a field, `name` in lower case.
    func values(of name: String) -> [String] {
        fields.filter { $0.name.lowercased() == name }.map(\.value)
    }
}
