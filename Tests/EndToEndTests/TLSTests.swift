import AsyncHTTPClient
import Digests
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import Testing

/// The node's own HTTPS, without a proxy in front.
@Suite("HTTPS", .nodes, .logsOnFailure)
struct TLSTests {
    /// The files of a certificate; the arguments that make a server use it stand in its settings.
    private func home(_ name: String, _ settings: [String: String]) async throws -> String {
        let world = try World.current
        let home = world.path(name)
        let made = try await Waggle.run(["init", "--home", home])
        #expect(made.exit == 0)
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \"\($0.value)\"" }
        let text = (["[tls]"] + lines).joined(separator: "\n")
        try Data(text.utf8).write(to: URL(filePath: home + "/waggle.toml"))
        return home
    }

    @Test("a node serves pages and blobs over HTTPS, with HTTP/2 for who asks, and another node mirrors from it")
    func servesAndMirrors() async throws {
        let world = try World.current
        _ = try world.write(Array(TestCertificate.certificate.utf8), as: "certificate.pem")
        _ = try world.write(Array(TestCertificate.key.utf8), as: "key.pem")
        let paths = (certificate: world.path("certificate.pem"), key: world.path("key.pem"))
        _ = try await home("a", ["certificate": "../certificate.pem", "key": paths.key])
        let a = try await world.node("a")
        #expect(a.url.hasPrefix("https://127.0.0.1:"))

        let bytes = try Samples.lora(mebibytes: 5, seed: 0x715)
        let file = try world.write(bytes, as: "x.safetensors")
        let published = try await a.publish(file, "x")
        let hash = published.files[0].sha256
        #expect(published.url.hasPrefix(a.url + "/models/"))
        for (version, expected) in [(HTTPClient.Configuration.HTTPVersion.automatic, 2), (.http1Only, 1)] {
            try await Self.withClient(version) { client in
                let page = try await client.execute(HTTPClientRequest(url: a.url + "/"), timeout: .seconds(30))
                #expect(page.status == .ok)
                #expect(page.version.major == expected)
                #expect(try await Self.text(page).contains("</html>"))
                var request = HTTPClientRequest(url: "\(a.url)/blobs/\(hash)")
                let whole = try await client.execute(request, timeout: .seconds(30))
                #expect(Array(try await whole.body.collect(upTo: 16 << 20).readableBytesView) == bytes)
                request.headers.add(name: "Range", value: "bytes=1000000-4999999")
                let part = try await client.execute(request, timeout: .seconds(30))
                #expect(part.status == .partialContent)
                #expect(
                    Array(try await part.body.collect(upTo: 16 << 20).readableBytesView)
                        == Array(bytes[1_000_000..<5_000_000]))
            }
        }

        // Whoever does not know the authority refuses the node, and says so.
        let stranger = try await world.node("stranger")
        let refused = try await stranger.run("peer", "add", a.url, "--yes")
        #expect(refused.exit == 4)
        #expect(refused.errors.lowercased().contains("certificate"))

        _ = try await home("b", ["authorities": paths.certificate])
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await b.ok("mirror", "add", "--all", "--budget", "1GB")
        try await eventually("b holds the file") { try await b.json(NodeStatus.self, "status").blobs == 1 }
        #expect(try await b.get("/blobs/\(hash)").body == bytes)
    }

    @Test("a certificate that cannot be used is told at the start, with what helps")
    func refusals() async throws {
        let world = try World.current
        let certificate = try world.write(Array(TestCertificate.certificate.utf8), as: "certificate.pem")
        let key = try world.write(Array(TestCertificate.key.utf8), as: "key.pem")
        let other = try world.write(Array(TestCertificate.otherKey.utf8), as: "other.pem")
        let junk = try world.write([0, 1, 2, 3], as: "junk.pem")
        let cases: [(settings: [String: String], words: String)] = [
            (["certificate": certificate], "tls.key"), (["key": key], "tls.certificate"),
            (["certificate": certificate, "key": other], "not the key of the certificate"),
            (["certificate": junk, "key": key], "no certificate"),
            (["certificate": certificate, "key": junk], "no private key"),
            (["certificate": world.path("nothing.pem"), "key": key], "nothing.pem"),
            (["authorities": junk], "tls.authorities"),
        ]
        for (index, (settings, words)) in cases.enumerated() {
            let home = try await home("n\(index)", settings)
            let result = try await Waggle.run(["serve", "--listen", "127.0.0.1:0", "--home", home])
            #expect(result.exit == 2, "\(settings): \(result)")
            #expect(result.errors.contains(words), "\(settings): \(result)")
        }
    }

    private static func withClient(
        _ version: HTTPClient.Configuration.HTTPVersion, _ body: (HTTPClient) async throws -> Void
    ) async throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(TestCertificate.certificate.utf8)))
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.httpVersion = version
        try await HTTPClient.withHTTPClient(configuration: configuration) { try await body($0) }
    }

    private static func text(_ response: HTTPClientResponse) async throws -> String {
        String(buffer: try await response.body.collect(upTo: 4 << 20))
    }
}
