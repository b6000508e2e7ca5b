import Digests
public import Formats
import FoundationEssentials
public import Identity
import WaggleProtocol

/// The recipe that a picture carries: A1111's text, which everybody's tools read; the mark that a machine made it; and a
/// signed statement of this node with the full hash of every file, which binds to the pixels.
public struct PictureRecipe: Sendable {
    public let recipe: Recipe
    public let plan: GenerationPlan
    public let models: ModelSet
    /// Which picture of the batch.
    public let index: Int
    public let engine: String

    public init(plan: GenerationPlan, models: ModelSet, index: Int, engine: String) {
        self.plan = plan
        self.models = models
        self.index = index
        self.engine = engine
        func resource(_ kind: ModelType, _ file: ModelFile) -> RecipeResource {
            var hashes = ["SHA256": file.sha256]
            if let autoV3 = file.autoV3, autoV3.utf8.count >= 12 { hashes["AutoV3"] = String(autoV3.prefix(12)) }
            return RecipeResource(kind: kind, name: file.name, hashes: hashes, weight: file.weight)
        }
        recipe = Recipe(
            prompt: plan.prompt, negativePrompt: plan.negativePrompt, seed: plan.seed(of: index), steps: plan.steps,
            sampler: plan.sampler?.title ?? "Automatic", scheduler: plan.scheduler?.title, cfgScale: plan.cfgScale,
            width: plan.width, height: plan.height, clipSkip: plan.clipSkip, engine: engine,
            resources: [resource(.checkpoint, models.checkpoint)]
                + [models.vae].compactMap { $0 }.map {
                    resource(.vae, $0)
                } + models.loras.map { resource(.lora, $0) })
    }

    /// The keyword of the signed statement in a picture.
    public static let keyword = "waggle"
    /// Its DSSE type.
    public static let statementType = "application/vnd.waggle.recipe.v1+json"

    /// What this kind of picture says of where it comes from.
    public var mark: DigitalSourceType {
        plan.initImage == nil ? .trainedAlgorithmicMedia : .compositeWithTrainedAlgorithmicMedia
    }

    /// A picture with all of it.
    ///
    /// - Parameters:
    ///   - picture: PNG, JPEG or WebP; texts that it has are taken out.
    ///   - signer: the node's key.
    ///   - created: unix seconds.
    public func written(into picture: [UInt8], signer: Signer, created: UInt64) throws(GenerationError) -> [UInt8] {
        guard let pixels = PictureText.bare(picture) else {
            throw .badReply("the picture is no PNG, JPEG or WebP file that can be read")
        }
        let statement = SignedRecipe.Statement(self, picture: SHA256.hash(pixels), node: signer, created: created)
        let texts = [
            PictureText("parameters", InfotextA1111(recipe).text), PictureText(PictureText.xmp, mark.xmp),
            PictureText(Self.keyword, try SignedText.write(statement, type: Self.statementType, by: signer.device)),
        ]
        guard let written = PictureText.write(texts, into: pixels) else {
            throw .badReply("there is no room for the recipe in the picture")
        }
        return written
    }
}
