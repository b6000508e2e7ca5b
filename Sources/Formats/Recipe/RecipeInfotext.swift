import WaggleProtocol

extension InfotextA1111 {
    var isEmpty: Bool {
        prompt.isEmpty && negativePrompt.isEmpty && parameters.isEmpty
    }
}

// MARK: - Infotext to recipe

extension Recipe {
    /// The recipe of an infotext. What the text does not say takes A1111's meaning: clip skip 1, noise from the GPU,
    /// the schedule that the sampler chooses.
    public init(_ infotext: InfotextA1111) {
        self.init(prompt: infotext.prompt, negativePrompt: infotext.negativePrompt)
        seed = infotext["Seed"].flatMap { UInt64($0) }
        steps = infotext["Steps"].flatMap { Int($0) }
        sampler = infotext["Sampler"]
        scheduler = infotext["Schedule type"].flatMap { $0.sameUTF8(as: "Automatic") ? nil : $0 }
        cfgScale = infotext["CFG scale"].flatMap { FieldNumber.double($0) }
        if let size = infotext.size("Size") { (width, height) = size }
        clipSkip = infotext["Clip skip"].flatMap { Int($0) } ?? 1
        rng = infotext["RNG"].flatMap { $0.sameUTF8(as: "GPU") ? nil : $0 }
        engine = infotext["Version"]

        var list = ResourceList()
        list.addModels(infotext)
        list.addAdapters(infotext)
        list.addHashes(infotext.hashes)
        for resource in infotext.civitaiResources { list.add(resource) }
        resources = list.resources
    }
}

/// Collects resources that several fields of one infotext describe.
private struct ResourceList {
    private(set) var resources: [RecipeResource] = []

    /// The place of the resource, added when it is new; nil when the list is full.
    private mutating func place(_ kind: ModelType, _ name: String?) -> Int? {
        if let name, name.utf8.count > Limits.PictureText.nameBytes { return nil }
        // LoRA and its relatives share one name space in prompts and hash lists.
        let found = resources.firstIndex {
            let isNamed = $0.name.map(UTF8Key.init) == name.map(UTF8Key.init)
            return isNamed && ($0.kind == kind || $0.kind.isAdapter && kind.isAdapter)
        }
        if let found { return found }
        guard resources.count < Limits.PictureText.resources else { return nil }
        resources.append(RecipeResource(kind: kind, name: name))
        return resources.count - 1
    }

    private mutating func add(_ kind: ModelType, _ name: String?, hash: String? = nil, weight: Double? = nil) {
        guard let index = place(kind, name) else { return }
        if let hash { resources[index].addHash(hash) }
        if let weight, resources[index].weight == nil { resources[index].weight = weight }
    }

    mutating func addModels(_ infotext: InfotextA1111) {
        let model = infotext["Model"]
        let modelHash = infotext["Model hash"] ?? infotext.hashes["model"]
        if model != nil || modelHash != nil { add(.checkpoint, model, hash: modelHash) }
        let vae = infotext["VAE"].map { FileStem.of($0) }
        let vaeHash = infotext["VAE hash"] ?? infotext.hashes["vae"]
        if vae != nil || vaeHash != nil { add(.vae, vae, hash: vaeHash) }
    }

    mutating func addAdapters(_ infotext: InfotextA1111) {
        for tag in PromptTag.all(in: infotext.prompt, limit: Limits.PictureText.resources) {
            add(tag.kind, tag.name, weight: tag.weight)
        }
        for (name, hash) in Self.pairs(infotext["Lora hashes"]) { add(.lora, name, hash: hash) }
        for (name, hash) in Self.pairs(infotext["TI hashes"]) { add(.textualInversion, name, hash: hash) }
        if let name = infotext["Hypernet"] {
            add(.hypernetwork, name, weight: infotext["Hypernet strength"].flatMap { FieldNumber.double($0) })
        }
        // The Additional Networks extension, numbered from 1.
        for number in 1...Limits.PictureText.resources {
            guard let text = infotext["AddNet Model \(number)"] else { break }
            let (name, hash) = Self.nameAndHash(text)
            let weight = infotext["AddNet Weight \(number)"] ?? infotext["AddNet Weight A \(number)"]
            let module = infotext["AddNet Module \(number)"] ?? "LoRA"
            let isLoRA = module.sameUTF8(as: "LoRA") || module.sameUTF8(as: "lora")
            add(isLoRA ? .lora : .other, name, hash: hash, weight: weight.flatMap { FieldNumber.double($0) })
        }
    }

