import WaggleProtocol

/// A look at the top level of a payload, before a parser sees it.
///
/// Refuses what two parsers may read differently or what no writer makes: a singular field given twice or in a foreign
/// wire type, two bodies, groups, field number 0, numbers that are not in their shortest form or too large, bytes after
/// the end.
struct WireScanner {
    typealias Failure = WireReader.Failure

    private var reader: WireReader
    /// One bit for each of the fields 1 to 7 that was seen.
    private var seen: UInt8 = 0
    private var body: UInt64?

    /// Checks the payload of a post and returns the field number of its body; nil when there is none.
    static func check(_ payload: ArraySlice<UInt8>) throws(Failure) -> UInt64? {
        var scanner = WireScanner(payload)
        while !scanner.reader.isAtEnd { try scanner.field() }
        return scanner.body
    }

    private init(_ payload: ArraySlice<UInt8>) {
        reader = WireReader(payload)
    }

    private mutating func field() throws(Failure) {
        let (field, wireType) = try reader.tag()
        try count(field, wireType)
        switch wireType {
        case 0:
            let value = try reader.number()
            // `v` and `kind` have 32 bits; parsers cut off what is above.
            guard field != 1 && field != 6 || value <= UInt64(UInt32.max) else {
                throw Failure(what: "field \(field) has more than 32 bits")
            }
        case 1: try reader.skip(8)
        case 2: _ = try reader.field()
        case 5: try reader.skip(4)
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
}
