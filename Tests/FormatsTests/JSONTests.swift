import Formats
import Testing

@Suite("JSON reader")
struct JSONTests {
    private func strict(_ text: String, depth: Int = 8, values: Int = 100) throws -> JSONValue {
        try JSONValue(strict: text.bytes, maximumBytes: 4096, depth: depth, values: values)
    }

    private func python(_ text: String) throws -> JSONValue {
        try JSONValue(python: text.bytes, maximumBytes: 4096, depth: 8, values: 100)
    }

    @Test("order, duplicates and digits are kept")
    func verbatim() throws {
        let value = try strict(#" {"b": 18446744073709551615, "a": [1.50, -0, true, null], "b": "x"} "#)
        #expect(value.object?.map(\.key) == ["b", "a", "b"])
        #expect(value.object?[0].value == .number("18446744073709551615"))
        #expect(value.object?[0].value.uint64 == .max)
        #expect(value["a"]?.array == [.number("1.50"), .number("-0"), .bool(true), .null])
        #expect(value["b"] == .string("x"), "the last of a key counts")
        #expect(try strict(value.text) == value)
    }

    @Test("escapes are read and written")
    func escapes() throws {
        #expect(try strict(#""\u0041\n\"\\\/\ud83d\udc1d\b""#).string == "A\n\"\\/🐝\u{8}")
        let nasty = "\u{0}\u{1f}\"\\/🐝é\u{7f}\r\n"
        #expect(try strict(JSONValue.quoted(nasty)).string == nasty)
    }

    @Test(
        "what is no JSON is refused",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a:1}", "01", "1.", ".5", "1e", "+1", "-", "tru",
            "\"\n\"", "\"\\x\"",
            "\"", "\"\\u12\"", "1 2", "NaN", "[Infinity]", "{\"a\":1 \"b\":2}", "\u{b}1", "[,1]", "{,}", "\"\\ud800\"",
            "nul",
        ])
    func malformed(_ text: String) {
        #expect(throws: JSONError.self) { try strict(text) }
    }

    @Test("Python's additions are read in its grammar only")
    func pythonGrammar() throws {
        #expect(try python("[NaN, -Infinity, Infinity]").array?.count == 3)
        #expect(try python("NaN").double == nil)
        #expect(try python(#""\ud800x\udc00\ud800\ud800""#).string == "\u{fffd}x\u{fffd}\u{fffd}\u{fffd}")
        #expect(throws: JSONError.loneSurrogate(offset: 1)) { try strict(#""\ud800\ud800""#) }
    }

    @Test(
        "bytes that are not UTF-8 are refused", arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f]])
    func notUTF8(_ bytes: [UInt8]) {
        #expect(throws: JSONError.notUTF8(offset: 1)) {
            try JSONValue(python: [0x22] + bytes + [0x22], maximumBytes: 100, depth: 1, values: 1)
        }
    }

    @Test("length, depth and number of values are bounded")
    func limits() throws {
        #expect(throws: JSONError.tooDeep(offset: 8, limit: 8)) { try strict(String(repeating: "[", count: 4000)) }
        #expect(try strict("[[[[[[[[]]]]]]]]").array?.count == 1)
        #expect(throws: JSONError.tooManyValues(limit: 100)) {
            try strict("[" + String(repeating: "0,", count: 200) + "0]")
        }
        #expect(throws: JSONError.tooLong(bytes: 5000, limit: 4096)) { try strict(String(repeating: " ", count: 5000)) }
    }

    @Test("a number with a million digits is kept and costs nothing")
    func longNumber() throws {
        let digits = String(repeating: "9", count: 1 << 20)
        let value = try JSONValue(strict: digits.bytes, maximumBytes: 1 << 21, depth: 1, values: 1)
        #expect(value == .number(digits))
        #expect(value.double == nil)
        #expect(value.uint64 == nil)
    }

    @Test("values survive writing and reading", arguments: UInt64(1)...200)
    func roundTrip(seed: UInt64) throws {
        var random = Seeded(seed)
        let value = randomValue(&random, depth: 4)
        let read = try JSONValue(strict: value.text.bytes, maximumBytes: 1 << 20, depth: 8, values: 10_000)
        #expect(read == value, "seed \(seed)")
    }

    private func randomValue(_ random: inout Seeded, depth: Int) -> JSONValue {
        let alphabet: [Unicode.Scalar] = ["a", "\"", "\\", "\n", "\u{0}", "🐝", "é", "\u{301}", "{", ","]
        switch random.below(depth > 0 ? 6 : 4) {
        case 0: return .null
        case 1: return .bool(random.chance(1, in: 2))
        case 2: return .number(random.pick(["0", "-1", "1.5e-7", "18446744073709551615"]))
        case 3: return .string(random.text(upTo: 8, from: alphabet))
        case 4: return .array((0..<random.below(4)).map { _ in randomValue(&random, depth: depth - 1) })
        default:
            return .object(
                (0..<random.below(4)).map { _ in
                    JSONMember(random.text(upTo: 4, from: alphabet), randomValue(&random, depth: depth - 1))
                })
        }
    }

    @Test("random edits of JSON never crash the reader", arguments: UInt64(1)...20)
    func fuzz(seed: UInt64) {
        var random = Seeded(seed)
        let base = #"{"a":[1,-2.5e3,"x\u00e9\ud83d\udc1d"],"b":{"c":null,"d":[true,false,NaN]}}"#.bytes
        for _ in 0..<500 {
            let bytes = random.mutated(base)
            let strict = try? JSONValue(strict: bytes, maximumBytes: 4096, depth: 8, values: 100)
            let lenient = try? JSONValue(python: bytes, maximumBytes: 4096, depth: 8, values: 100)
            #expect(strict == nil || strict == lenient, "seed \(seed): the grammars agree on what is strict JSON")
        }
    }
}
