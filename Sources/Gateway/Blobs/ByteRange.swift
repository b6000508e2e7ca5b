/// What a `Range` field asks of a representation (RFC 9110 section 14).
enum ByteRange: Hashable, Sendable {
    case whole
    case part(Range<UInt64>)
    /// Answers 416.
    case unsatisfiable

    /// Reads the field's value.
    ///
    /// What is malformed, in another unit, or names several ranges is answered with the whole, as the RFC allows: nobody
    /// who fetches models needs several at once, and a request for thousands of them is a known attack.
    init(_ field: String?, size: UInt64) {
        guard let field, let equals = field.firstIndex(of: "="), field[..<equals].trimmed.lowercased() == "bytes" else {
            self = .whole
            return
        }
        let specification = field[field.index(after: equals)...].trimmed
        guard !specification.contains(","), let dash = specification.firstIndex(of: "-") else {
            self = .whole
            return
        }
        let first = specification[..<dash]
        let last = specification[specification.index(after: dash)...]
        switch (Self.number(first), Self.number(last)) {
        case (.value(let first), .value(let last)):
            self = first > last ? .whole : first >= size ? .unsatisfiable : .part(first..<min(last, size - 1) + 1)
        case (.value(let first), .empty):
            self = first >= size ? .unsatisfiable : .part(first..<size)
        case (.empty, .value(let suffix)):
            self = suffix == 0 || size == 0 ? .unsatisfiable : .part(size - min(suffix, size)..<size)
        default:
            self = .whole
        }
    }

    private enum Number {
        case empty
        case value(UInt64)
        case malformed
    }

    /// Numbers beyond 64 bits count as the largest one: they lie beyond the end just the same.
    private static func number(_ text: Substring) -> Number {
        guard !text.isEmpty else { return .empty }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return .malformed }
        return .value(UInt64(text) ?? .max)
    }
}
