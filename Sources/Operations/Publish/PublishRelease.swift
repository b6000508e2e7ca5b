import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// Shows what would be signed, without signing it. The files are taken in already, so publishing is quick after it.
public struct DraftRelease: Operation {
    public static let name = "publish draft"
    public var request: PublishRequest

    public init(_ request: PublishRequest) {
        self.request = request
    }

    public func run(in context: OperationContext) async throws(OperationError) -> ReleaseDraft {
        try await Publishing(request, context).draft().draft
    }
}

/// Signs a release with its model, channel and sample images, and returns when the catalog shows it.
///
/// The same request again changes nothing and returns the release that is there.
public struct PublishRelease: Operation {
    public static let name = "publish"
    public var request: PublishRequest

    public init(_ request: PublishRequest) {
        self.request = request
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PublishReply {
        try await Publishing(request, context).publish()
    }
}

/// One publication under way.
private struct Publishing {
    let request: PublishRequest
    let context: OperationContext
    let signer: Signer

    init(_ request: PublishRequest, _ context: OperationContext) throws(OperationError) {
        guard Slug.isValid(request.slug) else {
            throw OperationError(
                .usage, "\"\(request.slug)\" is no model name for addresses: use a-z, 0-9, - _ . (at most 64)")
        }
        guard !request.version.isEmpty else { throw OperationError(.usage, "say which version it is: --version 1.0") }
        self.request = request
        self.context = context
        signer = try context.keyring.account(request.account)
    }

    func draft() async throws(OperationError) -> DraftedRelease {
        var files: [InspectedFile] = []
        for file in request.files {
            files.append(
                try await InspectedFile.inspect(
                    FilePath(file.path), inPlace: request.inPlace, store: context.blobs, progress: context.progress))
        }
        return try DraftedRelease(request, files: files, existing: try await existingModel()?.post.model)
    }

    func publish() async throws(OperationError) -> PublishReply {
        var drafted = try await draft()
        if let refusal = drafted.draft.findings.first(where: { $0.severity == "error" }) {
            throw OperationError(.usage, refusal.text)
        }
        guard request.samples.count <= Limits.Post.images else {
            throw OperationError(.limits, "at most \(Limits.Post.images) samples go into one post")
        }
        drafted.release.modelAuthor = signer.author.data
        let model = try await modelPost(drafted.model)
        let earlier = try await earlierRelease(drafted.release)
        let release: SignedPost? =
            earlier.id == nil ? try sign(after: earlier.newest) { $0.release = drafted.release } : nil
        let releaseID = earlier.id ?? release?.id ?? .zero
        let images = try await imagePost(drafted.release, releaseID)
        let channel = release == nil ? nil : try await channelPost(releaseID)
        let posts = [model.new, release, channel, images].compactMap { $0 }
        // Pinned before it is announced, because what this node's people signed is never evicted; and after everything that
        // can refuse, because nothing would ever take the pin of a release that is not there away.
        for file in drafted.release.files { try await pin(file) }
        try await submit(posts)
        return PublishReply(
            release: releaseID.hex, model: model.id.hex, version: request.version,
            files: drafted.release.files.map(PublishReply.File.init), url: try await pageURL(releaseID),
            isNew: !posts.isEmpty)
    }

    private func pin(_ file: WireFile) async throws(OperationError) {
        guard let sha256 = Hash32(file.sha256) else { return }
        do {
            try await context.blobs.pin(sha256, .ownPost)
        } catch {
            throw OperationError(error)
        }
    }

    // MARK: Posts

    private func existingModel() async throws(OperationError) -> LoggedPost? {
        do {
            return try await context.log.post(author: signer.author, kind: .model, slot: request.slug)
        } catch {
            throw OperationError(error)
        }
    }

    /// The model's id in force, and the post to publish when something changed.
    private func modelPost(_ body: WireModel) async throws(OperationError) -> (id: Hash32, new: SignedPost?) {
        let existing = try await existingModel()
        if let existing, existing.post.model == body { return (existing.id, nil) }
        let post = try sign(after: existing?.created) { post in
            post.slot = request.slug
            post.model = body
        }
        return (post.id, post)
    }

