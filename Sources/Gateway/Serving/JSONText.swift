import FoundationEssentials
import Synchronization

/// JSON as the APIs send it: members in the order of their names, so that equal answers are equal bytes, and slashes as
/// they are.
///
/// The same bytes as `JSONEncoder` makes with `sortedKeys` and `withoutEscapingSlashes`, of values without dates and URLs.
/// That one puts a tree of everything together before it writes, which takes more than twice as long, with underscores three
/// times; here a value is written as it comes, and the members of an object are put in order where they stand when it ends.
enum JSONText {
    /// How the names of members are spelled.
    enum Names: Hashable {
        case asInSwift
        /// Lower case with underscores.
        case withUnderscores
    }

    /// - Throws: `EncodingError` for a number that JSON has no word for.
    static func bytes(of value: some Encodable, names: Names = .asInSwift) throws -> [UInt8] {
        var output = JSONOutput(names)
        // Encoders and containers are values that do not outlive the encoding of what they are handed to.
        try withUnsafeMutablePointer(to: &output) { try $0.write(value) }
        return output.finish()
    }
}

/// What was written of one text, and which of its objects and lists are open.
private struct JSONOutput {
    private struct Frame {
        let isObject: Bool
        /// Behind the bracket.
        let start: Int
        /// Of an object, among `members`.
        let firstMember: Int
        var count = 0
    }

    private(set) var bytes: [UInt8] = []
    private var frames: [Frame] = []
    /// Where the members of open objects begin.
    private var members: [Int] = []
    private var underscored: [String: String]?
    private var isNameNew = false
    // Room that sorting uses again.
    private var parts: [Range<Int>] = []
    private var sorted: [UInt8] = []

    /// How many objects and lists are open.
    var depth: Int { frames.count }

    /// Names of members as they are sent: few, because all come from the code.
    private static let known = Mutex<[String: String]>([:])

    init(_ names: JSONText.Names) {
        if names == .withUnderscores { underscored = Self.known.withLock { $0 } }
        bytes.reserveCapacity(4096)
    }

    mutating func finish() -> [UInt8] {
        if isNameNew, let underscored { Self.known.withLock { $0 = underscored } }
        // Many are kept: without the room that was left to grow.
        return bytes.withUnsafeBufferPointer { Array($0) }
    }

    // MARK: Values

    mutating func write(plain text: some StringProtocol) {
        bytes.append(contentsOf: text.utf8)
    }

    mutating func write(text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            var written = 0
            for index in utf8.indices {
                let byte = utf8[index]
                guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[written..<index]))
                escape(byte)
                written = index + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: utf8[written...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        case ..<0x20: write(plain: "u00\(byte < 0x10 ? "0" : "")\(String(byte, radix: 16))")
        default: bytes.append(byte)
        }
    }

    // MARK: Objects and lists

    /// Opens what the value at this depth is, unless it is open already.
    mutating func open(object isObject: Bool, at depth: Int) {
        close(to: depth + 1)
        guard frames.count == depth else { return }
        bytes.append(UInt8(ascii: isObject ? "{" : "["))
        frames.append(Frame(isObject: isObject, start: bytes.count, firstMember: members.count))
    }

    /// Begins the next element of a list.
    mutating func beginElement(of frame: Int) {
        close(to: frame + 1)
        if frames[frame].count > 0 { bytes.append(UInt8(ascii: ",")) }
        frames[frame].count += 1
    }

    /// Begins a member of an object; its value follows.
    mutating func beginMember(_ name: String, of frame: Int, keepsName: Bool) {
        beginElement(of: frame)
        members.append(bytes.count)
        write(text: keepsName ? name : spelled(name))
        bytes.append(UInt8(ascii: ":"))
    }

    mutating func close(to depth: Int) {
        while frames.count > depth, let frame = frames.popLast() {
            if frame.isObject { sortMembers(of: frame) }
            bytes.append(UInt8(ascii: frame.isObject ? "}" : "]"))
        }
    }

    private mutating func sortMembers(of frame: Frame) {
        parts.removeAll(keepingCapacity: true)
        for index in frame.firstMember..<members.count {
            // The next one stands behind a comma.
            let end = index + 1 < members.count ? members[index + 1] - 1 : bytes.count
            parts.append(members[index]..<end)
        }
        members.removeLast(parts.count)
        guard parts.count > 1 else { return }
        bytes.withUnsafeBufferPointer { text in parts.sort { Self.precedes(text, $0, $1) } }
        sorted.removeAll(keepingCapacity: true)
        for part in parts {
            if !sorted.isEmpty { sorted.append(UInt8(ascii: ",")) }
            sorted.append(contentsOf: bytes[part])
        }
        bytes.removeLast(bytes.count - frame.start)
        bytes.append(contentsOf: sorted)
    }

    /// Whether the name of one member comes before that of another. The mark at its end comes before any letter.
    private static func precedes(_ text: UnsafeBufferPointer<UInt8>, _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        text[left].lexicographicallyPrecedes(text[right])
    }

    // MARK: Names

    private mutating func spelled(_ name: String) -> String {
        guard let underscored else { return name }
        if let known = underscored[name] { return known }
        let spelled = OneMember.underscored(name)
        self.underscored?[name] = spelled
        isNameNew = true
        return spelled
    }
}

