import WaggleProtocol

extension ComfyGraph {
    /// The recipe of the picture that the graph makes; nil when there is no sampler.
    ///
    /// Walks from the sampler to what feeds it: model and LoRAs along `model`, texts along `positive` and `negative`,
    /// size along `latent_image`. With several samplers (upscaling, refining) it is the one that starts from an empty
    /// picture.
    public var recipe: Recipe? {
        guard let sampler = firstSampler, let node = nodes[sampler] else { return nil }
        var recipe = Recipe(engine: "ComfyUI")
        let inputs = samplerInputs(node)
        recipe.seed = (literal(inputs["seed"]) ?? literal(inputs["noise_seed"]))?.uint64
        recipe.steps = literal(inputs["steps"], named: ["steps"])?.uint64.flatMap { Int(exactly: $0) }
        recipe.cfgScale = literal(inputs["cfg"], named: ["cfg"])?.double
        recipe.sampler = literal(inputs["sampler_name"], named: ["sampler_name"])?.string
        recipe.scheduler = literal(inputs["scheduler"], named: ["scheduler"])?.string
        if let latent = link(inputs["latent_image"]) {
            (recipe.width, recipe.height) = size(from: latent)
        }
        recipe.prompt = text(inputs["positive"] ?? inputs["conditioning"], .positive)
        recipe.negativePrompt = text(inputs["negative"], .negative)
        if let model = link(inputs["model"]) { recipe.resources = models(from: model) }
        recipe.resources += vae() + embeddings(recipe.prompt) + embeddings(recipe.negativePrompt)
        recipe.resources = Array(recipe.resources.prefix(Limits.PictureText.resources))
        recipe.clipSkip = clipSkip(inputs["positive"] ?? inputs["conditioning"])
        return recipe
    }

    // MARK: Sampler

    private func isSampler(_ node: Node) -> Bool {
        guard node.inputs["latent_image"] != nil else { return false }
        return node.inputs["positive"] != nil || node.inputs["guider"] != nil
    }

    /// The sampler that no other sampler feeds.
    private var firstSampler: String? {
        let samplers = order.filter { nodes[$0].map(isSampler) ?? false }
        let known = Set(samplers)
        // Each walk may visit every node, so their number is bounded too.
        return samplers.prefix(32).first { id in
            guard let latent = link(nodes[id]?.inputs["latent_image"]) else { return true }
            return !upstream(from: latent) { _ in true }.contains { known.contains($0) }
        } ?? samplers.first
    }

    /// The sampler's inputs; a sampler made of parts (`SamplerCustom…`) has those of its parts as well.
    private func samplerInputs(_ node: Node) -> [String: JSONValue] {
        var inputs = node.inputs
        for part in ["noise", "guider", "sampler", "sigmas"] {
            guard let id = link(node.inputs[part]), let part = nodes[id] else { continue }
            // The sampler's own inputs count more.
            inputs.merge(part.inputs) { own, _ in own }
        }
        return inputs
    }

    private func size(from latent: String) -> (Int?, Int?) {
        for id in upstream(from: latent, following: { _ in true }) {
            guard let inputs = nodes[id]?.inputs,
                let width = literal(inputs["width"], named: ["width"])?.uint64.flatMap({ Int(exactly: $0) }),
                let height = literal(inputs["height"], named: ["height"])?.uint64.flatMap({ Int(exactly: $0) })
            else { continue }
            return (width, height)
        }
        return (nil, nil)
    }

    // MARK: Texts

    private static let textInputs = ["text", "text_g", "text_l", "t5xxl", "clip_l", "prompt", "string", "value"]

    /// Which of a ControlNet node's two texts a walk goes on with.
    private enum Side: String {
        case positive, negative
    }

    private static func isConditioning(_ input: String, _ side: Side) -> Bool {
        input.utf8HasPrefix("conditioning") || input == side.rawValue || ["text", "text_g", "string"].contains(input)
    }

    /// The text of the nearest node that holds one.
    private func text(_ conditioning: JSONValue?, _ side: Side) -> String {
        guard let start = link(conditioning) else { return literal(conditioning)?.string ?? "" }
        for id in upstream(from: start, following: { Self.isConditioning($0, side) }) {
            for input in Self.textInputs {
                if let text = literal(nodes[id]?.inputs[input], named: Self.textInputs)?.string {
                    return text.cut(toUTF8: Limits.PictureText.infotextBytes)
                }
            }
        }
        return ""
    }

    private func embeddings(_ prompt: String) -> [RecipeResource] {
        let label = "embedding:"
        return prompt.utf8.split(whereSeparator: { " ,()\n\t".utf8.contains($0) }).lazy.compactMap { word in
            guard word.starts(with: label.utf8), let text = String(word.dropFirst(label.utf8.count)) else { return nil }
            // `embedding:name:1.2` carries a weight.
            let parts = text.unicodeScalars.split(separator: ":")
            guard let name = parts.first else { return nil }
            let weight = parts.dropFirst().first.flatMap { FieldNumber.double(String($0)) }
            return RecipeResource(kind: .textualInversion, name: FileStem.of(String(name)), weight: weight)
        }.prefix(Limits.PictureText.resources).map(\.self)
    }

    private func clipSkip(_ conditioning: JSONValue?) -> Int {
        guard let start = link(conditioning) else { return 1 }
        let follow = { (input: String) in input == "clip" || Self.isConditioning(input, .positive) }
        for id in upstream(from: start, following: follow) {
            if case .number(let text)? = literal(nodes[id]?.inputs["stop_at_clip_layer"]), let layer = Int(text),
                (-24 ... -1).contains(layer)
            {
                return -layer
            }
        }
        return 1
    }

    // MARK: Models

    /// Checkpoint or diffusion model first, then the adapters in the order in which they are applied.
    private func models(from start: String) -> [RecipeResource] {
        var adapters: [RecipeResource] = []
        var bases: [RecipeResource] = []
        for id in upstream(from: start, following: { $0 == "model" || $0 == "lora_stack" }) {
            guard let inputs = nodes[id]?.inputs else { continue }
            if let name = literal(inputs["ckpt_name"])?.string {
                bases.append(RecipeResource(kind: .checkpoint, name: FileStem.of(name)))
            } else if let name = literal(inputs["unet_name"])?.string {
                bases.append(RecipeResource(kind: .unet, name: FileStem.of(name)))
            }
            // The walk goes against the flow, so what is found later is applied earlier.
            adapters.insert(contentsOf: self.adapters(inputs), at: 0)
        }
        return bases + adapters
    }

    private func adapters(_ inputs: [String: JSONValue]) -> [RecipeResource] {
        var found: [RecipeResource] = []
        if let name = literal(inputs["lora_name"])?.string, !name.sameUTF8(as: "None") {
            let weight = literal(inputs["strength_model"]) ?? literal(inputs["strength"])
            found.append(RecipeResource(kind: .lora, name: FileStem.of(name), weight: weight?.double))
        }
        // Nodes with a list of LoRAs: `lora_1: {on, lora, strength}`.
        for (_, value) in inputs.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            guard let name = value["lora"]?.string, !name.sameUTF8(as: "None"), value["on"] != .bool(false) else {
                continue
            }
            found.append(
                RecipeResource(kind: .lora, name: FileStem.of(name), weight: value["strength"]?.double))
        }
        return found
    }

    /// The VAE that is loaded by itself, if one is.
    private func vae() -> [RecipeResource] {
        for id in order {
            if let name = literal(nodes[id]?.inputs["vae_name"])?.string {
                return [RecipeResource(kind: .vae, name: FileStem.of(name))]
            }
        }
        return []
    }
}
