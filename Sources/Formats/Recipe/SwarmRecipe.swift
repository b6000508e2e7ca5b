import WaggleProtocol

extension Recipe {
    /// The recipe of a SwarmUI picture, whose `parameters` text is JSON: `sui_image_params`, and since 0.9.2 `sui_models`
    /// with the hash of each file's tensors.
    init?(swarm json: JSONValue) {
        guard let values = json["sui_image_params"], values.object != nil else { return nil }
        func text(_ key: String) -> String { values[key]?.string ?? "" }
        self.init(
            prompt: text("prompt").cut(toUTF8: Limits.PictureText.infotextBytes),
            negativePrompt: text("negativeprompt").cut(toUTF8: Limits.PictureText.infotextBytes))
        seed = values["seed"]?.wholeNumber
        steps = values["steps"]?.wholeNumber.flatMap { Int(exactly: $0) }
        cfgScale = values["cfgscale"]?.looseDouble
        width = values["width"]?.wholeNumber.flatMap { Int(exactly: $0) }
        height = values["height"]?.wholeNumber.flatMap { Int(exactly: $0) }
        sampler = values["sampler"]?.shortText
        scheduler = values["scheduler"]?.shortText
        if case .number(let digits)? = values["clipstopatlayer"], let layer = Int(digits), (-24 ... -1).contains(layer)
        {
            clipSkip = -layer
        }
        engine = values["swarm_version"]?.shortText.map { "SwarmUI \($0)" } ?? "SwarmUI"

        if let name = values["model"]?.shortText {
            resources.append(RecipeResource(kind: .checkpoint, name: FileStem.of(name)))
        }
        if let name = values["vae"]?.shortText, name != "Automatic", name != "None" {
            resources.append(RecipeResource(kind: .vae, name: FileStem.of(name)))
        }
        let weights = values["loraweights"]?.list ?? []
        for (index, lora) in (values["loras"]?.list ?? []).prefix(Limits.PictureText.resources).enumerated() {
            guard let name = lora.shortText else { continue }
            let weight = weights.indices.contains(index) ? weights[index].looseDouble : nil
            resources.append(RecipeResource(kind: .lora, name: FileStem.of(name), weight: weight))
        }
        for model in (json["sui_models"]?.array ?? []).prefix(Limits.PictureText.resources) { name(model) }
    }

    /// Gives the resource that `sui_models` names its hash: `0x` and the SHA-256 of the tensors, which is AutoV3.
    private mutating func name(_ model: JSONValue) {
        guard let name = model["name"]?.shortText.map(FileStem.of), let hash = model["hash"]?.string,
            hash.utf8HasPrefix("0x"), hash.utf8.count == 66
        else { return }
        let digits = String(decoding: hash.utf8.dropFirst(2).prefix(12), as: UTF8.self)
        guard let place = resources.firstIndex(where: { $0.name?.sameUTF8(as: name) ?? false }) else {
            guard resources.count < Limits.PictureText.resources else { return }
            let kind: ModelType =
                switch model["param"]?.string {
                case "loras": .lora
                case "vae": .vae
                case "model", "refinermodel": .checkpoint
                case "used_embeddings": .textualInversion
                default: .other
                }
            resources.append(RecipeResource(kind: kind, name: name))
            resources[resources.count - 1].hashes["AutoV3"] = digits.hexadecimalOnly
            return
        }
        resources[place].hashes["AutoV3"] = digits.hexadecimalOnly
    }
}
