import Digests
import FoundationEssentials
import Identity
import WaggleProtocol

/// Somebody who signs posts: a key chain as `waggle init` makes one, a genesis and a version that lists a device.
struct BenchAuthor: Sendable {
    let signer: Signer
    /// Genesis first.
    let keyDocuments: [Data]

    init() throws {
        let secret = RecoverySecret.random()
        let device = SigningKey.random()
        let genesis = try secret.genesis(.person)
        var document = genesis.post.keyDocument
        document.version = 2
        document.previous = genesis.id.data
        var entry = WireDevice()
        entry.key = device.publicKey.data
        entry.scopes = [.release, .review, .list, .post]
        document.devices = [entry]
        let devices = try PostSigning.byRoots(
            .keyDocument(document), author: genesis.id, created: SignedPosts.begin,
            roots: [secret.root(.person, generation: 0)])
        signer = Signer(author: genesis.id, device: device)
        keyDocuments = [genesis.envelope, devices.envelope]
    }

    func post(created: UInt64, _ fill: (inout WirePost) -> Void) throws -> SignedPost {
        var post = WirePost()
        post.created = created
        fill(&post)
        return try signer.sign(post)
    }
}

/// Posts as a federation of many small authors makes them.
enum SignedPosts {
    /// Unix seconds of the first post; the others follow by one second each.
    static let begin: UInt64 = 1_700_000_000
    static let authors = 250

    /// Distinct reviews, one for each pair of author and release, the authors taking turns.
    static func reviews(_ count: Int, by authors: [BenchAuthor], of releases: [Hash32]) async throws -> [SignedPost] {
        precondition(count <= authors.count * releases.count, "an author has one review of a release")
        return try await inParallel(count) { index in
            let release = releases[index / authors.count]
            return try authors[index % authors.count].post(created: begin + UInt64(index)) { post in
                post.slot = release.hex
                post.review.release = release.data
                post.review.recommended = index % 5 != 0
                post.review.text = """
                    Review \(index). Works well at a strength of 0.8 with the base model it was trained on; hands come out \
                    right more often than not, and the style holds up to 1536 pixels. Faces drift above 1.1.
                    """
            }
        }
    }

    /// A model with one release for each of `count` slugs.
    static func models(_ count: Int, by authors: [BenchAuthor]) throws -> (posts: [SignedPost], releases: [Hash32]) {
        var posts: [SignedPost] = []
        var releases: [Hash32] = []
        for index in 0..<count {
            let author = authors[index % authors.count]
            let slug = "model-\(index)"
            posts.append(
                try author.post(created: begin + UInt64(index)) { post in
                    post.slot = slug
                    post.model.name = "Model \(index)"
                    post.model.type = "LORA"
                    post.model.tags = ["style", "tag \(index % 50)"]
                    post.model.level = 1
                    post.model.realPerson = .no
                })
            let release = try author.post(created: begin + UInt64(index)) { post in
                post.release.modelAuthor = author.signer.author.data
                post.release.modelSlug = slug
                post.release.version = "1.0"
                post.release.baseModel = "SDXL 1.0"
                post.release.files = [file(index)]
            }
            posts.append(release)
            releases.append(release.id)
        }
        return (posts, releases)
    }

    static func file(_ index: Int) -> WireFile {
        let name = "model-\(index).safetensors"
        var file = WireFile()
        file.sha256 = SHA256.hash(Array(name.utf8)).data
        file.piecesRoot = SHA256.hash(Array("root of \(name)".utf8)).data
        file.size = 150 << 20
        file.name = name
        file.kind = "Model"
        file.format = "SafeTensor"
        file.mediaType = "application/octet-stream"
        return file
    }

    /// Makes `count` values on all cores, in order.
    private static func inParallel<Value: Sendable>(
        _ count: Int, _ make: @escaping @Sendable (Int) throws -> Value
    ) async throws -> [Value] {
        let part = 1000
        return try await withThrowingTaskGroup(of: (Int, [Value]).self) { group in
            for start in stride(from: 0, to: count, by: part) {
                group.addTask { (start, try (start..<min(start + part, count)).map(make)) }
            }
            var parts: [(Int, [Value])] = []
            for try await made in group { parts.append(made) }
            return parts.sorted { $0.0 < $1.0 }.flatMap(\.1)
        }
    }
}
