import Digests
import Formats
import Foundation
import Testing

@Suite("Appeals between nodes", .nodes, .logsOnFailure)
struct AppealTests {
    private struct Actions: Decodable {
        struct Line: Decodable {
            struct Appeal: Decodable {
                let text: String
                let outcome: String?
                let answer: String?
            }

            let entry: String
            let reason: String
            let action: String
            let appeal: Appeal?
        }

        let actions: [Line]
    }

    private struct Details: Decodable {
        struct Appeal: Decodable {
            let text: String
            let outcome: String?
        }

        let appeal: Appeal?
    }

    private struct Queue: Decodable {
        struct Line: Decodable {
            let number: String
        }

        let cases: [Line]
    }

    private func status(_ node: TestNode, _ sha256: String) async throws -> Int {
        try await node.get("/blobs/\(sha256)").status
    }

    private struct StatusReply: Decodable {
        let accounts: [String: String]
    }

    @Test(
        "a maker appeals from another node, once, is answered on the record, and upheld has it back; what is purged stays gone"
    )
    func journey() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        let keeper = try await world.node("keeper")
        let published = try await maker.publish(
            world.write(Samples.lora(mebibytes: 1, seed: 3), as: "honey.safetensors"), "honey")
        let sha256 = published.files[0].sha256
        try await keeper.ok("peer", "add", maker.url, "--yes")
        try await maker.ok("peer", "add", keeper.url, "--yes")
        try await eventually("the release is known") { try await keeper.run("show", published.release).exit == 0 }
        try await keeper.ok("get", published.release, "-o", world.path("out") + "/")
        let list = "\(try #require(try await keeper.json(StatusReply.self, "status").accounts["me"]))/takedowns"
        try await keeper.ok("mod", "report", published.release, "--reason", "stolen-work")
        try await keeper.ok("mod", "decide", "R-1", "--action", "block")
        try await maker.ok(
            "list", "subscribe", list, "--mode", "automatic", "--grant", "purge", "--reason", "stolen-work")
        try await eventually("the list acts on the maker's node") { try await status(maker, sha256) == 451 }

        // Upheld: everything is as before, here and there.
        let actions = try await maker.json(Actions.self, "list", "appeals").actions
        let entry = try #require(actions.first)
        #expect(entry.reason == "stolen-work" && entry.action == "block" && actions.allSatisfy { $0.appeal == nil })
        try await maker.ok("account", "new", "eve")
        #expect(try await maker.run("list", "appeal", entry.entry, "Hm.", "--as", "eve").exit == 5)
        #expect(try await maker.run("list", "appeal", sha256, "Hm.").exit == 3)
        try await maker.ok("list", "appeal", entry.entry, "It is my own work.")
        #expect(try await maker.run("list", "appeal", entry.entry, "Once more.").exit == 7)
        try await eventually("the appeal is in the keeper's queue") {
            try await keeper.json(Details.self, "mod", "show", "R-1").appeal?.text == "It is my own work."
        }
        #expect(try await keeper.json(Queue.self, "mod", "queue", "--show", "appeals").cases.map(\.number) == ["R-1"])
        try await keeper.ok("mod", "answer", "R-1", "upheld", "You are right.")
        try await eventually("it is served again") { try await status(maker, sha256) == 200 }
        #expect(try await status(keeper, sha256) == 200)
        try await eventually("the answer is here") {
            let line = try await maker.json(Actions.self, "list", "appeals").actions.first { $0.entry == entry.entry }
            return line?.appeal?.outcome == "upheld" && line?.appeal?.answer == "You are right."
        }

        // Said on a list without a case, it is answered as all others are.
        try await keeper.ok(
            "list", "add", "takedowns", "post:\(published.release)", "--severity", "hide", "--reason", "stolen-work")
        let second = try await eventually("the entry acts") {
            try await maker.json(Actions.self, "list", "appeals").actions.first { $0.action == "hide" }
        }
        try await maker.ok("list", "appeal", second.entry, "Why this?")
        try await eventually("it has a case") {
            try await keeper.json(Queue.self, "mod", "queue", "--show", "appeals").cases.map(\.number) == ["R-2"]
        }
        try await keeper.ok("mod", "answer", "R-2", "rejected", "It stays.")
        try await eventually("it was rejected") {
            let line = try await maker.json(Actions.self, "list", "appeals").actions.first {
                $0.entry == second.entry
            }
            return line?.appeal?.outcome == "rejected" && line?.action == "hide"
        }

        // A purge is said for good.
        try await keeper.ok("mod", "report", published.release, "--reason", "stolen-work")
        try await keeper.ok("mod", "decide", "R-3", "--action", "purge", "--yes")
        try await eventually("the bytes are gone there too") { try await maker.run("mod", "ls").output.contains("R-3") }
        #expect(try await status(maker, sha256) == 451)
        #expect(try await keeper.run("list", "withdraw", "takedowns", "file:\(sha256)").exit == 3)
        await keeper.kill()
        try await keeper.restart()
        #expect(try await status(keeper, sha256) == 451)
    }
}
