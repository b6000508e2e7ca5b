import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import SystemPackage
import WaggleProtocol

/// Pictures in a post of their own. Each is signed with its recipe and the full hashes of the files here that it names; the
/// post is shown under the releases that made its pictures.
public struct PostImages: Operation {
    public static let name = "post images"
    public var account: String
    /// Absolute paths of the pictures.
    public var images: [String]
    public var level: String
    public var title: String
    /// Markdown.
    public var text: String
    /// Releases to be shown under, besides those that the recipes name: whatever `show` takes.
    public var releases: [String]

    public init(
        account: String, images: [String], level: String, title: String = "", text: String = "",
        releases: [String] = []
    ) {
        self.account = account
        self.images = images
        self.level = level
        self.title = title
        self.text = text
        self.releases = releases
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        let level = try Level(typed: level)
        guard (1...Limits.Post.images).contains(images.count) else {
            throw OperationError(.limits, "a post has 1 to \(Limits.Post.images) pictures")
        }
        var shown: [Hash32] = []
        for reference in releases {
            let release = try await ReferenceResolver(context).release(reference).post
            if !shown.contains(release) { shown.append(release) }
        }
        var files: [SampleFile] = []
        for path in images { files.append(try await SampleFile.read(FilePath(path), for: context)) }
        return try await context.keeping { () async throws(OperationError) in
            files.map(\.brought)
        } _: { () async throws(OperationError) in
            try await post(files, level: level, shownUnder: shown, as: posting)
        }
    }

    private func post(
        _ files: [SampleFile], level: Level, shownUnder releases: [Hash32], as posting: Posting
    ) async throws(OperationError) -> PostReply {
        let context = posting.context
        var shown = releases
        let resolver = RecipeResolver(context, author: posting.signer.author)
        var post = WireImagePost()
        post.title = title
        post.text = text
        for file in files {
            let image = try await file.take(level: level, resolver: resolver, store: context.blobs)
            for release in try await resolver.releases(of: image.recipe) where !shown.contains(release) {
                shown.append(release)
            }
            post.images.append(image)
        }
        post.releases = shown.prefix(Limits.Catalog.releasesPerImagePost).map(\.data)
        let signed = try posting.sign { $0.imagePost = post }
        try await posting.submit([signed])
        return PostReply(post: signed.id.hex, isNew: true)
    }
}
