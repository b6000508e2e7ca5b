import Foundation
import Testing

@Suite("What stops a mirror from holding readers back", .nodes, .logsOnFailure)
struct ChannelTests {
    @Test("show and get say that another release is the newest, and nothing of the newest itself")
    func older() async throws {
        struct Shown: Decodable {
            let warnings: [String]
        }
        let world = try World.current
        let a = try await world.node("a")
        for number in 1...2 {
            let file = try world.write(Samples.lora(mebibytes: 1, seed: UInt64(number)), as: "\(number).safetensors")
            try await a.ok("publish", file, "--model", "@me/x", "--version", "\(number).0", "--type", "LORA", "--yes")
        }
        let b = try await world.node("b")
        try await b.ok("peer", "add", a.url, "--yes")
        try await eventually("b has both") { try await b.json(NodeStatus.self, "status").releases == 2 }
        let reference = try await a.json(Named.self, "show", "@me/x@1.0").release
        for node in [a, b] {
            let old = try await node.json(Shown.self, "show", reference)
            #expect(old.warnings == ["the author says that another release is the newest: 2.0"])
        }
        #expect(try await a.json(Shown.self, "show", "@me/x@2.0").warnings == [])
        let got = try await b.ok("get", reference, "-o", world.path("out") + "/")
        #expect(got.errors.contains("another release is the newest: 2.0"), "\(got)")
        #expect(try await b.ok("show", reference).output.contains("WARNING"))
    }

    private struct Named: Decodable {
        let release: String
    }
}
