/// A JSON value as it was written: members keep their order and their duplicates, numbers keep their digits.
///
/// Header JSON of model files and pictures is hostile, so a parser that quietly drops a second key of the same name or
/// rounds a 64-bit seed is not enough.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// The number's text, unchanged (`1e3`, `18446744073709551615`, and `NaN` in the Python grammar).
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([JSONMember])
}

/// A member of a JSON object.
public struct JSONMember: Hashable, Sendable {
    public var key: String
    public var value: JSONValue

    public init(_ key: String, _ value: JSONValue) {
        self.key = key
        self.value = value
    }
}

extension JSONValue {
    /// The text of a string; nil for every other kind.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The number when it is written as an integer that fits; nil otherwise.
    public var uint64: UInt64? {
        if case .number(let text) = self { UInt64(text) } else { nil }
    }

    /// The number when it is finite and written in at most 64 digits; nil otherwise.
    public var double: Double? {
        if case .number(let text) = self { FieldNumber.double(text) } else { nil }
    }

    /// The elements of an array; nil for every other kind.
    public var array: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members of an object in order, duplicates included; nil for every other kind.
    public var object: [JSONMember]? {
        if case .object(let members) = self { members } else { nil }
    }

    /// The last member named `key`, as Python and JavaScript readers take it.
    public subscript(key: String) -> JSONValue? {
        object?.last { $0.key.sameUTF8(as: key) }?.value
    }
}

extension JSONValue {
    /// The value in the layout of Python's `json.dumps`: one line, `", "` and `": "` between parts, non-ASCII kept.
    public var text: String {
        var output = ""
        write(to: &output)
        return output
    }

    private func write(to output: inout String) {
        switch self {
        case .null: output += "null"
        case .bool(let value): output += value ? "true" : "false"
        case .number(let digits): output += digits
        case .string(let text): output += Self.quoted(text)
        case .array(let elements):
            output += "["
            for (index, element) in elements.enumerated() {
                if index > 0 { output += ", " }
                element.write(to: &output)
            }
            output += "]"
        case .object(let members):
            output += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { output += ", " }
                output += Self.quoted(member.key) + ": "
                member.value.write(to: &output)
            }
            output += "}"
        }
    }

    /// `text` as a JSON string: quotation mark, backslash and control characters escaped, all else kept.
    public static func quoted(_ text: String) -> String {
        var output = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": output += "\\\""
            case "\\": output += "\\\\"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case "\u{0}"..<"\u{20}":
                output += scalar.value < 16 ? "\\u000" : "\\u00"
                output += String(scalar.value, radix: 16)
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + "\""
    }
}
