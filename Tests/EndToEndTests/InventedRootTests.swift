import Digests
import Foundation
import Identity
import SwiftProtobuf
import Testing
import WaggleProtocol

/// Posts that name somebody else's file by its SHA-256 and invent what else is signed of it.
@Suite("Releases that invent a root for a file that exists", .nodes, .logsOnFailure)
struct InventedRootTests {
    /// An honest node with some files, a peer that passes on posts of a hostile author, and a reader that knows both.
    private struct Scene {
        let honest: TestNode
        let liar: FakeNode
        let reader: TestNode
        let author: Persona
        let folder: String

        init(answer: @escaping FakeNode.Answer = { _, _ in false }) async throws {
            let world = try World.current
            honest = try await world.node("honest")
            liar = try FakeNode(world, answer: answer)
            author = try Persona(.person)
            try liar.have(author.documents)
            reader = try await world.node("reader")
            folder = world.path("out") + "/"
        }

        func peer() async throws {
            try await reader.ok("peer", "add", liar.url, "--yes")
            try await reader.ok("peer", "add", honest.url, "--yes")
        }

        /// The id of a release that says of a file what is not so.
        func lie(_ slug: String, _ facts: FileDigests) throws -> String {
            let posts = try author.release(slug: slug, fileName: slug + ".bin", facts: facts)
            try liar.have(posts)
            return try posts[1].postID.hex
        }

        func knows(_ releases: String...) async throws {
            for release in releases {
                let reader = reader
                try await eventually("the reader knows \(release)") { try await reader.run("show", release).exit == 0 }
            }
        }

        func get(_ release: String) async throws -> CommandResult {
            try await reader.run("get", release, "-o", folder, "--json")
        }
    }

    private static func invented(_ bytes: [UInt8], size: Int? = nil) -> FileDigests {
        var facts = bytes.withUnsafeBytes { FileHasher.digests(of: $0) }
        facts.layer = facts.layer.map { SHA256.hash($0.data) }
        facts.size = UInt64(size ?? bytes.count)
        facts.piecesRoot = MerkleTree.root(layer: facts.layer, size: facts.size) ?? .zero
        return facts
    }

    @Test("whoever has the right bytes is not blamed for a root that a post invented")
    func holderIsNotBlamed() async throws {
        let scene = try await Scene()
        let world = try World.current
        var random = SeededBytes(90)
        let files = (0..<4).map { _ in random.bytes(300 << 10) }
        var releases: [String] = []
        for (at, bytes) in files.enumerated() {
            releases.append(try await scene.honest.publish(world.write(bytes, as: "f\(at).bin"), "f\(at)").release)
        }
        let lies = try [
            scene.lie("first", Self.invented(files[0])), scene.lie("second", Self.invented(files[1])),
            // The beginning of a file is not its bytes either.
            scene.lie("third", Self.invented(files[2], size: 200 << 10)),
            scene.lie("fourth", Self.invented(files[3], size: 100 << 10)),
        ]
        try await scene.peer()
        try await scene.knows(lies[0], lies[1], lies[2], lies[3], releases[0], releases[3])
        for (at, lie) in lies.enumerated() {
            let result = try await scene.get(lie)
            #expect(result.exit != 0, "\(result)")
            if at < 2 { #expect(result.errors.contains("signs a pieces root that its bytes do not have"), "\(result)") }
        }
        for release in releases {
            let result = try await scene.get(release)
            #expect(result.exit == 0, "\(result)")
        }
    }

    @Test("a download that was begun with an invented root does not keep the file away")
    func poisonedDownload() async throws {
        let bytes = try Samples.lora(mebibytes: 4, seed: 44)
        // The accomplice has unit hashes that lead to the invented root, and the bytes of the first.
        let unit = [UInt8](repeating: 7, count: Limits.Blob.unitBytes)
        var facts = Self.invented(bytes)
        facts.layer[0] = unit.withUnsafeBytes { MerkleTree.unitHash($0, size: facts.size) }
        facts.piecesRoot = try #require(MerkleTree.root(layer: facts.layer, size: facts.size))
        let claimed = facts
        let scene = try await Scene { call, connection in
            guard call.path.hasPrefix("/blobs/"), let range = call.range else { return false }
            guard range.upperBound < Limits.Blob.unitBytes else {
                connection.write(FakeNode.reply("404 Not Found", []))
                connection.endWriting()
                return true
            }
            let field = "Content-Range: bytes \(range.lowerBound)-\(range.upperBound)/\(claimed.size)\r\n"
            connection.write(FakeNode.reply("206 Partial Content", Array(unit[range]), field))
            connection.endWriting()
            return true
        }
        scene.liar.claim(claimed)
        let release = try await scene.honest.publish(World.current.write(bytes, as: "x.safetensors"), "x").release
        let lie = try scene.lie("lie", claimed)
        try await scene.peer()
        try await scene.knows(lie, release)
        let first = try await scene.get(lie)
        #expect(first.exit != 0, "\(first)")
        let partial = try FileManager.default.contentsOfDirectory(atPath: scene.reader.home + "/partial")
        #expect(!partial.isEmpty, "nothing of the lie stayed, so nothing is shown here")
        let second = try await scene.get(release)
        #expect(second.exit == 0, "\(second)")
        #expect(FileManager.default.contents(atPath: scene.folder + "x.safetensors") == Data(bytes))
    }
}
