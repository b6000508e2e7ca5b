import WaggleProtocol

/// Walks once through the header's JSON and checks each entry by itself.
struct SafetensorsHeaderReader {
    private(set) var tensors: [SafetensorsTensor] = []
    private(set) var metadata: [String: String] = [:]
    private var names: Set<UTF8Key> = []
    private var hasMetadata = false
    private var cursor: JSONCursor
    private let dataStart: UInt64

    init(_ json: [UInt8], dataStart: UInt64) {
        // Entries are two levels deep; unknown fields may hold a little more. They are skipped one at a time, so the
        // value budget only has to bound the largest header.
        cursor = JSONCursor(json, grammar: .strict, depth: 16, values: 4_000_000)
        self.dataStart = dataStart
    }

    mutating func read() throws(SafetensorsError) {
        guard cursor.bytes.first == UInt8(ascii: "{") else { throw .headerNotAnObject }
        try take(UInt8(ascii: "{"))
        var isFirst = true
        while let name = try key(&isFirst) {
            if name.sameUTF8(as: "__metadata__") {
                guard !hasMetadata else { throw .duplicateMetadata }
                hasMetadata = true
                try readMetadata()
            } else {
                guard tensors.count < Limits.Safetensors.tensors else {
                    throw .tooManyTensors(limit: Limits.Safetensors.tensors)
                }
                guard name.utf8.count <= Limits.Safetensors.nameBytes else {
                    throw .nameTooLong(bytes: name.utf8.count, limit: Limits.Safetensors.nameBytes)
                }
                guard names.insert(UTF8Key(name)).inserted else { throw .duplicateTensor(name) }
                try readEntry(name)
            }
        }
        do { try cursor.expectEnd() } catch { throw .malformedJSON(error) }
    }

    private mutating func readMetadata() throws(SafetensorsError) {
        guard try next() == UInt8(ascii: "{") else { throw .metadataNotAnObject }
        try take(UInt8(ascii: "{"))
        var isFirst = true
        while let key = try key(&isFirst) {
            // Before the dictionary hashes it.
            guard key.utf8.count <= Limits.Safetensors.metadataKeyBytes else {
                throw .nameTooLong(bytes: key.utf8.count, limit: Limits.Safetensors.metadataKeyBytes)
            }
            guard try next() == UInt8(ascii: "\"") else { throw .metadataNotAString(key: key) }
            let value = try string()
            guard metadata.updateValue(value, forKey: key) == nil else { throw .duplicateMetadataKey(key) }
            guard metadata.count <= Limits.Safetensors.metadataEntries else {
                throw .tooManyMetadataEntries(limit: Limits.Safetensors.metadataEntries)
            }
        }
    }

    private mutating func readEntry(_ name: String) throws(SafetensorsError) {
        guard try next() == UInt8(ascii: "{") else { throw .entryNotAnObject(tensor: name) }
        try take(UInt8(ascii: "{"))
        var dtype: SafetensorsDType?
        var shape: [UInt64]?
        var offsets: Range<UInt64>?
        var isFirst = true
        while let field = try key(&isFirst) {
            // No known field is longer, and no long text is to be compared.
            switch field.utf8.count <= 16 ? field : "" {
            case "dtype":
                guard dtype == nil else { throw .duplicateField(field, tensor: name) }
                guard try next() == UInt8(ascii: "\"") else { throw .badField(field, tensor: name) }
                let text = try string()
                guard text.utf8.count <= 16, let known = SafetensorsDType(rawValue: text) else {
                    throw .unknownDType(text, tensor: name)
                }
                dtype = known
            case "shape":
                guard shape == nil else { throw .duplicateField(field, tensor: name) }
                shape = try readShape(name)
            case "data_offsets":
                guard offsets == nil else { throw .duplicateField(field, tensor: name) }
                offsets = try readOffsets(name)
            default:
                // The reference implementation ignores fields it does not know.
                do { _ = try cursor.readValue(depth: 2) } catch { throw .malformedJSON(error) }
            }
        }
        guard let dtype else { throw .badField("dtype", tensor: name) }
        guard let shape else { throw .badField("shape", tensor: name) }
        guard let offsets else { throw .badField("data_offsets", tensor: name) }
        try append(name, dtype, shape, offsets)
    }

