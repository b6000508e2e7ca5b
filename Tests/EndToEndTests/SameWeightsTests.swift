import Digests
import Formats
import Foundation
import Glibc
import Identity
import Testing
import WaggleProtocol

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
    private func model(title: String, reversed: Bool, seed: UInt64 = 90) throws -> [UInt8] {
        var random = SeededBytes(seed)
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

    /// What a release can say falsely of its tensors.
    enum Claim: CaseIterable, Sendable {
        case autoV3, tensorDigest
    }

    @Test(
        "a release that names the tensors of a file here and has others costs some reading: its own bytes come, nobody is accused",
        arguments: Claim.allCases)
    func falseClaim(_ claim: Claim) async throws {
        let world = try World.current
        let here = try model(title: "short", reversed: false)
        // The first tensor is the same, so that it does not show at once.
        var wanted = try model(title: "A title that is longer than the other one by some bytes", reversed: false)
        let others = try model(
            title: "A title that is longer than the other one by some bytes", reversed: false, seed: 91)
        wanted.replaceSubrange(5 << 20..<wanted.count, with: others[5 << 20..<others.count])
        let digests = wanted.withUnsafeBytes { FileHasher.digests(of: $0) }
        let bytes = wanted
        let fake = try FakeNode(world) { call, connection in
            guard call.path.hasPrefix("/blobs/"), let range = call.range else { return false }
            let part = Array(bytes[range.clamped(to: 0...bytes.count - 1)])
            let place = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/\(bytes.count)\r\n"
            connection.write(FakeNode.reply("206 Partial Content", part, place))
            connection.endWriting()
            return true
        }
        let header = try SafetensorsHeader(prefix: here, fileSize: UInt64(here.count))
        let tensors = TensorStreamHasher(header)
        try tensors.update(Array(here[Int(header.dataStart)...]))
        let hashes = try tensors.finalize()
        let author = try Persona(.person)
        let posts = try author.release(slug: "x", fileName: "new.safetensors", facts: digests) { file in
            switch claim {
            case .autoV3: file.autov3 = hashes.autoV3.data
            case .tensorDigest: file.tensorDigest = hashes.digest.data
            }
        }
        try fake.have(author.documents + posts)
        fake.claim(digests)

        let reader = try await world.node("reader")
        let folder = world.path("models")
        mkdir(folder, 0o755)
        try Data(here).write(to: URL(filePath: folder + "/old.safetensors"))
        try await reader.ok("library", "add", folder, "--layout", "flat", "--wait")
        let blake3 = here.withUnsafeBytes { BLAKE3.hash($0) }.hex
        try await eventually("the background pass has named the file", within: 90) {
            try await reader.json([Item].self, "identify", blake3).first?.path.isEmpty == false
        }
        try await reader.ok("peer", "add", fake.url, "--yes")
        let release = try posts[1].postID.hex
        try await eventually("the reader knows the release") { try await reader.run("show", release).exit == 0 }
        let got = try await reader.json(Got.self, "get", release, "-o", world.path("out") + "/")
        #expect(try FileManager.default.contents(atPath: #require(got.files.first?.path)) == Data(bytes))
        #expect(try await reader.get("/blobs/\(digests.sha256.hex)").body == bytes)
        #expect(FileManager.default.contents(atPath: folder + "/old.safetensors") == Data(here))
        // The tensors that differ came from the peer, who told the truth about every byte.
        let asked = fake.calls("/blobs/").compactMap(\.range).reduce(0) { $0 + $1.count }
        #expect(asked >= 11 << 20, "\(asked) bytes were asked for")
        // Once the bytes were read for their other names, the false one is told.
        let verified = try await eventually("the false name is told", within: 90) {
            let verified = try await reader.run("verify", release)
            return verified.exit == 6 ? verified : nil
        }
        #expect(verified.errors.contains(claim == .autoV3 ? "AutoV3" : "tensor digest"), "\(verified)")
    }
}
