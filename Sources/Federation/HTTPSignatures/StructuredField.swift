import FoundationEssentials

/// A bare item of a structured field (RFC 8941 section 3.3).
enum BareItem: Hashable, Sendable {
    case integer(Int)
    /// In thousandths, the finest that the format knows.
    case decimal(thousandths: Int)
    case string(String)
    case token(String)
    case bytes([UInt8])
    case boolean(Bool)

    /// The one way to write the value (section 4.1.3).
    var serialized: String {
        switch self {
        case .integer(let value):
            return String(value)
        case .decimal(let thousandths):
            var fraction = String(thousandths.magnitude % 1000 + 1000).dropFirst()
            while fraction.count > 1, fraction.last == "0" { fraction.removeLast() }
            return (thousandths < 0 ? "-" : "") + "\(thousandths.magnitude / 1000).\(fraction)"
        case .string(let value):
            return "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        case .token(let value):
            return value
        case .bytes(let value):
            return ":" + Data(value).base64EncodedString() + ":"
        case .boolean(let value):
            return value ? "?1" : "?0"
        }
    }
}

/// Parameters in their order; no key comes twice.
struct FieldParameters: Hashable, Sendable {
    struct Parameter: Hashable, Sendable {
        let key: String
        let value: BareItem
    }

    private(set) var all: [Parameter] = []

    subscript(key: String) -> BareItem? {
        all.first { $0.key == key }?.value
    }

    mutating func append(_ key: String, _ value: BareItem) {
        all.append(Parameter(key: key, value: value))
    }

    var serialized: String {
        all.map { $0.value == .boolean(true) ? ";\($0.key)" : ";\($0.key)=\($0.value.serialized)" }.joined()
    }
}

/// A bare item with parameters.
struct FieldItem: Hashable, Sendable {
    let value: BareItem
    var parameters = FieldParameters()

    var serialized: String { value.serialized + parameters.serialized }
}

/// A list in parentheses, with parameters of its own.
struct FieldInnerList: Hashable, Sendable {
    var items: [FieldItem]
    var parameters: FieldParameters

    var serialized: String {
        "(" + items.map(\.serialized).joined(separator: " ") + ")" + parameters.serialized
    }
}

/// A value of a dictionary field.
enum FieldMember: Hashable, Sendable {
    case item(FieldItem)
    case innerList(FieldInnerList)
}
