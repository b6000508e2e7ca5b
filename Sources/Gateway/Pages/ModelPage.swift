import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Identity
import Media
import Moderation
import WaggleProtocol

/// Who signed what a page shows.
struct SignatureView {
    /// The first digits of the key.
    let keyStart: String
    let keyLabel: String?
    /// A day; nil when the key document names none.
    let keySince: String?

    init(device: Hash32, authority: DeviceAuthority?) {
        keyStart = String(device.hex.prefix(8))
        keyLabel = authority.flatMap { $0.label.isEmpty ? nil : $0.label }
        keySince = authority.flatMap { $0.notBefore == 0 ? nil : Dates.day($0.notBefore) }
    }
}

/// The values of a model's page, in the order in which it shows them.
struct ModelPage {
    private let model: ModelView
    private let release: ReleaseView?
    private let signature: SignatureView?
    /// Files whose bytes are on this node, by SHA-256.
    var held: Set<Hash32> = []
    /// What this node computed of the files.
    var known: [Hash32: BlobHashes] = [:]
    var lineage: LineageView?
    var gallery: [ImageView] = []
    var reviews: [ReviewView] = []
    var comments: [CommentView] = []
    /// Collections that the model is in.
    var collections: [CollectionView] = []
    /// How the pictures look.
    var looks = PictureLooks()

    init(model: ModelView, release: ReleaseView?, signature: SignatureView?) {
        self.model = model
        self.release = release
        self.signature = signature
    }

    /// Pictures of the release; of a release without any, those of the other versions.
    var samples: [SampleView] {
        let own = release?.images ?? []
        return (own.isEmpty ? gallery : own).compactMap { SampleView($0, looks) }
    }

    /// What the page shows of pictures.
    var pictures: [Hash32] {
        ((release?.images ?? []) + gallery + (lineage?.remixes ?? [])).compactMap { Hash32($0.image.blob) }
    }

    private var areSamplesOfOthers: Bool { release?.images.isEmpty ?? true }

