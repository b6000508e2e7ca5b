import Digests
import WaggleProtocol

/// The fields of a message whose shape was checked, one after another.
struct CheckedFields {
    private var reader: WireReader

    init(_ bytes: ArraySlice<UInt8>) {
        reader = WireReader(bytes)
    }

    /// A field's number, and its value: a number, or bytes.
    struct Field {
        let number: UInt64
        /// Zero for bytes.
        let value: UInt64
        /// Empty for a number.
        let bytes: ArraySlice<UInt8>

        /// The 32-byte name in it; nil where there is none.
        var name: Hash32? {
            bytes.count == 32 ? bytes.withUnsafeBytes { Hash32(copying: $0) } : nil
        }
    }

    /// Nil at the end.
    mutating func next() throws(MalformedMessage) -> Field? {
        guard !reader.isAtEnd else { return nil }
        do {
            let (number, wireType) = try reader.tag()
            return wireType == 0
                ? Field(number: number, value: try reader.number(), bytes: [])
                : Field(number: number, value: 0, bytes: try reader.field())
        } catch {
            throw MalformedMessage(what: error.what)
        }
    }
}
