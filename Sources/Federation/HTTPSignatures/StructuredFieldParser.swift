import FoundationEssentials
import WaggleProtocol

/// Reads dictionary fields (RFC 8941 section 4.2), stricter than the standard in one point: a key that comes twice is an
/// error, because two readers that each keep another one would disagree about what is signed.
struct StructuredFieldParser {
    /// The field does not follow the grammar or passes a limit.
    struct Malformed: Error {}

    private var rest: ArraySlice<UInt8>

    /// The members of a dictionary in their order. `lines` are the field's lines as received.
    static func dictionary(
        _ lines: [String], maximumBytes: Int = Limits.Signature.headerBytes
    ) throws(Malformed) -> [(key: String, value: FieldMember)] {
        let text = lines.joined(separator: ", ")
        guard text.utf8.count <= maximumBytes else { throw Malformed() }
        var parser = StructuredFieldParser(rest: Array(text.utf8)[...])
        return try parser.members()
    }

    private mutating func members() throws(Malformed) -> [(key: String, value: FieldMember)] {
        var members: [(key: String, value: FieldMember)] = []
        skip(" ")
        while !rest.isEmpty {
            let key = try key()
            guard !members.contains(where: { $0.key == key }), members.count < Limits.Signature.labels else {
                throw Malformed()
            }
            members.append((key, try member()))
            skip(" \t")
            if rest.isEmpty { break }
            try expect(",")
            skip(" \t")
            guard !rest.isEmpty else { throw Malformed() }
        }
        return members
    }

    private mutating func member() throws(Malformed) -> FieldMember {
        guard take("=") else { return .item(FieldItem(value: .boolean(true), parameters: try parameters())) }
        return rest.first == UInt8(ascii: "(") ? .innerList(try innerList()) : .item(try item())
    }

    private mutating func innerList() throws(Malformed) -> FieldInnerList {
        try expect("(")
        var items: [FieldItem] = []
        while true {
            skip(" ")
            if take(")") { return FieldInnerList(items: items, parameters: try parameters()) }
            guard items.count < Limits.Signature.components else { throw Malformed() }
            items.append(try item())
            guard rest.first == UInt8(ascii: " ") || rest.first == UInt8(ascii: ")") else { throw Malformed() }
        }
    }

    private mutating func item() throws(Malformed) -> FieldItem {
        FieldItem(value: try bareItem(), parameters: try parameters())
    }

    private mutating func parameters() throws(Malformed) -> FieldParameters {
        var parameters = FieldParameters()
        while take(";") {
            skip(" ")
            let key = try key()
            guard parameters[key] == nil, parameters.all.count < Limits.Signature.components else { throw Malformed() }
            parameters.append(key, take("=") ? try bareItem() : .boolean(true))
        }
        return parameters
    }

    private mutating func key() throws(Malformed) -> String {
        guard let first = rest.first, Self.isLower(first) || first == UInt8(ascii: "*") else { throw Malformed() }
        return takeWhile { Self.isLower($0) || Self.isDigit($0) || "_-.*".utf8.contains($0) }
    }

    private mutating func bareItem() throws(Malformed) -> BareItem {
        guard let first = rest.first else { throw Malformed() }
        switch first {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: ":"): return .bytes(try bytes())
        case UInt8(ascii: "?"): return .boolean(try boolean())
        case UInt8(ascii: "-"): return try number()
        case _ where Self.isDigit(first): return try number()
        case _ where Self.isAlpha(first) || first == UInt8(ascii: "*"):
            return .token(takeWhile { Self.isTokenByte($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "/") })
        default: throw Malformed()
        }
    }

    private mutating func number() throws(Malformed) -> BareItem {
        let sign = take("-") ? -1 : 1
        let whole = takeWhile(Self.isDigit)
        guard take(".") else {
            guard whole.utf8.count <= 15, let value = Int(whole) else { throw Malformed() }
            return .integer(sign * value)
        }
        let fraction = takeWhile(Self.isDigit)
        guard whole.utf8.count <= 12, (1...3).contains(fraction.utf8.count), let value = Int(whole),
            let thousandths = Int(fraction + String(repeating: "0", count: 3 - fraction.utf8.count))
        else { throw Malformed() }
        return .decimal(thousandths: sign * (value * 1000 + thousandths))
    }

    private mutating func string() throws(Malformed) -> String {
        try expect("\"")
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                return String(decoding: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst(), escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\")
                else { throw Malformed() }
                value.append(escaped)
            case 0x20...0x7e:
                value.append(byte)
            default:
                throw Malformed()
            }
        }
        throw Malformed()
    }

    private mutating func bytes() throws(Malformed) -> [UInt8] {
        try expect(":")
        let text = takeWhile { $0 != UInt8(ascii: ":") }
        try expect(":")
        guard let data = Data(base64Encoded: text) else { throw Malformed() }
        return Array(data)
    }

    private mutating func boolean() throws(Malformed) -> Bool {
        try expect("?")
        if take("1") { return true }
        try expect("0")
        return false
    }

    // MARK: Bytes

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func expect(_ character: Unicode.Scalar) throws(Malformed) {
        guard take(character) else { throw Malformed() }
    }

    private mutating func skip(_ characters: String) {
        rest = rest.drop { characters.utf8.contains($0) }
    }

    private mutating func takeWhile(_ belongs: (UInt8) -> Bool) -> String {
        let taken = rest.prefix(while: belongs)
        rest = rest[taken.endIndex...]
        return String(decoding: taken, as: UTF8.self)
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isAlpha(_ byte: UInt8) -> Bool { isLower(byte | 0x20) }
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isAlpha(byte) || isDigit(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
