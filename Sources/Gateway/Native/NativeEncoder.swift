import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import WaggleProtocol

/// Turns views into the shapes of the native API.
struct NativeEncoder: Sendable {
    /// What absolute links begin with.
    let base: String
    /// What this node computed of the files that are to be shown.
    var known: [Hash32: BlobHashes] = [:]

    // MARK: People

    func creator(_ view: CreatorView) -> NativeCreator {
        NativeCreator(
            id: view.id, author: AuthorID.text(view.author), handle: view.handle, name: view.name, home: view.home,
            url: "\(base)/@\(PercentCoding.encode(view.handle))")
    }

    func page(_ view: CreatorView) -> NativeCreatorPage {
        NativeCreatorPage(
            id: view.id, author: AuthorID.text(view.author), handle: view.handle, name: view.name, home: view.home,
            url: "\(base)/@\(PercentCoding.encode(view.handle))", about: view.about, links: view.links,
            followers: view.followers, following: view.following, models: view.modelCount, images: view.imageCount,
            isFromHere: view.isFromHere)
    }

    func follow(_ view: FollowView) -> NativeFollow {
        NativeFollow(
            author: AuthorID.text(view.author), petname: view.petname, creator: view.creator.map { creator($0) })
    }

    // MARK: Models

    func model(_ view: ModelView) -> NativeModel {
        NativeModel(
            id: view.id, post: view.post.hex, creator: creator(view.author), slug: view.slug, name: view.body.name,
            type: view.body.type, description: view.body.description_p, tags: view.body.tags, level: view.level.word,
            levels: Self.words(view.levelBits), licence: Self.licence(view.body.licence),
            realPerson: Self.word(view.body.realPerson), created: Dates.timestamp(view.created),
            updated: Dates.timestamp(view.updated), counts: Self.counts(view.counts),
            releases: view.releases.map { release($0) }, url: "\(base)/models/\(view.id)")
    }

    func release(_ view: ReleaseView) -> NativeRelease {
        NativeRelease(
            id: view.id, post: view.post.hex, modelId: view.modelID, modelPost: view.modelPost.hex,
            creator: creator(view.author), version: view.body.version, baseModel: view.body.baseModel,
            trainedWords: view.body.trainedWords, changes: view.body.changes,
            settings: Self.settings(view.body.settings), mirrors: view.body.mirrors,
            created: Dates.timestamp(view.created), levels: Self.words(view.levelBits),
            counts: Self.counts(view.counts), files: view.files.compactMap { file($0) },
            images: view.images.compactMap { image($0) }, downloadUrl: "\(base)/api/download/models/\(view.id)",
            url: "\(base)/models/\(view.modelID)?modelVersionId=\(view.id)")
    }

    /// Nil for a file that does not name its bytes.
    private func file(_ view: FileView) -> NativeFile? {
        guard let hash = Hash32(view.file.sha256) else { return nil }
        let file = view.file
        let hashes = FileHashes(file, known: known[hash])
        let name = BlobAddress.name(of: view)
        return NativeFile(
            id: view.id, name: name.text, size: file.size, kind: file.kind, format: file.format,
            precision: file.precision, sha256: hash.hex, piecesRoot: Hex.encode(file.piecesRoot),
            autov1: hashes.autoV1?.lowercased(), autov2: hashes.autoV2.lowercased(),
            autov3: hashes.autoV3?.lowercased(), crc32: hashes.crc32.lowercased(), blake3: hashes.blake3?.lowercased(),
            tensorDigest: file.tensorDigest.isEmpty ? nil : Hex.encode(file.tensorDigest), isPrimary: view.isPrimary,
            url: base + BlobAddress.path(hash, name: name), torrentUrl: "\(base)/blobs/\(hash.hex).torrent",
            metalinkUrl: "\(base)/blobs/\(hash.hex).meta4")
    }

    static func licence(_ licence: WireLicence) -> NativeLicence {
        NativeLicence(
            name: licence.name, url: licence.url, noCredit: licence.noCredit, commercialUse: licence.commercialUse,
            derivatives: licence.derivatives, differentLicence: licence.differentLicence)
    }

    private static func settings(_ settings: WireSettings) -> NativeSettings {
        NativeSettings(
            strength: said(settings.strength), strengthMin: said(settings.strengthMin),
            strengthMax: said(settings.strengthMax), clipSkip: said(settings.clipSkip), sampler: said(settings.sampler),
            scheduler: said(settings.scheduler), steps: said(settings.steps), cfgScale: said(settings.cfgScale),
            width: said(settings.width), height: said(settings.height), hint: said(settings.hint))
    }

