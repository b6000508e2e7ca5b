/// A look at the top level of a payload, before a parser sees it.
///
/// Refuses what two parsers may read differently or what no writer makes: a singular field given twice or in a foreign
/// wire type, two bodies, groups, field number 0, numbers that are not in their shortest form or too large, bytes after
/// the end.
struct WireScanner {
    struct Failure: Error {
        let what: String
    }

    private let bytes: ArraySlice<UInt8>
    private var at: Int
    /// One bit for each of the fields 1 to 7 that was seen.
    private var seen: UInt8 = 0
    private var body: UInt64?

    /// Checks the payload of a post and returns the field number of its body; nil when there is none.
    static func check(_ payload: ArraySlice<UInt8>) throws(Failure) -> UInt64? {
        var scanner = WireScanner(bytes: payload, at: payload.startIndex)
        while scanner.at < payload.endIndex { try scanner.field() }
        return scanner.body
    }

    private init(bytes: ArraySlice<UInt8>, at: Int) {
        self.bytes = bytes
        self.at = at
    }

    private mutating func field() throws(Failure) {
        let tag = try number()
        let (field, wireType) = (tag >> 3, tag & 7)
        guard field > 0, tag <= UInt64(UInt32.max) else { throw Failure(what: "a field number is out of range") }
        try count(field, wireType)
        switch wireType {
        case 0:
            let value = try number()
            // `v` and `kind` have 32 bits; parsers cut off what is above.
            guard field != 1 && field != 6 || value <= UInt64(UInt32.max) else {
                throw Failure(what: "field \(field) has more than 32 bits")
            }
        case 1: try skip(8)
        case 2: try skip(number())
        case 5: try skip(4)
        default: throw Failure(what: "wire type \(wireType) is not used")
        }
    }

    private mutating func count(_ field: UInt64, _ wireType: UInt64) throws(Failure) {
        let expected: UInt64
        switch field {
        case 1, 4...6: expected = 0
        case 2, 3, 7...9, 100...: expected = 2
        default: return
        }
        guard wireType == expected else { throw Failure(what: "field \(field) has wire type \(wireType)") }
        if field <= 7 {
            let bit = UInt8(1) << UInt8(field)
            guard seen & bit == 0 else { throw Failure(what: "field \(field) is given twice") }
            seen |= bit
        } else if field >= 100 {
            guard body == nil else { throw Failure(what: "there are two bodies") }
            body = field
        }
    }

    private mutating func number() throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.endIndex {
            let byte = bytes[at]
            at += 1
            guard shift < 63 || byte <= 1 else { throw Failure(what: "a number is longer than 64 bits") }
            guard shift == 0 || byte != 0 else { throw Failure(what: "a number is not in its shortest form") }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Failure(what: "the bytes end inside a number")
    }

    private mutating func skip(_ count: UInt64) throws(Failure) {
        guard count <= UInt64(bytes.endIndex - at) else { throw Failure(what: "the bytes end inside a field") }
        at += Int(count)
    }
}
