import Catalog
import Digests
import FoundationEssentials
import Identity
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
    let samples: [SampleView]

    init(model: ModelView, release: ReleaseView?, signature: SignatureView?) {
        self.model = model
        self.release = release
        self.signature = signature
        samples = release?.images.compactMap(SampleView.init) ?? []
    }

    /// For search engines and link previews.
    var summary: String {
        let text = Wording.paragraphs(model.body.description_p).first ?? ""
        let kind = [model.body.type, release?.body.baseModel ?? ""].filter { !$0.isEmpty }.joined(separator: ", ")
        return text.isEmpty ? "\(kind) by \(model.author.name)" : Wording.beginning(text, characters: 200)
    }

    var content: [String: Any] {
        var values: [String: Any] = [
            "name": model.body.name, "creator": model.author.name, "badges": badges, "versions": versions,
            "samples": samples, "hasSamples": !samples.isEmpty,
            "description": Wording.paragraphs(model.body.description_p), "tags": model.body.tags, "numbers": numbers,
            "postIDs": [
                FactView("Release", release?.post.hex ?? ""), FactView("Model", model.post.hex),
                FactView("Author", AuthorID.text(model.author.author)),
            ].compactMap { $0 },
        ]
        values["creatorHome"] = model.author.home.isEmpty ? nil : model.author.home
        values["signature"] = signature
        if let release { values.merge(content(of: release)) { _, new in new } }
        return values
    }

    private func content(of release: ReleaseView) -> [String: Any] {
        let files = release.files.map { DownloadView($0, release: release) }
        var values: [String: Any] = [
            "release": true, "version": release.body.version, "published": Dates.timestamp(release.created),
            "publishedDay": Dates.day(release.created), "triggers": release.body.trainedWords,
            "hasTriggers": !release.body.trainedWords.isEmpty, "settings": settings(release.body),
            "permissions": Wording.permissions(model.body.licence).map(PermissionView.init),
            "changes": Wording.paragraphs(release.body.changes), "files": files,
        ]
        values["hasUse"] = !release.body.trainedWords.isEmpty || !settings(release.body).isEmpty
        values["primary"] = files.first { $0.isPrimary }
        values["licence"] = model.body.licence.name.isEmpty ? nil : model.body.licence.name
        values["realPerson"] = Wording.realPerson(model.body.realPerson)
        return values
    }

    private var badges: [String] {
        let level = model.level == .pg ? "" : model.level.word
        return [model.body.type, release?.body.baseModel ?? "", level].filter { !$0.isEmpty }
    }

    private struct TabView {
        let tabName: String
        let tabHref: String
        let isCurrent: Bool
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
        let reviews = counts.recommended + counts.notRecommended
        return [
            FactView("Downloads counted on this node", "\(counts.downloads)"),
            FactView("Recommended", reviews == 0 ? "" : "\(counts.recommended) of \(reviews) reviews"),
        ].compactMap { $0 }
    }

    private func settings(_ body: WireRelease) -> [FactView] {
        let settings = body.settings
        func positive(_ value: Double) -> String { value > 0 ? Wording.number(value) : "" }
        let best = positive(settings.strength)
        let range =
            settings.strengthMax > settings.strengthMin
            ? "\(Wording.number(settings.strengthMin)) to \(Wording.number(settings.strengthMax))" : ""
        let strength = best.isEmpty || range.isEmpty ? best + range : "\(best) (\(range))"
        return [
            FactView("Strength", strength),
            FactView("Clip skip", settings.clipSkip == 0 ? "" : "\(settings.clipSkip)"),
            FactView("Sampler", settings.sampler),
            FactView("Steps", settings.steps == 0 ? "" : "\(settings.steps)"),
            FactView("CFG scale", positive(settings.cfgScale)), FactView("Hint", settings.hint),
        ].compactMap { $0 }
    }
}

/// A file to download, with everything that names it.
struct DownloadView {
    let fileName: String
    let fileSize: String
    let fileHref: String
    let fileFacts: String
    /// What to give to `waggle get`: the release, wherever it is fetched from.
    let getName: String
    let isPrimary: Bool
    let rows: [FactView]

    init(_ view: FileView, release: ReleaseView) {
        let file = view.file
        let sha256 = Hash32(file.sha256)
        fileName = BlobAddress.name(of: view).text
        fileSize = Wording.size(file.size)
        fileHref =
            view.isPrimary
            ? "/api/download/models/\(release.id)" : "/api/download/models/\(release.id)?fileId=\(view.id)"
        fileFacts = [file.format, file.precision, file.kind].filter { !$0.isEmpty }.joined(separator: " · ")
        getName = release.post.hex
        isPrimary = view.isPrimary
        let hashes = FileHashes(file)
        rows = [
            FactView("SHA-256", sha256?.hex ?? ""), FactView("AutoV1", hashes.autoV1 ?? ""),
            FactView("AutoV2", hashes.autoV2), FactView("AutoV3", hashes.autoV3 ?? ""),
            FactView("CRC32", hashes.crc32), FactView("Tensors", Hex.encode(file.tensorDigest)),
            FactView("Pieces root", Hex.encode(file.piecesRoot)), FactView("Bytes", "\(file.size)"),
        ].compactMap { $0 }
    }
}
