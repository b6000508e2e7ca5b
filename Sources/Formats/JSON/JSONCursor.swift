/// A bounded reader that walks through JSON text (RFC 8259) and never builds more than it is asked for.
///
/// It works on bytes and checks UTF-8 string by string, so a text costs one pass and no copy of the whole.
struct JSONCursor {
    /// Which texts count as JSON.
    enum Grammar {
        case strict
        /// What Python's `json.dumps` writes: also `NaN`, `Infinity`, `-Infinity`; half surrogates become U+FFFD.
        case python
    }

    let bytes: [UInt8]
    let grammar: Grammar
    let maximumDepth: Int
    /// Values that may still be built.
    private var budget: Int
    private let maximumValues: Int
    private(set) var offset = 0

    init(_ bytes: [UInt8], grammar: Grammar, depth: Int, values: Int) {
        self.bytes = bytes
        self.grammar = grammar
        maximumDepth = depth
        maximumValues = values
        budget = values
    }

    // MARK: Tokens

    /// The next byte that is not white space, without taking it.
    @inline(__always)
    mutating func peek() throws(JSONError) -> UInt8 {
        // Where space may stand, there mostly is none.
        if offset < bytes.count, bytes[offset] > 0x20 { return bytes[offset] }
        skipSpace()
        guard offset < bytes.count else { throw .unexpectedEnd }
        return bytes[offset]
    }

    private mutating func skipSpace() {
        while offset < bytes.count {
            switch bytes[offset] {
            case 0x20, 0x9, 0xa, 0xd: offset += 1
            default: return
            }
        }
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8) throws(JSONError) {
        guard try peek() == byte else { throw unexpected() }
        offset += 1
    }

    /// Checks that nothing but white space follows.
    mutating func expectEnd() throws(JSONError) {
        skipSpace()
        guard offset == bytes.count else { throw .trailingBytes(offset: offset) }
    }

    func unexpected() -> JSONError {
        offset < bytes.count ? .unexpectedByte(bytes[offset], offset: offset) : .unexpectedEnd
    }

    /// Moves to the next key of the object whose brace was taken; nil when its closing brace was taken instead.
    mutating func nextKey(isFirst: inout Bool) throws(JSONError) -> String? {
        try nextKeyPlace(isFirst: &isFirst).map(string)
    }

    /// The same without making a text of the key.
    mutating func nextKeyPlace(isFirst: inout Bool) throws(JSONError) -> JSONStringPlace? {
        guard try nextMember(&isFirst) else { return nil }
        let key = try readStringPlace()
        try expect(UInt8(ascii: ":"))
        return key
    }

    private mutating func nextMember(_ isFirst: inout Bool) throws(JSONError) -> Bool {
        let byte = try peek()
        if byte == UInt8(ascii: "}") {
            offset += 1
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw unexpected() }
        offset += 1
        return true
    }

    /// Moves to the next element of the array whose bracket was taken; false when its closing bracket was taken.
    mutating func nextElement(isFirst: inout Bool) throws(JSONError) -> Bool {
        let byte = try peek()
        if byte == UInt8(ascii: "]") {
            offset += 1
            return false
        }
        if isFirst {
            isFirst = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw unexpected() }
        offset += 1
        guard try peek() != UInt8(ascii: "]") else { throw unexpected() }
        return true
    }

    // MARK: Scalars

    mutating func readString() throws(JSONError) -> String {
        string(try readStringPlace())
    }

    func string(_ place: JSONStringPlace) -> String { String(decoding: utf8(place), as: UTF8.self) }

    func utf8(_ place: JSONStringPlace) -> ArraySlice<UInt8> { place.unescaped.map { $0[...] } ?? bytes[place.range] }

    /// Reads a string and returns where its UTF-8 lies.
    mutating func readStringPlace() throws(JSONError) -> JSONStringPlace {
        try expect(UInt8(ascii: "\""))
        let start = offset
        var end = start
        var union: UInt8 = 0
        while end < bytes.count, Self.isPlain(bytes[end]) {
            union |= bytes[end]
            end += 1
        }
        offset = end
        guard end < bytes.count else { throw .unexpectedEnd }
        var place = JSONStringPlace(range: start..<end)
        if bytes[end] == UInt8(ascii: "\"") {
            offset += 1
            if union < 0x80 { return place }
        } else {
            var text = Array(bytes[place.range])
            try unescape(into: &text)
            place.unescaped = text
        }
        guard (try? UTF8Span(validating: utf8(place).span)) != nil else { throw .notUTF8(offset: start) }
        return place
    }

    /// Reads the rest of a string that is not plain.
    private mutating func unescape(into text: inout [UInt8]) throws(JSONError) {
        while true {
            guard offset < bytes.count else { throw .unexpectedEnd }
            let byte = bytes[offset]
            if byte == UInt8(ascii: "\"") {
                offset += 1
                return
            }
            guard byte >= 0x20 else { throw unexpected() }
            if byte == UInt8(ascii: "\\") {
                try readEscape(into: &text)
            } else {
                text.append(byte)
                offset += 1
            }
        }
    }