    /// `Hashes`, sorted so that equal texts give equal lists.
    mutating func addHashes(_ hashes: [String: String]) {
        for (key, hash) in hashes.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            let kind: ModelType
            var name: String?
            if let colon = key.unicodeScalars.firstIndex(of: ":") {
                guard let known = Self.hashKinds[String(key[..<colon])] else { continue }
                kind = known
                name = String(key.unicodeScalars[colon...].dropFirst())
            } else {
                guard let known = Self.hashKinds[key] else { continue }
                kind = known
                // The one that `Model` or `VAE` named.
                name = resources.first { $0.kind == known }?.name
            }
            add(kind, name, hash: hash)
        }
    }

    private static let hashKinds: [String: ModelType] = [
        "model": .checkpoint, "vae": .vae, "lora": .lora, "lyco": .locon, "embed": .textualInversion,
        "hypernet": .hypernetwork,
    ]

    mutating func add(_ resource: CivitaiResource) {
        let kind = Self.civitaiKind(resource.type)
        var name = resource.modelName
        // There is one checkpoint, and `Model` may call it otherwise than the site does.
        if kind == .checkpoint, let known = resources.first(where: { $0.kind == .checkpoint }) { name = known.name }
        guard let index = name == nil ? appended(kind) : place(kind, name) else { return }
        if resources[index].weight == nil { resources[index].weight = resource.weight }
        resources[index].modelVersionID = resource.modelVersionID
        resources[index].air = resource.air
    }

    /// A new resource without a name.
    private mutating func appended(_ kind: ModelType) -> Int? {
        if kind == .checkpoint, let known = resources.firstIndex(where: { $0.kind == kind && $0.name == nil }) {
            return known
        }
        guard resources.count < Limits.PictureText.resources else { return nil }
        resources.append(RecipeResource(kind: kind))
        return resources.count - 1
    }

    static func civitaiKind(_ type: String?) -> ModelType {
        switch type?.lowercased() {
        case "checkpoint", "model": .checkpoint
        case "lora": .lora
        case "lycoris", "locon": .locon
        case "dora": .dora
        case "embed", "embedding", "textualinversion": .textualInversion
        case "hypernet", "hypernetwork": .hypernetwork
        case "vae": .vae
        case "upscaler": .upscaler
        case "controlnet": .controlnet
        default: type.map { ModelType(rawValue: $0) } ?? .other
        }
    }

    /// `name: hash, name: hash`.
    private static func pairs(_ text: String?) -> [(name: String, hash: String)] {
        (text ?? "").unicodeScalars.split(separator: ",").prefix(Limits.PictureText.resources).compactMap { part in
            guard let colon = part.lastIndex(of: ":") else { return nil }
            let name = String(part[..<colon]).trimmed
            let hash = String(part[part.index(after: colon)...]).trimmed
            return name.isEmpty ? nil : (name, hash)
        }
    }

    /// `name(hash)`.
    private static func nameAndHash(_ text: String) -> (name: String, hash: String?) {
        guard text.utf8.last == UInt8(ascii: ")"), let open = text.utf8.lastIndex(of: UInt8(ascii: "(")) else {
            return (text, nil)
        }
        return (String(text[..<open]), String(text.utf8[open...].dropFirst().dropLast()))
    }
}

// MARK: - Recipe to infotext

