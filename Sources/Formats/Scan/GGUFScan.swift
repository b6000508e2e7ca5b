import WaggleProtocol

/// The header of a GGUF file (versions 2 and 3, little-endian): keys, tensors and where their bytes lie.
struct GGUFScan {
    private var cursor: SourceCursor
    private let source: any ByteSource
    private let entry: String
    private(set) var findings: [ScanFinding] = []
    private var alignment: UInt64 = 32

    private enum Stop: Error {
        case source(ByteSourceError)
        case malformed(ScanFinding.Code, String)
    }

    static func scan(_ source: any ByteSource, entry: String) throws(ByteSourceError) -> [ScanFinding] {
        var scan = GGUFScan(source, entry)
        do { try scan.read() } catch {
            switch error {
            case .source(let error): throw error
            case .malformed(let code, let detail):
                scan.findings.append(ScanFinding(code, .malformed, entry: entry, at: scan.cursor.offset, detail))
            }
        }
        return scan.findings
    }

    private init(_ source: any ByteSource, _ entry: String) {
        self.source = source
        self.entry = entry
        cursor = SourceCursor(source)
    }

    private mutating func read() throws(Stop) {
        _ = try bytes(4)
        let version = try number(4)
        guard version == 2 || version == 3 else { throw .malformed(.gguf, "version \(version) is not known") }
        let tensorCount = try number(8)
        let keyCount = try number(8)
        guard tensorCount <= UInt64(Limits.Safetensors.tensors), keyCount <= Limits.Scan.ggufKeys else {
            throw .malformed(.limit, "\(tensorCount) tensors and \(keyCount) keys")
        }
        var keys: Set<[UInt8]> = []
        for _ in 0..<keyCount {
            let key = try text(limit: 65_535)
            guard keys.insert(key).inserted else { throw .malformed(.gguf, "two keys are named \(String.shown(key))") }
            try value(of: key)
        }
        var extents: [Range<UInt64>] = []
        var names: Set<[UInt8]> = []
        for _ in 0..<tensorCount {
            let name = try text(limit: UInt64(Limits.Safetensors.nameBytes))
            guard names.insert(name).inserted else {
                throw .malformed(.gguf, "two tensors are named \(String.shown(name))")
            }
            extents.append(try tensor(name))
        }
        try cover(extents)
    }

    private mutating func value(of key: [UInt8]) throws(Stop) {
        let type = try number(4)
        switch type {
        case 8:
            if key.starts(with: "tokenizer.chat_template".utf8) {
                let template = try text(limit: Limits.Scan.ggufTextBytes)
                try checkTemplate(template)
            } else {
                try skipText()
            }
        case 9:
            let element = try number(4)
            let count = try number(8)
            guard count <= Limits.Scan.ggufArray else { throw .malformed(.limit, "an array of \(count)") }
            if element == 8 {
                for _ in 0..<count { try skipText() }
            } else {
                guard let size = Self.sizes[element] else {
                    throw .malformed(.gguf, "an array of the type \(element)")
                }
                try skip(count * size)
            }
        default:
            guard let size = Self.sizes[type] else { throw .malformed(.gguf, "a value of the unknown type \(type)") }
            if key.elementsEqual("general.alignment".utf8) {
                guard type == 4 else { throw .malformed(.gguf, "the alignment is no 32-bit number") }
                alignment = try number(4)
                guard alignment >= 8, alignment <= 1 << 20, alignment.nonzeroBitCount == 1 else {
                    throw .malformed(.gguf, "an alignment of \(alignment)")
                }
            } else {
                try skip(size)
            }
        }
    }

    /// Chat templates are programs in Jinja, which some engines run with nothing around them: none needs Python's inside.
    private mutating func checkTemplate(_ template: [UInt8]) throws(Stop) {
        for word in [
            "__class__", "__globals__", "__builtins__", "__import__", "__subclasses__", "__mro__", "__base", "__init__",
        ]
        where template.contains(sequence: Array(word.utf8)) {
            findings.append(
                ScanFinding(
                    .templateCode, .danger, entry: entry, at: cursor.offset,
                    "the chat template reaches for \(word), which runs code in engines without a sandbox"))
            return
        }
    }

