import Digests
import Foundation
import Testing

@Suite("Files that come in are looked into", .nodes, .logsOnFailure)
struct ScanTests {
    private struct Takedown: Decodable {
        let hash: String
        let by: String
        let reason: String
    }

    @Test(
        "a pickle that runs something goes out of service when a library brings it; lifting the block is the last word")
    func adopted() async throws {
        let world = try World.current
        let node = try await world.node("a")
        // os.system("true"), protocol 0.
        let bytes = Array("cos\nsystem\n(S'true'\ntR.".utf8)
        let folder = world.path("models/loras")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: folder + "/bad.pt"))
        // Small ones that are looked at with it: dictionaries of one number.
        for (name, number) in [("a", 1), ("z", 2)] {
            try Data("(dS'n'\nI\(number)\ns.".utf8).write(to: URL(filePath: folder + "/\(name).pt"))
        }
        let hash = SHA256.hash(bytes).hex
        try await node.ok("library", "add", world.path("models"))
        try await eventually("it is out of service", within: 60) {
            try await node.get("/blobs/\(hash)").status == 451
        }
        let rows = try await node.json([Takedown].self, "mod", "ls")
        #expect(rows.map(\.hash) == [hash] && rows.map(\.by) == ["scanner"])
        #expect(rows.allSatisfy { $0.reason.hasPrefix("malware") })
        // What is refused is not published either.
        let refused = try await node.run(
            "publish", folder + "/bad.pt", "--model", "@me/bad", "--version", "1", "--type", "LORA", "--base",
            "SDXL 1.0", "--real-person", "no", "--yes")
        #expect(refused.exit != 0)
        try await node.ok("mod", "unblock", hash)
        try await node.ok("library", "scan")
        #expect(try await node.get("/blobs/\(hash)").status != 451)
    }
}
