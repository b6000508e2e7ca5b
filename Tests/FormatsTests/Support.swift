import Digests
import Formats

/// A reproducible source of randomness (SplitMix64): a failing test names its seed.
struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }

    mutating func below(_ limit: Int) -> Int {
        Int.random(in: 0..<limit, using: &self)
    }

    mutating func chance(_ part: Int, in whole: Int) -> Bool {
        below(whole) < part
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[below(elements.count)]
    }

    /// Text of scalars that break parsers.
    mutating func text(upTo limit: Int, from alphabet: [Unicode.Scalar]) -> String {
        var view = String.UnicodeScalarView()
        for _ in 0..<below(limit + 1) { view.append(pick(alphabet)) }
        return String(view)
    }

    /// `bytes` after a few random edits: flips, inserts, removals, copies, and interesting numbers.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0...below(4) {
            let at = below(bytes.count + 1)
            switch below(6) {
            case 0 where at < bytes.count: bytes[at] ^= 1 << UInt8(below(8))
            case 1 where at < bytes.count: bytes[at] = UInt8(below(256))
            case 2: bytes.insert(contentsOf: (0..<below(9)).map { _ in UInt8(below(256)) }, at: at)
            case 3 where at < bytes.count: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(16)))
            case 4 where at < bytes.count:
                let copy = Array(bytes[at..<min(bytes.count, at + below(40))])
                bytes.insert(contentsOf: copy, at: below(bytes.count + 1))
            default:
                let words = [
                    "-1", "18446744073709551615", "1e9", "null", "{", "[", "\"", "\\ud800", "__metadata__", "NaN",
                ]
                bytes.insert(contentsOf: Array(pick(words).utf8), at: at)
            }
        }
        return bytes
    }
}

extension String {
    var bytes: [UInt8] { Array(utf8) }
}

/// Header JSON as in a file of exactly the size that the header and `data` bytes of tensors need.
func header(_ json: String, data: Int) throws(SafetensorsError) -> SafetensorsHeader {
    try SafetensorsHeader(json: json.bytes, fileSize: UInt64(8 + json.utf8.count + data))
}

/// A header of tensors with the given shapes, all F16.
func header(
    _ tensors: [(String, [UInt64])], metadata: [String: String] = [:]
) throws(SafetensorsError) -> SafetensorsHeader {
    try SafetensorsWriter.header(
        tensors: tensors.map { SafetensorsWriter.Tensor($0.0, .f16, $0.1) }, metadata: metadata
    ).header
}

func bigEndian(_ value: UInt32) -> [UInt8] {
    withUnsafeBytes(of: value.bigEndian) { Array($0) }
}

/// A PNG chunk with its checksum.
func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = type.bytes + data
    var checksum = CRC32()
    body.withUnsafeBytes { checksum.update($0) }
    return bigEndian(UInt32(data.count)) + body + bigEndian(checksum.value)
}

let pngSignature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/// A PNG file of one grey pixel, with chunks before and after its image data.
func png(before: [[UInt8]] = [], after: [[UInt8]] = [], width: UInt32 = 1, height: UInt32 = 1) -> [UInt8] {
    let header = bigEndian(width) + bigEndian(height) + [8, 0, 0, 0, 0]
    // zlib stream of a filter byte and a pixel, stored.
    let image: [UInt8] = [0x78, 0x01, 0x01, 0x02, 0x00, 0xfd, 0xff, 0x00, 0x80, 0x00, 0x82, 0x00, 0x81]
    return pngSignature + chunk("IHDR", header) + before.flatMap(\.self) + chunk("IDAT", image)
        + after.flatMap(\.self) + chunk("IEND", [])
}
