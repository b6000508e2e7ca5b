import Foundation
import Testing

@testable import Gateway

@Suite("JSON is what Foundation's encoder makes of it")
struct JSONTextTests {
    /// Everything that a Swift value can ask of an encoder.
    private struct Everything: Encodable {
        enum Word: String, Encodable { case one, twoWords }

        enum Choice: Encodable {
            case nothing
            case text(String)
            case pair(firstPart: Int, second: [Bool])
        }

        struct Inner: Encodable {
            let zebra: Int32
            let apple: String?
            let nameOfURL: String
            let a: Nullable<String>
        }

        struct Empty: Encodable {}

        var text = "plain"
        var escaped = "\" \\ / \u{8}\u{c}\n\r\t\u{0}\u{1f}\u{7f} é 語 🐝 \u{2028}"
        var isTrue = true
        var isFalse = false
        var numbers: [Int] = [0, -1, .max, .min]
        var unsigned = UInt64.max
        var small: [Int8] = [-128, 127]
        var doubles = [0, 1, -0.0, 0.1, 1.5e300, 2.9296875, 1e21, 1e-7, 123_456_789.25]
        var float: Float = 0.3
        var missing: String?
        var there: String? = "there"
        var null = Nullable<Int>(nil)
        var words: [Word] = [.one, .twoWords]
        var choices: [Choice] = [.nothing, .text("x"), .pair(firstPart: 2, second: [true])]
        var optionals: [String?] = ["a", nil]
        var empties = [[Inner]]()
        var empty = Empty()
        var inners = [
            Inner(zebra: 1, apple: nil, nameOfURL: "u", a: Nullable("b")),
            Inner(zebra: -1, apple: "ä", nameOfURL: "", a: Nullable(nil)),
        ]
        var byText = ["keyOne": Inner(zebra: 3, apple: "c", nameOfURL: "d", a: Nullable(nil))]
        var byNumber = [2: "two", 10: "ten"]
        var data = Data([0, 1, 255])
        var aURLOfThisID = "SHA256"
        var name = 1
        var names = 2
        var nameX = 3
    }

    private func expected(_ value: some Encodable, _ names: JSONText.Names) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        if names == .withUnderscores { encoder.keyEncodingStrategy = .convertToSnakeCase }
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func check(_ value: some Encodable) throws {
        // The second time the spelling of names is known.
        for names in [JSONText.Names.asInSwift, .withUnderscores, .withUnderscores] {
            let actual = String(decoding: try JSONText.bytes(of: value, names: names), as: UTF8.self)
            #expect(try actual == expected(value, names))
        }
    }

    @Test("for every kind of value")
    func everything() throws {
        try check(Everything())
        try check([Everything(), Everything()])
        try check([String: String]())
        try check(["one_Two": ["threeFour": 5]])
        try check("text")
        try check([Int]())
    }

    /// Lists in objects in lists, opened by hand and never ended.
    private struct ByHand: Encodable {
        enum CodingKeys: CodingKey { case zoo, list, object, aside }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            var list = container.nestedUnkeyedContainer(forKey: .zoo)
            try list.encode(1)
            var inner = list.nestedContainer(keyedBy: CodingKeys.self)
            try inner.encode("z", forKey: .zoo)
            try inner.encode("a", forKey: .aside)
            try list.encodeNil()
            var again = encoder.container(keyedBy: CodingKeys.self)
            try again.encode(list.count, forKey: .list)
            var object = again.nestedContainer(keyedBy: CodingKeys.self, forKey: .object)
            try object.encodeNil(forKey: .zoo)
            try again.encode([true], forKey: .aside)
        }
    }

    @Test("for containers that a value opens itself")
    func containers() throws {
        try check(ByHand())
        try check([ByHand(), ByHand()])
    }

    @Test("a number that JSON has no word for is refused")
    func numbers() {
        for number in [Double.nan, .infinity, -.infinity] {
            #expect(throws: EncodingError.self) { try JSONText.bytes(of: [number]) }
        }
    }
}
