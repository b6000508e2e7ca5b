import Formats
import Testing
import WaggleProtocol

@Suite("safetensors header")
struct SafetensorsHeaderTests {
    private let one = #""dtype":"F32","shape":[1],"data_offsets":[0,4]"#

    @Test("a header is read in file order, with absolute byte ranges")
    func reads() throws {
        let json =
            #"{"b":{"dtype":"F16","shape":[2,3],"data_offsets":[4,16]},"__metadata__":{"format":"pt"},"#
            + #""a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"},"e":{"dtype":"I8","shape":[0,7],"data_offsets":[4,4]}}   "#
        let header = try header(json, data: 12 + 4)
        let start = UInt64(8 + json.utf8.count)
        #expect(header.dataStart == start)
        #expect(header.tensors.map(\.name) == ["a", "e", "b"])
        #expect(header.tensors.map(\.bytes) == [start..<start + 4, start + 4..<start + 4, start + 4..<start + 16])
        #expect(header.tensors.map(\.elements) == [1, 0, 6])
        #expect(header.metadata == ["format": "pt"])
    }

    @Test("every type of the format has its size", arguments: SafetensorsDType.allCases)
    func types(_ dtype: SafetensorsDType) throws {
        let bytes = dtype.bits
        let header = try header(
            #"{"t":{"dtype":"\#(dtype.rawValue)","shape":[2,4],"data_offsets":[0,\#(bytes)]}}"#, data: Int(bytes))
        #expect(header.tensors[0].dtype == dtype)
    }

    @Test("an empty object is a file without tensors")
    func empty() throws {
        #expect(try header("{}", data: 0).tensors.isEmpty)
        #expect(throws: SafetensorsError.endMismatch(end: 10, fileSize: 15)) { try header("{}", data: 5) }
    }

    @Test("the length is checked against the limit and the file")
    func length() throws {
        func length(_ first8: [UInt8], _ size: UInt64) throws -> Int {
            try SafetensorsHeader.length(first8: first8, fileSize: size)
        }
        #expect(try length([2, 1, 0, 0, 0, 0, 0, 0], 1000) == 258)
        #expect(throws: SafetensorsError.fileTooShort(fileSize: 7)) { try length([1, 0, 0, 0, 0, 0, 0], 7) }
        #expect(throws: SafetensorsError.headerBeyondFile(bytes: 258, fileSize: 265)) {
            try length([2, 1, 0, 0, 0, 0, 0, 0], 265)
        }
        #expect(throws: SafetensorsError.headerTooLong(bytes: 1 << 60, limit: 100_000_000)) {
            try length([0, 0, 0, 0, 0, 0, 0, 0x10], .max)
        }
        #expect(throws: SafetensorsError.headerTooLong(bytes: .max, limit: 100_000_000)) {
            try length([UInt8](repeating: 0xff, count: 8), .max)
        }
        #expect(throws: SafetensorsError.headerNotAnObject) { try length([0, 0, 0, 0, 0, 0, 0, 0], 8) }
    }

    @Test("a header that is not a JSON object is refused")
    func notAnObject() {
        for json in ["[1]", " {}", "\"x\"", "12", "null"] {
            #expect(throws: SafetensorsError.headerNotAnObject) { try header(json, data: 0) }
        }
        #expect(throws: SafetensorsError.malformedJSON(.unexpectedEnd)) { try header("{\"a\":{", data: 0) }
        #expect(throws: SafetensorsError.malformedJSON(.trailingBytes(offset: 2))) { try header("{}{}", data: 0) }
        #expect(throws: SafetensorsError.malformedJSON(.trailingBytes(offset: 2))) { try header("{}\u{0}", data: 0) }
        #expect(throws: SafetensorsError.notUTF8(offset: 2)) {
            try SafetensorsHeader(json: "{\"".bytes + [0xff] + "\":{}}".bytes, fileSize: 100)
        }
        #expect(throws: SafetensorsError.self) {
            try header("{\"a\":" + String(repeating: "[", count: 1 << 20), data: 0)
        }
    }

    @Test("an entry that is not an object of the three fields is refused")
    func entries() {
        #expect(throws: SafetensorsError.entryNotAnObject(tensor: "t")) { try header(#"{"t":"x"}"#, data: 0) }
        #expect(throws: SafetensorsError.entryNotAnObject(tensor: "t")) { try header(#"{"t":[]}"#, data: 0) }
        #expect(throws: SafetensorsError.badField("dtype", tensor: "t")) {
            try header(#"{"t":{"shape":[1],"data_offsets":[0,4]}}"#, data: 4)
        }
        #expect(throws: SafetensorsError.badField("dtype", tensor: "t")) {
            try header(#"{"t":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}"#, data: 4)
        }
        #expect(throws: SafetensorsError.badField("shape", tensor: "t")) {
            try header(#"{"t":{"dtype":"F32","data_offsets":[0,4]}}"#, data: 4)
        }
        #expect(throws: SafetensorsError.badField("shape", tensor: "t")) {
            try header(#"{"t":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#, data: 4)
        }
        #expect(throws: SafetensorsError.badField("data_offsets", tensor: "t")) {
            try header(#"{"t":{"dtype":"F32","shape":[1]}}"#, data: 4)
        }
        #expect(throws: SafetensorsError.duplicateField("shape", tensor: "t")) {
            try header(#"{"t":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#, data: 4)
        }
    }

    @Test("a field that nobody knows is ignored, as the reference implementation does")
    func unknownField() throws {
        #expect(try header("{\"t\":{\(one),\"note\":{\"a\":[1,2]}}}", data: 4).tensors.count == 1)
    }

    @Test("an unknown type is refused and named")
    func unknownType() {
        #expect(throws: SafetensorsError.unknownDType("F12", tensor: "t")) {
            try header(#"{"t":{"dtype":"F12","shape":[1],"data_offsets":[0,4]}}"#, data: 4)
        }
    }

    @Test("more than eight dimensions are refused")
    func dimensions() throws {
        let ones = { (count: Int) in Array(repeating: "1", count: count).joined(separator: ",") }
        #expect(
            try header("{\"t\":{\"dtype\":\"U8\",\"shape\":[\(ones(8))],\"data_offsets\":[0,1]}}", data: 1).tensors[0]
                .shape
                .count == Limits.Safetensors.dimensions)
        #expect(throws: SafetensorsError.tooManyDimensions(tensor: "t", limit: 8)) {
            try header("{\"t\":{\"dtype\":\"U8\",\"shape\":[\(ones(9))],\"data_offsets\":[0,1]}}", data: 1)
        }
    }

    @Test("a dimension is a whole number of at least 0", arguments: ["-1", "1.0", "1e3", "-0", "18446744073709551616"])
    func badDimension(_ text: String) {
        #expect(throws: SafetensorsError.badDimension(text, tensor: "t")) {
            try header(#"{"t":{"dtype":"U8","shape":[\#(text)],"data_offsets":[0,1]}}"#, data: 1)
        }
    }

    @Test(
        "a product that does not fit in 64 bits is refused",
        arguments: [
            "[4294967296,4294967296]", "[18446744073709551615,2]", "[9223372036854775808,2,0]", "[2305843009213693952]",
        ])
    func overflow(_ shape: String) {
        #expect(throws: SafetensorsError.sizeOverflow(tensor: "t")) {
            try header(#"{"t":{"dtype":"F64","shape":\#(shape),"data_offsets":[0,8]}}"#, data: 8)
        }
    }

    @Test("elements smaller than a byte must fill their last byte")
    func partialByte() {
        #expect(throws: SafetensorsError.partialByte(tensor: "t")) {
            try header(#"{"t":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}}"#, data: 2)
        }
    }

    @Test(
        "offsets are two whole numbers in order",
        arguments: [
            "[0]", "[0,4,8]", "[4,0]", "[-4,0]", "[0,4.0]", "[\"0\",4]", "[0,18446744073709551616]", "[null,4]",
        ])
    func badOffsets(_ offsets: String) {
        #expect(throws: SafetensorsError.badOffsets(tensor: "t")) {
            try header(#"{"t":{"dtype":"F32","shape":[1],"data_offsets":\#(offsets)}}"#, data: 4)
        }
    }

    @Test("offsets near the end of 64 bits do not wrap around")
    func wrappingOffsets() {
        #expect(throws: SafetensorsError.badOffsets(tensor: "t")) {
            try header(
                #"{"t":{"dtype":"U8","shape":[5],"data_offsets":[18446744073709551610,18446744073709551615]}}"#, data: 5
            )
        }
    }

    @Test("size and offsets must agree")
    func sizeMismatch() {
        #expect(throws: SafetensorsError.sizeMismatch(tensor: "t", declared: 8, needed: 4)) {
            try header(#"{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, data: 8)
        }
    }

    private func two(_ first: String, _ second: String) -> String {
        #"{"a":{"dtype":"U8","shape":[4],"data_offsets":\#(first)},"b":{"dtype":"U8","shape":[4],"data_offsets":\#(second)}}"#
    }

    @Test("the tensors cover the file from its header to its end exactly once")
    func covering() throws {
        #expect(try header(two("[4,8]", "[0,4]"), data: 8).tensors.map(\.name) == ["b", "a"])
        #expect(throws: SafetensorsError.dataNotAtStart(tensor: "a", offset: 1)) {
            try header(two("[1,5]", "[5,9]"), data: 9)
        }
        #expect(throws: SafetensorsError.gap(tensor: "b", expected: 4, offset: 6)) {
            try header(two("[0,4]", "[6,10]"), data: 10)
        }
        #expect(throws: SafetensorsError.overlap(tensor: "b", expected: 4, offset: 2)) {
            try header(two("[0,4]", "[2,6]"), data: 6)
        }
        #expect(throws: SafetensorsError.overlap(tensor: "b", expected: 4, offset: 0)) {
            try header(two("[0,4]", "[0,4]"), data: 4)
        }
        let json = two("[0,4]", "[4,8]")
        let end = UInt64(8 + json.utf8.count + 8)
        #expect(throws: SafetensorsError.endMismatch(end: end, fileSize: end - 3)) { try header(json, data: 5) }
        #expect(throws: SafetensorsError.endMismatch(end: end, fileSize: end + 1)) { try header(json, data: 9) }
    }

    @Test("names occur once, also `__metadata__`, also behind an escape")
    func duplicates() {
        #expect(throws: SafetensorsError.duplicateTensor("t")) {
            try header("{\"t\":{\(one)},\"t\":{\(one)}}", data: 4)
        }
        #expect(throws: SafetensorsError.duplicateTensor("t")) {
            try header("{\"t\":{\(one)},\"\\u0074\":{\(one)}}", data: 4)
        }
        #expect(throws: SafetensorsError.duplicateMetadata) {
            try header(#"{"__metadata__":{},"__metadata__":{}}"#, data: 0)
        }
        #expect(throws: SafetensorsError.duplicateMetadataKey("a")) {
            try header(#"{"__metadata__":{"a":"1","a":"2"}}"#, data: 0)
        }
    }

    @Test("metadata is an object of texts")
    func metadata() {
        #expect(throws: SafetensorsError.metadataNotAnObject) { try header(#"{"__metadata__":[]}"#, data: 0) }
        #expect(throws: SafetensorsError.metadataNotAnObject) { try header(#"{"__metadata__":null}"#, data: 0) }
        #expect(throws: SafetensorsError.metadataNotAString(key: "a")) {
            try header(#"{"__metadata__":{"a":1}}"#, data: 0)
        }
        #expect(throws: SafetensorsError.metadataNotAString(key: "a")) {
            try header(#"{"__metadata__":{"a":{"b":"c"}}}"#, data: 0)
        }
        let many = (0...Limits.Safetensors.metadataEntries).map { "\"\($0)\":\"\"" }.joined(separator: ",")
        #expect(throws: SafetensorsError.tooManyMetadataEntries(limit: Limits.Safetensors.metadataEntries)) {
            try header("{\"__metadata__\":{\(many)}}", data: 0)
        }
    }

    @Test("more than 100,000 tensors are refused")
    func tooMany() throws {
        let entry = #":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
        let list = { (count: Int) in "{" + (0..<count).map { "\"\($0)\"\(entry)" }.joined(separator: ",") + "}" }
        #expect(try header(list(100_000), data: 0).tensors.count == 100_000)
        #expect(throws: SafetensorsError.tooManyTensors(limit: 100_000)) { try header(list(100_001), data: 0) }
    }

    @Test("names and keys are bounded")
    func longNames() {
        let name = String(repeating: "x", count: 1025)
        #expect(throws: SafetensorsError.nameTooLong(bytes: 1025, limit: 1024)) {
            try header("{\"\(name)\":{}}", data: 0)
        }
        #expect(throws: SafetensorsError.nameTooLong(bytes: 1025, limit: 256)) {
            try header("{\"__metadata__\":{\"\(name)\":\"\"}}", data: 0)
        }
    }

    @Test("a message never repeats a name of a million letters")
    func messages() {
        let name = String(repeating: "x", count: 1 << 20)
        #expect(SafetensorsError.unknownDType(name, tensor: "t").description.utf8.count < 250)
    }
}