extension UnsafeMutablePointer<JSONOutput> {
    func write<Value: Encodable>(_ value: Value) throws {
        if let scalar = value as? any JSONScalar { return try scalar.write(to: &pointee) }
        let (depth, start) = (pointee.depth, pointee.bytes.count)
        let keepsNames = Value.self is any KeyedByText.Type
        try value.encode(to: JSONValueEncoder(output: self, depth: depth, keepsNames: keepsNames))
        pointee.close(to: depth)
        // A type without members says nothing by itself.
        if pointee.bytes.count == start { pointee.write(plain: "{}") }
    }
}

/// An object with one member, to ask `JSONEncoder` how it spells a name.
private struct OneMember: Encodable {
    struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    let name: String

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(0, forKey: Key(stringValue: name))
    }

    static func underscored(_ name: String) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        guard let data = try? encoder.encode(OneMember(name: name)),
            let names = try? JSONDecoder().decode([String: Int].self, from: data).keys
        else { return name }
        return names.first ?? name
    }
}

/// Dictionaries whose keys are members as they are, and no names of properties.
private protocol KeyedByText {}

extension Dictionary: KeyedByText where Key == String {}

// MARK: Scalars

/// What is written without asking it for its parts.
private protocol JSONScalar {
    func write(to output: inout JSONOutput) throws
}

extension String: JSONScalar {
    fileprivate func write(to output: inout JSONOutput) { output.write(text: self) }
}

extension Bool: JSONScalar {
    fileprivate func write(to output: inout JSONOutput) { output.write(plain: self ? "true" : "false") }
}

extension Data: JSONScalar {
    fileprivate func write(to output: inout JSONOutput) { output.write(text: base64EncodedString()) }
}

extension JSONScalar where Self: FixedWidthInteger {
    fileprivate func write(to output: inout JSONOutput) { output.write(plain: String(self)) }
}

extension Int: JSONScalar {}
extension Int8: JSONScalar {}
extension Int16: JSONScalar {}
extension Int32: JSONScalar {}
extension Int64: JSONScalar {}
extension UInt: JSONScalar {}
extension UInt8: JSONScalar {}
extension UInt16: JSONScalar {}
extension UInt32: JSONScalar {}
extension UInt64: JSONScalar {}

extension JSONScalar where Self: BinaryFloatingPoint & CustomStringConvertible & Encodable {
    fileprivate func write(to output: inout JSONOutput) throws {
        guard isFinite else {
            throw EncodingError.invalidValue(
                self, EncodingError.Context(codingPath: [], debugDescription: "JSON has no word for \(description)"))
        }
        let text = description
        output.write(plain: text.hasSuffix(".0") ? text.dropLast(2) : text[...])
    }
}

extension Double: JSONScalar {}
extension Float: JSONScalar {}

// MARK: Containers

private struct JSONValueEncoder: Encoder {
    let output: UnsafeMutablePointer<JSONOutput>
    let depth: Int
    var keepsNames = false

    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        output.pointee.open(object: true, at: depth)
        return KeyedEncodingContainer(JSONObject<Key>(output: output, frame: depth, keepsNames: keepsNames))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        output.pointee.open(object: false, at: depth)
        return JSONList(output: output, frame: depth)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { JSONValue(output: output) }
}

private struct JSONValue: SingleValueEncodingContainer {
    let output: UnsafeMutablePointer<JSONOutput>
    var codingPath: [any CodingKey] { [] }

    func encodeNil() { output.pointee.write(plain: "null") }
    func encode<Value: Encodable>(_ value: Value) throws { try output.write(value) }
}

private struct JSONList: UnkeyedEncodingContainer {
    let output: UnsafeMutablePointer<JSONOutput>
    let frame: Int
    private(set) var count = 0
    var codingPath: [any CodingKey] { [] }

    init(output: UnsafeMutablePointer<JSONOutput>, frame: Int) {
        (self.output, self.frame) = (output, frame)
    }

    private mutating func begin() {
        output.pointee.beginElement(of: frame)
        count += 1
    }

    mutating func encodeNil() {
        begin()
        output.pointee.write(plain: "null")
    }

    mutating func encode<Value: Encodable>(_ value: Value) throws {
        begin()
        try output.write(value)
    }

    private mutating func next() -> JSONValueEncoder {
        begin()
        return JSONValueEncoder(output: output, depth: frame + 1)
    }

    mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        next().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }
    mutating func superEncoder() -> any Encoder { next() }
}

private struct JSONObject<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let output: UnsafeMutablePointer<JSONOutput>
    let frame: Int
    let keepsNames: Bool
    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) {
        begin(key.stringValue)
        output.pointee.write(plain: "null")
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        begin(key.stringValue)
        try output.write(value)
    }

    // What most members are, without asking what they are.
    func encode(_ value: String, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Bool, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: Int32, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt32, forKey key: Key) throws { try write(value, key) }
    func encode(_ value: UInt64, forKey key: Key) throws { try write(value, key) }

    private func write(_ value: some JSONScalar, _ key: Key) throws {
        begin(key.stringValue)
        try value.write(to: &output.pointee)
    }

    private func begin(_ name: String) {
        output.pointee.beginMember(name, of: frame, keepsName: keepsNames)
    }

    private func next(_ name: String) -> JSONValueEncoder {
        begin(name)
        return JSONValueEncoder(output: output, depth: frame + 1)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        next(key.stringValue).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        next(key.stringValue).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { next("super") }
    func superEncoder(forKey key: Key) -> any Encoder { next(key.stringValue) }
}
