import Formats
import FoundationEssentials
import Moderation
import WaggleProtocol

/// A release put together from what the creator says and what the file says, with the creator's word first.
struct DraftedRelease: Sendable {
    var model: WireModel
    /// Without its files: they are hashed once the creator has agreed.
    var release: WireRelease
    let files: [FileLook]
    let draft: ReleaseDraft

    /// - Parameter samples: what was found in the sample images.
    init(
        _ request: PublishRequest, files: [FileLook], samples: [ReleaseDraft.Finding], existing: WireModel?
    ) throws(OperationError) {
        guard let primary = files.first else { throw OperationError(.usage, "name at least one file to publish") }
        let word = request.level ?? existing.map { Level(declared: $0.level).word } ?? Level.pg.word
        let level = try Level(typed: word)
        let header = primary.header.map { ModelDraft($0) }
        var fields: [ReleaseDraft.Field] = []
        func pick(_ name: String, _ said: String?, _ drafted: Drafted<String>?, kept: String? = nil) -> String {
            let keptValue = kept.flatMap { $0.isEmpty ? nil : Drafted($0, source: "the model as published") }
            let found = said.map { Drafted($0, source: "you") } ?? keptValue ?? drafted
            let (value, source) = (found?.value ?? "", found?.source ?? "")
            if !value.isEmpty { fields.append(.init(name: name, value: value, source: source)) }
            return value
        }

        var model = existing ?? WireModel()
        model.name = pick("name", request.name, header?.name, kept: existing?.name)
        if model.name.isEmpty { model.name = request.slug }
        let type = header?.type.map { Drafted($0.value.rawValue, source: $0.source) }
        model.type = pick("type", request.type, type, kept: existing?.type)
        model.description_p = pick(
            "description", request.description, header?.description, kept: existing?.description_p)
        if let tags = request.tags {
            model.tags = tags
        } else if existing == nil {
            model.tags = header?.tags.map(\.value) ?? []
        }
        model.level = level.rawValue
        if let realPerson = request.realPerson {
            model.realPerson = realPerson ? .yes : .no
        }
        if existing == nil {
            model.licence.derivatives = true
            if let licence = header?.license { model.licence.name = licence.value }
        }
        request.licence?.apply(to: &model.licence)

        var release = WireRelease()
        release.modelSlug = request.slug
        release.version = request.version
        release.baseModel = pick("base model", request.baseModel, header?.baseModel)
        release.trainedWords = request.triggerWords ?? header?.triggerWords.map(\.value) ?? []
        if !release.trainedWords.isEmpty {
            fields.append(
                .init(
                    name: "trigger words", value: release.trainedWords.joined(separator: ", "),
                    source: request.triggerWords != nil ? "you" : header?.triggerWords.first?.source ?? ""))
        }
        if let hint = header?.usageHint { release.settings.hint = hint.value }
        request.settings?.apply(to: &release.settings)
        if let changes = request.changes { release.changes = changes }
        release.mirrors = request.mirrors
        if let header { release.training = Self.training(header) }
        self.files = files
        self.model = model
        self.release = release
        draft = ReleaseDraft(fields: fields, findings: Self.findings(request, model, release, files) + samples)
    }

    private static func training(_ draft: ModelDraft) -> WireTraining {
        var training = WireTraining()
        func detail(_ name: String) -> String? { draft.training.first { $0.source.hasSuffix(name) }?.value }
        training.method = detail("ss_network_module") ?? ""
        training.networkDim = detail("ss_network_dim").flatMap { UInt32($0) } ?? 0
        training.networkAlpha = detail("ss_network_alpha").flatMap { Double($0) } ?? 0
        training.images = detail("ss_num_train_images").flatMap { UInt64($0) } ?? 0
        training.steps = detail("ss_steps").flatMap { UInt64($0) } ?? 0
        training.epochs = detail("ss_num_epochs").flatMap { UInt32($0) } ?? 0
        training.resolution = draft.resolution?.value ?? ""
        return training
    }

    private static func findings(
        _ request: PublishRequest, _ model: WireModel, _ release: WireRelease, _ files: [FileLook]
    ) -> [ReleaseDraft.Finding] {
        var findings: [ReleaseDraft.Finding] = []
        func add(_ severity: LintFinding.Severity, _ text: String, flag: String? = nil) {
            findings.append(.init(severity: severity.rawValue, text: text, flag: flag))
        }
        for file in files {
            let found =
                ModelLint.check(file.format) + (file.header.map { ModelLint.check($0) } ?? [])
            // What the header claims of the bytes behind it is checked when they are read.
            for finding in found where finding.rule != .hashClaimUnchecked {
                let isAnswered = finding.rule == .missingTriggerWords && !release.trainedWords.isEmpty
                if !isAnswered { findings.append(.init(finding, of: file.name)) }
            }
        }
        if model.type.isEmpty {
            add(.error, "the kind of model cannot be told from the file; say what it is", flag: "--type LORA")
        }
        if release.baseModel.isEmpty {
            add(.warning, "no base model is known, and people filter by it", flag: "--base \"SDXL 1.0\"")
        }
        if model.realPerson == .unanswered {
            add(.warning, "does it depict a real person? Many instances want to know", flag: "--real-person no")
        }
        for mirror in request.mirrors {
            if let reason = MirrorAddress.refusal(mirror, files: files.count) { add(.error, "\(mirror): \(reason)") }
        }
        if request.samples.isEmpty {
            add(
                .note, "there is no sample image; models with samples are found and trusted more",
                flag: "--sample FILE.png")
        }
        return findings
    }
}