extension InfotextA1111 {
    /// The infotext of a recipe, with hashes in full under `Hashes` and in A1111's short form where A1111 looks.
    ///
    /// Adapters that the prompt does not name get their tags at its end, because that is where the field's programs
    /// look for them and their weights. Hashes of resources without a name, and algorithms that the field does not
    /// write, are left out.
    public init(_ recipe: Recipe) {
        self.init(prompt: recipe.prompt, negativePrompt: recipe.negativePrompt)
        let tags = PromptTag.all(in: recipe.prompt, limit: Limits.PictureText.resources)
        for resource in recipe.resources {
            let isTagged = tags.contains {
                $0.name.sameUTF8(as: resource.name ?? "") && $0.kind.isAdapter == resource.kind.isAdapter
            }
            guard !isTagged, let tag = PromptTag.text(for: resource) else { continue }
            prompt += (prompt.isEmpty ? "" : " ") + tag
        }
        let checkpoint = recipe.resources.first { $0.kind == .checkpoint }
        let vae = recipe.resources.first { $0.kind == .vae }
        let size = recipe.width.flatMap { width in recipe.height.map { "\(width)x\($0)" } }
        let fields: [(String, String?)] = [
            ("Steps", recipe.steps.map(String.init)),
            ("Sampler", recipe.sampler),
            ("Schedule type", recipe.scheduler),
            ("CFG scale", recipe.cfgScale.map(FieldNumber.text)),
            ("Seed", recipe.seed.map(String.init)),
            ("Size", size),
            ("Model hash", checkpoint?.autoV2),
            ("Model", checkpoint?.name),
            ("VAE hash", vae?.autoV2),
            ("VAE", vae?.name),
            ("Clip skip", recipe.clipSkip == 1 ? nil : String(recipe.clipSkip)),
            ("RNG", recipe.rng),
            ("Lora hashes", Self.hashList(recipe.resources.filter(\.kind.isAdapter))),
            ("TI hashes", Self.hashList(recipe.resources.filter { $0.kind == .textualInversion })),
            ("Version", recipe.engine),
        ]
        parameters = fields.compactMap { key, value in value.flatMap { InfotextParameter(key, $0) } }
        for resource in recipe.resources {
            if let key = Self.hashKey(resource), let hash = resource.strongestHash, hashes[key] == nil {
                hashes[key] = hash
            }
        }
        civitaiResources = recipe.resources.filter { $0.modelVersionID != nil || $0.air != nil }.map {
            CivitaiResource(
                type: Self.civitaiType($0.kind), weight: $0.weight, modelVersionID: $0.modelVersionID,
                modelName: $0.name, air: $0.air)
        }
    }

    /// `name: hash, …` with AutoV3 where it is known, else AutoV2. Names with the list's own marks are only in
    /// `Hashes`.
    private static func hashList(_ resources: [RecipeResource]) -> String? {
        let parts = resources.compactMap { resource -> String? in
            guard let name = resource.name, !name.isEmpty, name == name.trimmed,
                !name.unicodeScalars.contains(where: { $0 == "," || $0 == ":" }),
                let hash = shortHash(resource)
            else { return nil }
            return "\(name): \(hash)"
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Twelve digits where A1111 writes so many: of the SHA256 for embeddings, AutoV3 for adapters.
    private static func shortHash(_ resource: RecipeResource) -> String? {
        if resource.kind == .textualInversion {
            return resource.hashes["SHA256"].map { String($0.prefix(12)) } ?? resource.hashes["AutoV2"]
        }
        return resource.hashes["AutoV3"] ?? resource.autoV2
    }

    private static func hashKey(_ resource: RecipeResource) -> String? {
        switch resource.kind {
        case .checkpoint: "model"
        case .vae: "vae"
        case .lora, .dora: resource.name.map { "lora:" + $0 }
        case .locon: resource.name.map { "lyco:" + $0 }
        case .textualInversion: resource.name.map { "embed:" + $0 }
        case .hypernetwork: resource.name.map { "hypernet:" + $0 }
        default: nil
        }
    }

    private static func civitaiType(_ kind: ModelType) -> String {
        switch kind {
        case .locon: "lycoris"
        case .textualInversion: "embed"
        case .hypernetwork: "hypernet"
        default: kind.rawValue.lowercased()
        }
    }
}
