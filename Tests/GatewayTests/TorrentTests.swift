import BlobStore
import Digests
import Formats
import Foundation
import HTTPTypes
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Torrents and Metalinks over HTTP")
struct TorrentTests {
    private static let size = 2_500_000

    @Test("a torrent by hash is the canonical one, with every known place, and HEAD says the same")
    func byHash() async throws {
        let node = try await TestNode.make(holders: ["https://other.example"])
        let model = try await node.publishModel("Alpha", bytes: Self.size) { _ in
        } changeRelease: { release in
            release.mirrors = [
                "https://mirror.example/{sha256}.bin", "ftp://x.example/a", "https://plain.example/alpha.safetensors",
                "https://bad.example/{sha256} .bin",
            ]
        }
        let bytes = TestNode.bytes("file of Alpha", count: Self.size)
        try await node.test { client in
            let response = try await client(.get, "/blobs/\(model.file).torrent")
            #expect(response.status == .ok)
            #expect(response.headers[.contentType] == "application/x-bittorrent")
            #expect(response.headers[.contentDisposition]?.hasSuffix("filename=\"\(model.file).torrent\"") == true)
            #expect(response.headers[.cacheControl] == "public, max-age=3600")
            let torrent = try Bencode(response.bytes)
            var pieces = PieceDigests()
            bytes.withUnsafeBytes { pieces.append($0) }
            #expect(torrent["info"]?["name"] == .text(model.file.hex))
            #expect(torrent["info"]?["pieces"] == .bytes(pieces.sha1))
            #expect(
                torrent["url-list"]
                    == .list(
                        [
                            "https://hive.example/blobs/\(model.file)/", "https://other.example/blobs/\(model.file)/",
                            "https://mirror.example/\(model.file).bin", "https://plain.example/alpha.safetensors",
                        ].map { .text($0) }))
            let head = try await client(.head, "/blobs/\(model.file).torrent")
            #expect(head.status == .ok)
            #expect(head.headers[.contentLength] == "\(response.bytes.count)")
            let tag = try #require(response.headers[.eTag])
            let known = try await client(.get, "/blobs/\(model.file).torrent", [.ifNoneMatch: tag])
            #expect(known.status == .notModified)
            // The address that programs make of a folder and the name.
            let seed = try await client(.get, "/blobs/\(model.file)/\(model.file)")
            #expect(seed.bytes == bytes)
        }
    }

    @Test("a signed name makes the release's torrent; any other name is not found")
    func byName() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha", fileName: "Bienen größer.safetensors")
        let evil = try await node.publishModel("Evil", fileName: " .evil.safetensors")
        try await node.test { client in
            let path = "/blobs/\(model.file).torrent"
            let named = try await client(.get, "\(path)?name=Bienen%20gr%C3%B6%C3%9Fer.safetensors")
            #expect(named.status == .ok)
            #expect(try Bencode(named.bytes)["info"]?["name"] == .text("Bienen größer.safetensors"))
            #expect(try Bencode(named.bytes)["piece layers"] == .dictionary([]), "one piece: the root says all")
            #expect(try await client(.get, "\(path)?name=other.safetensors").status == .notFound)
            let outside = try await client(.get, "/blobs/\(evil.file).torrent?name=%20.evil.safetensors")
            #expect(outside.status == .notFound)
            #expect(try await client(.get, "/blobs/\(evil.file).torrent").status == .ok)
        }
    }

    @Test("a Metalink says size, hashes, pieces and places")
    func metalink() async throws {
        let node = try await TestNode.make(holders: ["https://other.example"])
        let model = try await node.publishModel("Alpha", bytes: Self.size, fileName: "a & b.safetensors")
        let bytes = TestNode.bytes("file of Alpha", count: Self.size)
        try await node.test { client in
            let response = try await client(.get, "/blobs/\(model.file).meta4")
            #expect(response.headers[.contentType] == "application/metalink4+xml")
            let first = SHA256.hash(Array(bytes[..<(1 << 20)]))
            for part in [
                "<file name=\"a &amp; b.safetensors\">", "<size>\(Self.size)</size>",
                "<hash type=\"sha-256\">\(model.file)</hash>", "<pieces length=\"1048576\" type=\"sha-256\">",
                "<hash>\(first)</hash>",
                "<url priority=\"1\">https://hive.example/blobs/\(model.file)/a%20%26%20b.safetensors</url>",
                "<url priority=\"2\">https://other.example/blobs/\(model.file)/a%20%26%20b.safetensors</url>",
                "<metaurl mediatype=\"torrent\" priority=\"1\">https://hive.example/blobs/\(model.file).torrent</metaurl>",
            ] {
                #expect(response.text.contains(part), "\(part)")
            }
            let file = try await client(.head, "/blobs/\(model.file)")
            let link = file.headers[try #require(HTTPField.Name("Link"))]
            #expect(link?.contains("</blobs/\(model.file).meta4>; rel=\"describedby\"") == true)
        }
    }

    @Test("what a visitor may not see has neither; the operator's links admit download programs")
    func gate() async throws {
        let node = try await TestNode.make()
        let hidden = try await node.publishModel("Hidden", level: .xxx)
        let gone = try await node.publishModel("Gone")
        _ = try await node.moderation.purge(
            PurgeOrder(subjects: [.blob(gone.file)], caseNumber: "P-7", reason: "test", by: "me", when: TestNode.time))
        try await node.test { client in
            for suffix in ["torrent", "meta4"] {
                #expect(try await client(.get, "/blobs/\(hidden.file).\(suffix)").status == .notFound)
                #expect(try await client(.get, "/blobs/\(SHA256.hash([7])).\(suffix)").status == .notFound)
                let purged = try await client(.get, "/blobs/\(gone.file).\(suffix)")
                #expect(purged.status == .unavailableForLegalReasons)
                #expect(
                    try await client(.get, "/blobs/\(hidden.file.hex.uppercased()).\(suffix)").status == .badRequest)
            }
            let owner = try await client(.get, "/blobs/\(hidden.file).torrent", [.authorization: "Bearer wgl_owner"])
            #expect(owner.headers[.cacheControl] == "private, max-age=3600")
            guard case .list(let seeds) = try Bencode(owner.bytes)["url-list"], case .bytes(let seed)? = seeds.first
            else { throw GatewayError.notFound("no seeds") }
            let path = String(decoding: seed, as: UTF8.self).replacing("https://hive.example", with: "")
            #expect(try await client(.get, path).bytes == TestNode.bytes("file of Hidden", count: 3000))
        }
    }

    @Test("a file that nobody else named is found by its BLAKE3, and shows all its names once they are known")
    func names() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let bytes = TestNode.bytes("file of Alpha", count: 3000)
        let blake3 = bytes.withUnsafeBytes { BLAKE3.hash($0) }
        try await node.test { client in
            let path = "/api/v1/model-versions/by-hash/\(blake3)"
            #expect(try await client(.get, path).status == .notFound)
            _ = try await node.blobs.computeExtraHashes()
            let version = try await client(.get, path)
            #expect(version.status == .ok)
            let files = try #require(try version.json()["files"] as? [[String: Any]])
            let hashes = try #require(files[0]["hashes"] as? [String: String])
            #expect(hashes["BLAKE3"] == blake3.hex.uppercased())
            #expect(hashes["SHA256"] == model.file.hex.uppercased())
            #expect(try await client(.get, "/hash/\(blake3)").status == .ok)
            let list = try await client(.get, "/api/v1/models")
            #expect(list.text.contains(blake3.hex.uppercased()))
        }
    }
}