    /// The id of the same release when it was published before, and when the model's newest release was made.
    ///
    /// - Throws: `conflict` when the version exists with other files or words: a signed release never changes.
    private func earlierRelease(_ body: WireRelease) async throws(OperationError) -> (id: Hash32?, newest: UInt64?) {
        let model: ModelView?
        do {
            model = try await context.catalog.model(
                author: signer.author, slug: request.slug, context.moderation.filter(for: .owner))
        } catch {
            throw OperationError(error)
        }
        let releases = model?.releases ?? []
        guard let same = releases.first(where: { $0.body.version == body.version }) else {
            return (nil, releases.map(\.created).max())
        }
        guard same.body == body else {
            throw OperationError(
                .conflict,
                "@\(request.account)/\(request.slug) has a version \(body.version) already, and a signed release never "
                    + "changes; publish this one as another --version")
        }
        return (same.post, nil)
    }

    private func channelPost(_ release: Hash32) async throws(OperationError) -> SignedPost {
        let existing: LoggedPost?
        do {
            existing = try await context.log.post(author: signer.author, kind: .channel, slot: request.slug)
        } catch {
            throw OperationError(error)
        }
        return try sign(after: existing?.created) { post in
            post.slot = request.slug
            // A mirror that stops the channel is noticed when it runs out.
            post.expires = post.created + Limits.Post.channelSeconds
            post.channel.modelAuthor = signer.author.data
            post.channel.modelSlug = request.slug
            post.channel.release = release.data
            post.channel.number = (existing?.post.channel.number ?? 0) + 1
        }
    }

    /// An image post of the samples that no post shows for this release yet.
    private func imagePost(_ release: WireRelease, _ id: Hash32) async throws(OperationError) -> SignedPost? {
        let level = Level(word: request.level ?? Level.pg.word) ?? .pg
        var images: [WireImage] = []
        for sample in request.samples {
            images.append(
                try await SampleImage.take(FilePath(sample), level: level, release: release, store: context.blobs))
        }
        let shown: [ReleaseView]
        do {
            shown = try await [
                context.catalog.release(post: id, context.moderation.filter(for: .owner))
            ].compactMap { $0 }
        } catch {
            throw OperationError(error)
        }
        let known = Set(shown.flatMap(\.images).filter { $0.author.author == signer.author }.map(\.image.blob))
        let fresh = images.filter { !known.contains($0.blob) }
        guard !fresh.isEmpty else { return nil }
        return try sign { post in
            post.imagePost.images = fresh
            post.imagePost.releases = [id.data]
        }
    }

    /// - Parameter after: `created` of the post that the new one replaces: it must be newer to stand.
    private func sign(after: UInt64? = nil, _ fill: (inout WirePost) -> Void) throws(OperationError) -> SignedPost {
        var post = WirePost()
        post.created = max(context.now(), (after ?? 0) + 1)
        fill(&post)
        do {
            return try signer.sign(post)
        } catch {
            throw OperationError(error)
        }
    }

    private func submit(_ posts: [SignedPost]) async throws(OperationError) {
        guard !posts.isEmpty else { return }
        do {
            let results = try await context.log.intake.submit(posts.map(\.envelope), from: .local)
            if let refusal = results.lazy.compactMap({ OperationError($0) }).first { throw refusal }
        } catch let error as OperationError {
            throw error
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        await context.catalog.waitUntilApplied(context.log.newestSeq)
    }

    private func pageURL(_ release: Hash32) async throws(OperationError) -> String {
        guard let base = context.publicURL else { return "" }
        do {
            let view = try await context.catalog.release(
                post: release, context.moderation.filter(for: .owner))
            return view.map { "\(base)/models/\($0.modelID)?modelVersionId=\($0.id)" } ?? base
        } catch {
            throw OperationError(error)
        }
    }
}

extension PublishReply.File {
    init(_ file: WireFile) {
        self.init(
            name: file.name, sha256: Hex.encode(file.sha256), size: file.size,
            piecesRoot: Hex.encode(file.piecesRoot), autov2: String(Hex.encode(file.sha256).prefix(10)),
            autov3: file.autov3.isEmpty ? nil : String(Hex.encode(file.autov3).prefix(12)))
    }
}
