import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Pages")
struct PageTests {
    @Test("an empty node says the next step")
    func empty() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            let page = try await client(.get, "/")
            #expect(page.status == .ok)
            #expect(page.text.contains("Nothing here yet"))
            #expect(page.text.contains("waggle publish"))
        }
    }

    @Test("a model's page shows what there is, in order")
    func model() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let id = try await id(of: model, node)
        try await node.test { client in
            let page = try await client(.get, "/models/\(id)/alpha").text
            let order = [
                "<bdi>Model Alpha</bdi></h1>", "LORA", "SDXL 1.0", "Maker", "/images/", "Download", "3.0 kB",
                "alpha.safetensors", "waggle get \(model.release.id.hex)", "Signed",
                String(node.maker.device.publicKey.hex.prefix(8)), "laptop", "2026-01-01", "word Alpha", "0.8",
                "Permissions", "Licence: <bdi>CC0-1.0</bdi>", "Depicts no real person", "About Alpha.",
                "Second paragraph.",
                "First release of Alpha.", "tag-alpha", "Downloads counted here", "SHA-256", model.file.hex,
                "AutoV3", model.release.id.hex, model.model.id.hex, AuthorID.text(node.maker.id),
            ]
            var rest = page[...]
            for piece in order {
                let found = rest.range(of: piece)
                #expect(found != nil, "\(piece) is missing or too early")
                if let found { rest = rest[found.lowerBound...].dropFirst() }
            }
            #expect(page.contains("width=\"128\" height=\"96\""))
            #expect(try await client(.get, "/models/\(id)").text == page)
            #expect(try await client(.get, "/models/\(id)?modelVersionId=99999").status == .notFound)
            for wrong in ["/models/0", "/models/x", "/models/99999999999", "/images/-1", "/models/\(id + 999)"] {
                #expect(try await client(.get, wrong).status == .notFound)
            }
        }
    }

    @Test("an image's page shows its recipe and links the models that are here")
    func image() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha")
        let id = try await id(of: model, node)
        let post = try #require(
            try await node.catalog.imagePost(post: model.picture.id, node.moderation.filter(for: .anonymous)))
        try await node.test { client in
            let page = try await client(.get, "/images/\(post.images[0].id)").text
            for piece in [
                "<bdi>Picture of Alpha</bdi></h1>", "prompt of Alpha", "alt=\"Alt of Alpha\"", "Seed",
                "verified: the signed recipe names exactly this file", "href=\"/models/\(id)?modelVersionId=",
                "× 0.7", "Without metadata", model.image.hex,
            ] { #expect(page.contains(piece), "\(piece)") }
        }
    }

    /// Text that breaks out of every place where a page could put it unescaped.
    private static let hostile = "<script>alert('x')</script>\" onload=\"y{{nodeName}}&amp;"

    @Test("what authors write stays text")
    func escaping() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha", fileName: "<q>.safetensors") { model in
            model.name = Self.hostile
            model.description_p = "\(Self.hostile)\n\n<img src=x onerror=z>"
            model.type = "<b>"
            model.tags = ["<i>tag</i>"]
            model.licence.name = Self.hostile
        } changeRelease: { release in
            release.version = "<u>1</u>"
            release.baseModel = "<s>base</s>"
            release.trainedWords = ["<em>word</em>"]
            release.changes = "<p>changes</p>"
            release.settings.hint = Self.hostile
            release.settings.sampler = "<hr>"
        }
        try await node.publish(by: node.maker) { post in
            post.profile.name = "<marquee>"
            post.profile.home = "javascript:alert(1)"
        }
        let id = try await id(of: model, node)
        let image = try #require(
            try await node.catalog.imagePost(post: model.picture.id, node.moderation.filter(for: .anonymous)))
        try await node.test { client in
            for path in ["/", "/models/\(id)", "/images/\(image.images[0].id)"] {
                let page = try await client(.get, path)
                #expect(page.status == .ok)
                // The one script is this node's own.
                let own = page.text.matches(of: #/<script src="/page\.js\?v=[0-9a-f]{8}" defer></script>/#)
                #expect(own.count == 1, "\(path)")
                let text = own.first.map { page.text.replacing($0.output, with: "") } ?? page.text
                for tag in [
                    "<script", "<b>", "<i>", "<u>", "<s>", "<em>", "<hr>", "<marquee", "<q>", "onerror=z>",
                    "<p>changes",
                ] {
                    #expect(!text.contains(tag), "\(path) has \(tag)")
                }
                #expect(!page.text.contains("\" onload=\""))
                #expect(!page.text.contains("href=\"javascript"))
                #expect(page.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
                #expect(page.headers[.contentSecurityPolicy]?.contains("unsafe") == false)
            }
            let page = try await client(.get, "/models/\(id)").text
            #expect(
                page.contains(
                    "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot; onload=&quot;y{{nodeName}}&amp;amp;"))
            let api = try await client(.get, "/api/v1/models/\(id)").json()
            let description = try #require(api["description"] as? String)
            #expect(description.hasPrefix("<p>&lt;script&gt;"))
        }
    }

    @Test("the feed goes on where it stopped, each card once")
    func paging() async throws {
        let node = try await TestNode.make()
        for number in 0..<30 { _ = try await node.publishModel("Model\(number)x", age: UInt64(number)) }
        try await node.test { client in
            var path = "/"
            var seen: [String] = []
            var pages = 0
            while true {
                let page = try await client(.get, path).text
                seen += page.matches(of: /<li class="card">\s*<a href="([^"]*)"/).map { String($0.output.1) }
                pages += 1
                guard let next = page.firstMatch(of: /rel="next" href="([^"]*)"/) else { break }
                path = String(next.output.1)
            }
            #expect(pages == 2)
            #expect(Set(seen).count == seen.count)
            // A picture that its model's card shows has no card of its own on the same page.
            #expect(seen.count { $0.hasPrefix("/models/") } == 30)
            #expect(seen.count <= 31)
            let nonsense = try await client(.get, "/?after=nonsense")
            #expect(
                nonsense.status == .badRequest
                    && nonsense.text.contains("<h1>\(say("this-cannot-be-done-as-asked"))</h1>"))
        }
    }

    @Test("the stylesheet is small, and is not sent twice")
    func stylesheet() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            let sheet = try await client(.get, "/style.css")
            #expect((Zstd.compress(sheet.bytes)?.count ?? .max) < 4000)
            let tag = try #require(sheet.headers[.eTag])
            #expect(try await client(.get, "/style.css", [.ifNoneMatch: tag]).status == .notModified)
        }
    }

    @Test("sizes and days read well")
    func wording() {
        #expect(Wording.size(3000) == "3.0 kB")
        #expect(Wording.size(6_938_040_674) == "6.94 GB")
        #expect(Wording.count(1_234_567) == "1,234,567")
        #expect(Wording.count(999) == "999")
        #expect(Wording.count(1, "image", "images") == "1 image")
        #expect(Wording.host("https://user.example:8080/a/b?c") == "user.example:8080")
        #expect(Dates.timestamp(0) == "1970-01-01T00:00:00.000Z")
        #expect(Dates.timestamp(951_782_399) == "2000-02-28T23:59:59.000Z")
        #expect(Dates.minute(951_782_399) == "2000-02-28 23:59Z")
        #expect(Dates.day(951_782_400) == "2000-02-29")
        #expect(Dates.day(1_772_323_200) == "2026-03-01")
        #expect(Dates.day(4_107_542_400) == "2100-03-01")
        #expect(Dates.day(.max) == "9999-12-31")
    }

    private func id(of model: TestNode.Published, _ node: TestNode) async throws -> Int32 {
        try #require(try await node.catalog.model(post: model.model.id, node.moderation.filter(for: .owner))).id
    }
}
