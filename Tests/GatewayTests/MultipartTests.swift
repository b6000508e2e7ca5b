import Foundation
import Testing

@testable import Gateway

@Suite("Forms with files")
struct MultipartTests {
    private typealias Event = MultipartReader.Event

    private func read(_ body: [UInt8], pieces: Int, boundary: String = "x7") throws -> [Event] {
        var reader = try #require(MultipartReader(contentType: "multipart/form-data; boundary=\"\(boundary)\""))
        var events: [Event] = []
        var rest = body[...]
        while !rest.isEmpty {
            events += try reader.take(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
        }
        guard reader.isComplete else { throw Cut() }
        // How the bytes of a file were cut is of no interest.
        return events.reduce(into: []) { all, event in
            if case .bytes(let more) = event, case .bytes(let before)? = all.last {
                all[all.count - 1] = .bytes(before + more)
            } else {
                all.append(event)
            }
        }
    }

    private struct Cut: Error {}

    @Test("fields and files come in order, whatever pieces they come in", arguments: [1, 2, 3, 7, 64, 4096])
    func pieces(_ size: Int) throws {
        let tricky = Array("\r\n--x\r\n--x7x \r\n\r\n--".utf8) + [0, 255, 13, 10, 45]
        let text = "--x7\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\ntwo\r\nlines\r\n"
        let body = Array(text.utf8) + Member.multipart([("C:\\dir\\a%22b.bin", tricky), ("", []), ("c.bin", [1])])
        // A boundary is one only with what must follow it: this one ends the file early, and then the form is none.
        #expect(throws: GatewayError.self) { try read(body, pieces: size) }
        let plain = Array("\r\n--x\r\n-x7 \r\n\r\n--".utf8) + [0, 255, 13, 10, 45]
        let sound = Array(text.utf8) + Member.multipart([("C:\\dir\\a%22b.bin", plain), ("", []), ("c.bin", [1])])
        #expect(
            try read(sound, pieces: size) == [
                .field(name: "note", value: "two\r\nlines"), .begin(field: "file", fileName: "a\"b.bin"), .bytes(plain),
                .end, .begin(field: "file", fileName: ""), .end, .begin(field: "file", fileName: "c.bin"), .bytes([1]),
                .end,
            ])
    }

    @Test("what is no form is refused, and nothing is kept of what never ends")
    func hostile() throws {
        for type in [
            "text/plain", "multipart/form-data", "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\(String(repeating: "x", count: 71))",
        ] {
            #expect(MultipartReader(contentType: type) == nil, "\(type)")
        }
        #expect(throws: GatewayError.self) { try read(Array("nothing".utf8), pieces: 100) }
        #expect(throws: GatewayError.self) { try read(Array("--x7\r\nX: y\r\n\r\n".utf8), pieces: 100) }
        let endless = Array("--x7\r\nX-".utf8) + [UInt8](repeating: 0x61, count: 100_000)
        #expect(throws: GatewayError.self) { try read(endless, pieces: 1000) }
        let value =
            Array("--x7\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".utf8)
            + [UInt8](repeating: 0x61, count: 200_000)
        #expect(throws: GatewayError.self) { try read(value, pieces: 1000) }
        #expect(throws: Cut.self) { try read(Array(Member.multipart([("a", [1, 2, 3])]).dropLast(9)), pieces: 100) }
        let many = Member.multipart((0..<70).map { ("\($0)", [UInt8($0)]) })
        #expect(throws: GatewayError.self) { try read(many, pieces: 1000) }
    }
}
