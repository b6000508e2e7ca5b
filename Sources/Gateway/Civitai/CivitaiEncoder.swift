import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Identity
import Media
import Moderation
import WaggleProtocol

/// Turns views into the shapes of the Civitai API: one encoder for lists, single items and look-ups by hash, so that a
/// client sees the same object wherever it finds it.
struct CivitaiEncoder: Sendable {
    /// What absolute links begin with.
    let base: String
    /// What this node computed of the files that are to be shown.
    var known: [Hash32: BlobHashes] = [:]
    /// What is known of the pictures that are to be shown.
    var facts: [Hash32: PictureFacts] = [:]
    /// Whether files other than the primary one are left out.
    var isPrimaryOnly = false

    // MARK: Models

    func model(_ model: ModelView) -> CivitaiModel {
        let licence = model.body.licence
        return CivitaiModel(
            id: model.id, name: model.body.name,
            description: Nullable(Wording.paragraphsHTML(model.body.description_p)), type: model.body.type,
            nsfw: Self.isMature(model.levelBits), nsfwLevel: model.levelBits,
            allowNoCredit: licence.noCredit, allowCommercialUse: licence.commercialUse,
            allowDerivatives: licence.derivatives, allowDifferentLicense: licence.differentLicence,
            poi: model.body.realPerson == .yes, userId: model.author.id,
            creator: .init(username: model.author.handle, image: Nullable(nil)), tags: model.body.tags,
            stats: Self.stats(model.counts), modelVersions: model.releases.map { version($0, of: model) },
            waggle: Self.origin(model.post, model.author))
    }

    /// More than PG-13.
    private static func isMature(_ bits: UInt32) -> Bool {
        bits & ~Level.pg13.upTo != 0
    }

    private static func stats(_ counts: SubjectCounts) -> CivitaiStats {
        CivitaiStats(
            downloadCount: counts.downloads, thumbsUpCount: counts.recommended, thumbsDownCount: counts.notRecommended,
            commentCount: counts.comments)
    }

    private static func origin(_ post: Hash32, _ author: CreatorView) -> CivitaiOrigin {
        CivitaiOrigin(post: post.hex, author: AuthorID.text(author.author))
    }

    // MARK: Versions

    func version(_ release: ReleaseView, of model: ModelView) -> CivitaiVersion {
        let published = Dates.timestamp(release.created)
        return CivitaiVersion(
            id: release.id, modelId: model.id,
            model: .init(
                name: model.body.name, type: model.body.type, nsfw: Self.isMature(model.levelBits),
                poi: model.body.realPerson == .yes),
            index: release.index, name: release.body.version, air: Self.air(release, of: model),
            baseModel: release.body.baseModel, createdAt: published, updatedAt: published, publishedAt: published,
            nsfwLevel: release.levelBits, description: Nullable(Wording.paragraphsHTML(release.body.changes)),
            trainedWords: release.body.trainedWords, covered: !release.images.isEmpty,
            uploadType: release.body.training.method.isEmpty ? "Created" : "Trained", stats: Self.stats(release.counts),
            files: release.files.filter { $0.isPrimary || !isPrimaryOnly }.map { file($0, of: release) },
            images: release.images.compactMap(image),
            downloadUrl: download(release), waggle: Self.origin(release.post, release.author))
    }

    private func download(_ release: ReleaseView) -> String {
        "\(base)/api/download/models/\(release.id)"
    }

    /// The names of a version in the form that Civitai writes them; the ids are those of the posts.
    static func air(_ release: ReleaseView, of model: ModelView) -> String {
        func plain(_ text: String) -> String {
            String(
                text.lowercased().unicodeScalars.filter { ("a"..."z").contains($0) || ("0"..."9").contains($0) }
                    .map { Character($0) })
        }
        let ecosystem = plain(release.body.baseModel)
        let type = ["textualinversion": "embedding", "locon": "lycoris", "hypernetwork": "hypernet"]
        let kind = plain(model.body.type)
        return "urn:air:\(ecosystem.isEmpty ? "other" : ecosystem):\(type[kind] ?? (kind.isEmpty ? "other" : kind)):"
            + "waggle:\(model.post.hex)@\(release.post.hex)"
    }

    // MARK: Files

