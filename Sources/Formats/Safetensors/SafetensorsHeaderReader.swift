import WaggleProtocol

/// Walks once through the header's JSON, checks each entry by itself and then that all of them cover the file.
///
/// Each file that comes here is checked by it, with up to 100,000 entries: names stay where they are in the header, shapes go
/// into one flat array, and no text is made that nobody asked for.
struct SafetensorsHeaderReader {
    /// One tensor, with its shape in `dimensions`.
    private struct Entry {
        let name: JSONStringPlace
        let dtype: SafetensorsDType
        let shape: Range<Int>
        let bytes: Range<UInt64>
        let elements: UInt64
    }

    private(set) var metadata: [String: String] = [:]
    private var entries: [Entry] = []
    private var dimensions: [UInt64] = []
    /// Of the names so far. Seeded by the process, so nobody can choose names that share one.
    private var hashes: Set<Int> = []
    private var hasMetadata = false
    private var cursor: JSONCursor
    private let dataStart: UInt64

    init(_ json: [UInt8], dataStart: UInt64) {
        // Entries are two levels deep; unknown fields may hold a little more. They are skipped one at a time, so the
        // value budget only has to bound the largest header.
        cursor = JSONCursor(json, grammar: .strict, depth: 16, values: 4_000_000)
        self.dataStart = dataStart
        // Room for entries as they are usually written: about 100 bytes each.
        let expected = min(json.count / 96, Limits.Safetensors.tensors)
        entries.reserveCapacity(expected)
        hashes.reserveCapacity(expected)
    }

    /// - Parameter end: where the last tensor has to end, from the start of the file.
    mutating func read(coveringTo end: UInt64) throws(SafetensorsError) {
        guard cursor.bytes.first == UInt8(ascii: "{") else { throw .headerNotAnObject }
        try take(UInt8(ascii: "{"))
        var isFirst = true
        while let name = try key(&isFirst) {
            if word(name) == Self.metadataKey {
                guard !hasMetadata else { throw .duplicateMetadata }
                hasMetadata = true
                try readMetadata()
            } else {
                guard entries.count < Limits.Safetensors.tensors else {
                    throw .tooManyTensors(limit: Limits.Safetensors.tensors)
                }
                let length = cursor.utf8(name).count
                guard length <= Limits.Safetensors.nameBytes else {
                    throw .nameTooLong(bytes: length, limit: Limits.Safetensors.nameBytes)
                }
                guard isNew(name) else { throw .duplicateTensor(string(name)) }
                try readEntry(name)
            }
        }
        do { try cursor.expectEnd() } catch { throw .malformedJSON(error) }
        try cover(to: end)
    }

    /// The tensors in file order.
    var tensors: [SafetensorsTensor] {
        entries.map {
            SafetensorsTensor(
                name: string($0.name), dtype: $0.dtype, shape: Array(dimensions[$0.shape]), bytes: $0.bytes,
                elements: $0.elements)
        }
    }

    private mutating func isNew(_ name: JSONStringPlace) -> Bool {
        var hasher = Hasher()
        cursor.utf8(name).withUnsafeBytes { hasher.combine(bytes: $0) }
        return hashes.insert(hasher.finalize()).inserted
            || !entries.contains { cursor.utf8($0.name) == cursor.utf8(name) }
    }

    private mutating func readMetadata() throws(SafetensorsError) {
        guard try next() == UInt8(ascii: "{") else { throw .metadataNotAnObject }
        try take(UInt8(ascii: "{"))
        var isFirst = true
        while let place = try key(&isFirst) {
            // Before the dictionary hashes it.
            let length = cursor.utf8(place).count
            guard length <= Limits.Safetensors.metadataKeyBytes else {
                throw .nameTooLong(bytes: length, limit: Limits.Safetensors.metadataKeyBytes)
            }
            let key = string(place)
            guard try next() == UInt8(ascii: "\"") else { throw .metadataNotAString(key: key) }
            let value: String
            do { value = try cursor.readString() } catch { throw .malformedJSON(error) }
            guard metadata.updateValue(value, forKey: key) == nil else { throw .duplicateMetadataKey(key) }
            guard metadata.count <= Limits.Safetensors.metadataEntries else {
                throw .tooManyMetadataEntries(limit: Limits.Safetensors.metadataEntries)
            }
        }
    }

