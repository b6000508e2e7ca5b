import WaggleProtocol

/// What a `Range` field asks of a representation (RFC 9110 section 14).
enum ByteRange: Hashable, Sendable {
    case whole
    case part(Range<UInt64>)
    /// Two parts or more in order, with room between them.
    case parts([Range<UInt64>])
    /// Answers 416.
    case unsatisfiable

    /// Reads the field's value.
    ///
    /// What is malformed, in another unit, or names more parts than the limit is answered with the whole, as the RFC
    /// allows. Parts that overlap, touch, or are nearer than what a part of its own would cost become one: no request gets
    /// bytes twice.
    init(_ field: String?, size: UInt64) {
        guard let field, let equals = field.firstIndex(of: "="), field[..<equals].trimmed.lowercased() == "bytes" else {
            self = .whole
            return
        }
        // Empty elements of a list count for nothing (RFC 9110 section 5.6.1).
        let specifications = field[field.index(after: equals)...].split(separator: ",").map(\.trimmed)
            .filter { !$0.isEmpty }
        guard !specifications.isEmpty, specifications.count <= Limits.Gateway.ranges else {
            self = .whole
            return
        }
        var parts: [Range<UInt64>] = []
        for specification in specifications {
            switch Self.part(specification, size: size) {
            case .malformed:
                self = .whole
                return
            case .beyond: continue
            case .part(let part): parts.append(part)
            }
        }
        let joined = Self.joined(parts)
        self = joined.isEmpty ? .unsatisfiable : joined.count == 1 ? .part(joined[0]) : .parts(joined)
    }

    /// In order, with neighbours that are near each other joined.
    private static func joined(_ parts: [Range<UInt64>]) -> [Range<UInt64>] {
        var joined: [Range<UInt64>] = []
        for part in parts.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = joined.last, part.lowerBound <= last.upperBound + Limits.Gateway.rangeGap {
                joined[joined.count - 1] = last.lowerBound..<max(last.upperBound, part.upperBound)
            } else {
                joined.append(part)
            }
        }
        return joined
    }

    private enum Part {
        case part(Range<UInt64>)
        /// Well-formed, and nothing of it is there.
        case beyond
        case malformed
    }

    private static func part(_ specification: Substring, size: UInt64) -> Part {
        guard let dash = specification.firstIndex(of: "-") else { return .malformed }
        let first = specification[..<dash]
        let last = specification[specification.index(after: dash)...]
        switch (number(first), number(last)) {
        case (.value(let first), .value(let last)):
            return first > last ? .malformed : first >= size ? .beyond : .part(first..<min(last, size - 1) + 1)
        case (.value(let first), .empty):
            return first >= size ? .beyond : .part(first..<size)
        case (.empty, .value(let suffix)):
            return suffix == 0 || size == 0 ? .beyond : .part(size - min(suffix, size)..<size)
        default:
            return .malformed
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
