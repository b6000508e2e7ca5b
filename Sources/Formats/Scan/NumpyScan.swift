import WaggleProtocol

/// NumPy's array files (NEP 1): a header in Python's notation, then numbers, or a pickle where the elements are objects.
enum NumpyScan {
    static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    static func scan(_ source: any ByteSource, entry: String) throws(ByteSourceError) -> [ScanFinding] {
        func malformed(_ detail: String) -> [ScanFinding] {
            [ScanFinding(.npy, .malformed, entry: entry, detail)]
        }
        let prefix = try source.available(at: 0, count: 12)
        guard prefix.count >= 10, (1...3).contains(prefix[6]) else { return malformed("the version is unknown") }
        let wide = prefix[6] > 1
        guard prefix.count >= (wide ? 12 : 10) else { return malformed("the header breaks off") }
        let length = prefix[8..<(wide ? 12 : 10)].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = wide ? 12 : 10
        guard length <= Limits.Scan.npyHeaderBytes else { return malformed("a header of \(length) bytes") }
        let bytes = try source.available(at: UInt64(start), count: length)
        guard bytes.count == length else { return malformed("the header breaks off") }
        let header = String(decoding: bytes, as: UTF8.self)
        let data = UInt64(start + length)
        guard let description = value(of: "descr", in: header), let shapeText = value(of: "shape", in: header),
            let shape = shape(shapeText)
        else { return malformed("the header is unreadable") }
        if mayHoldObjects(description) {
            return try PickleScan(source.part(data..<source.size), entry: entry, persistence: .nobody).findings
        }
        guard let itemBytes = itemBytes(description) else { return [] }
        var total = itemBytes
        for dimension in shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: dimension)
            guard !overflow else { return malformed("an array larger than any file") }
            total = product
        }
        guard total == source.size - data else {
            return malformed("the array has \(total) bytes, and \(source.size - data) are there")
        }
        return []
    }

    /// The text after `'key':` up to the comma that ends it, brackets counted.
    private static func value(of key: String, in header: String) -> String? {
        var found: String?
        let bytes = Array(header.utf8)
        for quote in ["'", "\""] {
            let needle = Array("\(quote)\(key)\(quote):".utf8)
            guard bytes.count >= needle.count else { continue }
            for start in 0...(bytes.count - needle.count)
            where bytes[start..<start + needle.count].elementsEqual(needle) {
                // Twice is a header that two readers read differently.
                guard found == nil else { return nil }
                var depth = 0
                var value: [UInt8] = []
                for byte in bytes[(start + needle.count)...] {
                    if "([{".utf8.contains(byte) { depth += 1 }
                    if ")]}".utf8.contains(byte) { depth -= 1 }
                    if depth < 0 || depth == 0 && byte == UInt8(ascii: ",") { break }
                    value.append(byte)
                }
                found = String(decoding: value.filter { $0 != 0x20 }, as: UTF8.self)
            }
        }
        return found
    }

    private static func shape(_ text: String) -> [UInt64]? {
        guard text.hasPrefix("("), text.hasSuffix(")") else { return nil }
        var shape: [UInt64] = []
        for part in text.dropFirst().dropLast().split(separator: ",") {
            guard let dimension = UInt64(part.hasSuffix("L") ? part.dropLast() : part), shape.count < 64 else {
                return nil
            }
            shape.append(dimension)
        }
        return shape
    }

    /// A type whose letter is O, alone or as a field: `'|O'`, `[('a', 'O')]`. In doubt yes.
    private static func mayHoldObjects(_ description: String) -> Bool {
        let plain = description.filter { !"<>|='\"".contains($0) }
        return plain.hasPrefix("O") || description.hasPrefix("[") && plain.contains(",O")
            || !description.hasPrefix("'") && !description.hasPrefix("\"") && !description.hasPrefix("[")
    }

    private static func itemBytes(_ description: String) -> UInt64? {
        let plain = description.filter { !"<>|='\"".contains($0) }
        guard let letter = plain.first, "biufcSaV".contains(letter) || letter == "U" else { return nil }
        guard let size = UInt64(plain.dropFirst()) else { return nil }
        return letter == "U" ? size.multipliedReportingOverflow(by: 4).partialValue : size
    }
}
