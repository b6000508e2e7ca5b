import ArgumentParser
import Digests
import FoundationEssentials
import Identity
import WaggleProtocol

/// What a post takes on the wire.
struct SizesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sizes", abstract: "Bytes of a review's and a release's envelope, as JSON.")

    private struct Sizes: Encodable {
        let review: Int
        let release: Int
    }

    func run() async throws {
        let author = try BenchAuthor()
        let release = try author.post(created: SignedPosts.begin) { post in
            post.release.modelAuthor = author.signer.author.data
            post.release.modelSlug = "honey-watercolour"
            post.release.version = "1.2"
            post.release.baseModel = "SDXL 1.0"
            post.release.trainedWords = ["honeywc", "watercolour wash"]
            post.release.changes = "Trained on 40 more pictures; hands come out right more often."
            post.release.files = [SignedPosts.file(1)]
        }
        let review = try author.post(created: SignedPosts.begin) { post in
            post.slot = release.id.hex
            post.review.release = release.id.data
            post.review.recommended = true
        }
        let sizes = Sizes(review: review.envelope.count, release: release.envelope.count)
        print(String(decoding: try JSONEncoder().encode(sizes), as: UTF8.self))
    }
}
