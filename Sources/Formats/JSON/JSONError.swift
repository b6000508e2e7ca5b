/// Why a text is not the JSON that was asked for. Offsets are bytes from the start of the text.
public enum JSONError: Error, Hashable, Sendable {
    /// More bytes than the caller allows.
    case tooLong(bytes: Int, limit: Int)
    /// Objects and arrays nested deeper than the caller allows.
    case tooDeep(offset: Int, limit: Int)
    /// More values than the caller allows.
    case tooManyValues(limit: Int)
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that the grammar has no place for.
    case unexpectedByte(UInt8, offset: Int)
    /// A string that is not UTF-8.
    case notUTF8(offset: Int)
    /// `\u` with half of a surrogate pair.
    case loneSurrogate(offset: Int)
    /// Something after the value.
    case trailingBytes(offset: Int)
}

extension JSONError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooLong(let bytes, let limit): "the JSON text has \(bytes) bytes, more than \(limit)"
        case .tooDeep(let offset, let limit): "the JSON text nests deeper than \(limit) at byte \(offset)"
        case .tooManyValues(let limit): "the JSON text has more than \(limit) values"
        case .unexpectedEnd: "the JSON text ends in the middle of a value"
        case .unexpectedByte(let byte, let offset): "byte \(byte) at \(offset) has no place in JSON"
        case .notUTF8(let offset): "the JSON string at byte \(offset) is not UTF-8"
        case .loneSurrogate(let offset): "the JSON string has half of a surrogate pair at byte \(offset)"
        case .trailingBytes(let offset): "something follows the JSON value at byte \(offset)"
        }
    }
}