    /// A zero of the wire is nothing said.
    private static func said(_ text: String) -> String? { text.isEmpty ? nil : text }
    private static func said(_ number: UInt32) -> UInt32? { number == 0 ? nil : number }
    /// JSON has no words for what is no number.
    private static func said(_ number: Double) -> Double? { number == 0 || !number.isFinite ? nil : number }

    static func counts(_ counts: SubjectCounts) -> NativeCounts {
        NativeCounts(
            downloads: counts.downloads, recommended: counts.recommended, notRecommended: counts.notRecommended,
            comments: counts.comments, images: counts.images, collections: counts.collections,
            drawnBy: counts.drawnBy,
            reactions: counts.reactions.map { .init(emoji: $0.emoji, count: $0.count) })
    }

    /// "PG", "R" for the bits 5.
    static func words(_ bits: UInt32) -> [String] {
        Level.allCases.filter { bits & $0.rawValue != 0 }.map(\.word)
    }

    private static func word(_ answer: WireRealPerson) -> String {
        switch answer {
        case .yes: "yes"
        case .no: "no"
        default: "unanswered"
        }
    }

    // MARK: Images

    /// Nil for an image that does not name its bytes.
    func image(_ view: ImageView) -> NativeImage? {
        guard let hash = Hash32(view.image.blob) else { return nil }
        let image = view.image
        return NativeImage(
            id: view.id, post: view.post.hex, postId: view.postID, index: view.index, creator: creator(view.author),
            created: Dates.timestamp(view.created), title: view.title, level: view.level.word, width: image.width,
            height: image.height, mediaType: image.mediaType, size: image.size, alt: image.alt, sha256: hash.hex,
            recipe: Self.recipe(image.recipe),
            releases: view.releases.map { link in
                .init(
                    releaseId: link.releaseID, modelId: link.modelID, modelName: link.modelName,
                    version: link.version, baseModel: link.baseModel)
            }, counts: Self.counts(view.counts),
            fileUrl: base + BlobAddress.path(hash, name: BlobAddress.name(of: view)),
            url: "\(base)/images/\(view.id)")
    }

    private static func recipe(_ recipe: WireRecipe) -> NativeRecipe? {
        guard recipe != WireRecipe() else { return nil }
        return NativeRecipe(
            prompt: recipe.prompt, negativePrompt: recipe.negativePrompt, seed: recipe.hasSeed_p ? recipe.seed : nil,
            steps: said(recipe.steps), sampler: said(recipe.sampler), scheduler: said(recipe.scheduler),
            cfgScale: said(recipe.cfgScale), clipSkip: said(recipe.clipSkip), width: said(recipe.width),
            height: said(recipe.height), engine: said(recipe.engine),
            resources: recipe.resources.map { resource in
                .init(
                    kind: resource.kind, name: resource.name,
                    sha256: resource.sha256.isEmpty ? nil : Hex.encode(resource.sha256),
                    claimedHash: said(resource.claimedHash),
                    strength: resource.strength.isFinite ? resource.strength : 0)
            })
    }

    // MARK: Talk

    func review(_ view: ReviewView) -> NativeReview {
        NativeReview(
            post: view.post.hex, releaseId: view.releaseID, version: view.version, creator: creator(view.author),
            created: Dates.timestamp(view.created), isRecommended: view.isRecommended, text: view.text,
            counts: Self.counts(view.counts))
    }

    func comment(_ view: CommentView) -> NativeComment {
        NativeComment(
            post: view.post.hex, subject: view.subject.hex, replyTo: view.replyTo?.hex, creator: creator(view.author),
            created: Dates.timestamp(view.created), text: view.text, depth: view.depth, replies: view.replyCount,
            counts: Self.counts(view.counts))
    }

    func collection(_ view: CollectionView) -> NativeCollection {
        NativeCollection(
            id: view.id, post: view.post.hex, creator: creator(view.author), slug: view.slug, name: view.name,
            description: view.description, level: view.level.word, updated: Dates.timestamp(view.updated),
            itemCount: view.itemCount, counts: Self.counts(view.counts), url: "\(base)/collections/\(view.id)")
    }

    /// - Parameter models: by number, for the items that are models.
    func item(_ item: CollectionItem, _ models: [Int32: ModelView]) -> NativeCollectionItem {
        switch item {
        case .model(let card): NativeCollectionItem(model: models[card.id].map { model($0) })
        case .release(let view, _): NativeCollectionItem(release: release(view))
        case .images(let post): NativeCollectionItem(images: post.images.compactMap { image($0) })
        }
    }
}
