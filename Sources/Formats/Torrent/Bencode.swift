import WaggleProtocol

/// A bencoded value (BEP 3). Texts are bytes, as keys are: nothing says that they are UTF-8.
public enum Bencode: Hashable, Sendable {
    case integer(Int64)
    case bytes([UInt8])
    case list([Bencode])
    /// Keys in bytewise order, each once. `dictionary(_:)` makes them so.
    case sorted([BencodeMember])

    /// A dictionary of these members, in whatever order they are given. Of two with one key the later counts.
    public static func dictionary(_ members: [(String, Bencode)]) -> Bencode {
        var values: [[UInt8]: Bencode] = [:]
        for (key, value) in members { values[Array(key.utf8)] = value }
        return .sorted(
            values.map { BencodeMember(key: $0.key, value: $0.value) }
                .sorted { $0.key.lexicographicallyPrecedes($1.key) })
    }

    /// The UTF-8 of a text.
    public static func text(_ text: String) -> Bencode { .bytes(Array(text.utf8)) }

    /// The value of a key; nil for what is no dictionary or has no such key.
    public subscript(key: String) -> Bencode? {
        guard case .sorted(let members) = self else { return nil }
        let key = Array(key.utf8)
        return members.first { $0.key == key }?.value
    }

    // MARK: Writing

    /// The one byte string that stands for the value.
    public var encoded: [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    private func write(to output: inout [UInt8]) {
        switch self {
        case .integer(let value): output += Array("i\(value)e".utf8)
        case .bytes(let bytes): Self.write(bytes, to: &output)
        case .list(let items):
            output.append(UInt8(ascii: "l"))
            for item in items { item.write(to: &output) }
            output.append(UInt8(ascii: "e"))
        case .sorted(let members):
            output.append(UInt8(ascii: "d"))
            for member in members {
                Self.write(member.key, to: &output)
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "e"))
        }
    }

    private static func write(_ bytes: [UInt8], to output: inout [UInt8]) {
        output += Array("\(bytes.count):".utf8)
        output += bytes
    }
}

/// A key and its value.
public struct BencodeMember: Hashable, Sendable {
    public let key: [UInt8]
    public let value: Bencode

    public init(key: [UInt8], value: Bencode) {
        self.key = key
        self.value = value
    }
}

// MARK: - Reading

/// Why bytes are not bencoded. Offsets count from their start.
public enum BencodeError: Error, Hashable, Sendable {
    /// The bytes end inside a value, or a length says more than there are.
    case cut(offset: Int)
    /// No value begins like this.
    case unexpected(offset: Int)
    /// A number with a leading zero, a lone minus, or one that does not fit in 64 bits.
    case badNumber(offset: Int)
    /// A key that does not come after the one before: the same value could be written in two ways.
    case keyOrder(offset: Int)
    /// Bytes after the value.
    case trailing(offset: Int)
    case tooDeep(limit: Int)
    case tooManyValues(limit: Int)
    case tooLarge(bytes: Int, limit: Int)
}

extension Bencode {
    /// Reads a whole byte string. Only the canonical form is taken, so that writing gives the same bytes again.
    public init(_ bytes: [UInt8]) throws(BencodeError) {
        let limit = Limits.Torrent.bytes
        guard bytes.count <= limit else { throw .tooLarge(bytes: bytes.count, limit: limit) }
        var reader = BencodeReader(bytes)
        self = try reader.value(depth: 0)
        guard reader.at == bytes.count else { throw .trailing(offset: reader.at) }
    }
}

private struct BencodeReader {
    let bytes: [UInt8]
    private(set) var at = 0
    private var valuesLeft = Limits.Torrent.values

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func value(depth: Int) throws(BencodeError) -> Bencode {
        guard depth <= Limits.Torrent.depth else { throw .tooDeep(limit: Limits.Torrent.depth) }
        guard valuesLeft > 0 else { throw .tooManyValues(limit: Limits.Torrent.values) }
        valuesLeft -= 1
        switch try peek() {
        case UInt8(ascii: "i"):
            at += 1
            return .integer(try number(until: UInt8(ascii: "e")))
        case UInt8(ascii: "l"):
            at += 1
            var items: [Bencode] = []
            while try !end() { items.append(try value(depth: depth + 1)) }
            return .list(items)
        case UInt8(ascii: "d"):
            at += 1
            var members: [BencodeMember] = []
            while try !end() {
                let start = at
                let key = try text()
                if let last = members.last, !last.key.lexicographicallyPrecedes(key) { throw .keyOrder(offset: start) }
                members.append(BencodeMember(key: key, value: try value(depth: depth + 1)))
            }
            return .sorted(members)
        default: return .bytes(try text())
        }
    }

    private func peek() throws(BencodeError) -> UInt8 {
        guard at < bytes.count else { throw .cut(offset: at) }
        return bytes[at]
    }

    /// Steps over the end of a list or dictionary, if that comes next.
    private mutating func end() throws(BencodeError) -> Bool {
        guard try peek() == UInt8(ascii: "e") else { return false }
        at += 1
        return true
    }

    private mutating func text() throws(BencodeError) -> [UInt8] {
        let start = at
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(try peek()) else { throw .unexpected(offset: at) }
        let length = try number(until: UInt8(ascii: ":"))
        guard length <= Int64(bytes.count - at) else { throw .cut(offset: start) }
        defer { at += Int(length) }
        return Array(bytes[at..<at + Int(length)])
    }

    /// A number in decimal, and the byte that ends it.
    private mutating func number(until last: UInt8) throws(BencodeError) -> Int64 {
        let start = at
        // "-9223372036854775808" is the longest.
        let reach = bytes[start...].prefix(21)
        guard let stop = reach.firstIndex(of: last) else {
            throw reach.count < 21 ? .cut(offset: start) : .badNumber(offset: start)
        }
        let digits = bytes[start..<stop]
        let text = String(decoding: digits, as: UTF8.self)
        // Swift reads "+1" and "007" too; what is written again must be the same.
        guard let value = Int64(text), String(value) == text else { throw .badNumber(offset: start) }
        at = stop + 1
        return value
    }
}
