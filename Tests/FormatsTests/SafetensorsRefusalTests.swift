import Testing

@testable import Formats

/// Headers by the thousand, sound and broken in one known place: the reader and the scanner say the same of each.
@Suite("safetensors header, refusals")
struct SafetensorsRefusalTests {
    /// A header, the bytes of its tensors, and why it is refused.
    private static let corpus: [(String, Int, SafetensorsError)] = {
        let fields = #""dtype":"U8","shape":[4],"data_offsets":[0,4]"#
        func typed(_ text: String) -> String { #"{"t":{"dtype":"\#(text)","shape":[4],"data_offsets":[0,8]}}"# }
        func shaped(_ text: String) -> String { #"{"t":{"dtype":"U8","shape":\#(text),"data_offsets":[0,4]}}"# }
        func placed(_ text: String) -> String { #"{"t":{"dtype":"U8","shape":[4],"data_offsets":\#(text)}}"# }
        func unexpected(_ byte: UInt8, _ offset: Int) -> SafetensorsError {
            .malformedJSON(.unexpectedByte(byte, offset: offset))
        }
        return [
            ("{\"t\":{\(fields)},}", 4, unexpected(0x7d, 53)),
            ("{\"t\":{\(fields)} \"u\":{}}", 4, unexpected(0x22, 53)),
            ("{\"t\":{\(fields),}}", 4, unexpected(0x7d, 52)),
            ("{\"t\" {\(fields)}}", 4, unexpected(0x7b, 5)),
            ("{t:{}}", 0, unexpected(0x74, 1)),
            ("{\"t\":{\(fields)}", 4, .malformedJSON(.unexpectedEnd)),
            ("{\"t", 0, .malformedJSON(.unexpectedEnd)),
            ("{\"t\\", 0, .malformedJSON(.unexpectedEnd)),
            ("{\"t\u{b}\":{}}", 0, unexpected(0xb, 3)),
            ("{\u{b}\"t\":{}}", 0, unexpected(0xb, 1)),
            ("{\"t\n\":{}}", 0, unexpected(0xa, 3)),
            (#"{"\u12":{}}"#, 0, unexpected(0x22, 6)),
            (#"{"\x":{}}"#, 0, unexpected(0x78, 3)),
            (#"{"\ud800":{}}"#, 0, .malformedJSON(.loneSurrogate(offset: 2))),
            (#"{"\udc00\ud800":{}}"#, 0, .malformedJSON(.loneSurrogate(offset: 2))),
            (#"{"__metadata__":{"a":"\ud83d"}}"#, 0, .malformedJSON(.loneSurrogate(offset: 22))),
            (#"{"\u005f_metadata__":[]}"#, 0, .metadataNotAnObject),
            (#"{"__metadata__":{},"\u005f_metadata__":{}}"#, 0, .duplicateMetadata),
            ("{\"t\":{\(fields),\"x\":tru}}", 4, unexpected(0x7d, 59)),
            (
                "{\"t\":{\(fields),\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}}", 4,
                .malformedJSON(.tooDeep(offset: 70, limit: 16))
            ),
            ("{\"t\":{\(fields),\"\\u0064type\":\"U8\"}}", 4, .duplicateField("dtype", tensor: "t")),
            ("{\"t\":{\(fields),\"data_offsets\":[0,4]}}", 4, .duplicateField("data_offsets", tensor: "t")),
            ("{\"é\":{\(fields)},\"\\u00e9\":{\(fields)}}", 4, .duplicateTensor("é")),
            (typed("F16\\u0000"), 8, .unknownDType("F16\u{0}", tensor: "t")),
            (typed("\\u0000F16"), 8, .unknownDType("\u{0}F16", tensor: "t")),
            (typed("f16"), 8, .unknownDType("f16", tensor: "t")),
            (typed(""), 8, .unknownDType("", tensor: "t")),
            (typed("F8_E4M3FNUZFNUZFNUZ"), 8, .unknownDType("F8_E4M3FNUZFNUZFNUZ", tensor: "t")),
            (shaped("[4,]"), 4, unexpected(0x5d, 30)),
            (shaped("[04]"), 4, unexpected(0x34, 29)),
            (shaped("[+4]"), 4, .badField("shape", tensor: "t")),
            (shaped("[NaN]"), 4, .badField("shape", tensor: "t")),
            (shaped("4"), 4, .badField("shape", tensor: "t")),
            (
                shaped("[99999999999999999999999]"), 4,
                .badDimension("99999999999999999999999", tensor: "t")
            ),
            (placed("[0,4.]"), 4, unexpected(0x5d, 51)),
            (placed("{}"), 4, .badField("data_offsets", tensor: "t")),
            (placed("[0,18446744073709551619]"), 4, .badOffsets(tensor: "t")),
            (
                "{\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[2,2]},\"a\":{\(fields)}}", 4,
                .overlap(tensor: "b", expected: 4, offset: 2)
            ),
        ]
    }()

    /// What the reader and, in its words, the scanner say of a file; nil for a sound one.
    private func refusal(_ json: [UInt8], fileSize: Int) throws -> SafetensorsError? {
        var refusal: SafetensorsError?
        do { _ = try SafetensorsHeader(json: json, fileSize: UInt64(fileSize)) } catch { refusal = error }
        let length = withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) }
        let data = [UInt8](repeating: 0, count: max(0, fileSize - 8 - json.count))
        // Found by its name where the bytes do not look like a header.
        let report = try FileScan.scan(BytesInMemory(length + json + data), name: "a.safetensors")
        let found = report.findings.first { $0.code == .safetensors }
        #expect(found?.detail == refusal.map { "\($0)" }, "\(String(decoding: json, as: UTF8.self))")
        #expect(refusal == nil || report.verdict != .safe)
        return refusal
    }

    @Test("each broken header is refused for what is wrong with it, at its place")
    func refusals() throws {
        for (json, data, expected) in Self.corpus {
            #expect(try refusal(json.bytes, fileSize: 8 + json.utf8.count + data) == expected, "\(json)")
        }
    }

    /// A tensor as it is to be read.
    private struct Expected: Equatable {
        var name: String
        var dtype: SafetensorsDType
        var shape: [UInt64]
        var offsets: Range<UInt64>

        func json(_ random: inout Seeded) -> String {
            let space = { (random: inout Seeded) in random.pick(["", "", " ", "\n\t", "\r "]) }
            var fields = [
                "\"dtype\"\(space(&random)):\"\(dtype.rawValue)\"",
                "\"shape\":[\(shape.map { "\(space(&random))\($0)" }.joined(separator: ","))]",
                "\"data_offsets\":[\(offsets.lowerBound)\(space(&random)),\(offsets.upperBound)]",
            ]
            if random.chance(1, in: 4) { fields.append(#""note":{"a":[1,null,"\u00e9"],"a":-2.5e3}"#) }
            fields.shuffle(using: &random)
            return "\(Self.quoted(name, &random)):{\(fields.joined(separator: "," + space(&random)))}"
        }

        /// Any letter may be written as an escape.
        private static func quoted(_ name: String, _ random: inout Seeded) -> String {
            guard random.chance(1, in: 3) else { return JSONValue.quoted(name) }
            let units = name.utf16.map { unit in
                let digits = String(unit, radix: 16)
                return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
            return "\"\(units.joined())\""
        }
    }

    /// Up to 40 tensors that lie one after another, some without bytes.
    private func tensors(_ random: inout Seeded) -> [Expected] {
        var offset: UInt64 = 0
        return (0..<random.below(40)).map { index in
            let dtype = random.pick(SafetensorsDType.allCases)
            let shape = (0..<random.below(4)).map { _ in UInt64(random.below(4)) } + [8]
            let size = shape.reduce(dtype.bits, *) / 8
            defer { offset += size }
            let name = random.text(upTo: 6, from: ["a", ".", "é", "🐝", "\u{301}", "\\", "\""])
            return Expected(name: "\(name)\(index)", dtype: dtype, shape: shape, offsets: offset..<offset + size)
        }
    }

    private func json(_ tensors: [Expected], _ random: inout Seeded) -> String {
        var members = tensors.map { $0.json(&random) }
        if random.chance(1, in: 2) { members.append(#""__metadata__":{"a":"\ud83d\udc1d","b":""}"#) }
        members.shuffle(using: &random)
        return "{\(members.joined(separator: ","))}\(random.pick(["", "   ", "\n"]))"
    }

    @Test("a random sound header is read as it was meant, in any order and spelling", arguments: UInt64(1)...200)
    func sound(seed: UInt64) throws {
        var random = Seeded(seed)
        let expected = tensors(&random)
        let data = expected.last.map { Int($0.offsets.upperBound) } ?? 0
        let text = json(expected, &random)
        #expect(try refusal(text.bytes, fileSize: 8 + text.utf8.count + data) == nil, "seed \(seed)")
        let header = try header(text, data: data)
        #expect(header.tensors.count == expected.count, "seed \(seed)")
        for tensor in header.tensors {
            let lower = tensor.bytes.lowerBound - header.dataStart
            let upper = tensor.bytes.upperBound - header.dataStart
            let read = Expected(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, offsets: lower..<upper)
            #expect(expected.contains(read), "seed \(seed)")
            #expect(tensor.elements == tensor.shape.reduce(1, *), "seed \(seed)")
        }
    }

    @Test("one wrong number or name in a random header is found", arguments: UInt64(1)...200)
    func broken(seed: UInt64) throws {
        var random = Seeded(seed)
        var tensors = tensors(&random) + [Expected(name: "end", dtype: .u8, shape: [8], offsets: 0..<8)]
        let data = tensors.dropLast().last.map(\.offsets.upperBound) ?? 0
        tensors[tensors.count - 1].offsets = data..<data + 8
        let place = random.below(tensors.count)
        var end = Int(data) + 8
        switch random.below(5) {
        case 0: tensors[place].shape = [UInt64(tensors[place].offsets.count) * 8 / tensors[place].dtype.bits + 8]
        case 1:
            let offsets = tensors[place].offsets
            tensors[place].offsets = offsets.lowerBound..<offsets.upperBound + 1
        case 2: tensors.append(Expected(name: tensors[place].name, dtype: .u8, shape: [0], offsets: data..<data))
        case 3:
            // The last one has bytes, so that a step to either side leaves a gap or overlaps.
            let step: UInt64 = random.chance(1, in: 2) || data == 0 ? data + 1 : data - 1
            tensors[tensors.count - 1].offsets = step..<step + 8
            end = Int(step) + 8
        default: end += random.chance(1, in: 2) ? 1 : -1
        }
        let text = json(tensors, &random)
        #expect(try refusal(text.bytes, fileSize: 8 + text.utf8.count + end) != nil, "seed \(seed)")
    }

    @Test("of random edits of a header the reader and the scanner say the same", arguments: UInt64(1)...40)
    func edited(seed: UInt64) throws {
        var random = Seeded(seed)
        let expected = tensors(&random)
        let data = expected.last.map { Int($0.offsets.upperBound) } ?? 0
        let text = json(expected, &random).bytes
        for _ in 0..<50 {
            let bytes = random.mutated(text)
            guard bytes.first == UInt8(ascii: "{"), bytes.count >= 2 else { continue }
            _ = try refusal(bytes, fileSize: 8 + bytes.count + data)
        }
    }

    @Test("the end record of an archive is found wherever it lies in a file of another form")
    func endRecords() throws {
        let record = Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 16)
        for comment in [0, 1, 300, 65_535] {
            let file =
                Array("GGUF".utf8) + [UInt8](repeating: 1, count: 70_000) + record
                + [UInt8(comment & 0xff), UInt8(comment >> 8)] + [UInt8](repeating: 0x50, count: comment)
            #expect(try ZIPDirectory.hasEnd(BytesInMemory(file)), "\(comment)")
            #expect(try !ZIPDirectory.hasEnd(BytesInMemory(file + [0])), "\(comment)")
        }
        #expect(try !ZIPDirectory.hasEnd(BytesInMemory([])))
        #expect(try !ZIPDirectory.hasEnd(BytesInMemory(record)))
        #expect(try ZIPDirectory.hasEnd(BytesInMemory(record + [0, 0])))
    }
}