    /// For search engines and link previews.
    var summary: String {
        let text = Markdown.plain(String(model.body.description_p.prefix(2000)))
        let kind = [model.body.type, release?.body.baseModel ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
        return text.trimmed.isEmpty
            ? say("by-4", "\(kind)", "\(model.author.name)") : Wording.beginning(text, characters: 200)
    }

    var content: [String: Any] {
        let path = "/models/\(model.id)"
        let reactions = ReactionView.all(model.counts)
        var values: [String: Any] = [
            "name": model.body.name, "creator": model.author.name, "creatorHref": PageAddress.creator(model.author),
            "badges": badges, "areSamplesBlurred": samples.contains(where: \.isBlurred), "versions": versions,
            "samples": samples, "hasSamples": !samples.isEmpty,
            "tags": model.body.tags.filter { !$0.trimmed.isEmpty }
                .map { LinkView(linkText: $0, linkHref: PageAddress.tag($0)) },
            "numbers": numbers, "reactions": reactions, "hasReactions": !reactions.isEmpty,
            "gallery": gallery.map { CardView($0, isUnderModel: true).tinted(looks) }, "hasGallery": !gallery.isEmpty,
            "reviews": reviews.map { ReviewItem($0, at: path) }, "hasReviews": !reviews.isEmpty,
            "comments": CommentItem.all(comments, at: path), "hasComments": !comments.isEmpty,
            "collections": collections.map {
                LinkView(linkText: say("by-4", "\($0.name)", "\($0.author.name)"), linkHref: PageAddress.collection($0))
            },
            "galleryHref": path + "/gallery", "reviewsHref": path + "/reviews",
            "discussionHref": path + "/discussion", "historyHref": path + "/history",
            "postIDs": [
                FactView(say("release"), release?.post.hex ?? ""), FactView(say("model"), model.post.hex),
                FactView(say("author"), AuthorID.text(model.author.author)),
                FactView("URN", release.map { CivitaiEncoder.air($0, of: model) } ?? ""),
            ].compactMap { $0 },
        ]
        values["creatorHome"] = Wording.origin(model.author)
        values["levelHref"] = LevelPages.address("post:\(model.post.hex)")
        values["reportHref"] = "/report?about=\((release?.post ?? model.post).hex)"
        values["signature"] = signature
        values["samplesNote"] = areSamplesOfOthers ? say("these-were-made-with-other-versions") : nil
        values["tally"] = PageRoutes.tally(model.counts)
        let description = Markdown.html(model.body.description_p)
        values["description"] = description.isEmpty ? nil : description
        if let release { values.merge(content(of: release)) { _, new in new } }
        if let lineage { values.merge(LineagePart(lineage, looks).content) { _, new in new } }
        return values
    }

    private func content(of release: ReleaseView) -> [String: Any] {
        let files = release.files.map { file in
            let hash = Hash32(file.file.sha256)
            return DownloadView(
                file, release: release, isHeld: hash.map(held.contains) ?? false, known: hash.flatMap { known[$0] })
        }
        let isHere = release.files.first.flatMap { Hash32($0.file.sha256) }.map(held.contains) ?? false
        let settings = settings(release.body)
        let training = training(release.body.training)
        var values: [String: Any] = [
            "release": true, "version": release.body.version, "published": Dates.timestamp(release.created),
            "publishedDay": Dates.day(release.created), "triggers": release.body.trainedWords,
            "hasTriggers": !release.body.trainedWords.isEmpty, "settings": settings, "training": training,
            "permissions": Wording.permissions(model.body.licence).map(PermissionView.init),
            "files": files, "isHere": isHere, "trust": trust(release),
            "hasUse": !release.body.trainedWords.isEmpty || !settings.isEmpty,
        ]
        let changes = Markdown.html(release.body.changes)
        values["changes"] = changes.isEmpty ? nil : changes
        values["primary"] = files.first { $0.isPrimary }
        values["licence"] = model.body.licence.name.isEmpty ? nil : model.body.licence.name
        values["realPerson"] = Wording.realPerson(model.body.realPerson)
        return values
    }

    /// What there is to rely on, line by line.
    private func trust(_ release: ReleaseView) -> [TrustView] {
        let isHere = release.files.first.flatMap { Hash32($0.file.sha256) }.map(held.contains) ?? false
        return [
            TrustView(trustWords: say("the-signature-was-checked-on-this"), isGood: true),
            TrustView(
                trustWords: isHere
                    ? say("the-bytes-are-on-this-node")
                    : say("the-bytes-are-not-on-this"),
                isGood: isHere),
            release.files.first.flatMap { file in
                Wording.format(file.file.format).map {
                    TrustView(trustWords: $0 + ".", isGood: !Wording.isPickle(file.file.format))
                }
            },
            channel(release),
        ].compactMap { $0 }
    }

    /// A line of what there is to rely on; `isGood` is false for what somebody should think about.
    private struct TrustView {
        let trustWords: String
        let isGood: Bool
    }

    /// What the author's channel says of the version shown.
    private func channel(_ release: ReleaseView) -> TrustView? {
        guard let channel = model.channel else { return nil }
        if channel.release == release.post {
            return TrustView(trustWords: say("the-author-names-this-version-as"), isGood: true)
        }
        if let newest = model.releases.first(where: { $0.post == channel.release }) {
            return TrustView(
                trustWords: say("the-author-names-as-the-newest", "\(newest.body.version)"), isGood: false)
        }
        return TrustView(
            trustWords: say("the-author-names-a-newer-version"), isGood: false)
    }

    private var badges: [String] {
        let level = model.level == .pg ? "" : model.level.word
        return [model.body.type, release?.body.baseModel ?? "", level].filter { !$0.isEmpty }
    }

    /// Nothing to choose from a single version.
    private var versions: [TabView] {
        guard model.releases.count > 1 else { return [] }
        return model.releases.map { other in
            TabView(
                tabName: other.body.version, tabHref: "\(PageAddress.model(model))?modelVersionId=\(other.id)",
                isCurrent: other.id == release?.id)
        }
    }

    private struct PermissionView {
        let permission: String
        let isAllowed: Bool

        init(_ line: (text: String, isAllowed: Bool)) {
            permission = line.text
            isAllowed = line.isAllowed
        }
    }

    private var numbers: [FactView] {
        let counts = model.counts
        func positive(_ value: Int) -> String { value == 0 ? "" : Wording.count(value) }
        let reviews = counts.recommended + counts.notRecommended
        let recommended =
            reviews == 0
            ? ""
            : say(
                "of-2", Wording.count(counts.recommended), Wording.count(reviews, say("review-2"), say("reviews-2")))
        return [
            FactView(say("downloads-counted-here"), Wording.count(counts.downloads)),
            FactView(say("recommended"), recommended),
            FactView(say("images"), positive(counts.images)),
            FactView(say("collections"), positive(counts.collections)),
            FactView(say("people-who-drew-with-it"), positive(counts.drawnBy)),
            FactView(say("comments"), positive(counts.comments)),
        ].compactMap { $0 }
    }

    private func settings(_ body: WireRelease) -> [FactView] {
        let settings = body.settings
        func positive(_ value: Double) -> String { value > 0 ? Wording.number(value) : "" }
        let best = positive(settings.strength)
        let range =
            settings.strengthMax > settings.strengthMin
            ? say("to-2", "\(Wording.number(settings.strengthMin))", "\(Wording.number(settings.strengthMax))") : ""
        let strength = best.isEmpty || range.isEmpty ? best + range : "\(best) (\(range))"
        let trained = body.training.resolution.isEmpty ? "" : say("trained-at", "\(body.training.resolution)")
        let size =
            settings.width > 0 && settings.height > 0 ? "\(settings.width) × \(settings.height)" : trained
        return [
            FactView(say("strength"), strength),
            FactView(say("size"), size),
            FactView(say("steps"), settings.steps == 0 ? "" : "\(settings.steps)"),
            FactView(say("cfg-scale"), positive(settings.cfgScale)), FactView(say("sampler"), settings.sampler),
            FactView(say("scheduler"), settings.scheduler),
            FactView(say("clip-skip"), settings.clipSkip == 0 ? "" : "\(settings.clipSkip)"),
            FactView(say("hint"), settings.hint),
        ].compactMap { $0 }
    }

    private func training(_ training: WireTraining) -> [FactView] {
        func positive(_ value: UInt64) -> String { value == 0 ? "" : Wording.count(Int(clamping: value)) }
        return [
            FactView(say("method"), training.method),
            FactView(say("network-rank"), positive(UInt64(training.networkDim))),
            FactView(say("network-alpha"), training.networkAlpha > 0 ? Wording.number(training.networkAlpha) : ""),
            FactView(say("training-images"), positive(training.images)),
            FactView(say("training-steps"), positive(training.steps)),
            FactView(say("epochs"), positive(UInt64(training.epochs))),
            FactView(say("trained-on"), training.baseModelName),
        ].compactMap { $0 }
    }
}

/// A file to download, with everything that names it.
struct DownloadView {
    let fileName: String
    let fileSize: String
    let fileHref: String
    let fileFacts: String
    /// For programs that fetch from many places; nil while the bytes are not here.
    let torrentHref: String?
    let metalinkHref: String?
    /// What to give to `waggle get`: the release, wherever it is fetched from.
    let getName: String
    let isPrimary: Bool
    let rows: [FactView]

