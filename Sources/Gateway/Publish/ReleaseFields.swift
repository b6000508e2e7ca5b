import Accounts
import Catalog
import Formats
import Moderation
import Operations
import PostLog
import WaggleProtocol

/// What is asked about a release: filled with what was typed, else with what the file's own header says, and where it says so.
struct ReleaseFields {
    let all: [FieldView]

    /// Kinds of models that people choose from; a header may name others.
    private static let types: [ModelType] = [
        .lora, .locon, .dora, .checkpoint, .textualInversion, .hypernetwork, .controlnet, .upscaler, .motionModule,
        .vae,
        .textEncoder, .unet, .clipVision, .other,
    ]

    init(_ draft: PublishDraft, _ call: PageCall, _ services: GatewayServices) async throws {
        var bare = draft.request(account: call.account.handle)
        // Samples are looked at in a step of their own.
        bare.samples = []
        let header = try await DraftRelease(bare).run(in: call.operations)
        let drafted = header.fields.reduce(into: [String: ReleaseDraft.Field]()) { $0[$1.name] = $1 }
        let model = draft["model"]
        let existing =
            Slug.isValid(model)
            ? try await services.postLog.post(author: call.account.author, kind: .model, slot: model)?.post.model : nil

        /// A field with what was drafted for it, where nothing was typed.
        func field(
            _ name: String, _ label: String, _ kind: FieldView.Kind = .line, from source: String, hint: String? = nil,
            most: Int, isNeeded: Bool = false, choices: [FieldView.Choice] = []
        ) -> FieldView {
            let found = drafted[source]
            let isDrafted = draft.draft.fields[name] == nil && found.map { $0.source != "you" } ?? false
            let words = [hint, isDrafted ? "From the file: \(found?.source ?? "")." : nil].compactMap { $0 }
            return FieldView(
                name, label, kind, hint: words.isEmpty ? nil : words.joined(separator: " "),
                value: draft.draft.fields[name]?.first ?? found?.value ?? "", most: most, isNeeded: isNeeded,
                choices: choices)
        }
        let type = draft["type"].isEmpty ? drafted["type"]?.value ?? "" : draft["type"]
        let names = Self.types.map(\.rawValue)
        let types =
            [FieldView.Choice("", "Choose")]
            + (names + (type.isEmpty || names.contains(type) ? [] : [type])).map { .init($0) }
        let licence = existing?.licence
        let level = draft["level"].isEmpty ? existing.map { Level(declared: $0.level).word } ?? "" : draft["level"]
        all =
            [
                FieldView(
                    "model", "Short name of the model",
                    hint: "For its address: a to z, 0 to 9, - _ . It never changes.",
                    value: model.isEmpty ? draft.suggestedSlug : model, most: 64, isNeeded: true),
                FieldView(
                    "version", "Version", hint: "Such as 1.0. A signed version never changes.", value: draft["version"],
                    most: 64, isNeeded: true),
                field("name", "Name", from: "name", most: Limits.Text.nameBytes),
                field("type", "What it is", .choice, from: "type", most: 64, choices: types),
                field("base", "Base model", from: "base model", hint: "Such as SDXL 1.0.", most: 100),
                field("words", "Trigger words", from: "trigger words", hint: "With commas between.", most: 4000),
                field(
                    "description", "About it", .text(rows: 8), from: "description", hint: "In Markdown.",
                    most: Limits.Text.descriptionBytes),
                FieldView(
                    "changes", "What is new in this version", .text(rows: 3), hint: "In Markdown; may be empty.",
                    value: draft["changes"], most: Limits.Text.descriptionBytes),
                PublishPages.tags(
                    draft.draft.fields["tags"]?.first ?? existing?.tags.joined(separator: ", ") ?? ""),
                PublishPages.level(level),
                FieldView("strength", "Recommended strength", value: draft["strength"], most: 10),
                FieldView("sampler", "Recommended sampler", value: draft["sampler"], most: 64),
                FieldView("steps", "Recommended steps", value: draft["steps"], most: 6),
                FieldView("cfg", "Recommended CFG scale", value: draft["cfg"], most: 6),
                FieldView("clip", "Clip skip", value: draft["clip"], most: 2),
                FieldView(
                    "licence", "Licence", hint: "Such as CC-BY-4.0; may be empty.",
                    value: draft.draft.fields["licence"]?.first ?? licence?.name ?? "", most: 100),
            ] + Self.permissions(draft, licence)
    }

    private static func permissions(_ draft: PublishDraft, _ licence: WireLicence?) -> [FieldView] {
        let allowed =
            draft.draft.fields["allows"]
            ?? (licence?.commercialUse ?? []) + (licence?.noCredit ?? false ? ["noCredit"] : [])
            + (licence?.derivatives ?? true ? ["derivatives"] : [])
            + (licence?.differentLicence ?? false ? ["differentLicence"] : [])
        let terms =
            [("noCredit", "It may be used without credit")] + PublishDraft.commercialUses.map { ($0.value, $0.label) }
            + [
                ("derivatives", "What is made from it may be shared"),
                ("differentLicence", "What is made from it may have another licence"),
            ]
        return terms.map { value, label in
            FieldView("allows", label, .box, value: value, isTicked: allowed.contains(value))
        }
    }

    /// - Throws: `FormTrouble` for what cannot be taken as it was typed.
    static func check(_ typed: Query) throws(FormTrouble) {
        guard Slug.isValid(typed["model"] ?? "") else {
            throw FormTrouble(
                "A short name begins with a letter or digit and has a to z, 0 to 9, - _ . alone, at most 64",
                in: "model")
        }
        guard !(typed["version"] ?? "").trimmed.isEmpty else {
            throw FormTrouble("Say which version it is", in: "version")
        }
        guard !(typed["type"] ?? "").isEmpty else { throw FormTrouble("Say what it is", in: "type") }
        for (name, what) in [("strength", "A strength"), ("cfg", "A CFG scale")] {
            guard let text = typed[name] else { continue }
            guard Double(text).map({ $0.isFinite }) ?? false else {
                throw FormTrouble("\(what) is a number such as 0.8", in: name)
            }
        }
        for (name, what) in [("steps", "Steps"), ("clip", "Clip skip")] {
            guard let text = typed[name] else { continue }
            guard UInt32(text) != nil else { throw FormTrouble("\(what) is a whole number", in: name) }
        }
    }
}
