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
            let words = [hint, isDrafted ? say("from-the-file", "\(found?.source ?? "")") : nil].compactMap { $0 }
            return FieldView(
                name, label, kind, hint: words.isEmpty ? nil : words.joined(separator: " "),
                value: draft.draft.fields[name]?.first ?? found?.value ?? "", most: most, isNeeded: isNeeded,
                choices: choices)
        }
        let type = draft["type"].isEmpty ? drafted["type"]?.value ?? "" : draft["type"]
        let names = Self.types.map(\.rawValue)
        let types =
            [FieldView.Choice("", say("choose"))]
            + (names + (type.isEmpty || names.contains(type) ? [] : [type])).map { .init($0) }
        let licence = existing?.licence
        let level = draft["level"].isEmpty ? existing.map { Level(declared: $0.level).word } ?? "" : draft["level"]
        let said: [FieldView] = [
            FieldView(
                "model", say("short-name-of-the-model"),
                hint: say("for-its-address-a-to-z"),
                value: model.isEmpty ? draft.suggestedSlug : model, most: 64, isNeeded: true),
            FieldView(
                "version", say("version-2"), hint: say("such-as-1-0-a-signed"), value: draft["version"],
                most: 64, isNeeded: true),
            field("name", say("name"), from: "name", most: Limits.Text.nameBytes),
            field("type", say("what-it-is"), .choice, from: "type", most: 64, choices: types),
            field("base", say("base-model"), from: "base model", hint: say("such-as-sdxl-1-0"), most: 100),
            field(
                "words", say("trigger-words"), from: "trigger words", hint: say("with-commas-between"),
                most: 4000),
            field(
                "description", say("about-it"), .text(rows: 8), from: "description", hint: say("in-markdown"),
                most: Limits.Text.descriptionBytes),
            FieldView(
                "changes", say("what-is-new-in-this-version"), .text(rows: 3),
                hint: say("in-markdown-may-be-empty"),
                value: draft["changes"], most: Limits.Text.descriptionBytes),
            PublishPages.tags(
                draft.draft.fields["tags"]?.first ?? existing?.tags.joined(separator: ", ") ?? ""),
            PublishPages.level(level),
        ]
        let lineage: [FieldView] = PublishDraft.ancestors.map { role, label in
            let name = PublishDraft.field(role)
            return FieldView(
                name, label, hint: say("versions-here-as-maker-name-1"), value: draft[name], most: 4000)
        }
        let advice: [FieldView] = [
            FieldView("strength", say("recommended-strength"), value: draft["strength"], most: 10),
            FieldView("sampler", say("recommended-sampler"), value: draft["sampler"], most: 64),
            FieldView("steps", say("recommended-steps"), value: draft["steps"], most: 6),
            FieldView("cfg", say("recommended-cfg-scale"), value: draft["cfg"], most: 6),
            FieldView("clip", say("clip-skip"), value: draft["clip"], most: 2),
            FieldView(
                "licence", say("licence-2"), hint: say("such-as-cc-by-4-0"),
                value: draft.draft.fields["licence"]?.first ?? licence?.name ?? "", most: 100),
        ]
        all = said + lineage + advice + Self.permissions(draft, licence)
    }

    private static func permissions(_ draft: PublishDraft, _ licence: WireLicence?) -> [FieldView] {
        let allowed =
            draft.draft.fields["allows"]
            ?? (licence?.commercialUse ?? []) + (licence?.noCredit ?? false ? ["noCredit"] : [])
            + (licence?.derivatives ?? true ? ["derivatives"] : [])
            + (licence?.differentLicence ?? false ? ["differentLicence"] : [])
        let terms =
            [("noCredit", say("it-may-be-used-without-credit"))]
            + PublishDraft.commercialUses.map { ($0.value, $0.label) }
            + [
                ("derivatives", say("what-is-made-from-it-may")),
                ("differentLicence", say("what-is-made-from-it-may-have")),
            ]
        return terms.map { value, label in
            FieldView("allows", label, .box, value: value, isTicked: allowed.contains(value))
        }
    }

    /// - Throws: `FormTrouble` for what cannot be taken as it was typed.
    static func check(_ typed: Query) throws(FormTrouble) {
        guard Slug.isValid(typed["model"] ?? "") else {
            throw FormTrouble(
                say("a-short-name-begins-with-a"),
                in: "model")
        }
        guard !(typed["version"] ?? "").trimmed.isEmpty else {
            throw FormTrouble(say("say-which-version-it-is"), in: "version")
        }
        guard !(typed["type"] ?? "").isEmpty else { throw FormTrouble(say("say-what-it-is"), in: "type") }
        for (name, what) in [("strength", say("a-strength")), ("cfg", say("a-cfg-scale"))] {
            guard let text = typed[name] else { continue }
            guard Double(text).map({ $0.isFinite }) ?? false else {
                throw FormTrouble(say("is-a-number-such-as-0", "\(what)"), in: name)
            }
        }
        for (name, what) in [("steps", say("steps")), ("clip", say("clip-skip"))] {
            guard let text = typed[name] else { continue }
            guard UInt32(text) != nil else { throw FormTrouble(say("is-a-whole-number", "\(what)"), in: name) }
        }
    }
}
