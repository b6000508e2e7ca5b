/// A request after every field was checked and every open choice made: what is priced, kept, drawn and signed.
///
/// Files are still names here; `ModelSet` has what they are.
public struct GenerationPlan: Codable, Hashable, Sendable {
    public var model: String
    /// As typed, with the tags: this is what the picture says of itself.
    public var prompt: String
    public var negativePrompt: String
    public var width: Int
    public var height: Int
    public var steps: Int
    public var cfgScale: Double
    /// Nil is the engine's choice for the model.
    public var sampler: Sampler?
    public var scheduler: Scheduler?
    /// Picture *i* of the batch has `seed + i`.
    public var seed: UInt64
    public var batch: Int
    public var clipSkip: Int
    /// Those of the prompt first, each name once.
    public var loras: [NamedLoRA]
    public var vae: String?
    public var initImage: String?
    public var strength: Double
    /// Nil for PNG.
    public var format: PictureFormat?

    /// The prompt that an engine is given: tags are files by then.
    public var enginePrompt: String { PromptReading.withoutTags(prompt) }

    /// The seed of a picture of the batch.
    public func seed(of index: Int) -> UInt64 { seed + UInt64(index) }
}