    private mutating func append(
        _ name: String, _ dtype: SafetensorsDType, _ shape: [UInt64], _ offsets: Range<UInt64>
    ) throws(SafetensorsError) {
        var elements: UInt64 = 1
        for dimension in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw .sizeOverflow(tensor: name) }
            elements = product
        }
        let (bits, overflow) = elements.multipliedReportingOverflow(by: dtype.bits)
        guard !overflow else { throw .sizeOverflow(tensor: name) }
        guard bits % 8 == 0 else { throw .partialByte(tensor: name) }
        let declared = offsets.upperBound - offsets.lowerBound
        guard declared == bits / 8 else {
            throw .sizeMismatch(tensor: name, declared: declared, needed: bits / 8)
        }
        let (end, tooFar) = offsets.upperBound.addingReportingOverflow(dataStart)
        guard !tooFar else { throw .badOffsets(tensor: name) }
        tensors.append(
            SafetensorsTensor(
                name: name, dtype: dtype, shape: shape, bytes: end - declared..<end, elements: elements))
    }

    private mutating func readShape(_ name: String) throws(SafetensorsError) -> [UInt64] {
        guard try next() == UInt8(ascii: "[") else { throw .badField("shape", tensor: name) }
        try take(UInt8(ascii: "["))
        var shape: [UInt64] = []
        var isFirst = true
        while try element(&isFirst) {
            guard shape.count < Limits.Safetensors.dimensions else {
                throw .tooManyDimensions(tensor: name, limit: Limits.Safetensors.dimensions)
            }
            guard let text = try number() else { throw .badField("shape", tensor: name) }
            guard let dimension = Self.whole(text) else { throw .badDimension(text, tensor: name) }
            shape.append(dimension)
        }
        return shape
    }

    private mutating func readOffsets(_ name: String) throws(SafetensorsError) -> Range<UInt64> {
        guard try next() == UInt8(ascii: "[") else { throw .badField("data_offsets", tensor: name) }
        try take(UInt8(ascii: "["))
        var offsets: [UInt64] = []
        var isFirst = true
        while try element(&isFirst) {
            guard offsets.count < 2, let text = try number(), let offset = Self.whole(text) else {
                throw .badOffsets(tensor: name)
            }
            offsets.append(offset)
        }
        guard offsets.count == 2, offsets[0] <= offsets[1] else { throw .badOffsets(tensor: name) }
        return offsets[0]..<offsets[1]
    }

    /// Digits only: `1.0`, `1e3` and `-0` are no sizes.
    private static func whole(_ text: String) -> UInt64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(text) : nil
    }

    // MARK: The cursor's steps with this module's error

    private mutating func next() throws(SafetensorsError) -> UInt8 {
        do { return try cursor.peek() } catch { throw .malformedJSON(error) }
    }

    private mutating func take(_ byte: UInt8) throws(SafetensorsError) {
        do { try cursor.expect(byte) } catch { throw .malformedJSON(error) }
    }

    private mutating func key(_ isFirst: inout Bool) throws(SafetensorsError) -> String? {
        do { return try cursor.nextKey(isFirst: &isFirst) } catch { throw .malformedJSON(error) }
    }

    private mutating func element(_ isFirst: inout Bool) throws(SafetensorsError) -> Bool {
        do { return try cursor.nextElement(isFirst: &isFirst) } catch { throw .malformedJSON(error) }
    }

    private mutating func string() throws(SafetensorsError) -> String {
        do { return try cursor.readString() } catch { throw .malformedJSON(error) }
    }

    /// The text of a number; nil when something else stands there.
    private mutating func number() throws(SafetensorsError) -> String? {
        let byte = try next()
        guard byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) else { return nil }
        do { return try cursor.readNumber() } catch { throw .malformedJSON(error) }
    }
}
