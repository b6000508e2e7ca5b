import WaggleProtocol

/// One tensor of a safetensors file.
public struct SafetensorsTensor: Hashable, Sendable {
    public let name: String
    public let dtype: SafetensorsDType
    /// Empty for a scalar.
    public let shape: [UInt64]
    /// Where the tensor's bytes lie, from the start of the file.
    public let bytes: Range<UInt64>
    /// The product of the shape.
    public let elements: UInt64
}

/// The header of a safetensors file, fully checked: whoever holds one knows that every tensor lies inside the file,
/// that no two overlap, and that no byte of the file belongs to none.
///
/// The caller reads the file, in two steps: `length(first8:fileSize:)` says how many header bytes follow the first
/// eight, `init(json:fileSize:)` takes them. Format: 8 bytes of little-endian length, a JSON object, the tensors'
/// bytes.
public struct SafetensorsHeader: Hashable, Sendable {
    /// In file order.
    public let tensors: [SafetensorsTensor]
    /// What `__metadata__` says. Claims of whoever wrote the file, never facts.
    public let metadata: [String: String]
    /// Where the first tensor starts: 8 + the header's length.
    public let dataStart: UInt64
    public let fileSize: UInt64

    /// The number of header bytes after the first eight of the file.
    public static func length(first8: some Collection<UInt8>, fileSize: UInt64) throws(SafetensorsError) -> Int {
        guard fileSize >= 8, first8.count == 8 else { throw .fileTooShort(fileSize: fileSize) }
        let length = first8.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= Limits.Safetensors.headerBytes else {
            throw .headerTooLong(bytes: length, limit: Limits.Safetensors.headerBytes)
        }
        guard length <= fileSize - 8 else { throw .headerBeyondFile(bytes: length, fileSize: fileSize) }
        guard length >= 2 else { throw .headerNotAnObject }
        return Int(length)
    }

    /// Reads the header bytes that follow the first eight of a file of `fileSize` bytes.
    public init(json: [UInt8], fileSize: UInt64) throws(SafetensorsError) {
        let reader = try Self.read(json, fileSize: fileSize)
        self.fileSize = fileSize
        dataStart = 8 + UInt64(json.count)
        metadata = reader.metadata
        tensors = reader.tensors
    }

    /// The same checks for whoever wants to know nothing else.
    static func check(json: [UInt8], fileSize: UInt64) throws(SafetensorsError) {
        _ = try read(json, fileSize: fileSize)
    }

    private static func read(_ json: [UInt8], fileSize: UInt64) throws(SafetensorsError) -> SafetensorsHeaderReader {
        let length = UInt64(json.count)
        guard length <= Limits.Safetensors.headerBytes else {
            throw .headerTooLong(bytes: length, limit: Limits.Safetensors.headerBytes)
        }
        guard fileSize >= 8, length <= fileSize - 8 else {
            throw .headerBeyondFile(bytes: length, fileSize: fileSize)
        }
        var reader = SafetensorsHeaderReader(json, dataStart: 8 + length)
        do {
            try reader.read(coveringTo: fileSize)
        } catch .malformedJSON(.notUTF8(let offset)) {
            throw .notUTF8(offset: offset)
        }
        return reader
    }

    /// Both steps on a prefix of the file that holds the whole header.
    public init(prefix: [UInt8], fileSize: UInt64) throws(SafetensorsError) {
        let length = try Self.length(first8: prefix.prefix(8), fileSize: fileSize)
        guard prefix.count >= 8 + length else {
            throw .headerBeyondFile(bytes: UInt64(length), fileSize: UInt64(prefix.count))
        }
        try self.init(json: Array(prefix[8..<8 + length]), fileSize: fileSize)
    }
}
