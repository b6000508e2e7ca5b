import Digests
import Formats
import Foundation
import Glibc
import Testing

@Suite("The same tensors under another header", .nodes, .logsOnFailure)
struct SameWeightsTests {
    private struct Got: Decodable {
        struct File: Decodable {
            let path: String
            let reused: Int
        }
        let files: [File]
    }

    private struct Item: Decodable {
        let path: String
    }

    /// Eight tensors of 2 MiB under names of their own, in order or reversed.
    private func model(title: String, reversed: Bool) throws -> [UInt8] {
        var random = SeededBytes(90)
        let parts = (0..<8).map { ("layer.\($0).weight", random.bytes(2 << 20)) }
        let ordered = reversed ? parts.reversed() : parts
        let header = try SafetensorsWriter.header(
            tensors: ordered.map { .init($0.0, .f16, [1024, 1024]) }, metadata: ["title": title])
        return header.bytes + ordered.flatMap(\.1)
    }

    @Test(
        "only the header is fetched, and every unit that is put together is verified", arguments: [false, true])
    func shortCut(reversed: Bool) async throws {
        let world = try World.current
        let proxy = try CountingProxy(world)
        let maker = try await world.node("maker", "--public-url", proxy.url)
        proxy.lead(to: maker.url)
        let wanted = try model(title: "A title that is longer than the other one by some bytes", reversed: reversed)
        let published = try await maker.publish(world.write(wanted, as: "new.safetensors"), "x")

        let reader = try await world.node("reader")
        let folder = world.path("models")
        mkdir(folder, 0o755)
        let here = try model(title: "short", reversed: false)
        try Data(here).write(to: URL(filePath: folder + "/old.safetensors"))
        try await reader.ok("library", "add", folder, "--layout", "flat", "--wait")
        let blake3 = here.withUnsafeBytes { BLAKE3.hash($0) }.hex
        try await eventually("the background pass has named the file", within: 90) {
            try await reader.json([Item].self, "identify", blake3).first?.path.isEmpty == false
        }
        try await reader.ok("peer", "add", proxy.url, "--yes")
        try await eventually("the reader knows the release") {
            try await reader.run("show", published.release).exit == 0
        }
        let before = proxy.passed
        let got = try await reader.json(Got.self, "get", published.release, "-o", world.path("out") + "/")
        let fetched = proxy.passed - before
        #expect(fetched < 3 << 20, "\(fetched) bytes came for a header")
        #expect((got.files.first?.reused ?? 0) >= 14 << 20)
        #expect(try FileManager.default.contents(atPath: #require(got.files.first?.path)) == Data(wanted))
        #expect(try await reader.get("/blobs/\(published.files[0].sha256)").body == wanted)
    }
}
