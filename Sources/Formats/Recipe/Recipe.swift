import WaggleProtocol

/// How a picture was made, or is to be made: everything another person needs to make it again.
///
/// Read from pictures it is a claim. Field names are the field's own words.
public struct Recipe: Hashable, Sendable, Codable {
    /// With its `<lora:name:weight>` tags, as typed.
    public var prompt: String
    public var negativePrompt: String
    public var seed: UInt64?
    public var steps: Int?
    /// As the engine calls it (`Euler a`, `euler_ancestral`).
    public var sampler: String?
    /// Nil when it is the engine's own choice (A1111's `Automatic`).
    public var scheduler: String?
    public var cfgScale: Double?
    /// Pixels.
    public var width: Int?
    public var height: Int?
    /// 1 is the last layer of the text encoder.
    public var clipSkip: Int
    /// Where the noise comes from (`CPU`, `NV`); nil is A1111's `GPU`.
    public var rng: String?
    /// Program and version that made the picture.
    public var engine: String?
    public var resources: [RecipeResource]

    public init(
        prompt: String = "", negativePrompt: String = "", seed: UInt64? = nil, steps: Int? = nil,
        sampler: String? = nil, scheduler: String? = nil, cfgScale: Double? = nil, width: Int? = nil,
        height: Int? = nil, clipSkip: Int = 1, rng: String? = nil, engine: String? = nil,
        resources: [RecipeResource] = []
    ) {
        self.prompt = prompt
        self.negativePrompt = negativePrompt
        self.seed = seed
        self.steps = steps
        self.sampler = sampler
        self.scheduler = scheduler
        self.cfgScale = cfgScale
        self.width = width
        self.height = height
        self.clipSkip = clipSkip
        self.rng = rng
        self.engine = engine
        self.resources = resources
    }

    /// The recipe that a picture's texts tell: `parameters` as A1111 and its kin or SwarmUI write it, then InvokeAI's
    /// texts, then ComfyUI's `prompt` graph. Nil when there is none of them, or nothing can be made of it.
    public init?(texts: [PictureText]) {
        func text(_ keyword: String) -> String? { texts.first { $0.keyword == keyword }?.text }
        if let parameters = text("parameters") {
            if let json = Self.object(parameters) {
                if let recipe = Self(swarm: json) ?? Self(invoke: json) {
                    self = recipe
                    return
                }
            } else if let infotext = InfotextA1111(parameters), !infotext.isEmpty {
                self.init(infotext)
                return
            }
        }
        for keyword in ["invokeai_metadata", "sd-metadata"] {
            if let recipe = text(keyword).flatMap({ Self.object($0) }).flatMap({ Self(invoke: $0) }) {
                self = recipe
                return
            }
        }
        guard let prompt = text("prompt"), let graph = try? ComfyGraph(Array(prompt.utf8)), let recipe = graph.recipe
        else { return nil }
        self = recipe
    }

    /// A text that is a JSON object and nothing else.
    private static func object(_ text: String) -> JSONValue? {
        guard text.trimmed.utf8HasPrefix("{"),
            let value = try? JSONValue(
                python: Array(text.utf8), maximumBytes: Limits.PictureText.graphBytes,
                depth: Limits.PictureText.jsonDepth, values: Limits.PictureText.jsonValues),
            value.object != nil
        else { return nil }
        return value
    }
}

/// A model file that a recipe uses.
public struct RecipeResource: Hashable, Sendable, Codable {
    public var kind: ModelType
    /// The file's name without folder and extension, as prompts and programs call it.
    public var name: String?
    /// What the picture says the file's hashes are, by algorithm (`SHA256`, `AutoV1`, `AutoV2`, `AutoV3`), in
    /// lower-case hexadecimal. Claims, until a file with such a hash is found.
    public var hashes: [String: String]
    /// Strength, where the kind has one.
    public var weight: Double?
    /// The number of the model version on the site that made the picture.
    public var modelVersionID: UInt64?
    /// Civitai's resource name (`urn:air:…`).
    public var air: String?

    public init(
        kind: ModelType, name: String? = nil, hashes: [String: String] = [:], weight: Double? = nil,
        modelVersionID: UInt64? = nil, air: String? = nil
    ) {
        self.kind = kind
        self.name = name
        self.hashes = hashes
        self.weight = weight
        self.modelVersionID = modelVersionID
        self.air = air
    }

    /// Adds a hash by its length, which is how the field tells them apart: 8 digits are AutoV1, 10 AutoV2, 12 AutoV3,
    /// 64 SHA256. Anything else is not a hash and is left out. For an embedding A1111 writes 12 digits of the SHA256,
    /// of which 10 are AutoV2.
    public mutating func addHash(_ text: String) {
        guard let algorithm = Self.algorithms[text.utf8.count] else { return }
        let hash = text.lowercased()
        guard hash.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else { return }
        if kind == .textualInversion, algorithm == "AutoV3" {
            hashes["AutoV2"] = String(hash.prefix(10))
        } else {
            hashes[algorithm] = hash
        }
    }

    private static let algorithms = [8: "AutoV1", 10: "AutoV2", 12: "AutoV3", 64: "SHA256"]

    /// The hash that says most about the file.
    public var strongestHash: String? {
        hashes["SHA256"] ?? hashes["AutoV3"] ?? hashes["AutoV2"] ?? hashes["AutoV1"]
    }

    /// A1111's ten digits, from the full hash when only that is known.
    var autoV2: String? {
        hashes["AutoV2"] ?? hashes["SHA256"].map { String($0.prefix(10)) }
    }
}
