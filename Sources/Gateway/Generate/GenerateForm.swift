import Catalog
import Digests
import Generation
import Operations
import WaggleProtocol

/// The form of `/generate` with what somebody typed or a picture's recipe says.
struct GenerateForm: Sendable {
    var model = ""
    var prompt = ""
    var negative = ""
    var width = ""
    var height = ""
    var steps = ""
    var cfg = ""
    var seed = ""
    var batch = ""
    var sampler = ""
    var scheduler = ""
    var clip = ""
    var strength = ""
    /// Of the file; empty for PNG.
    var format = ""
    /// Name and weight as typed.
    var loras: [(name: String, weight: String)] = []
    /// The picture to start from, by hash; chosen or only offered.
    var initImage = ""
    var isEdit = false

    init() {}

    /// What was sent.
    init(_ form: Query) {
        model = form["model"] ?? ""
        prompt = form["prompt"] ?? ""
        negative = form["negative"] ?? ""
        width = form["width"] ?? ""
        height = form["height"] ?? ""
        steps = form["steps"] ?? ""
        cfg = form["cfg"] ?? ""
        seed = form["seed"] ?? ""
        batch = form["batch"] ?? ""
        sampler = form["sampler"] ?? ""
        scheduler = form["scheduler"] ?? ""
        clip = form["clip"] ?? ""
        strength = form["strength"] ?? ""
        format = form["format"] ?? ""
        initImage = form["edit"] ?? ""
        isEdit = !initImage.isEmpty
        loras = zip(form.values("lora"), form.values("weight")).filter { !$0.0.isEmpty }.map { ($0.0, $0.1) }
    }

    /// What a picture's recipe says.
    init(_ recipe: WireRecipe) {
        func text(_ value: UInt32) -> String { value == 0 ? "" : "\(value)" }
        prompt = recipe.prompt
        negative = recipe.negativePrompt
        (width, height, steps) = (text(recipe.width), text(recipe.height), text(recipe.steps))
        cfg = recipe.cfgScale == 0 ? "" : Wording.number(recipe.cfgScale)
        seed = recipe.hasSeed_p ? "\(recipe.seed)" : ""
        sampler = Sampler.named(recipe.sampler)?.sampler.title ?? ""
        scheduler = (Scheduler.named(recipe.scheduler) ?? Sampler.named(recipe.sampler)?.scheduler)?.title ?? ""
        clip = recipe.clipSkip > 1 ? "\(recipe.clipSkip)" : ""
        model = recipe.resources.first { $0.kind == "checkpoint" }.flatMap { Hash32($0.sha256)?.hex } ?? ""
        for resource in recipe.resources where ["lora", "locon", "dora"].contains(resource.kind) {
            // A tag of the prompt names it already.
            guard !recipe.prompt.contains("<lora:\(resource.name):"), let hash = Hash32(resource.sha256) else {
                continue
            }
            loras.append((hash.hex, Wording.number(resource.strength)))
        }
    }

    /// - Throws: `badRequest` for what is no number.
    func request() throws(GatewayError) -> GenerationRequest {
        func whole(_ text: String, _ name: String) throws(GatewayError) -> Int? {
            guard !text.isEmpty else { return nil }
            guard let value = Int(text) else {
                throw .badRequest(code: "bad-parameter", say("is-a-whole-number", name))
            }
            return value
        }
        func number(_ text: String, _ name: String) throws(GatewayError) -> Double? {
            guard !text.isEmpty else { return nil }
            guard let value = Double(text) else {
                throw .badRequest(code: "bad-parameter", say("is-a-number-such-as-0", name))
            }
            return value
        }
        var named: [NamedLoRA] = []
        for lora in loras {
            named.append(NamedLoRA(name: lora.name, weight: try number(lora.weight, say("strength")) ?? 1))
        }
        return GenerationRequest(
            model: model, prompt: prompt, negativePrompt: negative, width: try whole(width, say("width-pixels")),
            height: try whole(height, say("height-pixels")), steps: try whole(steps, say("steps")),
            cfgScale: try number(cfg, say("cfg-scale")),
            sampler: sampler.isEmpty ? nil : sampler, scheduler: scheduler.isEmpty ? nil : scheduler,
            seed: seed.isEmpty ? nil : seed, batch: try whole(batch, say("pictures")),
            clipSkip: try whole(clip, say("clip-skip")), loras: named, initImage: isEdit ? initImage : nil,
            strength: try number(strength, say("how-much-of-it-is-drawn")), format: format.isEmpty ? nil : format)
    }

    private struct OptionView {
        let optionValue: String
        let optionName: String
        let isChosen: Bool
    }

    private struct LoRARow {
        let row: Int
        let weight: String
        let options: [OptionView]
    }

    /// PNG is what engines draw; others are made of it.
    private static let formats = [("", say("png-of-which-nothing-is-lost")), ("jpeg", "JPEG"), ("webp", "WebP")]

    /// Rows for LoRAs: those that are named, and some to fill in.
    private static let emptyRows = 2

    /// A model with what its author recommends: what is left empty is that.
    private static func described(_ model: DrawableModel) -> String {
        let said = model.defaults
        let parts = [
            said.width.map { "\($0) × \(said.height ?? $0)" }, said.steps.map { "\(say("steps")) \($0)" },
            said.cfgScale.map { "\(say("cfg-scale")) \(Wording.number($0))" }, said.sampler,
        ].compactMap { $0 }
        return parts.isEmpty ? model.title : "\(model.title) (\(parts.joined(separator: ", ")))"
    }

    /// The values of the template.
    func content(models: [DrawableModel], adapters: [DrawableModel]) -> [String: Any] {
        func options(_ names: [String], _ chosen: String) -> [OptionView] {
            [OptionView(optionValue: "", optionName: say("as-recommended"), isChosen: chosen.isEmpty)]
                + names.map { OptionView(optionValue: $0, optionName: $0, isChosen: $0 == chosen) }
        }
        let rows = (loras + Array(repeating: ("", "1"), count: adapters.isEmpty ? 0 : Self.emptyRows))
            .prefix(Limits.Generation.loras).enumerated().map { index, lora in
                LoRARow(
                    row: index, weight: lora.1,
                    options: [OptionView(optionValue: "", optionName: say("none"), isChosen: lora.0.isEmpty)]
                        + adapters.map {
                            OptionView(
                                optionValue: $0.sha256, optionName: "\($0.title) (\($0.name))",
                                isChosen: lora.0 == $0.sha256 || lora.0 == $0.name)
                        })
            }
        return [
            "models": models.map {
                OptionView(
                    optionValue: $0.sha256, optionName: Self.described($0),
                    isChosen: [$0.sha256, $0.reference, $0.name, "\($0.modelID)"].contains(model))
            },
            "prompt": prompt, "negative": negative, "width": width, "height": height, "steps": steps, "cfg": cfg,
            "seed": seed, "batch": batch, "clip": clip, "strength": strength.isEmpty ? "0.75" : strength,
            "samplers": options(Sampler.allCases.map(\.title), sampler),
            "schedulers": options(Scheduler.allCases.map(\.title), scheduler), "loraRows": rows, "isEdit": isEdit,
            "formats": Self.formats.map {
                OptionView(optionValue: $0.0, optionName: $0.1, isChosen: $0.0 == format)
            },
        ]
    }
}