    private mutating func tensor(_ name: [UInt8]) throws(Stop) -> Range<UInt64> {
        let dimensions = try number(4)
        guard dimensions <= 4 else {
            throw .malformed(.gguf, "tensor \(String.shown(name)) has \(dimensions) dimensions")
        }
        var elements: UInt64 = 1
        var row: UInt64 = 1
        for index in 0..<dimensions {
            let dimension = try number(8)
            let (product, overflow) = elements.multipliedReportingOverflow(by: dimension)
            guard !overflow else { throw .malformed(.gguf, "tensor \(String.shown(name)) is larger than any file") }
            elements = product
            if index == 0 { row = dimension }
        }
        let type = try number(4)
        guard let (block, size) = Self.types[type] else {
            throw .malformed(.gguf, "tensor \(String.shown(name)) is of the unknown type \(type)")
        }
        guard row.isMultiple(of: block) else {
            throw .malformed(.gguf, "a row of tensor \(String.shown(name)) does not fill its blocks")
        }
        let offset = try number(8)
        let (bytes, overflow) = (elements / block).multipliedReportingOverflow(by: size)
        let (end, beyond) = offset.addingReportingOverflow(bytes)
        guard !overflow, !beyond else {
            throw .malformed(.gguf, "tensor \(String.shown(name)) is larger than any file")
        }
        return offset..<end
    }

    /// Tensors lie one after another, each at the next aligned place.
    private mutating func cover(_ extents: [Range<UInt64>]) throws(Stop) {
        let start = align(cursor.offset)
        guard !extents.isEmpty else {
            // A vocabulary alone has no tensors.
            guard cursor.size <= start else { throw .malformed(.trailingBytes, "bytes after a header without tensors") }
            return
        }
        var expected: UInt64 = 0
        for extent in extents.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            guard extent.lowerBound.isMultiple(of: alignment) else {
                throw .malformed(.gguf, "a tensor at \(extent.lowerBound), which is not aligned")
            }
            guard extent.lowerBound == expected else {
                throw .malformed(
                    extent.lowerBound < expected ? .overlap : .gap,
                    "a tensor at \(extent.lowerBound), where one at \(expected) would follow the one before")
            }
            guard start <= cursor.size, extent.upperBound <= cursor.size - start else {
                throw .malformed(.truncated, "a tensor ends at \(extent.upperBound), after the end of the file")
            }
            expected = align(extent.upperBound)
        }
        let end = extents.map(\.upperBound).max() ?? 0
        guard cursor.size - start == end || cursor.size - start == expected else {
            throw .malformed(.trailingBytes, "\(cursor.size - start - end) bytes after the last tensor")
        }
    }

    private func align(_ offset: UInt64) -> UInt64 {
        let (sum, overflow) = offset.addingReportingOverflow(alignment - 1)
        return overflow ? UInt64.max : sum / alignment * alignment
    }

    // MARK: Bytes

    private mutating func number(_ count: Int) throws(Stop) -> UInt64 {
        let number: UInt64?
        do { number = try cursor.little(count) } catch { throw .source(error) }
        guard let number else { throw .malformed(.truncated, "the header breaks off") }
        return number
    }

    private mutating func bytes(_ count: Int) throws(Stop) -> [UInt8] {
        let bytes: [UInt8]?
        do { bytes = try cursor.take(count) } catch { throw .source(error) }
        guard let bytes else { throw .malformed(.truncated, "the header breaks off") }
        return bytes
    }

    private mutating func skip(_ count: UInt64) throws(Stop) {
        let isThere: Bool
        do { isThere = try cursor.skip(count) } catch { throw .source(error) }
        guard isThere else { throw .malformed(.truncated, "the header breaks off") }
    }

    private mutating func text(limit: UInt64) throws(Stop) -> [UInt8] {
        let count = try number(8)
        guard count <= limit else { throw .malformed(.limit, "a text of \(count) bytes") }
        return try bytes(Int(count))
    }

    private mutating func skipText() throws(Stop) {
        let count = try number(8)
        guard count <= Limits.Scan.ggufTextBytes else { throw .malformed(.limit, "a text of \(count) bytes") }
        try skip(count)
    }

    /// Bytes of the scalar types, by number.
    private static let sizes: [UInt64: UInt64] = [
        0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8,
    ]

    /// Elements and bytes of a block of ggml's types, by number.
    private static let types: [UInt64: (UInt64, UInt64)] = [
        0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
        10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292), 16: (256, 66),
        17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
        24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54),
        35: (256, 66), 39: (32, 17),
    ]
}
