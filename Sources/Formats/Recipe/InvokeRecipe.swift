import WaggleProtocol

extension Recipe {
    /// The recipe of an InvokeAI picture: `invokeai_metadata` (since 3.0), or `sd-metadata` (2.x).
    init?(invoke json: JSONValue) {
        if json["positive_prompt"] == nil, let old = json["image"], old.object != nil {
            self.init(oldInvoke: old, model: json["model_weights"]?.shortText, hash: json["model_hash"]?.string)
            return
        }
        guard json["positive_prompt"] != nil || json["model"] != nil else { return nil }
        self.init(
            prompt: (json["positive_prompt"]?.string ?? "").cut(toUTF8: Limits.PictureText.infotextBytes),
            negativePrompt: (json["negative_prompt"]?.string ?? "").cut(toUTF8: Limits.PictureText.infotextBytes))
        seed = json["seed"]?.wholeNumber
        steps = json["steps"]?.wholeNumber.flatMap { Int(exactly: $0) }
        cfgScale = json["cfg_scale"]?.looseDouble
        width = json["width"]?.wholeNumber.flatMap { Int(exactly: $0) }
        height = json["height"]?.wholeNumber.flatMap { Int(exactly: $0) }
        sampler = json["scheduler"]?.shortText
        clipSkip = max(1, json["clip_skip"]?.wholeNumber.flatMap { Int(exactly: $0) } ?? 1)
        rng = json["rand_device"]?.string == "cpu" ? "CPU" : nil
        engine = json["app_version"]?.shortText.map { "InvokeAI \($0)" } ?? "InvokeAI"
        if let model = json["model"] { add(.checkpoint, model) }
        if let vae = json["vae"], vae != .null { add(.vae, vae) }
        for item in (json["loras"]?.array ?? []).prefix(Limits.PictureText.resources) {
            add(.lora, item["model"] ?? item["lora"] ?? item, weight: item["weight"]?.looseDouble)
        }
    }

    private init(oldInvoke image: JSONValue, model: String?, hash: String?) {
        // Prompts were a list of parts with weights.
        let parts = image["prompt"]?.array?.prefix(64).compactMap { $0["prompt"]?.string }.joined(separator: " ")
        let prompt = (parts ?? image["prompt"]?.string ?? "").cut(toUTF8: Limits.PictureText.infotextBytes)
        self.init(prompt: prompt, engine: "InvokeAI")
        seed = image["seed"]?.wholeNumber
        steps = image["steps"]?.wholeNumber.flatMap { Int(exactly: $0) }
        cfgScale = image["cfg_scale"]?.looseDouble
        width = image["width"]?.wholeNumber.flatMap { Int(exactly: $0) }
        height = image["height"]?.wholeNumber.flatMap { Int(exactly: $0) }
        sampler = image["sampler"]?.shortText
        if let model {
            resources.append(RecipeResource(kind: .checkpoint, name: FileStem.of(model)))
            if let hash { resources[0].addHash(hash) }
        }
    }

    /// Hashes are written `algorithm:digits`; the algorithm is the user's choice, and SHA-256 the one known everywhere.
    private mutating func add(_ kind: ModelType, _ json: JSONValue, weight: Double? = nil) {
        let name = ["name", "model_name"].lazy.compactMap { json[$0]?.shortText }.first ?? json.shortText
        guard let name, resources.count < Limits.PictureText.resources else { return }
        var resource = RecipeResource(kind: kind, name: FileStem.of(name), weight: weight)
        if let hash = json["hash"]?.string, hash.utf8HasPrefix("sha256:") {
            resource.addHash(String(decoding: hash.utf8.dropFirst(7), as: UTF8.self))
        }
        resources.append(resource)
    }
}
