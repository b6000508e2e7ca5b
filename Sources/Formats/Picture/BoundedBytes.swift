/// Reads that end in nil instead of past the end.
struct BoundedBytes {
    let bytes: ArraySlice<UInt8>
    let isBigEndian: Bool

    init(_ bytes: ArraySlice<UInt8>, isBigEndian: Bool = true) {
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// The bytes from `offset` on; nil unless all of them are there.
    func slice(_ offset: Int, _ count: Int) -> ArraySlice<UInt8>? {
        guard offset >= 0, count >= 0, offset <= bytes.count, count <= bytes.count - offset else { return nil }
        return bytes[bytes.startIndex + offset..<bytes.startIndex + offset + count]
    }

    func has(_ word: String, at offset: Int) -> Bool {
        slice(offset, word.utf8.count)?.elementsEqual(word.utf8) ?? false
    }

    func big(_ offset: Int, _ count: Int) -> Int? {
        slice(offset, count)?.reduce(0) { $0 << 8 | Int($1) }
    }

    func little(_ offset: Int, _ count: Int) -> Int? {
        slice(offset, count)?.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// In the order of bytes that the file chose.
    func number(_ offset: Int, _ count: Int) -> Int? {
        isBigEndian ? big(offset, count) : little(offset, count)
    }
}
