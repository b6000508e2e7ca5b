/// Why a Negentropy message was refused. All but `unsupportedVersion` mean that the peer is broken or hostile.
public enum NegentropyError: Error, Hashable, Sendable {
    /// The message ends inside a field.
    case truncated
    /// More bytes than a message may have.
    case messageTooLong(bytes: Int, limit: Int)
    /// More ranges than a message may have.
    case tooManyRanges(limit: Int)
    /// The first byte is no version of Negentropy at all (0x60 to 0x6f).
    case notNegentropy(byte: UInt8)
    /// The responder speaks another version than ours, 1.
    case unsupportedVersion(Int)
    /// A number is above 2⁶⁴-1 or has leading zero digits.
    case malformedNumber
    /// An id prefix of more than 32 bytes, or one behind infinity.
    case malformedBound
    /// The upper bound of a range lies below its lower bound.
    case boundsDescend
    /// A mode other than skip, fingerprint and id list.
    case unknownMode(UInt64)
    /// A frame limit is 0 (none) or at least 4096 bytes.
    case frameLimitTooSmall(Int)
}

extension NegentropyError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated: "the message ends inside a field"
        case .messageTooLong(let bytes, let limit): "the message has \(bytes) bytes, the limit is \(limit)"
        case .tooManyRanges(let limit): "the message has more than \(limit) ranges"
        case .notNegentropy(let byte): "byte \(byte) begins no Negentropy message"
        case .unsupportedVersion(let version): "the peer speaks Negentropy \(version), this node speaks 1"
        case .malformedNumber: "a number is above 64 bits or written with leading zeros"
        case .malformedBound: "a bound has a malformed id prefix"
        case .boundsDescend: "the bounds of the ranges do not ascend"
        case .unknownMode(let mode): "range mode \(mode) is unknown"
        case .frameLimitTooSmall(let limit): "a frame limit of \(limit) bytes is below 4096"
        }
    }
}
