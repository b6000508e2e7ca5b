import ArgumentParser
import BlobStore
import Digests
import FoundationEssentials
import Identity
import PostLog
import SystemPackage
import WaggleProtocol

/// Many small pictures: into the store of a home, and into posts that show them.
struct SmallBlobsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "small",
        abstract:
            "Take a folder of small files into a home and sign image posts of them; prints the seconds of the first.")

    @Argument(help: "A home that `waggle init` made.")
    var home: String

    @Argument(help: "A folder of files of at most 64 KiB.")
    var folder: String

    /// Files that are read and handed to the store at a time: while one commit of them is written, those of the next are read
    /// and hashed on the other core.
    private static let atOnce = 2 * Limits.BlobStore.groupCommit
    /// Another node keeps a limited number of bytes of posts by an author whom it does not know.
    private static let imagesPerAuthor = 2000

    private struct Line: Encodable {
        let count: Int
        let seconds: Double
    }

    func run() async throws {
        let store = try await BlobStore.open(home: FilePath(home))
        let paths = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { "\(folder)/\($0)" }
        let began = ContinuousClock.now
        let facts = try await withThrowingTaskGroup(of: (Int, BlobFacts).self) { group in
            var facts: [Int: BlobFacts] = [:]
            for (index, path) in paths.enumerated() {
                if index >= Self.atOnce, let (done, fact) = try await group.next() { facts[done] = fact }
                group.addTask {
                    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
                    return (index, try await store.add(bytes: bytes))
                }
            }
            for try await (done, fact) in group { facts[done] = fact }
            return paths.indices.compactMap { facts[$0] }
        }
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        try await store.close()
        try await show(facts)
        print(String(decoding: try JSONEncoder().encode(Line(count: facts.count, seconds: seconds)), as: UTF8.self))
    }

    private func show(_ facts: [BlobFacts]) async throws {
        var author = try BenchAuthor()
        var envelopes = author.keyDocuments
        for start in stride(from: 0, to: facts.count, by: Limits.Post.images) {
            if start > 0, start % Self.imagesPerAuthor == 0 {
                author = try BenchAuthor()
                envelopes += author.keyDocuments
            }
            let post = try author.post(created: SignedPosts.begin + UInt64(start)) { post in
                post.imagePost.images = facts[start..<min(start + Limits.Post.images, facts.count)].map { fact in
                    var image = WireImage()
                    image.blob = fact.sha256.data
                    image.piecesRoot = fact.piecesRoot.data
                    image.size = fact.size
                    image.mediaType = "image/png"
                    (image.width, image.height) = (64, 64)
                    image.level = 1
                    return image
                }
            }
            envelopes.append(post.envelope)
        }
        let log = try PostLog(path: "\(home)/db/posts.db") { UInt64(Date().timeIntervalSince1970) }
        let results = try await log.intake.submit(envelopes, from: .local)
        if let refused = results.first(where: { $0 != .new }) { throw BenchError(what: "\(refused)") }
        log.close()
    }
}