    // MARK: One tensor

    private static let metadataKey = ShortWord(Array("__metadata__".utf8))
    private static let dtypeField = ShortWord(Array("dtype".utf8))
    private static let shapeField = ShortWord(Array("shape".utf8))
    private static let offsetsField = ShortWord(Array("data_offsets".utf8))
    private static let dtypes = SafetensorsDType.allCases.map { (word: ShortWord(Array($0.rawValue.utf8)), dtype: $0) }

    private mutating func readEntry(_ name: JSONStringPlace) throws(SafetensorsError) {
        guard try next() == UInt8(ascii: "{") else { throw .entryNotAnObject(tensor: string(name)) }
        try take(UInt8(ascii: "{"))
        var dtype: SafetensorsDType?
        var shape: Range<Int>?
        var offsets: Range<UInt64>?
        var isFirst = true
        while let key = try key(&isFirst) {
            let field = word(key)
            if field == Self.dtypeField {
                guard dtype == nil else { throw .duplicateField("dtype", tensor: string(name)) }
                dtype = try readDType(name)
            } else if field == Self.shapeField {
                guard shape == nil else { throw .duplicateField("shape", tensor: string(name)) }
                shape = try readShape(name)
            } else if field == Self.offsetsField {
                guard offsets == nil else { throw .duplicateField("data_offsets", tensor: string(name)) }
                offsets = try readOffsets(name)
            } else {
                // The reference implementation ignores fields it does not know.
                do { _ = try cursor.readValue(depth: 2) } catch { throw .malformedJSON(error) }
            }
        }
        guard let dtype else { throw .badField("dtype", tensor: string(name)) }
        guard let shape else { throw .badField("shape", tensor: string(name)) }
        guard let offsets else { throw .badField("data_offsets", tensor: string(name)) }
        try append(name, dtype, shape, offsets)
    }

    private mutating func append(
        _ name: JSONStringPlace, _ dtype: SafetensorsDType, _ shape: Range<Int>, _ offsets: Range<UInt64>
    ) throws(SafetensorsError) {
        var elements: UInt64 = 1
        for index in shape {
            let (product, overflow) = elements.multipliedReportingOverflow(by: dimensions[index])
            guard !overflow else { throw .sizeOverflow(tensor: string(name)) }
            elements = product
        }
        let (bits, overflow) = elements.multipliedReportingOverflow(by: dtype.bits)
        guard !overflow else { throw .sizeOverflow(tensor: string(name)) }
        guard bits % 8 == 0 else { throw .partialByte(tensor: string(name)) }
        let declared = offsets.upperBound - offsets.lowerBound
        guard declared == bits / 8 else {
            throw .sizeMismatch(tensor: string(name), declared: declared, needed: bits / 8)
        }
        let (end, tooFar) = offsets.upperBound.addingReportingOverflow(dataStart)
        guard !tooFar else { throw .badOffsets(tensor: string(name)) }
        entries.append(
            Entry(name: name, dtype: dtype, shape: shape, bytes: end - declared..<end, elements: elements))
    }

    private mutating func readDType(_ name: JSONStringPlace) throws(SafetensorsError) -> SafetensorsDType {
        guard try next() == UInt8(ascii: "\"") else { throw .badField("dtype", tensor: string(name)) }
        let text: JSONStringPlace
        do { text = try cursor.readStringPlace() } catch { throw .malformedJSON(error) }
        guard let word = word(text), let known = Self.dtypes.first(where: { $0.word == word }) else {
            throw .unknownDType(string(text), tensor: string(name))
        }
        return known.dtype
    }

