/// What a model file is for, in Civitai's words.
///
/// An open list: the words are data that other programs choose, so unknown ones pass through.
public struct ModelType: RawRepresentable, Hashable, Sendable, Codable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public static let checkpoint = ModelType(rawValue: "Checkpoint")
    public static let textualInversion = ModelType(rawValue: "TextualInversion")
    public static let hypernetwork = ModelType(rawValue: "Hypernetwork")
    public static let lora = ModelType(rawValue: "LORA")
    /// LoRA on convolutions, and its relatives LoHa and LoKr.
    public static let locon = ModelType(rawValue: "LoCon")
    public static let dora = ModelType(rawValue: "DoRA")
    public static let controlnet = ModelType(rawValue: "Controlnet")
    public static let upscaler = ModelType(rawValue: "Upscaler")
    public static let motionModule = ModelType(rawValue: "MotionModule")
    public static let vae = ModelType(rawValue: "VAE")
    public static let textEncoder = ModelType(rawValue: "TextEncoder")
    /// A diffusion model without text encoder and VAE.
    public static let unet = ModelType(rawValue: "UNet")
    public static let clipVision = ModelType(rawValue: "CLIPVision")
    public static let other = ModelType(rawValue: "Other")

    /// LORA, LoCon and DoRA: files that change another model and are used with a weight.
    public var isAdapter: Bool {
        self == .lora || self == .locon || self == .dora
    }
}
