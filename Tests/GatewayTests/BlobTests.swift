import BlobStore
import Digests
import Foundation
import HTTPTypes
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Blobs over HTTP")
struct BlobTests {
    @Test(
        "a range is read as RFC 9110 says",
        arguments: [
            (nil, ByteRange.whole), ("bytes=0-0", .part(0..<1)), ("bytes=0-99", .part(0..<100)),
            ("bytes=90-200", .part(90..<100)), ("bytes=50-", .part(50..<100)), ("bytes=-10", .part(90..<100)),
            ("bytes=-200", .part(0..<100)), ("bytes=99-99", .part(99..<100)), ("bytes=100-", .unsatisfiable),
            ("bytes=100-200", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("BYTES = 1-2", .part(1..<3)),
            ("bytes=0-99999999999999999999999", .part(0..<100)), ("bytes=99999999999999999999999-", .unsatisfiable),
            ("bytes=5-4", .whole), ("bytes=a-b", .whole), ("bytes=1", .whole),
            ("bytes=--1", .whole), ("bytes=+1-2", .whole), ("items=0-1", .whole), ("bytes", .whole),
            ("bytes=-", .whole),
        ] as [(String?, ByteRange)])
    func ranges(field: String?, expected: ByteRange) {
        #expect(ByteRange(field, size: 100) == expected)
    }

    @Test(
        "several ranges are put in order, joined where they are near, and counted",
        arguments: [
            ("bytes=0-1,5000-5001", .parts([0..<2, 5000..<5002])),
            ("bytes=5000-5001 , ,0-1", .parts([0..<2, 5000..<5002])),
            ("bytes=0-99,50-149", .part(0..<150)), ("bytes=0-99,100-149", .part(0..<150)),
            ("bytes=0-0,255-255,5000-", .parts([0..<256, 5000..<10_000])),
            ("bytes=-1,0-0", .parts([0..<1, 9999..<10_000])), ("bytes=0-0,20000-", .part(0..<1)),
            ("bytes=10000-,20000-", .unsatisfiable), ("bytes=0-1,x", .whole), ("bytes=0-1,5-4", .whole),
            ("bytes=,", .whole),
            (
                "bytes=" + (0..<32).map { "\($0 * 300)-\($0 * 300)" }.joined(separator: ","),
                .parts((0..<32).map { $0 * 300..<$0 * 300 + 1 })
            ),
            ("bytes=" + (0..<33).map { "\($0 * 300)-\($0 * 300)" }.joined(separator: ","), .whole),
            ("bytes=" + [String](repeating: "0-", count: 32).joined(separator: ","), .part(0..<10_000)),
        ] as [(String, ByteRange)])
    func severalRanges(field: String, expected: ByteRange) {
        #expect(ByteRange(field, size: 10_000) == expected)
    }

    @Test("an empty blob has no part")
    func emptyRange() {
        #expect(ByteRange("bytes=0-0", size: 0) == .unsatisfiable)
        #expect(ByteRange("bytes=-1", size: 0) == .unsatisfiable)
        #expect(ByteRange(nil, size: 0) == .whole)
    }

    @Test("a blob comes whole with all that names it, and HEAD says the same without the bytes")
    func whole() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha", fileName: "Bienen größer.safetensors")
        let expected = TestNode.bytes("file of Alpha", count: 3000)
        try await node.test { client in
            for path in ["/blobs/\(model.file)", "/blobs/\(model.file)/any%20name.bin"] {
                let response = try await client(.get, path)
                #expect(response.status == .ok)
                #expect(response.bytes == expected)
                #expect(response.headers[.eTag] == "\"\(model.file)\"")
                #expect(response.headers[.acceptRanges] == "bytes")
                #expect(response.headers[.contentType] == "application/octet-stream")
                #expect(response.headers[.cacheControl] == "public, max-age=31536000, immutable")
                #expect(response.headers[.xContentTypeOptions] == "nosniff")
                #expect(response.headers[.contentSecurityPolicy]?.contains("sandbox") == true)
                #expect(
                    response.headers[.contentDisposition]
                        == "attachment; filename*=UTF-8''Bienen%20gr%C3%B6%C3%9Fer.safetensors; "
                        + "filename=\"Bienen gr__er.safetensors\"")
                let digest = Data(model.file.bytes).base64EncodedString()
                #expect(response.headers[try #require(HTTPField.Name("Repr-Digest"))] == "sha-256=:\(digest):")
                let head = try await client(.head, path)
                #expect(head.status == .ok)
                #expect(head.bytes.isEmpty)
                #expect(head.headers[.contentLength] == "3000")
                #expect(head.headers[.eTag] == response.headers[.eTag])
                #expect(head.headers[.contentDisposition] == response.headers[.contentDisposition])
            }
        }
    }

    @Test("ranges, conditions and 416")
    func conditions() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let expected = TestNode.bytes("file of Alpha", count: 3000)
        let path = "/blobs/\(model.file)"
        let tag = "\"\(model.file)\""
        try await node.test { client in
            let part = try await client(.get, path, [.range: "bytes=100-199"])
            #expect(part.status == .partialContent)
            #expect(part.bytes == Array(expected[100..<200]))
            #expect(part.headers[.contentRange] == "bytes 100-199/3000")
            #expect(part.headers[.contentLength] == "100")

            let suffix = try await client(.get, path, [.range: "bytes=-1"])
            #expect(suffix.bytes == Array(expected[2999...]))

            let beyond = try await client(.get, path, [.range: "bytes=3000-"])
            #expect(beyond.status == .rangeNotSatisfiable)
            #expect(beyond.headers[.contentRange] == "bytes */3000")

            let near = try await client(.get, path, [.range: "bytes=0-0,5-5"])
            #expect(near.status == .partialContent)
            #expect(near.bytes == Array(expected[0..<6]))
            let several = try await client(.get, path, [.range: "bytes=2990-,10-19"])
            #expect(several.status == .partialContent)
            #expect(several.headers[.contentRange] == nil)
            #expect(several.headers[.contentLength] == "\(several.bytes.count)")
            let type = try #require(several.headers[.contentType])
            let boundary = try #require(type.split(separator: "boundary=").last)
            #expect(type == "multipart/byteranges; boundary=\(boundary)")
            let head = { (range: String) in
                "\r\n--\(boundary)\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes \(range)/3000\r\n\r\n"
            }
            let body =
                Array(head("10-19").utf8) + expected[10..<20] + Array(head("2990-2999").utf8) + expected[2990...]
                + Array("\r\n--\(boundary)--\r\n".utf8)
            #expect(several.bytes == body)

            for condition in ["\"other\"", "W/\(tag)", "\"a\", \"b\""] {
                #expect(try await client(.get, path, [.ifMatch: condition]).status == .preconditionFailed)
            }
            for condition in ["*", tag, "\"other\", \(tag)"] {
                #expect(try await client(.get, path, [.ifMatch: condition]).status == .ok)
            }

            let same = try await client(.get, path, [.range: "bytes=0-9", .ifRange: tag])
            #expect(same.status == .partialContent)
            for condition in ["\"other\"", "W/\(tag)", "Sat, 01 Aug 2026 00:00:00 GMT"] {
                let other = try await client(.get, path, [.range: "bytes=0-9", .ifRange: condition])
                #expect(other.status == .ok)
                #expect(other.bytes.count == 3000)
            }
            for condition in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let known = try await client(.get, path, [.ifNoneMatch: condition])
                #expect(known.status == .notModified)
                #expect(known.bytes.isEmpty)
            }
            #expect(try await client(.get, path, [.ifNoneMatch: "\"x\""]).status == .ok)
        }
    }

    @Test("addresses that are no SHA-256 in lower case say what is wrong")
    func wrongNames() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        try await node.test { client in
            let upper = try await client(.get, "/blobs/\(model.file.hex.uppercased())")
            #expect(upper.status == .badRequest)
            #expect(try upper.json()["code"] as? String == "hash-case")
            #expect(try (upper.json()["error"] as? String)?.contains(model.file.hex) == true)
            for name in ["abc", "zz", String(repeating: "g", count: 64), "..%2f..%2fetc%2fpasswd", "%ff"] {
                let response = try await client(.get, "/blobs/\(name)")
                #expect(response.status == .notFound)
                #expect(try (response.json()["error"] as? String)?.contains("64 hexadecimal digits") == true)
            }
            let unknown = try await client(.get, "/blobs/\(SHA256.hash([1]))")
            #expect(unknown.status == .notFound)
        }
    }

    @Test("an image is shown, anything that could run is saved as plain bytes")
    func types() async throws {
        let node = try await TestNode.make()
        let html = try await node.publishModel("Page", fileName: "x.html") { _ in
        } changeRelease: { release in
            release.files[0].mediaType = "text/html"
        }
        try await node.test { client in
            let file = try await client(.get, "/blobs/\(html.file)")
            #expect(file.headers[.contentType] == "application/octet-stream")
            #expect(file.headers[.contentDisposition]?.hasPrefix("attachment") == true)
            let image = try await client(.get, "/blobs/\(html.image)")
            #expect(image.headers[.contentType] == "image/png")
            #expect(image.headers[.contentDisposition]?.hasPrefix("inline") == true)
        }
        for type in ["image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "", "image/png\r\nX: y"] {
            #expect(MediaType.served(type) == MediaType.bytes, "\(type)")
        }
        #expect(MediaType.served("Image/PNG; q=1") == "image/png")
    }

    @Test("a purged blob answers 451 with its case, for everyone")
    func purged() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        _ = try await node.moderation.purge(
            PurgeOrder(subjects: [.blob(model.file)], caseNumber: "P-7", reason: "test", by: "me", when: TestNode.time))
        try await node.test { client in
            for headers in [[:], [.authorization: "Bearer wgl_owner"]] as [HTTPFields] {
                let response = try await client(.get, "/blobs/\(model.file)", headers)
                #expect(response.status == .unavailableForLegalReasons)
                #expect(try response.json()["case"] as? String == "P-7")
            }
            #expect(try await client(.get, "/blobs/\(model.image)").status == .ok)
        }
    }

    @Test("bytes above PG go to accepted peers and the operator only, and into no shared cache")
    func levels() async throws {
        let node = try await TestNode.make(ceiling: .r)
        let mild = try await node.publishModel("Mild", level: .r)
        let hard = try await node.publishModel("Hard", level: .xxx)
        let peer = try Person(seed: 9, role: .node)
        try await node.take([peer.genesis])
        try await node.test { client in
            for hash in [mild.file, mild.image, hard.file, hard.image] {
                #expect(try await client(.get, "/blobs/\(hash)").status == .notFound)
                #expect(try await client(.head, "/blobs/\(hash)").status == .notFound)
                let owner = try await client(.get, "/blobs/\(hash)", [.authorization: "Bearer wgl_owner"])
                #expect(owner.status == .ok)
                #expect(owner.headers[.cacheControl]?.hasPrefix("private") == true)
                #expect(try await client(.get, "/blobs/\(hash)", [.authorization: "Bearer x"]).status == .notFound)
            }
            #expect(try await client.signed(.get, "/blobs/\(mild.file)", by: peer).status == .ok)
            #expect(try await client.signed(.get, "/blobs/\(hard.file)", by: peer).status == .notFound)
        }
    }

    @Test("a blob that no post shows is there for the operator only")
    func unreferenced() async throws {
        let node = try await TestNode.make()
        let facts = try await node.blobs.add(bytes: Array("nobody's".utf8))
        try await node.test { client in
            #expect(try await client(.get, "/blobs/\(facts.sha256)").status == .notFound)
            let owner = try await client(.get, "/blobs/\(facts.sha256)", [.authorization: "Bearer wgl_owner"])
            #expect(owner.text == "nobody's")
        }
    }

    @Test("large files go by the kernel and in chunks alike, byte for byte")
    func large() async throws {
        let node = try await TestNode.make()
        let count = 9_000_001
        let model = try await node.publishModel("Large", bytes: count)
        let expected = TestNode.bytes("file of Large", count: count)
        let ranges = [0..<count, 1..<count, 4_194_303..<8_388_610, 0..<300_000, 8_999_990..<count, 65_536..<65_537]
        let check: @Sendable (Client) async throws -> Void = { client in
            for range in ranges {
                let response = try await client(
                    .get, "/blobs/\(model.file)", [.range: "bytes=\(range.lowerBound)-\(range.upperBound - 1)"])
                #expect(response.status == .partialContent)
                #expect(response.bytes == Array(expected[range]), "\(range)")
            }
            let whole = try await client(.get, "/blobs/\(model.file)")
            #expect(SHA256.hash(whole.bytes) == model.file)
        }
        try await node.testLive(check)
        try await node.test(check)
    }

    @Test("several parts of a large file are sent by the kernel and in chunks alike")
    func largeParts() async throws {
        let node = try await TestNode.make()
        let count = 6_000_000
        let model = try await node.publishModel("Large", bytes: count)
        let expected = TestNode.bytes("file of Large", count: count)
        let ranges = [1..<1_000_001, 2_000_000..<2_000_010, 3_000_000..<count]
        let field = "bytes=" + ranges.map { "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ", ")
        let check: @Sendable (Client) async throws -> Void = { client in
            let response = try await client(.get, "/blobs/\(model.file)", [.range: field])
            #expect(response.status == .partialContent)
            var rest = response.bytes[...]
            for range in ranges {
                let head = try #require(rest.firstRange(of: Array("\r\n\r\n".utf8)))
                let lines = String(decoding: rest[..<head.lowerBound], as: UTF8.self)
                #expect(lines.hasSuffix("Content-Range: bytes \(range.lowerBound)-\(range.upperBound - 1)/\(count)"))
                rest = rest[head.upperBound...]
                #expect(Array(rest.prefix(range.count)) == Array(expected[range]))
                rest = rest.dropFirst(range.count)
            }
            #expect(String(decoding: rest, as: UTF8.self).hasSuffix("--\r\n"))
        }
        try await node.testLive(check)
        try await node.test(check)
    }

    @Test(
        "names of files lose what could hurt",
        arguments: [
            ("../../etc/passwd", "_.._etc_passwd"), ("a/b\\c:d", "a_b_c_d"), ("evil\u{202e}gnp.exe", "evil_gnp.exe"),
            ("", "fallback"), ("...", "fallback"), ("a\r\nSet-Cookie: x", "a__Set-Cookie_ x"),
            ("plain.safetensors", "plain.safetensors"),
            ("\"quoted\".bin", "_quoted_.bin"), (" .hidden ", "hidden"), ("名前.safetensors", "名前.safetensors"),
        ])
    func fileNames(claimed: String, expected: String) {
        #expect(FileName(claimed, fallback: "fallback").text == expected)
    }

    @Test("a name too long keeps its extension, and headers stay ASCII")
    func longNames() {
        let name = FileName(String(repeating: "ü", count: 400) + ".safetensors", fallback: "x")
        #expect(name.text.utf8.count <= 255)
        #expect(name.text.hasSuffix("ü.safetensors"))
        #expect(name.disposition(inline: false).utf8.allSatisfy { (0x20..<0x7f).contains($0) })
    }
}
