import Foundation
import Testing

@Suite("New posts among nodes", .nodes, .logsOnFailure)
struct GossipTests {
    private struct Line: Decodable {
        let node: String
        let standing: String
        let score: Double
        let postsIn: Int
        let reason: String
    }

    private func isSettled(_ nodes: [TestNode]) async throws -> Bool {
        for node in nodes {
            let peers = try await node.json([PeerState].self, "peer", "ls")
            guard peers.count == 1, peers[0].lastContact > 0, peers[0].lastError.isEmpty else { return false }
        }
        return true
    }

    @Test("what is said at one end of a chain of three is at the other end in a moment, and back")
    func chain() async throws {
        let world = try World.current
        let (first, middle, last) = (
            try await world.node("first"), try await world.node("middle"), try await world.node("last")
        )
        try await middle.ok("peer", "add", first.url, "--yes")
        try await last.ok("peer", "add", middle.url, "--yes")
        try await eventually("the exchanges have begun") { try await isSettled([middle, last]) }
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 1), as: "honey.safetensors")
        let began = ContinuousClock.now
        _ = try await first.publish(file, "honey")
        try await eventually("the release is at the other end", within: 10) {
            try await last.api(APIModels.self, "/api/v1/models").items.count == 1
        }
        #expect(ContinuousClock.now - began < .seconds(10))
        // The other way: the last node only dials.
        let other = try world.write(Samples.lora(mebibytes: 1, seed: 2), as: "wax.safetensors")
        _ = try await last.publish(other, "wax")
        try await eventually("it is at the first", within: 10) {
            try await first.api(APIModels.self, "/api/v1/models").items.count == 2
        }
        let lines = try await last.json([Line].self, "peer", "ls")
        #expect(
            lines.count == 1 && lines[0].standing == "peer" && lines[0].postsIn > 0 && lines[0].score > 0, "\(lines)")
        #expect(try await last.get("/federation").text.contains("connected"))
    }

    @Test("a peer that was blocked since is asked for nothing, not even for files, until it is let in again")
    func blockedPeer() async throws {
        let world = try World.current
        let (maker, reader) = (try await world.node("maker"), try await world.node("reader"))
        try await reader.ok("peer", "add", maker.url, "--yes")
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 4), as: "pollen.safetensors")
        let published = try await maker.publish(file, "pollen")
        try await eventually("the release is known") { try await reader.run("show", published.release).exit == 0 }
        try await reader.ok("peer", "block", maker.url, "--reason", "sold")
        let none = try await reader.run("get", published.release, "-o", world.path("out") + "/")
        #expect(none.exit != 0, "nobody else has the file: \(none)")
        try await reader.ok("peer", "unblock", maker.url)
        try await reader.ok("get", published.release, "-o", world.path("out") + "/")
    }

    @Test("a blocked node neither gives nor gets anything; where the operator is asked, a caller waits for the yes")
    func blocks() async throws {
        let world = try World.current
        let open = try await world.node("open")
        let careful = try await world.node("careful")
        try await careful.ok("peer", "add", open.url, "--yes")
        try await eventually("the exchange has begun") { try await isSettled([careful]) }
        let caller = try await eventually("the caller is seen") {
            try await open.json([Line].self, "peer", "ls", "--all").first
        }
        #expect(caller.standing == "caller")
        try await open.ok("peer", "block", caller.node, "--reason", "sends spam")
        let blocked = try await open.json([Line].self, "peer", "ls", "--all")
        #expect(blocked.map(\.standing) == ["blocked"] && blocked.map(\.reason) == ["sends spam"])
        #expect(try await open.get("/federation").text.contains("sends spam"))
        let file = try world.write(Samples.lora(mebibytes: 1, seed: 3), as: "comb.safetensors")
        _ = try await careful.publish(file, "comb")
        try await eventually("the blocked node is told so") {
            try await careful.json([PeerState].self, "peer", "ls")[0].lastError.contains("403")
        }
        #expect(try await open.api(APIModels.self, "/api/v1/models").items.isEmpty)
        try await open.ok("peer", "unblock", caller.node)
        try await eventually("it is let in again", within: 60) {
            try await open.api(APIModels.self, "/api/v1/models").items.count == 1
        }
    }
}
