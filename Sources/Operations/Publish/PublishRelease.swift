import BlobStore
import Catalog
import Digests
import Formats
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// Shows what would be signed, from a look at each file's header. Nothing is signed, hashed or taken in.
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
    let posting: Posting

    private var signer: Signer { posting.signer }

    init(_ request: PublishRequest, _ context: OperationContext) throws(OperationError) {
        guard Slug.isValid(request.slug) else {
            throw OperationError(
                .usage, "\"\(request.slug)\" is no model name for addresses: use a-z, 0-9, - _ . (at most 64)")
        }
        guard !request.version.isEmpty else { throw OperationError(.usage, "say which version it is: --version 1.0") }
        self.request = request
        self.context = context
        posting = try Posting(context, as: request.account)
    }

    func draft() async throws(OperationError) -> DraftedRelease {
        guard request.samples.count <= Limits.Post.images else {
            throw OperationError(.limits, "at most \(Limits.Post.images) samples go into one post")
        }
        var looks: [FileLook] = []
        for file in request.files { looks.append(try await FileLook.at(FilePath(file.path))) }
        var samples: [ReleaseDraft.Finding] = []
        for sample in request.samples {
            samples += try await SampleFile.read(FilePath(sample), for: context).findings
        }
        let existing = try await posting.standing(.model, request.slug)
        return try DraftedRelease(request, files: looks, samples: samples, existing: existing?.post.model)
    }

    func publish() async throws(OperationError) -> PublishReply {
        let drafted = try await draft()
        if let refusal = drafted.draft.refusal { throw OperationError(.usage, refusal) }
        return try await context.keeping { () async throws(OperationError) in
            try await brought(drafted)
        } _: { () async throws(OperationError) in
            try await publish(drafted)
        }
    }

    private func brought(_ drafted: DraftedRelease) async throws(OperationError) -> [BroughtFile] {
        var brought = zip(request.files, drafted.files).map { asked, look in
            BroughtFile(size: look.size, sha256: asked.sha256.flatMap { Hash32(hex: $0) })
        }
        for sample in request.samples { brought.append(try await SampleFile.read(FilePath(sample)).brought) }
        return brought
    }

    private func publish(_ drafted: DraftedRelease) async throws(OperationError) -> PublishReply {
        var drafted = drafted
        let refs = try await ReleaseLineage(request.lineage, context).refs()
        var files: [InspectedFile] = []
        // Before a byte is stored.
        var scans: [FileScanner.Scanned] = []
        for (asked, look) in zip(request.files, drafted.files) {
            try await refuseTakenDown(look, claimed: asked.sha256)
            scans.append(try await ScanFile(look.path, tools: context.scanTools).refuseUnlessSafe(called: look.name))
        }
        for look in drafted.files {
            files.append(
                try await InspectedFile.inspect(
                    look, inPlace: request.inPlace, store: context.blobs, progress: context.progress))
        }
        for (asked, file) in zip(request.files, files) {
            guard let claimed = asked.sha256, claimed.lowercased() != file.facts.sha256.hex else { continue }
            throw OperationError(
                .integrity,
                "\(file.look.name) does not have the SHA-256 that was named for it; nothing was signed: bring the file again"
            )
        }
        if let refusal = files.lazy.compactMap(\.refusal).first { throw OperationError(.usage, refusal) }
        for file in files { try await refuseTakenDown(file) }
        drafted.release.files = files.map(\.wire)
        drafted.release.modelAuthor = signer.author.data
        let model = try await modelPost(drafted.model)
        let earlier = try await earlierRelease(drafted.release, refs)
        let release: SignedPost? =
            earlier.id == nil
            ? try posting.sign(after: earlier.newest) { post in
                post.release = drafted.release
                post.refs = refs
            } : nil
        let releaseID = earlier.id ?? release?.id ?? .zero
        let images = try await imagePosts(drafted.release, releaseID)
        let channel = release == nil ? nil : try await channelPost(releaseID)
        let posts = [model.new, release, channel].compactMap { $0 } + images
        try await posting.submit(posts)
        // One that was published before keeps its files too.
        if release == nil { for file in drafted.release.files { try await pin(file) } }
        for (scan, file) in zip(scans, files) {
            // What is published stands, whatever becomes of this; the file is looked at again.
            try? await ScanDesk(context).note(scan, of: file.facts.sha256)
        }
        return PublishReply(
            release: releaseID.hex, model: model.id.hex, version: request.version,
            files: drafted.release.files.map(PublishReply.File.init), url: try await pageURL(releaseID),
            isNew: !posts.isEmpty)
    }

    /// Before a byte of it is stored. Without a hash that was named it is read once more, where anything is refused at all.
    private func refuseTakenDown(_ look: FileLook, claimed: String?) async throws(OperationError) {
        guard context.moderation.refusesFiles else { return }
        let path = look.path
        let hash: Hash32
        if let claimed = claimed.flatMap({ Hash32(hex: $0) }) {
            hash = claimed
        } else {
            hash = try await Blocking.run { () throws(OperationError) in
                let (file, _) = try RegularFile.open(path, called: look.name)
                defer { try? file.close() }
                do {
                    return try UploadStore.hash(file)
                } catch {
                    throw OperationError(.failed, "\(path): \(error)")
                }
            }
        }
        guard let takedown = context.moderation.takedown(of: .blob(hash)) else { return }
        throw OperationError(
            .auth, "\(look.name) was taken down on this node (case \(takedown.caseNumber)): \(takedown.reason)")
    }

    /// A file under a new header is what it was: it is known by its tensors.
    private func refuseTakenDown(_ file: InspectedFile) async throws(OperationError) {
        let sha256 = file.facts.sha256
        let takedown =
            context.moderation.takedown(of: .blob(sha256))
            ?? file.tensors.flatMap { context.moderation.takedown(of: .tensors($0.digest)) }
        guard let takedown else { return }
        if let tensors = file.tensors {
            try await Takedowns(context).named(sha256, tensors: tensors.digest, now: context.now())
        }
        throw OperationError(
            .auth, "\(file.look.name) was taken down on this node (case \(takedown.caseNumber)): \(takedown.reason)")
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

    /// The model's id in force, and the post to publish when something changed.
    private func modelPost(_ body: WireModel) async throws(OperationError) -> (id: Hash32, new: SignedPost?) {
        let existing = try await posting.standing(.model, request.slug)
        if let existing, existing.post.model == body { return (existing.id, nil) }
        let post = try posting.sign(after: existing?.created) { post in
            post.slot = request.slug
            post.model = body
        }
        return (post.id, post)
    }

    /// The id of the same release when it was published before, and when the model's newest release was made.
    ///
    /// - Throws: `conflict` when the version exists with other files or words: a signed release never changes.
    private func earlierRelease(_ body: WireRelease, _ refs: [WireRef]) async throws(OperationError) -> (
        id: Hash32?, newest: UInt64?
    ) {
        let releases: [ReleaseView]
        let same: LoggedPost?
        do {
            releases =
                try await context.catalog.model(
                    author: signer.author, slug: request.slug, context.moderation.filter(for: .owner))?.releases ?? []
            guard let view = releases.first(where: { $0.body.version.utf8.elementsEqual(body.version.utf8) }) else {
                return (nil, releases.map(\.created).max())
            }
            same = try await context.log.posts(ids: [view.post])[view.post]
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
        guard let same, same.post.release == body, same.post.refs == refs else {
            throw OperationError(
                .conflict,
                "@\(request.account)/\(request.slug) has a version \(body.version) already, and a signed release never "
                    + "changes; publish this one as another version")
        }
        return (same.id, nil)
    }

    private func channelPost(_ release: Hash32) async throws(OperationError) -> SignedPost {
        let existing = try await posting.standing(.channel, request.slug)
        return try posting.sign(after: existing?.created) { post in
            post.slot = request.slug
            // A mirror that stops the channel is noticed when it runs out.
            post.expires = post.created + Limits.Post.channelSeconds
            post.channel.modelAuthor = signer.author.data
            post.channel.modelSlug = request.slug
            post.channel.release = release.data
            post.channel.number = (existing?.post.channel.number ?? 0) + 1
        }
    }

    /// Image posts of the samples that no post shows for this release yet: one for each set of releases that the images
    /// were made with, so that each image appears under all of them.
    private func imagePosts(_ release: WireRelease, _ id: Hash32) async throws(OperationError) -> [SignedPost] {
        let level = Level(word: request.level ?? Level.pg.word) ?? .pg
        let resolver = RecipeResolver(context, author: signer.author, own: release.files)
        let known: Set<Data>
        do {
            let shown = try await context.catalog.release(post: id, context.moderation.filter(for: .owner))
            known = Set(shown?.images.filter { $0.author.author == signer.author }.map(\.image.blob) ?? [])
        } catch {
            throw OperationError(error)
        }
        var groups: [(releases: [Hash32], images: [WireImage])] = []
        for path in request.samples {
            let sample = try await SampleFile.read(FilePath(path))
            let image = try await sample.take(level: level, resolver: resolver, store: context.blobs)
            guard !known.contains(image.blob) else { continue }
            let releases = [id] + (try await resolver.releases(of: image.recipe)).filter { $0 != id }
            if let group = groups.firstIndex(where: { $0.releases == releases }) {
                groups[group].images.append(image)
            } else {
                groups.append((releases, [image]))
            }
        }
        var posts: [SignedPost] = []
        for group in groups {
            posts.append(
                try posting.sign { post in
                    post.imagePost.images = group.images
                    post.imagePost.releases = group.releases.map(\.data)
                })
        }
        return posts
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
