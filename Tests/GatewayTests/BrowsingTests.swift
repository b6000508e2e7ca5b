import Catalog
import Digests
import Foundation
import HTTPTypes
import Identity
import Moderation
import Testing
import WaggleProtocol

@testable import Gateway

@Suite("Finding things on pages")
struct BrowsingTests {
    /// A node with two models and what people say of one.
    private func world() async throws -> (node: TestNode, model: TestNode.Published, works: TestNode.Works, id: Int32) {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha", picture: TestNode.wholePNG) {
            $0.description_p = "# One\n\n### Three\n\n[a](https://x.example)"
        }
        _ = try await node.publishModel(
            "Beta", picture: TestNode.wholePNG, age: 5, changeRelease: { $0.baseModel = "Flux.1 D" })
        let works = try await node.publishWorks("Alpha", of: model)
        let owner = node.moderation.filter(for: .owner)
        let id = try #require(try await node.catalog.model(post: model.model.id, owner)).id
        return (node, model, works, id)
    }

    @Test("every page is well-formed, can be read without seeing it, and runs and fetches nothing from elsewhere")
    func wellFormed() async throws {
        let (node, model, works, id) = try await world()
        let filter = node.moderation.filter(for: .anonymous)
        let image = try #require(try await node.catalog.imagePost(post: model.picture.id, filter)).images[0].id
        let numbers = try await node.numbers(of: works)
        var paths = [
            "/", "/?show=here", "/models", "/models?q=Alpha&type=LORA&tag=bees&not=x&may=merge&by=maker&period=year",
            "/models?sort=downloads", "/models?sort=trending", "/models?q=nothing", "/models/\(id)",
            "/models/\(id)/gallery",
            "/models/\(id)/gallery?by=others", "/models/\(id)/reviews", "/models/\(id)/discussion",
            "/models/\(id)/history",
            "/models/\(id)/ranking", "/models/\(id)/ranking?sort=rating", "/images",
            "/images?recipe=with&base=SDXL%201.0",
            "/images/\(image)", "/search", "/search?q=Alpha", "/search?q=xyzzy",
            "/search?q=\(model.file.hex.prefix(10))",
            "/tags", "/tags/bees", "/base", "/base/SDXL%201.0", "/creators", "/@maker", "/collections", "/articles",
            "/workflows", "/about", "/rules", "/status", "/help", "/federation", "/buzz", "/setup",
            "/hash/\(model.file.hex)", "/nope", "/models/0",
        ]
        paths += numbers.flatMap { ["/collections/\($0)", "/articles/\($0)", "/workflows/\($0)"] }
        try await node.test { [paths] client in
            for path in paths {
                let answer = try await client(.get, path)
                #expect([.ok, .notFound].contains(answer.status), "\(path)")
                #expect(HTMLLint.problems(answer.text) == [], "\(path)")
                #expect(answer.headers[.contentSecurityPolicy]?.contains("unsafe") == false)
                #expect(answer.text.utf8.count < 200_000)
            }
        }
    }

    @Test("every link of every page leads somewhere")
    func links() async throws {
        let (node, _, _, _) = try await world()
        try await node.test { client in
            var known: Set<String> = []
            var next = ["/"]
            while let path = next.popLast(), known.count < 400 {
                guard known.insert(path).inserted else { continue }
                let answer = try await client(.get, path)
                let isFine = answer.status == .ok || answer.status == .found || answer.status == .temporaryRedirect
                // Or to the form for signing in, where that is what it takes.
                let asks = answer.status == .unauthorized && answer.action("/signin") != nil
                #expect(isFine || asks, "\(path)")
                guard answer.headers[.contentType]?.hasPrefix("text/html") == true else { continue }
                for link in answer.text.matches(of: /href="(\/[^"]*)"/) {
                    next.append(String(link.output.1).replacing("&amp;", with: "&"))
                }
            }
            for path in [
                "/models", "/images", "/collections", "/creators", "/about", "/rules", "/status", "/help", "/tags",
                "/base", "/@maker",
            ] {
                #expect(known.contains(path), "no page links to \(path)")
            }
        }
    }

    @Test("a search finds collections, articles and workflows, and a workflow's page gives its graph")
    func works() async throws {
        let (node, _, works, _) = try await world()
        let graph = try #require(Hash32(works.workflow.post.workflow.graph.sha256))
        let owner = node.moderation.filter(for: .owner)
        let id = try #require(
            try await node.catalog.workflow(author: node.maker.id, slug: works.workflow.post.slot, owner)?.id)
        try await node.test { client in
            let found = try await client(.get, "/search?q=alpha").text
            for name in ["Collection Alpha", "Article Alpha", "Workflow Alpha"] {
                #expect(found.contains("<bdi>\(name)</bdi>"), "\(name)")
            }
            #expect(try await client(.get, "/search?q=workflow").text.contains("href=\"/workflows/\(id)\""))
            #expect(try await client(.get, "/workflows").text.contains("href=\"/workflows/\(id)\""))
            #expect(try await client(.get, "/@maker").text.contains("href=\"/workflows/\(id)\""))
            let page = try await client(.get, "/workflows/\(id)")
            for piece in [
                "<h1><bdi>Workflow Alpha</bdi></h1>", "How Alpha is drawn.", "/blobs/\(graph.hex)/alpha.json",
            ] {
                #expect(page.text.contains(piece), "\(piece)")
            }
            #expect(try await client(.get, "/blobs/\(graph.hex)/alpha.json").status == .ok)
        }
    }

    @Test("filters are in the address, named on the page, and each can be taken away")
    func filters() async throws {
        let (node, _, _, _) = try await world()
        try await node.test { client in
            func cards(_ path: String) async throws -> [String] {
                try await client(.get, path).text.matches(of: /<bdi>Model (\w+)<\/bdi><\/span>/).map {
                    String($0.output.1)
                }
            }
            #expect(try await cards("/models").sorted() == ["Alpha", "Beta"])
            #expect(try await cards("/models?sort=oldest") == ["Beta", "Alpha"])
            #expect(try await cards("/models?base=Flux.1%20D") == ["Beta"])
            #expect(try await cards("/models?tag=tag-alpha") == ["Alpha"])
            #expect(try await cards("/models?tag=tag-alpha,bees&not=") == ["Alpha"])
            #expect(try await cards("/models?not=tag-alpha") == ["Beta"])
            #expect(try await cards("/models?type=checkpoint") == [])
            #expect(try await cards("/models?by=@maker&q=beta") == ["Beta"])
            #expect(try await cards("/tags/tag-beta") == ["Beta"])
            #expect(try await cards("/base/flux.1%20d") == ["Beta"])
            #expect(try await cards("/models?licence=CC0-1.0&may=merge&format=SafeTensor&tag=tag-beta") == ["Beta"])
            #expect(try await cards("/models?may=no-credit") == [])
            #expect(try await cards("/search?q=alhpa") == ["Alpha"])
            #expect(try await client(.get, "/search?q=alhpa").text.contains("Showing results for"))
            let column = try await client(.get, "/models").text
            for piece in ["2 models · Newest", "value=\"Flux.1 D\"", "value=\"SafeTensor\"", "value=\"CC0-1.0\""] {
                #expect(column.contains(piece), "\(piece)")
            }
            // A visitor sees one level, so there is nothing to choose.
            #expect(!column.contains("name=\"level\""))
            let page = try await client(.get, "/models?q=Alpha&not=x&sort=rating").text
            #expect(page.contains("href=\"/models?q=Alpha&amp;sort=rating\""))
            #expect(page.contains("href=\"/models?not=x&amp;sort=rating\""))
            #expect(page.contains("<option value=\"rating\" selected>"))
            #expect(page.contains("/ranking?sort=rating"))
            #expect(try await client(.get, "/models?q=nope").text.contains("Show all models"))
            for wrong in [
                "/models?sort=best", "/models?period=age", "/models?level=Q", "/models?may=fly", "/?show=moon",
            ] {
                #expect(try await client(.get, wrong).status == .badRequest, "\(wrong)")
            }
            for missing in [
                "/tags/none", "/base/none", "/@nobody", "/collections/1", "/articles/x", "/hash/00000000", "/hash/x",
            ] {
                #expect(try await client(.get, missing).status == .notFound, "\(missing)")
            }
        }
    }

    @Test("a hash in any form, and a post's id, leads to what it names")
    func hashes() async throws {
        let (node, model, _, id) = try await world()
        let file = try #require(model.release.post.release.files.first)
        let forms = [
            model.file.hex, model.file.hex.uppercased(), String(model.file.hex.prefix(10)), Hex.encode(file.piecesRoot),
            String(Hex.encode(file.autov3).prefix(12)), Hex.encode(file.autov3),
            model.release.id.hex, model.model.id.hex,
        ]
        try await node.test { client in
            for form in forms {
                let page = try await client(.get, "/hash/\(form)")
                #expect(page.status == .ok)
                #expect(page.text.contains("href=\"/models/\(id)/alpha"), "\(form)")
                #expect(page.text.contains("One match"))
            }
            // AutoV1 looks at a part that files as small as these do not have.
            let same = try await client(.get, "/hash/\(Hex.encode(file.autov1))").text
            for piece in ["2 matches", "Model Alpha", "Model Beta"] { #expect(same.contains(piece)) }
            for form in [model.image.hex, model.picture.id.hex] {
                #expect(try await client(.get, "/hash/\(form)").text.contains("href=\"/images/"))
            }
        }
    }

    @Test("a model's page has its Markdown below its own headings, and what people say of it")
    func talk() async throws {
        let (node, _, _, id) = try await world()
        try await node.test { client in
            let page = try await client(.get, "/models/\(id)").text
            for piece in [
                "<h3>One</h3>", "<h4>Three</h4>", "rel=\"nofollow noopener ugc\">a</a>", "<strong>Alpha</strong>",
                "1 of 1 review", "Comment on <em>Alpha</em>", "safetensors, which holds numbers",
                "The bytes are on this node", "urn:air:sdxl10:lora:waggle:", "href=\"/tags/tag-alpha\"",
            ] { #expect(page.contains(piece), "\(piece)") }
            #expect(try await client(.get, "/models/\(id)/discussion").text.contains("Reply on Alpha"))
            #expect(try await client(.get, "/models/\(id)/history").text.contains("Model described"))
            let person = try await client(.get, "/@maker").text
            for piece in ["@maker", "key <code>", "laptop", "Model Alpha", "Model Beta"] {
                #expect(person.contains(piece), "\(piece)")
            }
        }
    }

    @Test("a person of whose root keys two successors exist is shown as disputed")
    func disputed() async throws {
        let node = try await TestNode.make()
        try await node.test { client in
            let page = try await client(.get, "/@maker").text
            #expect(!page.contains("Disputed keys"))
        }
        let next = try Person.key(2, 2)
        for number in 0..<2 as Range<UInt8> {
            var document = node.maker.genesis.post.keyDocument
            document.version = 2
            document.previous = node.maker.id.data
            document.roots = [next.publicKey.data]
            document.nextRoots = [SHA256.hash([number]).data]
            let rotation = try PostSigning.byRoots(
                .keyDocument(document), author: node.maker.id, created: 1_767_225_700, roots: [next])
            try await node.take([rotation])
        }
        try await node.test { client in
            let page = try await client(.get, "/@maker").text
            #expect(page.contains("Disputed keys"))
        }
    }

    @Test("names that are made to read as something else read as they are")
    func names() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Alpha") { $0.name = "In\u{202E}visible\u{200B}Ink" }
        let owner = node.moderation.filter(for: .owner)
        let id = try #require(try await node.catalog.model(post: model.model.id, owner)).id
        try await node.test { client in
            for path in ["/", "/models", "/models/\(id)", "/@maker"] {
                let page = try await client(.get, path).text
                #expect(page.contains("<bdi>InvisibleInk</bdi>"), "\(path)")
                #expect(!page.contains("\u{202E}"))
            }
        }
    }

    @Test("a picture without a title is named after its model, or by its prompt; and a slug never hides a page")
    func headings() async throws {
        let node = try await TestNode.make()
        let model = try await node.publishModel("Gallery")
        var image = model.picture.post.imagePost.images[0]
        image.recipe.prompt = "a calm <lora:x:1> meadow"
        try await node.publish(by: node.maker) { $0.imagePost.images = [image] }
        try await node.publish(by: node.maker) { post in
            post.imagePost.images = [image]
            post.imagePost.releases = [model.release.id.data]
        }
        let owner = node.moderation.filter(for: .owner)
        let id = try #require(try await node.catalog.model(post: model.model.id, owner)).id
        try await node.test { client in
            let home = try await client(.get, "/").text
            // On the home page the model's own card shows the same picture already.
            #expect(!home.contains("Made with Model Gallery"))
            let images = try await client(.get, "/images").text
            #expect(images.contains("<bdi>a calm meadow</bdi>"))
            #expect(images.contains("<bdi>Made with Model Gallery</bdi>"))
            #expect(!home.contains("Untitled") && !images.contains("Untitled"))
            let gallery = try await client(.get, "/models/\(id)/gallery").text
            #expect(gallery.contains("<bdi>a calm meadow</bdi>"))
            #expect(home.contains("href=\"/models/\(id)\""))
            #expect(try await client(.get, "/models/\(id)/gallery").text.contains("Images made with"))
        }
    }
}
