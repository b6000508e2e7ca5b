public import Digests
import Formats
import Identity

/// What a node signed about a picture that it drew, as DSSE JSON in a text of the picture: anybody can check that these
/// pixels came from these files, as far as they believe that node.
public struct SignedRecipe: Sendable {
    public struct Statement: Codable, Hashable, Sendable {
        public struct Resource: Codable, Hashable, Sendable {
            public var kind: String
            public var name: String
            /// Of the whole file.
            public var sha256: String
            public var strength: Double?
        }

        /// SHA-256 of the picture's file without its texts.
        public var picture: String
        /// The node that drew it: author id.
        public var node: String
        /// Unix seconds.
        public var created: UInt64
        public var engine: String
        public var prompt: String
        public var negativePrompt: String
        public var seed: UInt64
        public var steps: Int
        public var cfgScale: Double
        public var sampler: String?
        public var scheduler: String?
        public var width: Int
        public var height: Int
        public var clipSkip: Int
        /// The picture that it was made from, by hash, and how much was drawn anew.
        public var initImage: String?
        public var strength: Double?
        public var resources: [Resource]

        init(_ made: PictureRecipe, picture: Hash32, node: Signer, created: UInt64) {
            let (plan, recipe) = (made.plan, made.recipe)
            self.picture = picture.hex
            self.node = node.author.hex
            self.created = created
            engine = made.engine
            prompt = plan.prompt
            negativePrompt = plan.negativePrompt
            seed = plan.seed(of: made.index)
            steps = plan.steps
            cfgScale = plan.cfgScale
            sampler = plan.sampler?.rawValue
            scheduler = plan.scheduler?.rawValue
            (width, height) = (plan.width, plan.height)
            clipSkip = plan.clipSkip
            initImage = plan.initImage
            strength = plan.initImage == nil ? nil : plan.strength
            resources = recipe.resources.map {
                Resource(
                    kind: $0.kind.rawValue.lowercased(), name: $0.name ?? "", sha256: $0.hashes["SHA256"] ?? "",
                    strength: $0.weight)
            }
        }
    }

    public let statement: Statement
    /// The key that signed it.
    public let key: Hash32

    /// Reads and verifies what a picture carries: the signature, and that it is about these pixels.
    ///
    /// - Returns: nil when there is none, or it does not hold. Whose key it is says the node's key chain, not this.
    public init?(picture bytes: [UInt8]) {
        guard let text = PictureText.all(in: bytes).first(where: { $0.keyword == PictureRecipe.keyword })?.text,
            let pixels = PictureText.bare(bytes),
            let found = SignedText.read(text, as: Statement.self, type: PictureRecipe.statementType),
            found.statement.picture == SHA256.hash(pixels).hex
        else { return nil }
        (statement, key) = found
    }
}