    init(_ view: FileView, release: ReleaseView, isHeld: Bool, known: BlobHashes?) {
        let file = view.file
        let sha256 = Hash32(file.sha256)
        fileName = BlobAddress.name(of: view).text
        fileSize = Wording.size(file.size)
        fileHref =
            view.isPrimary
            ? "/api/download/models/\(release.id)" : "/api/download/models/\(release.id)?fileId=\(view.id)"
        fileFacts = [file.format, file.precision, file.kind].filter { !$0.isEmpty }.joined(separator: " · ")
        torrentHref = sha256.flatMap { isHeld ? "/blobs/\($0).torrent" : nil }
        metalinkHref = sha256.flatMap { isHeld ? "/blobs/\($0).meta4" : nil }
        getName = release.post.hex
        isPrimary = view.isPrimary
        let hashes = FileHashes(file, known: known)
        rows = [
            FactView("SHA-256", sha256?.hex ?? ""), FactView("AutoV1", hashes.autoV1 ?? ""),
            FactView("AutoV2", hashes.autoV2), FactView("AutoV3", hashes.autoV3 ?? ""),
            FactView("CRC32", hashes.crc32), FactView("BLAKE3", hashes.blake3?.lowercased() ?? ""),
            FactView(say("tensors"), Hex.encode(file.tensorDigest)),
            FactView(say("pieces-root"), Hex.encode(file.piecesRoot)),
            FactView(say("bytes"), Wording.count(Int(clamping: file.size))),
        ].compactMap { $0 }
    }
}
