import Digests
import Formats
import Foundation
import Testing

@Suite("Lists between nodes", .nodes, .logsOnFailure)
struct ListTests {
    private struct Details: Decodable {
        struct Entry: Decodable {
            let subject: String
            let state: String
            let action: String?
            let caseNumber: String
        }

        struct Preview: Decodable {
            let entries: Int
            let items: Int
        }

        struct Report: Decodable {
            struct Subscription: Decodable {
                let acting: Int
                let waiting: Int
            }

            let subscription: Subscription?
        }

        let list: Report
        let entries: [Entry]
        let preview: Preview?
    }

    private func model(title: String) throws -> [UInt8] {
        var random = SeededBytes(11)
        let parts = (0..<2).map { ("layer.\($0).weight", random.bytes(1 << 16)) }
        let header = try SafetensorsWriter.header(
            tensors: parts.map { .init($0.0, .f16, [128, 256]) }, metadata: ["title": title])
        return header.bytes + parts.flatMap(\.1)
    }

    private func status(_ node: TestNode, _ sha256: String) async throws -> Int {
        try await node.get("/blobs/\(sha256)").status
    }

    @Test(
        "a list reaches a draft and an automatic node; each step of it is taken back exactly, and a new header is refused"
    )
    func federated() async throws {
        let world = try World.current
        let keeper = try await world.node("keeper")
        let published = try await keeper.publish(world.write(model(title: "one"), as: "a.safetensors"), "bee")
        let sha256 = published.files[0].sha256
        let draft = try await world.node("draft")
        let automatic = try await world.node("automatic")
        for node in [draft, automatic] {
            try await node.ok("peer", "add", keeper.url, "--yes")
            try await eventually("the release is known") { try await node.run("show", published.release).exit == 0 }
            try await node.ok("get", published.release, "-o", world.path("out-\(node.name)") + "/")
            #expect(try await status(node, sha256) == 200)
        }
        try await keeper.ok("list", "new", "takedowns", "--title", "Taken down")
        let keeperID = try #require(try await keeper.json(StatusReply.self, "status").accounts["me"])
        let list = "\(keeperID)/takedowns"
        try await draft.ok("list", "subscribe", list)
        try await automatic.ok(
            "list", "subscribe", list, "--mode", "automatic", "--grant", "block", "--reason", "likeness")

        try await keeper.ok("list", "add", "takedowns", published.release, "--reason", "likeness")
        try await eventually("the automatic node refuses it", within: 10) { try await status(automatic, sha256) == 451 }
        let waiting = try await eventually("it waits on the other", within: 10) {
            let details = try await draft.json(Details.self, "list", "show", list, "--waiting")
            return details.entries.isEmpty ? nil : details
        }
        #expect(try await status(draft, sha256) == 200)
        #expect((waiting.preview?.items ?? 0) > 0)

        // The same tensors under another header are refused where the list acts, before anything of them is shown.
        let again = try world.write(model(title: "two"), as: "b.safetensors")
        let refused = try await automatic.run(
            "publish", again, "--model", "@me/other", "--version", "1", "--type", "LORA", "--base", "SDXL 1.0",
            "--real-person", "no", "--yes")
        #expect(refused.exit == 5, "\(refused)")

        try await draft.ok("list", "approve", list)
        #expect(try await status(draft, sha256) == 451)
        await draft.kill()
        try await draft.restart()
        #expect(try await status(draft, sha256) == 451, "after a restart")
        try await draft.ok("list", "undo", list)
        #expect(try await status(draft, sha256) == 200)
        try await draft.ok("list", "approve", list)
        #expect(try await status(draft, sha256) == 451)

        // What was wrong is withdrawn, and every node is as before.
        try await keeper.ok("list", "withdraw", "takedowns", published.release)
        for node in [draft, automatic] {
            try await eventually("\(node.name) shows it again", within: 10) { try await status(node, sha256) == 200 }
            #expect(try await node.run("show", published.release).exit == 0)
            let details = try await node.json(Details.self, "list", "show", list)
            #expect(details.list.subscription?.acting == 0 && details.list.subscription?.waiting == 0)
        }
        try await automatic.ok("list", "unsubscribe", list)
        #expect(try await status(automatic, sha256) == 200)
    }

    private struct StatusReply: Decodable {
        let accounts: [String: String]
    }

    @Test(
        "a list goes out as a file and comes in as one, domains as Mastodon has them; a fork is taken over and decides nothing"
    )
    func files() async throws {
        let world = try World.current
        let node = try await world.node("keeper")
        try await node.ok("list", "new", "mine")
        let file = try world.write(
            Array("#domain,#severity\nbad.example,suspend\nloud.example,silence\n".utf8), as: "blocks.csv")
        try await node.ok("list", "import", "mine", file)
        let second = try await node.run("list", "import", "mine", file)
        #expect(second.output.contains("0 signed"), "\(second)")
        let mastodon = try await node.ok("list", "export", "mine", "--mastodon").output
        #expect(mastodon.contains("bad.example,suspend"))
        let csv = try await node.ok("list", "export", "mine").output
        #expect(csv.contains("domain:loud.example,hide,other,imported"))
        try await node.ok("list", "fork", "@me/mine", "fork")
        #expect(try await node.ok("list", "export", "fork").output == csv)
        #expect(
            try await node.run("list", "add", "mine", "author:\(SHA256.hash([1]).hex)", "--reason", "spam").exit == 2)
        #expect(try await node.run("list", "withdraw", "mine", "domain:none.example").exit == 3)
        #expect(try await node.run("list", "show", "@me/nothing").exit == 3)
    }
}
