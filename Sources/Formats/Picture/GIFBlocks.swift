/// The blocks of a GIF file (GIF89a, appendix B).
enum GIFBlocks {
    /// The file without comments, plain texts and application blocks other than the one that says how often it is shown.
    /// Nil for what is damaged.
    static func stripped(_ bytes: [UInt8]) -> [UInt8]? {
        let reader = BoundedBytes(bytes)
        guard reader.has("GIF87a", at: 0) || reader.has("GIF89a", at: 0), let flags = reader.big(10, 1) else {
            return nil
        }
        var offset = 13 + tableBytes(flags)
        guard offset <= bytes.count else { return nil }
        var output = Array(bytes[..<offset])
        output.reserveCapacity(bytes.count)
        while let kind = reader.big(offset, 1) {
            let start = offset
            switch kind {
            case 0x3b:
                output.append(0x3b)
                return output
            case 0x2c:
                guard let local = reader.big(offset + 9, 1) else { return nil }
                // Descriptor, table, size of codes.
                offset += 10 + tableBytes(local) + 1
                guard let end = endOfParts(reader, offset) else { return nil }
                output += bytes[start..<end]
                offset = end
            case 0x21:
                guard let label = reader.big(offset + 1, 1), let end = endOfParts(reader, offset + 2) else {
                    return nil
                }
                let repeats = reader.has("NETSCAPE2.0", at: offset + 3) || reader.has("ANIMEXTS1.0", at: offset + 3)
                if label == 0xf9 || label == 0xff && repeats { output += bytes[start..<end] }
                offset = end
            default: return nil
            }
        }
        return nil
    }

    private static func tableBytes(_ flags: Int) -> Int {
        flags & 0x80 == 0 ? 0 : 3 << (flags & 7 + 1)
    }

    /// Just after the empty part that ends a row of them.
    private static func endOfParts(_ reader: BoundedBytes, _ start: Int) -> Int? {
        var offset = start
        while let length = reader.big(offset, 1) {
            offset += 1 + length
            if length == 0 { return offset }
        }
        return nil
    }
}
