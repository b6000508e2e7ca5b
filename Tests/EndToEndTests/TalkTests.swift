import Digests
import Foundation
import Testing

@Suite("What people say, between nodes", .nodes, .logsOnFailure)
struct TalkTests {
    private struct Signed: Decodable {
        let post: String
        let isNew: Bool

        enum CodingKeys: String, CodingKey {
            case post
            case isNew = "is_new"
        }
    }

    private struct Account: Decodable {
        let account: String
        let author: String
        let name: String
    }

    private struct Report: Decodable {
        struct Picture: Decodable {
            struct Resource: Decodable {
                let state: String
            }

            let resources: [Resource]
            let isVerified: Bool
        }

        struct Relative: Decodable {
            let role: String
            let isAncestor: Bool
            let name: String
        }

        let reviews: Int
        let recommended: Int
        let comments: Int
        let pictures: [Picture]
        let lineage: [Relative]
    }

    private struct Follow: Decodable {
        let author: String
        let petname: String
    }

    private struct Collections: Decodable {
        struct Line: Decodable {
            let reference: String
            let items: Int
        }

        let collections: [Line]
    }

    private struct Collection: Decodable {
        struct Item: Decodable {
            let kind: String
            let title: String
        }

        let items: [Item]
    }

    @Test("reviews, threads, reactions, collections and follows reach the other node, and what is taken back goes")
    func talk() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        let other = try await world.node("other")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "honey.safetensors")
        _ = try await maker.publish(file, "honey")
        let author = try #require(
            try await maker.json([Account].self, "account", "ls").first { $0.account == "me" }?.author)
        let model = "@\(author)/honey"
        try await other.ok("peer", "add", maker.url, "--yes")
        try await eventually("the release arrives") { try await other.run("show", model).exit == 0 }

        let visitor = try await other.json(NewAccount.self, "account", "new", "visitor", "--name", "A Visitor")
        #expect(visitor.words.split(separator: " ").count == 24)
        #expect(try await other.run("account", "new", "visitor").exit == 7)
        #expect(try await other.run("account", "new", "No Name").exit == 2)
        #expect(try await other.json([Account].self, "account", "ls").map(\.name).contains("A Visitor"))

        let picture = try world.write(Samples.picture(side: 16, seed: 1), as: "picture.png")
        for _ in 0..<2 {
            try await other.ok(
                "review", model, "--recommend", "yes", "--text", "Good.", "--image", picture, "--as", "visitor")
        }
        let again = try await other.json(
            Signed.self, "review", model, "--recommend", "no", "--text", "On second thoughts.", "--as", "visitor")
        #expect(again.isNew)
        try await other.ok("review", model, "--recommend", "yes")
        #expect(try await maker.run("review", model, "--recommend", "yes").exit == 2)

        let question = try await other.json(Signed.self, "comment", model, "Why?", "--as", "visitor")
        let answer = try await other.json(Signed.self, "comment", model, "Why not?", "--reply-to", question.post)
        #expect(try await other.run("comment", model, "x", "--reply-to", String(repeating: "0", count: 64)).exit == 3)
        #expect(try await other.json(Signed.self, "react", model, "❤️").isNew)
        #expect(try await !other.json(Signed.self, "react", model, "❤️").isNew)
        try await other.ok("react", question.post, "👍")
        try await other.ok("follow", "add", author, "--petname", "the maker")
        #expect(try await other.json([Follow].self, "follow", "ls").map(\.petname) == ["the maker"])
        #expect(try await other.run("follow", "add", "@me").exit == 2)
        #expect(try await other.run("follow", "add", "@somebody-unheard-of").exit == 3)

        try await other.ok("collection", "new", "sweet", "--name", "Sweet things")
        try await other.ok("collection", "add", "sweet", model, "\(model)@1.0")
        #expect(try await other.run("collection", "add", "sour", model).exit == 3)
        #expect(try await other.run("collection", "rm", "sweet", question.post).exit == 3)
        let sweet = try await other.json(Collection.self, "collection", "show", "@me/sweet")
        #expect(sweet.items.map(\.kind) == ["model", "release"])

        let text = try world.write(Array("# Wax\n\nWords.".utf8), as: "wax.md")
        try await other.ok("article", "write", "on-wax", text, "--title", "On wax", "--cover", picture, "--tag", "wax")
        #expect(try await other.run("article", "write", "nothing", "--title", "Nothing").exit == 2)
        try await other.ok("article", "write", "on-wax", "--title", "On wax, again")
        let article = try await other.json(Work.self, "article", "show", "@me/on-wax")
        #expect(article.name == "On wax, again" && article.text == "# Wax\n\nWords." && article.file != nil)
        let telling = try world.write(
            Array(#"{"nodes":[{"id":1,"type":"Note /home/erin/x"}],"links":[]}"#.utf8), as: "telling.json")
        let told = try await other.run("workflow", "publish", "upscale", telling, "--name", "Upscale")
        #expect(told.exit == 0 && told.errors.contains("warning: telling.json:") && told.errors.contains("erin"))
        let graph = try world.write(
            Array(#"{"nodes":[{"id":1,"type":"KSampler"}],"links":[]}"#.utf8), as: "graph.json")
        try await other.ok("workflow", "publish", "upscale", graph, "--name", "Upscale twice")
        #expect(try await other.run("workflow", "publish", "nothing", text).exit == 2)
        #expect(try await other.run("workflow", "show", "@me/nothing").exit == 3)
        #expect(try await other.json(Works.self, "workflow", "ls").works.map(\.name) == ["Upscale twice"])
        try await eventually("the article reaches the maker's node") {
            try await maker.json(Works.self, "article", "ls").works.map(\.name) == ["On wax, again"]
        }

        try await eventually("the maker's node shows what was said") {
            let report = try await maker.json(Report.self, "show", "@me/honey")
            let collections = try await maker.json(Collections.self, "collection", "ls").collections
            return report.reviews == 2 && report.recommended == 1 && collections.first?.items == 2
        }

        #expect(try await other.run("rm", answer.post, "--as", "visitor", "--yes").exit == 5)
        #expect(try await other.run("rm", answer.post).exit == 2)
        try await other.ok("rm", again.post, "--as", "visitor", "--yes", "--reason", "I was wrong twice")
        try await eventually("the review goes on the maker's node") {
            try await maker.json(Report.self, "show", "@me/honey").reviews == 1
        }
        try await other.ok("follow", "rm", author)
        #expect(try await other.json([Follow].self, "follow", "ls").isEmpty)
    }

    private struct Work: Decodable {
        let name: String
        let text: String
        let file: String?
    }

    private struct Works: Decodable {
        struct Line: Decodable {
            let name: String
        }

        let works: [Line]
    }

    private struct NewAccount: Decodable {
        let author: String
        let words: String
    }

    @Test("a picture is signed with the full hashes of files that other releases have, and appears under all of them")
    func recipes() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        let base = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "base.safetensors")
        let published = try await maker.publish(base, "base")
        let sha256 = try #require(Hash32(hex: published.files[0].sha256))
        let picture = try world.write(Samples.picture(side: 16, seed: 2, usesFile: sha256), as: "picture.png")
        let child = try world.write(Samples.lora(mebibytes: 1, seed: 3), as: "child.safetensors")
        try await maker.ok(
            "publish", child, "--model", "@me/child", "--version", "1.0", "--type", "LORA", "--made-for",
            "@me/base@1.0", "--sample", picture, "--steps", "4", "--size", "64x64", "--yes")
        for (name, isAncestor) in [("child", true), ("base", false)] {
            let report = try await maker.json(Report.self, "show", "@me/\(name)")
            #expect(report.pictures.map(\.isVerified) == [true])
            #expect(report.pictures[0].resources.map(\.state) == ["verified"])
            #expect(report.lineage.map(\.role) == ["base"])
            #expect(report.lineage.map(\.isAncestor) == [isAncestor])
        }
        // The same words again are the same release; another parent would be another one.
        let again = [
            "publish", child, "--model", "@me/child", "--version", "1.0", "--type", "LORA", "--steps", "4", "--size",
            "64x64", "--yes", "--home", maker.home,
        ]
        #expect(try await Waggle.run(again).exit == 7)
        #expect(try await Waggle.run(again + ["--made-for", "@me/base@1.0"]).exit == 0)
        #expect(try await Waggle.run(again + ["--made-for", "@me/nothing"]).exit == 3)
    }
}
