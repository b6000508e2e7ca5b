public import FoundationEssentials

/// Entries of a log as its tiles of entries have them (C2SP tlog-tiles): each behind its length in two bytes.
public enum EntryBundle {
    public static func encode(_ entries: [Data]) -> Data {
        var bytes = Data(capacity: entries.reduce(0) { $0 + $1.count + 2 })
        for entry in entries {
            bytes.append(UInt8(truncatingIfNeeded: entry.count >> 8))
            bytes.append(UInt8(truncatingIfNeeded: entry.count))
            bytes.append(entry)
        }
        return bytes
    }

    /// Nil unless the bytes are `count` whole entries.
    public static func decode(_ bytes: Data, count: Int) -> [Data]? {
        var entries: [Data] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count > 2, entries.count < count else { return nil }
            let length = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard length > 0, length <= rest.count else { return nil }
            entries.append(Data(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return entries.count == count ? entries : nil
    }
}
