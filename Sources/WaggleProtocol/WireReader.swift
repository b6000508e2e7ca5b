/// Reads the tags, numbers and lengths of the protobuf wire format, in their only form: a number that is not as short as it
/// can be, or that ends outside the bytes, is an error.
public struct WireReader {
    public struct Failure: Error, Equatable {
        public let what: String

        public init(what: String) {
            self.what = what
        }
    }

    public let bytes: ArraySlice<UInt8>
    /// Where the next byte is read.
    public private(set) var at: Int

    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        at = bytes.startIndex
    }

    public var isAtEnd: Bool { at == bytes.endIndex }

    /// The next field's number and wire type.
    public mutating func tag() throws(Failure) -> (field: UInt64, wireType: UInt64) {
        let tag = try number()
        guard tag >> 3 > 0, tag <= UInt64(UInt32.max) else { throw Failure(what: "a field number is out of range") }
        return (tag >> 3, tag & 7)
    }

    public mutating func number() throws(Failure) -> UInt64 {
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

    /// The bytes of a field with a length.
    public mutating func field() throws(Failure) -> ArraySlice<UInt8> {
        let count = try number()
        let start = at
        try skip(count)
        return bytes[start..<at]
    }

    public mutating func skip(_ count: UInt64) throws(Failure) {
        guard count <= UInt64(bytes.endIndex - at) else { throw Failure(what: "the bytes end inside a field") }
        at += Int(count)
    }
}
