import WaggleProtocol

/// Makes the first bytes of a safetensors file: length, header, padding. The tensors' bytes follow them.
public enum SafetensorsWriter {
    /// A tensor that is to be written.
    public struct Tensor: Hashable, Sendable {
        public var name: String
        public var dtype: SafetensorsDType
        public var shape: [UInt64]

        public init(_ name: String, _ dtype: SafetensorsDType, _ shape: [UInt64]) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
        }

        /// The same tensor as in a file that was read.
        public init(_ tensor: SafetensorsTensor) {
            self.init(tensor.name, tensor.dtype, tensor.shape)
        }
    }

    /// A written header.
    public struct Output: Hashable, Sendable {
        /// Length and header, a multiple of 8 bytes.
        public let bytes: [UInt8]
        /// The same header as a reader sees it: which tensor's bytes go where.
        public let header: SafetensorsHeader
    }

    /// Writes a header whose tensors lie in the given order.
    ///
    /// With the tensors of a file that was read, only the metadata changes: the bytes after the header, AutoV3 and the
    /// tensor digest stay the same. Metadata keys are sorted bytewise, so equal input gives equal bytes.
    public static func header(tensors: [Tensor], metadata: [String: String]) throws(SafetensorsError) -> Output {
        var members: [JSONMember] = []
        members.reserveCapacity(tensors.count + 1)
        if !metadata.isEmpty {
            let sorted = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            members.append(JSONMember("__metadata__", .object(sorted.map { JSONMember($0.key, .string($0.value)) })))
        }
        var offset: UInt64 = 0
        for tensor in tensors {
            let end = try end(of: tensor, at: offset)
            members.append(
                JSONMember(
                    tensor.name,
                    .object([
                        JSONMember("dtype", .string(tensor.dtype.rawValue)),
                        JSONMember("shape", .array(tensor.shape.map { .number(String($0)) })),
                        JSONMember("data_offsets", .array([.number(String(offset)), .number(String(end))])),
                    ])))
            offset = end
        }
        var json = Array(JSONValue.object(members).text.utf8)
        json.append(contentsOf: repeatElement(UInt8(ascii: " "), count: (8 - json.count % 8) % 8))
        let (fileSize, overflow) = offset.addingReportingOverflow(8 + UInt64(json.count))
        guard !overflow else { throw .sizeOverflow(tensor: tensors.last?.name ?? "") }
        let header = try SafetensorsHeader(json: json, fileSize: fileSize)
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) }
        return Output(bytes: length + json, header: header)
    }

    /// The order of the reference implementation: the most strictly aligned types first, then by name, so that every
    /// tensor is aligned to its element size.
    public static func aligned(_ tensors: [Tensor]) -> [Tensor] {
        tensors.sorted {
            if $0.dtype != $1.dtype { return $0.dtype.alignmentRank > $1.dtype.alignmentRank }
            return $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    private static func end(of tensor: Tensor, at offset: UInt64) throws(SafetensorsError) -> UInt64 {
        var bits = tensor.dtype.bits
        for dimension in tensor.shape {
            let (product, overflow) = bits.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw .sizeOverflow(tensor: tensor.name) }
            bits = product
        }
        guard bits % 8 == 0 else { throw .partialByte(tensor: tensor.name) }
        let (end, overflow) = offset.addingReportingOverflow(bits / 8)
        guard !overflow else { throw .sizeOverflow(tensor: tensor.name) }
        return end
    }
}
