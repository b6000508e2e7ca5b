/// Why a file is not a safetensors file that an engine may see.
///
/// Engines hang or abort on several of these, so each is refused before any engine looks at the file.
public enum SafetensorsError: Error, Hashable, Sendable {
    /// The file is too small to hold the header length.
    case fileTooShort(fileSize: UInt64)
    /// The header length exceeds the limit.
    case headerTooLong(bytes: UInt64, limit: UInt64)
    /// The header would end after the file.
    case headerBeyondFile(bytes: UInt64, fileSize: UInt64)
    /// The header is not a JSON object from its first byte on.
    case headerNotAnObject
    /// The header is not JSON.
    case malformedJSON(JSONError)
    /// A string of the header is not UTF-8. The offset is in the header.
    case notUTF8(offset: Int)

    /// `__metadata__` is not an object.
    case metadataNotAnObject
    /// A value of `__metadata__` is not a string.
    case metadataNotAString(key: String)
    /// `__metadata__` occurs twice.
    case duplicateMetadata
    /// A key of `__metadata__` occurs twice.
    case duplicateMetadataKey(String)
    /// `__metadata__` has too many entries.
    case tooManyMetadataEntries(limit: Int)

    /// The entry of a tensor is not an object.
    case entryNotAnObject(tensor: String)
    /// Two tensors have one name.
    case duplicateTensor(String)
    /// An entry has one field twice.
    case duplicateField(String, tensor: String)
    /// An entry lacks `dtype`, `shape` or `data_offsets`, or it is of the wrong kind.
    case badField(String, tensor: String)
    /// The name of a tensor, or a key of `__metadata__`, is longer than the limit.
    case nameTooLong(bytes: Int, limit: Int)
    /// More tensors than the limit.
    case tooManyTensors(limit: Int)
    /// A type this implementation does not know.
    case unknownDType(String, tensor: String)
    /// More dimensions than the limit.
    case tooManyDimensions(tensor: String, limit: Int)
    /// A dimension that is not a whole number of at least 0 (the text is the header's).
    case badDimension(String, tensor: String)
    /// The product of the shape and the element size does not fit in 64 bits.
    case sizeOverflow(tensor: String)
    /// Elements smaller than a byte that do not fill their last byte.
    case partialByte(tensor: String)

    /// Offsets that are not two whole numbers, the first not above the second.
    case badOffsets(tensor: String)
    /// The bytes between the offsets are not what shape and type need.
    case sizeMismatch(tensor: String, declared: UInt64, needed: UInt64)
    /// The first tensor does not start right after the header.
    case dataNotAtStart(tensor: String, offset: UInt64)
    /// Bytes between two tensors that belong to none.
    case gap(tensor: String, expected: UInt64, offset: UInt64)
    /// A tensor that starts inside the one before.
    case overlap(tensor: String, expected: UInt64, offset: UInt64)
    /// The last tensor does not end where the file ends: a truncated file, or one with something hidden after it.
    case endMismatch(end: UInt64, fileSize: UInt64)

    /// A stream ended before, or went on after, the last tensor.
    case streamLength(received: UInt64, expected: UInt64)
}

extension SafetensorsError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fileTooShort(let size): "the file has only \(size) bytes"
        case .headerTooLong(let bytes, let limit): "the header claims \(bytes) bytes, more than \(limit)"
        case .headerBeyondFile(let bytes, let size): "the header claims \(bytes) bytes in a file of \(size)"
        case .headerNotAnObject: "the header is not a JSON object"
        case .malformedJSON(let error): "the header is malformed: \(error)"
        case .notUTF8(let offset): "the header is not UTF-8 at byte \(offset)"
        case .metadataNotAnObject: "__metadata__ is not an object"
        case .metadataNotAString(let key): "the metadata value of \(Self.short(key)) is not a text"
        case .duplicateMetadata: "__metadata__ occurs twice"
        case .duplicateMetadataKey(let key): "the metadata key \(Self.short(key)) occurs twice"
        case .tooManyMetadataEntries(let limit): "the metadata has more than \(limit) entries"
        case .entryNotAnObject(let tensor): "the entry of tensor \(Self.short(tensor)) is not an object"
        case .duplicateTensor(let name): "two tensors are named \(Self.short(name))"
        case .duplicateField(let field, let tensor): "tensor \(Self.short(tensor)) has two fields \(field)"
        case .badField(let field, let tensor): "tensor \(Self.short(tensor)) has no valid field \(field)"
        case .nameTooLong(let bytes, let limit): "a name in the header has \(bytes) bytes, more than \(limit)"
        case .tooManyTensors(let limit): "the file has more than \(limit) tensors"
        case .unknownDType(let type, let tensor):
            "tensor \(Self.short(tensor)) is of the unknown type \(Self.short(type))"
        case .tooManyDimensions(let tensor, let limit):
            "tensor \(Self.short(tensor)) has more than \(limit) dimensions"
        case .badDimension(let text, let tensor):
            "tensor \(Self.short(tensor)) has the impossible dimension \(Self.short(text))"
        case .sizeOverflow(let tensor): "tensor \(Self.short(tensor)) is larger than any file"
        case .partialByte(let tensor): "tensor \(Self.short(tensor)) does not fill its last byte"
        case .badOffsets(let tensor): "tensor \(Self.short(tensor)) has impossible offsets"
        case .sizeMismatch(let tensor, let declared, let needed):
            "tensor \(Self.short(tensor)) has \(declared) bytes, its shape and type need \(needed)"
        case .dataNotAtStart(let tensor, let offset):
            "the first tensor, \(Self.short(tensor)), starts at \(offset) instead of 0"
        case .gap(let tensor, let expected, let offset):
            "there is a gap before tensor \(Self.short(tensor)): it starts at \(offset) instead of \(expected)"
        case .overlap(let tensor, let expected, let offset):
            "tensor \(Self.short(tensor)) overlaps the one before: it starts at \(offset) instead of \(expected)"
        case .endMismatch(let end, let size):
            end > size
                ? "the file is cut off: its tensors end at \(end), the file at \(size)"
                : "the file goes on after its last tensor: tensors end at \(end), the file at \(size)"
        case .streamLength(let received, let expected): "\(received) bytes of tensors instead of \(expected)"
        }
    }

    /// A hostile name may have millions of characters.
    private static func short(_ name: String) -> String {
        let shown = name.cut(toUTF8: 160)
        return shown.utf8.count == name.utf8.count ? "\u{201c}\(name)\u{201d}" : "\u{201c}\(shown)…\u{201d}"
    }
}
