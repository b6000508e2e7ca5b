import FoundationEssentials

/// A look at the top level of protobuf bytes, before a parser sees them.
///
/// Refuses what two parsers may read differently or what no writer of ours makes: a singular field given twice, groups,
/// field number 0, over-long varints, bytes after the end.
enum WireScanner {
    struct Failure: Error {
        let what: String
    }

    static func check(_ bytes: Data, singular: ClosedRange<UInt64>) throws(Failure) {
        var seen: Set<UInt64> = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            let tag = try varint(bytes, &at)
            let field = tag >> 3
            guard field > 0, field < 1 << 29 else { throw Failure(what: "a field number is out of range") }
            if singular.contains(field) {
                guard seen.insert(field).inserted else { throw Failure(what: "field \(field) is given twice") }
            }
            switch tag & 7 {
            case 0:
                _ = try varint(bytes, &at)
            case 1:
                try skip(8, bytes, &at)
            case 2:
                try skip(varint(bytes, &at), bytes, &at)
            case 5:
                try skip(4, bytes, &at)
            default:
                throw Failure(what: "wire type \(tag & 7) is not used")
            }
        }
    }

    private static func varint(_ bytes: Data, _ at: inout Data.Index) throws(Failure) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.endIndex {
            let byte = bytes[at]
            at += 1
            guard shift < 63 || byte <= 1 else { throw Failure(what: "a number is longer than 64 bits") }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw Failure(what: "the bytes end inside a number")
    }

    private static func skip(_ count: UInt64, _ bytes: Data, _ at: inout Data.Index) throws(Failure) {
        guard count <= UInt64(bytes.endIndex - at) else { throw Failure(what: "the bytes end inside a field") }
        at += Int(count)
    }
}
