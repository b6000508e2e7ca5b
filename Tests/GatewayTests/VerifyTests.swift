import BlobStore
import Digests
import Foundation
import HTTPTypes
import Identity
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Checking a file")
struct VerifyTests {
    private static let boundary = "----WebKitFormBoundaryX7"

    private func form(_ file: [UInt8], name: String = "a.safetensors") -> [UInt8] {
        Array(
            "--\(Self.boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(name)\"\r\nContent-Type: application/octet-stream\r\n\r\n"
                .utf8) + file + Array("\r\n--\(Self.boundary)--\r\n".utf8)
    }

    /// Bytes in which much looks like the end.
    private var tricky: [UInt8] {
        Array(("\r\n--" + Self.boundary.dropLast() + "\r\n-\r\r\n--").utf8) + TestNode.bytes("x", count: 3000)
            + Array("\r\n--\(Self.boundary.dropLast())".utf8)
    }

    @Test("the file in a form comes out whole, however it is cut", arguments: [1, 2, 3, 7, 64, 100_000])
    func pieces(size: Int) throws {
        for file in [tricky, [], [13], Array("\r\n".utf8)] {
            var reader = try #require(MultipartFile(contentType: "multipart/form-data; boundary=\(Self.boundary)"))
            var found: [UInt8] = []
            let all = form(file)
            for start in stride(from: 0, to: all.count, by: size) {
                try reader.take(all[start..<min(start + size, all.count)]) { found += $0 }
            }
            #expect(reader.isComplete)
            #expect(found == file)
        }
    }

    @Test("what is no form with a file is refused, and a cut one has no end")
    func damaged() throws {
        for type in [
            "text/plain", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a",
        ] {
            #expect(MultipartFile(contentType: type) == nil, "\(type)")
        }
        var other = try #require(MultipartFile(contentType: "multipart/form-data; boundary=\"abc\""))
        #expect(throws: GatewayError.self) { try other.take(Array("hello".utf8)) { _ in } }
        var endless = try #require(MultipartFile(contentType: "multipart/form-data; boundary=abc"))
        #expect(throws: GatewayError.self) {
            try endless.take(Array("--abc\r\n".utf8) + Array(repeating: 65, count: 5000)) { _ in }
        }
        var cut = try #require(MultipartFile(contentType: "multipart/form-data; boundary=\(Self.boundary)"))
        try cut.take(form(tricky).dropLast(10)) { _ in }
        #expect(!cut.isComplete)
    }

    @Test("the names of a file are those of the whole, however it is cut", arguments: [1, 5, 8, 9, 4096])
    func names(size: Int) {
        let header = Array("{\"a\":1}".utf8)
        let weights = TestNode.bytes("weights", count: 1000)
        let file = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + weights
        for (bytes, expected) in [(file, SHA256.hash(weights)), (weights, nil), (Array(file.prefix(15)), nil)] {
            var check = FileCheck()
            for start in stride(from: 0, to: bytes.count, by: size) {
                bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { check.take($0) }
            }
            let names = check.names()
            #expect(names == FileCheck.Names(size: UInt64(bytes.count), sha256: SHA256.hash(bytes), autoV3: expected))
        }
    }

    @Test("a file that somebody signed is told with who signed it; another one is unknown; nothing is kept")
    func answers() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let type = HTTPFields([.init(name: .contentType, value: "multipart/form-data; boundary=\(Self.boundary)")])
        try await node.test { client in
            let file = TestNode.bytes("file of Alpha", count: 3000)
            let sent = try await client(.post, "/verify", type, body: form(file))
            #expect(sent.status == .seeOther)
            let place = try #require(sent.headers[.location])
            #expect(place == "/verify?sha256=\(model.file.hex)")
            let page = try await client(.get, place).text
            #expect(page.contains("This is exactly what was signed") && page.contains("Model Alpha"))
            #expect(page.contains(String(node.maker.device.publicKey.hex.prefix(8))))
            #expect(HTMLLint.problems(page) == [])

            let other = try await client(.post, "/verify", type, body: form(TestNode.bytes("other", count: 100)))
            let unknown = try await client(.get, try #require(other.headers[.location])).text
            #expect(unknown.contains("Unknown here") && HTMLLint.problems(unknown) == [])
            #expect(try await client(.post, "/verify", type, body: form([])).status == .badRequest)
            #expect(try await client(.post, "/verify", body: form(file)).status == .badRequest)

            let wrong = try await client(.get, "/verify?sha256=%3Cb%3E12")
            #expect(wrong.status == .unprocessableContent)
            #expect(wrong.text.contains("aria-invalid=\"true\"") && wrong.text.contains("64 digits"))
            #expect(wrong.text.contains("value=\"&lt;b&gt;12\"") && HTMLLint.problems(wrong.text) == [])
            let empty = try await client(.get, "/verify")
            #expect(HTMLLint.problems(empty.text) == [])
            #expect(empty.headers[.contentSecurityPolicy]?.contains("script-src 'self'") == true)
            #expect(
                try await client(.get, "/").headers[.contentSecurityPolicy]
                    == "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
        }
        #expect(try await node.blobs.presence([SHA256.hash(TestNode.bytes("other", count: 100))]) == [Presence.none])
    }

    @Test("the same weights below another header are recognised")
    func alike() async throws {
        let node = try await TestNode.make()
        let weights = SHA256.hash(Array("weights".utf8))
        _ = try await node.publishModel("Alpha", changeRelease: { $0.files[0].autov3 = weights.data })
        try await node.test { client in
            let page = try await client(
                .get, "/verify?sha256=\(String(repeating: "0", count: 64))&autov3=\(weights.hex)"
            ).text
            #expect(page.contains("the header is another") && page.contains("Model Alpha"))
            #expect(HTMLLint.problems(page) == [])
        }
    }
}
