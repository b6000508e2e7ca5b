import Hummingbird
import WaggleProtocol

/// The parameters of a request's query, in order. A name may come several times.
struct Query: Sendable {
    private let items: [(name: String, value: String)]

    /// - Throws: `badRequest` for more parameters than are read.
    init(_ text: String?) throws(GatewayError) {
        let parts = (text ?? "").split(separator: "&")
        guard parts.count <= Limits.Gateway.queryParameters else {
            throw .badRequest(
                code: "too-many-parameters", "A query has \(Limits.Gateway.queryParameters) parameters at most")
        }
        items = parts.compactMap { part in
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentCoding.decode(pair[0], plusIsSpace: true) else { return nil }
            let value = pair.count > 1 ? PercentCoding.decode(pair[1], plusIsSpace: true) : ""
            return value.map { (name, $0) }
        }
    }

    init(_ request: Request) throws(GatewayError) {
        try self.init(request.uri.query)
    }

    /// The first value; nil when the parameter is not there or empty.
    subscript(name: String) -> String? {
        items.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    /// All values of a parameter that may be repeated, as they are.
    func values(_ name: String) -> [String] {
        items.filter { $0.name == name || $0.name == name + "[]" }.map(\.value)
    }

    /// All values of a parameter that may be repeated, or given once with commas between.
    func list(_ name: String) -> [String] {
        items.filter { $0.name == name || $0.name == name + "[]" }
            .flatMap { $0.value.split(separator: ",") }
            .map { String($0.trimmed) }.filter { !$0.isEmpty }
    }

    /// Every name once, in order.
    var names: [String] {
        items.reduce(into: []) { names, item in if !names.contains(item.name) { names.append(item.name) } }
    }

    /// What was typed, but for secrets: nothing shows those again.
    var withoutSecrets: Query {
        Query(items: items.filter { !Self.isSecret($0.name) })
    }

    private static func isSecret(_ name: String) -> Bool { name.hasSuffix("passphrase") }

    private init(items: [(name: String, value: String)]) {
        self.items = items
    }

    /// The fields of a form that was read in parts.
    /// - Throws: `badRequest` for more than are read.
    init(fields: [(name: String, value: String)]) throws(GatewayError) {
        guard fields.count <= Limits.Gateway.queryParameters else {
            throw .badRequest(
                code: "too-many-parameters", "A form has \(Limits.Gateway.queryParameters) fields at most")
        }
        // Lines end as in other forms, and nothing counts twice for how it was sent.
        items = fields
    }

    /// A number within `range`.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(GatewayError) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw .badRequest(
                code: "bad-parameter", "\(name) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// `true` or `false` in any case; nil for anything else.
    func boolean(_ name: String) -> Bool? {
        switch self[name]?.lowercased() {
        case "true": true
        case "false": false
        default: nil
        }
    }

    /// The query with some parameters set or, by nil, left out.
    func replacing(_ changes: [String: String?]) -> String {
        var kept = items.filter { changes[$0.name] == nil }
        for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
            if let value { kept.append((name, value)) }
        }
        return kept.map { "\(PercentCoding.encode($0.name))=\(PercentCoding.encode($0.value))" }.joined(separator: "&")
    }
}

extension StringProtocol {
    /// Without spaces at both ends.
    var trimmed: SubSequence {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }
}
