import Digests
import Testing
import WaggleProtocol

@testable import Operations

@Suite("What posts of one's own want in the store")
struct WantedBlobsTests {
    private func hash(_ number: UInt8) -> Hash32 { SHA256.hash([number]) }

    @Test("files, pictures, graphs, covers and lists, each with what is known of it; what is malformed wants nothing")
    func kinds() {
        var file = WireFile()
        (file.sha256, file.piecesRoot, file.size) = (hash(1).data, hash(2).data, 5)
        var image = WireImage()
        (image.blob, image.piecesRoot, image.size) = (hash(3).data, hash(4).data, 6)
        let known = WantedBlobs.Blob(sha256: hash(1), size: 5, piecesRoot: hash(2))
        let shown = WantedBlobs.Blob(sha256: hash(3), size: 6, piecesRoot: hash(4))
        let named = WantedBlobs.Blob(sha256: hash(9), size: 0, piecesRoot: nil)
        var posts: [(WirePost, [WantedBlobs.Blob])] = []
        func add(_ wanted: [WantedBlobs.Blob], _ fill: (inout WirePost) -> Void) {
            var post = WirePost()
            fill(&post)
            posts.append((post, wanted))
        }
        add([known]) { $0.release.files = [file, WireFile()] }
        add([shown]) { $0.imagePost.images = [image] }
        add([shown]) { $0.review.images = [image] }
        add([known]) { $0.workflow.graph = file }
        add([named]) { $0.profile.avatar = hash(9).data }
        add([]) { $0.profile.name = "nobody" }
        add([named]) { $0.article.cover = hash(9).data }
        add([named]) { $0.checkpoint.blob = hash(9).data }
        add([]) { $0.comment.text = "x" }
        add([]) { _ in }
        for (post, wanted) in posts { #expect(WantedBlobs.blobs(of: post) == wanted) }
    }
}
