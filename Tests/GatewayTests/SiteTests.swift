import Digests
import Foundation
import HTTPTypes
import Media
import Testing

@testable import Gateway

@Suite("The site")
struct SiteTests {
    @Test("a page travels as gzip to whoever takes it, and says that it depends on that")
    func gzip() async throws {
        let node = try await TestNode.make()
        _ = try await node.publishModel("Alpha", picture: TestNode.wholePNG)
        try await node.test { client in
            for path in ["/", "/models", "/style.css", "/nope"] {
                let plain = try await client(.get, path)
                let packed = try await client(.get, path, [.acceptEncoding: "br;q=1, gzip"])
                #expect(plain.headers[.contentEncoding] == nil)
                #expect(packed.headers[.contentEncoding] == "gzip")
                #expect(packed.headers[.vary]?.contains("Accept-Encoding") == true)
                #expect(packed.bytes.count * 2 < plain.bytes.count, "\(path)")
                #expect(Array(packed.bytes.prefix(2)) == [0x1f, 0x8b])
                let refused = try await client(.get, path, [.acceptEncoding: "gzip;q=0"])
                #expect(refused.headers[.contentEncoding] == nil)
            }
        }
    }

    @Test("the chosen palette comes with the stylesheet, so no page shows the other one first")
    func theme() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            let dark = Array("theme=dark".utf8)
            let chosen = try await client(.post, "/theme", [.referer: "https://hive.example/models?q=a"], body: dark)
            #expect(chosen.status == .seeOther)
            #expect(chosen.headers[.location] == "/models?q=a")
            let cookie = try #require(chosen.headers[.setCookie])
            #expect(cookie.hasPrefix("theme=dark; Path=/; SameSite=Lax"))
            for elsewhere in ["https://evil.example/", "https://hive.example.evil/", "https://hive.example//evil"] {
                let answer = try await client(.post, "/theme", [.referer: elsewhere], body: dark)
                #expect(answer.headers[.location] == "/", "\(elsewhere)")
            }
            #expect(try await client(.post, "/theme", body: Array("theme=pink".utf8)).status == .badRequest)
            let sheet = try await client(.get, "/style.css", [.cookie: "a=b; theme=dark"])
            #expect(sheet.text.contains("color-scheme:dark;") && !sheet.text.contains("prefers-color-scheme"))
            #expect(sheet.headers[.vary]?.contains("Cookie") == true)
            #expect(sheet.headers[.cacheControl]?.contains("private") == true)
            let system = try await client(.get, "/style.css", [.cookie: "theme=x"])
            #expect(system.text.contains("prefers-color-scheme:dark"))
        }
    }

    @Test("the operator's rules are shown, cleaned; a node without any says what always holds")
    func rules() async throws {
        try await TestNode.make().test { client in
            let page = try await client(.get, "/rules").text
            #expect(page.contains("has not written rules"))
        }
        let node = try await TestNode.make { $0.rules = "# Be kind\n\nNo *spam*. <script>x</script>" }
        try await node.test { client in
            let page = try await client(.get, "/rules").text
            #expect(page.contains("Be kind") && page.contains("<em>spam</em>") && !page.contains("<script>"))
        }
    }

    @Test("colours stand in for pictures that have small copies")
    func tints() async throws {
        let node = try await TestNode.make { _ in }
        _ = try await node.publishModel("Alpha", picture: TestNode.wholePNG)
        var services = node.services
        services.pictureFacts = { pictures in
            pictures.reduce(into: [:]) {
                $0[$1] = PictureFacts(blurHash: "LEHV6nWB2yk8pyo0adR*.7kCMdnj", meanColour: 0xaa9977)
            }
        }
        try await node.test(with: services) { client in
            #expect(try await client(.get, "/").text.contains("<svg class=\"ph\" color=\"#a97\""))
            let image = try await client(.get, "/images").text.firstMatch(of: /href="(\/images\/\d+)"/)
            let page = try await client(.get, String(try #require(image).output.1)).text
            #expect(page.matches(of: /<path fill="#[0-9a-f]{3}" d="M\d \dh1v1h-1z"\/>/).count == 12)
        }
    }
}
