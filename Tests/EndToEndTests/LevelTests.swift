import Digests
import Foundation
import Testing

@Suite("Levels between nodes", .nodes, .logsOnFailure)
struct LevelTests {
    private struct Report: Decodable {
        let level: String
        let declared: String
        let votes: [String: Int]
        let own: String?
    }

    private struct StatusReply: Decodable {
        let accounts: [String: String]
    }

    @Test("what people say of a level counts where they are at home, and nowhere else; also after a restart")
    func between() async throws {
        let world = try World.current
        let maker = try await world.node("maker")
        let other = try await world.node("other")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "honey.safetensors")
        _ = try await maker.publish(file, "honey")
        let author = try #require(try await maker.json(StatusReply.self, "status").accounts["me"])
        let model = "@\(author)/honey"
        try await other.ok("peer", "add", maker.url, "--yes")
        try await eventually("the release arrives") { try await other.run("show", model).exit == 0 }
        #expect(try await maker.run("level", model, "--vote", "R").exit == 7)
        #expect(try await other.run("level", "@\(author)/wax").exit == 3)
        #expect(try await other.run("level", model, "--vote", "spicy").exit == 2)

        for handle in ["ada", "bea", "cem"] {
            try await other.ok("account", "new", handle)
            let report = try await other.json(Report.self, "level", model, "--vote", "R", "--as", handle)
            #expect(report.level == (handle == "cem" ? "R" : "PG") && report.declared == "PG")
        }
        // The maker's node has their words, and they are at home elsewhere, whoever follows them.
        let people = try await other.json(StatusReply.self, "status").accounts
        for handle in ["ada", "bea", "cem"] {
            let author = try #require(people[handle])
            try await eventually("the maker's node knows \(handle)") {
                try await maker.run("follow", "add", author).exit == 0
            }
        }
        #expect(try await maker.json(Report.self, "level", model).votes.isEmpty)
        for handle in ["dan", "eva", "fay"] {
            try await maker.ok("account", "new", handle)
            let report = try await maker.json(Report.self, "level", model, "--vote", "X", "--as", handle)
            #expect(report.level == (handle == "fay" ? "X" : "PG"))
        }
        let there = try await maker.json(Report.self, "level", model)
        #expect(there.level == "X" && there.votes == ["X": 3])
        try await maker.ok("mod", "level", model, "PG-13", "--reason", "a little")
        #expect(try await maker.json(Report.self, "level", model).level == "PG-13")
        #expect(try await other.json(Report.self, "level", model).level == "R")
        #expect(try await maker.ok("level", model).output.hasPrefix("PG-13\tpost:"))
        await other.kill()
        try await other.restart()
        #expect(try await other.json(Report.self, "level", model).level == "R")
        #expect(try await other.run("level", model, "--withdraw", "--as", "cem").exit == 0)
        #expect(try await other.json(Report.self, "level", model).level == "PG")
        try await maker.ok("mod", "level", model, "--unlock")
        #expect(try await maker.json(Report.self, "level", model).level == "X")
        #expect(try await maker.run("level", model, "--withdraw", "--as", "fay").exit == 0)
        #expect(try await maker.json(Report.self, "level", model).level == "PG")
        #expect(try await maker.run("mod", "level", model, "--unlock").exit == 3)
    }
}