    private func file(_ view: FileView, of release: ReleaseView) -> CivitaiFile {
        let file = view.file
        let hashes = FileHashes(file, known: Hash32(file.sha256).flatMap { known[$0] })
        // A safetensors file has no place for a pickle. Nothing else is claimed of files that nobody scanned.
        let hasNoPickle = file.format == "SafeTensor"
        return CivitaiFile(
            id: view.id, name: BlobAddress.name(of: view).text, type: file.kind.isEmpty ? "Model" : file.kind,
            sizeKB: Double(file.size) / 1024,
            metadata: .init(file),
            pickleScanResult: hasNoPickle ? "Success" : "Pending",
            pickleScanMessage: Nullable(hasNoPickle ? "No Pickle imports" : nil),
            scannedAt: Dates.timestamp(release.created),
            hashes: .init(
                SHA256: hashes.sha256, AutoV1: hashes.autoV1 ?? "", AutoV2: hashes.autoV2,
                AutoV3: hashes.autoV3 ?? String(hashes.sha256.prefix(12)), CRC32: hashes.crc32,
                BLAKE3: hashes.blake3 ?? ""),
            // The plain address is the primary file: clients add their own query to it.
            downloadUrl: download(release) + (view.isPrimary ? "" : "?fileId=\(view.id)"), primary: view.isPrimary)
    }

    // MARK: Images

    /// Nil for an image that does not name its bytes.
    func image(_ view: ImageView) -> CivitaiImage? {
        guard let url = url(view) else { return nil }
        let image = view.image
        let meta = Self.meta(image.recipe)
        return CivitaiImage(
            id: view.id, url: url, nsfwLevel: view.level.rawValue, width: image.width, height: image.height,
            hash: blurHash(view),
            metadata: .init(width: image.width, height: image.height, size: image.size), meta: Nullable(meta),
            hasMeta: meta != nil)
    }

    func listed(_ view: ImageView, withMeta: Bool) -> CivitaiListedImage? {
        guard let url = url(view) else { return nil }
        return CivitaiListedImage(
            id: view.id, url: url, hash: blurHash(view), width: view.image.width, height: view.image.height,
            nsfw: Self.isMature(view.level.rawValue), nsfwLevel: Self.word(view.level),
            browsingLevel: view.level.rawValue, createdAt: Dates.timestamp(view.created), postId: view.postID,
            username: view.author.handle, baseModel: view.releases.first?.baseModel ?? "",
            modelVersionIds: view.releases.map(\.releaseID), stats: .init(view.counts),
            meta: Nullable(withMeta ? Self.meta(view.image.recipe) : nil))
    }

    private func blurHash(_ view: ImageView) -> String {
        Hash32(view.image.blob).flatMap { facts[$0]?.blurHash } ?? ""
    }

    private func url(_ view: ImageView) -> String? {
        Hash32(view.image.blob).map { base + BlobAddress.path($0, name: BlobAddress.name(of: view)) }
    }

    private static func word(_ level: Level) -> String {
        switch level {
        case .pg: "None"
        case .pg13: "Soft"
        case .r: "Mature"
        case .x, .xxx, .blocked: "X"
        }
    }

    private static func meta(_ recipe: WireRecipe) -> CivitaiMeta? {
        guard !recipe.prompt.isEmpty || !recipe.resources.isEmpty else { return nil }
        func text(_ text: String) -> String? { text.isEmpty ? nil : text }
        return CivitaiMeta(
            prompt: recipe.prompt, negativePrompt: text(recipe.negativePrompt),
            seed: recipe.hasSeed_p ? recipe.seed : nil, steps: recipe.steps == 0 ? nil : recipe.steps,
            sampler: text(recipe.sampler), cfgScale: recipe.cfgScale == 0 ? nil : recipe.cfgScale,
            clipSkip: recipe.clipSkip == 0 ? nil : recipe.clipSkip,
            Size: recipe.width == 0 ? nil : "\(recipe.width)x\(recipe.height)",
            resources: recipe.resources.map { resource in
                let hash =
                    resource.sha256.isEmpty ? resource.claimedHash : String(Hex.encode(resource.sha256).prefix(10))
                return .init(
                    name: resource.name, type: resource.kind == "checkpoint" ? "model" : resource.kind,
                    weight: resource.strength, hash: text(hash))
            })
    }
}
