/// A picture as somebody asks for it. What is nil is taken from the model's own settings, then from the node's.
public struct GenerationRequest: Codable, Hashable, Sendable {
    /// `@maker/name`, a release, a hash, or a file's name.
    public var model: String
    /// With `<lora:name:weight>` tags.
    public var prompt: String
    public var negativePrompt: String
    /// Pixels.
    public var width: Int?
    public var height: Int?
    public var steps: Int?
    public var cfgScale: Double?
    public var sampler: String?
    public var scheduler: String?
    /// Nil and negative numbers ask for a new one.
    public var seed: String?
    public var batch: Int?
    public var clipSkip: Int?
    /// LoRAs beside those that the prompt names.
    public var loras: [NamedLoRA]
    public var vae: String?
    /// The picture to start from, by hash of its blob.
    public var initImage: String?
    /// 0…1: how much of that picture is drawn anew.
    public var strength: Double?
    /// `png`, which nothing is lost of, `jpeg` or `webp`.
    public var format: String?
    /// A quote that this node signed for exactly this: it is paid what that says.
    public var quote: String?

    public init(
        model: String = "", prompt: String = "", negativePrompt: String = "", width: Int? = nil, height: Int? = nil,
        steps: Int? = nil, cfgScale: Double? = nil, sampler: String? = nil, scheduler: String? = nil,
        seed: String? = nil, batch: Int? = nil, clipSkip: Int? = nil, loras: [NamedLoRA] = [], vae: String? = nil,
        initImage: String? = nil, strength: Double? = nil, format: String? = nil,
        quote: String? = nil
    ) {
        self.model = model
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.width = width
        self.height = height
        self.steps = steps
        self.cfgScale = cfgScale
        self.sampler = sampler
        self.scheduler = scheduler
        self.seed = seed
        self.batch = batch
        self.clipSkip = clipSkip
        self.loras = loras
        self.vae = vae
        self.initImage = initImage
        self.strength = strength
        self.format = format
        self.quote = quote
    }
}

/// A LoRA by name, and how strong it is to be.
public struct NamedLoRA: Codable, Hashable, Sendable {
    public var name: String
    public var weight: Double

    public init(name: String, weight: Double) {
        self.name = name
        self.weight = weight
    }
}

/// What a model's author recommends, or the node falls back on.
public struct GenerationDefaults: Codable, Hashable, Sendable {
    public var width: Int?
    public var height: Int?
    public var steps: Int?
    public var cfgScale: Double?
    public var sampler: String?
    public var scheduler: String?
    public var clipSkip: Int?

    public init(
        width: Int? = nil, height: Int? = nil, steps: Int? = nil, cfgScale: Double? = nil, sampler: String? = nil,
        scheduler: String? = nil, clipSkip: Int? = nil
    ) {
        self.width = width
        self.height = height
        self.steps = steps
        self.cfgScale = cfgScale
        self.sampler = sampler
        self.scheduler = scheduler
        self.clipSkip = clipSkip
    }
}