    private mutating func readShape(_ name: JSONStringPlace) throws(SafetensorsError) -> Range<Int> {
        guard try next() == UInt8(ascii: "[") else { throw .badField("shape", tensor: string(name)) }
        try take(UInt8(ascii: "["))
        let start = dimensions.count
        var isFirst = true
        while try element(&isFirst) {
            guard dimensions.count - start < Limits.Safetensors.dimensions else {
                throw .tooManyDimensions(tensor: string(name), limit: Limits.Safetensors.dimensions)
            }
            guard let digits = try number() else { throw .badField("shape", tensor: string(name)) }
            guard let dimension = whole(digits) else {
                throw .badDimension(string(JSONStringPlace(range: digits)), tensor: string(name))
            }
            dimensions.append(dimension)
        }
        return start..<dimensions.count
    }

    private mutating func readOffsets(_ name: JSONStringPlace) throws(SafetensorsError) -> Range<UInt64> {
        guard try next() == UInt8(ascii: "[") else { throw .badField("data_offsets", tensor: string(name)) }
        try take(UInt8(ascii: "["))
        var (lower, upper): (UInt64, UInt64) = (0, 0)
        var count = 0
        var isFirst = true
        while try element(&isFirst) {
            guard count < 2, let digits = try number(), let offset = whole(digits) else {
                throw .badOffsets(tensor: string(name))
            }
            (lower, upper) = (upper, offset)
            count += 1
        }
        guard count == 2, lower <= upper else { throw .badOffsets(tensor: string(name)) }
        return lower..<upper
    }

    /// Digits only, and no more than fit in 64 bits: `1.0`, `1e3` and `-0` are no sizes.
    private func whole(_ digits: Range<Int>) -> UInt64? {
        var value: UInt64 = 0
        for index in digits {
            let byte = cursor.bytes[index]
            guard (0x30...0x39).contains(byte) else { return nil }
            let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = tens.addingReportingOverflow(UInt64(byte - 0x30))
            guard !tooLarge, !overflow else { return nil }
            value = sum
        }
        return value
    }

    private func string(_ place: JSONStringPlace) -> String { cursor.string(place) }

    /// Nil for what is longer than any word of this grammar.
    private func word(_ place: JSONStringPlace) -> ShortWord? {
        guard let unescaped = place.unescaped else { return ShortWord(cursor.bytes, in: place.range) }
        return ShortWord(unescaped)
    }

    // MARK: All tensors

    /// Puts the tensors in file order and checks that they cover the bytes from `dataStart` to `end` exactly once.
    private mutating func cover(to end: UInt64) throws(SafetensorsError) {
        entries.sort {
            ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
        }
        var expected = dataStart
        for entry in entries {
            let offset = entry.bytes.lowerBound
            if offset != expected {
                let name = string(entry.name)
                if expected == dataStart { throw .dataNotAtStart(tensor: name, offset: offset - dataStart) }
                throw offset > expected
                    ? .gap(tensor: name, expected: expected - dataStart, offset: offset - dataStart)
                    : .overlap(tensor: name, expected: expected - dataStart, offset: offset - dataStart)
            }
            expected = entry.bytes.upperBound
        }
        guard expected == end else { throw .endMismatch(end: expected, fileSize: end) }
    }

    // MARK: The cursor's steps with this module's error

    private mutating func next() throws(SafetensorsError) -> UInt8 {
        do { return try cursor.peek() } catch { throw .malformedJSON(error) }
    }

    private mutating func take(_ byte: UInt8) throws(SafetensorsError) {
        do { try cursor.expect(byte) } catch { throw .malformedJSON(error) }
    }

    private mutating func key(_ isFirst: inout Bool) throws(SafetensorsError) -> JSONStringPlace? {
        do { return try cursor.nextKeyPlace(isFirst: &isFirst) } catch { throw .malformedJSON(error) }
    }

    private mutating func element(_ isFirst: inout Bool) throws(SafetensorsError) -> Bool {
        do { return try cursor.nextElement(isFirst: &isFirst) } catch { throw .malformedJSON(error) }
    }

    /// Where the text of a number lies; nil when something else stands there.
    private mutating func number() throws(SafetensorsError) -> Range<Int>? {
        let byte = try next()
        guard byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) else { return nil }
        do { return try cursor.skipNumber() } catch { throw .malformedJSON(error) }
    }
}