    /// Neither the end of a string, nor an escape, nor forbidden in one.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private mutating func readEscape(into output: inout [UInt8]) throws(JSONError) {
        let start = offset
        offset += 1
        guard offset < bytes.count else { throw .unexpectedEnd }
        let byte = bytes[offset]
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0c)
        case UInt8(ascii: "n"): output.append(0x0a)
        case UInt8(ascii: "r"): output.append(0x0d)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"):
            offset += 1
            let scalar = try readUnicodeEscape(start: start)
            output.append(contentsOf: Array(String(Character(scalar)).utf8))
            return
        default: throw unexpected()
        }
        offset += 1
    }

    /// Reads the digits after `\u`, and the second half of a surrogate pair.
    private mutating func readUnicodeEscape(start: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try readFourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        if first < 0xdc00, offset + 1 < bytes.count,
            bytes[offset] == UInt8(ascii: "\\"), bytes[offset + 1] == UInt8(ascii: "u")
        {
            let resume = offset
            offset += 2
            let second = try readFourDigits()
            if (0xdc00..<0xe000).contains(second),
                let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
            {
                return scalar
            }
            offset = resume
        }
        guard grammar == .python else { throw .loneSurrogate(offset: start) }
        return "\u{fffd}"
    }

    private mutating func readFourDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard offset < bytes.count else { throw .unexpectedEnd }
            let byte = bytes[offset]
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte - 0x61 + 10
            case 0x41...0x46: digit = byte - 0x41 + 10
            default: throw unexpected()
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    /// Reads a number and returns its text.
    mutating func readNumber() throws(JSONError) -> String {
        String(decoding: bytes[try skipNumber()], as: UTF8.self)
    }

    /// Reads a number and returns where its text lies.
    mutating func skipNumber() throws(JSONError) -> Range<Int> {
        let byte = try peek()
        let start = offset
        if byte == UInt8(ascii: "-") { offset += 1 }
        if grammar == .python {
            for word in ["NaN", "Infinity"] where bytes[offset...].starts(with: word.utf8) {
                offset += word.utf8.count
                return start..<offset
            }
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: "0") {
            offset += 1
        } else {
            try skipDigits()
        }
        if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
            offset += 1
            try skipDigits()
        }
        if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
            offset += 1
            if offset < bytes.count, bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-") {
                offset += 1
            }
            try skipDigits()
        }
        return start..<offset
    }

    private mutating func skipDigits() throws(JSONError) {
        let start = offset
        while offset < bytes.count, (0x30...0x39).contains(bytes[offset]) { offset += 1 }
        guard offset > start else { throw unexpected() }
    }

    private mutating func readWord(_ word: String) throws(JSONError) {
        for byte in word.utf8 {
            guard offset < bytes.count, bytes[offset] == byte else { throw unexpected() }
            offset += 1
        }
    }

    // MARK: Values

    /// Reads a value of any kind that lies inside `depth` objects and arrays.
    mutating func readValue(depth: Int) throws(JSONError) -> JSONValue {
        budget -= 1
        guard budget >= 0 else { throw .tooManyValues(limit: maximumValues) }
        switch try peek() {
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"):
            try readWord("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try readWord("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try readWord("null")
            return .null
        case UInt8(ascii: "{"):
            guard depth < maximumDepth else { throw .tooDeep(offset: offset, limit: maximumDepth) }
            offset += 1
            var members: [JSONMember] = []
            var isFirst = true
            while let key = try nextKey(isFirst: &isFirst) {
                members.append(JSONMember(key, try readValue(depth: depth + 1)))
            }
            return .object(members)
        case UInt8(ascii: "["):
            guard depth < maximumDepth else { throw .tooDeep(offset: offset, limit: maximumDepth) }
            offset += 1
            var elements: [JSONValue] = []
            var isFirst = true
            while try nextElement(isFirst: &isFirst) {
                elements.append(try readValue(depth: depth + 1))
            }
            return .array(elements)
        default: return .number(try readNumber())
        }
    }
}

extension JSONValue {
    /// Reads one value and nothing after it, in strict JSON.
    public init(strict bytes: [UInt8], maximumBytes: Int, depth: Int, values: Int) throws(JSONError) {
        self = try Self.read(bytes, .strict, maximumBytes, depth, values)
    }

    /// Reads one value and nothing after it, as Python writes it (`NaN`, half surrogates).
    public init(python bytes: [UInt8], maximumBytes: Int, depth: Int, values: Int) throws(JSONError) {
        self = try Self.read(bytes, .python, maximumBytes, depth, values)
    }

    private static func read(
        _ bytes: [UInt8], _ grammar: JSONCursor.Grammar, _ maximumBytes: Int, _ depth: Int, _ values: Int
    ) throws(JSONError) -> JSONValue {
        guard bytes.count <= maximumBytes else { throw .tooLong(bytes: bytes.count, limit: maximumBytes) }
        var cursor = JSONCursor(bytes, grammar: grammar, depth: depth, values: values)
        let value = try cursor.readValue(depth: 0)
        try cursor.expectEnd()
        return value
    }
}
