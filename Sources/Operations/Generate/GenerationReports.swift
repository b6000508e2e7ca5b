public import Generation

/// A model or LoRA that can be drawn with here.
public struct DrawableModel: Codable, Sendable, Hashable {
    /// As prompts call it: the file's name without its ending.
    public let name: String
    /// `@maker/name@version`.
    public let reference: String
    public let title: String
    public let type: String
    public let baseModel: String
    public let sha256: String
    public let size: UInt64
    public let release: String
    public let releaseID: Int32
    public let modelID: Int32
    public let triggers: [String]
    public let defaults: GenerationDefaults
}

/// A job as people and programs see it.
public struct JobReport: Codable, Sendable, Hashable {
    public struct Picture: Codable, Sendable, Hashable {
        public let index: Int
        public let seed: UInt64
        /// Of the file with its recipe in it.
        public let sha256: String
        public let mediaType: String
        public let width: Int
        public let height: Int
        /// Where it was written, when it was.
        public var path: String?
        /// What whom it was drawn for thinks of it.
        public var isGood: Bool?

        enum CodingKeys: String, CodingKey {
            case index, seed, sha256, width, height, path
            case isGood = "is_good"
            case mediaType = "media_type"
        }
    }

    public struct Resource: Codable, Sendable, Hashable {
        public let role: String
        public let name: String
        public let sha256: String
        public let weight: Double?
    }

    public let id: String
    /// "holding", "queued", "running", "settling", "done", "failed", "cancelled".
    public let state: String
    public let isOver: Bool
    /// Jobs before it, while it waits.
    public let position: Int?
    /// Seconds until it begins, about, while it waits and something was drawn here before.
    public let secondsBefore: UInt64?
    /// 0…1.
    public let progress: Double
    public let prompt: String
    public let negativePrompt: String
    public let model: String
    public let seed: UInt64
    public let steps: Int
    public let cfgScale: Double
    public let sampler: String
    public let scheduler: String
    public let width: Int
    public let height: Int
    public let batch: Int
    public let clipSkip: Int
    public let resources: [Resource]
    /// Buzz that was put aside, and what was taken of it.
    public let price: Int64
    public let captured: Int64
    /// Unix seconds.
    public let created: UInt64
    public let started: UInt64?
    public let finished: UInt64?
    /// A word for programs and words for people; nil when all is well.
    public let errorCode: String?
    public let error: String?
    public var pictures: [Picture]
    /// How often it was seen how far its picture is; 0 when there is nothing to see.
    public let previews: Int

    enum CodingKeys: String, CodingKey {
        case id, state, position, progress, prompt, model, seed, steps, sampler, scheduler, width, height, batch
        case resources, price, captured, created, started, finished, error, pictures
        case previews
        case isOver = "is_over"
        case secondsBefore = "seconds_before"
        case negativePrompt = "negative_prompt"
        case cfgScale = "cfg_scale"
        case clipSkip = "clip_skip"
        case errorCode = "error_code"
    }

    public init(_ standing: GenerationService.Standing) {
        let (job, plan) = (standing.job, standing.job.plan)
        id = job.id
        state = job.state.rawValue
        previews = standing.previews
        isOver = job.state.isOver
        position = standing.position
        secondsBefore = standing.secondsBefore
        if job.state == .done {
            progress = 1
        } else {
            let step = job.progress.steps > 0 ? Double(job.progress.step) / Double(job.progress.steps) : 0
            let drawn = Double(max(job.pictures.count, job.progress.picture))
            progress = min(0.99, (drawn + (job.pictures.count > job.progress.picture ? 0 : step)) / Double(plan.batch))
        }
        prompt = plan.prompt
        negativePrompt = plan.negativePrompt
        model = job.models.checkpoint.name
        seed = plan.seed
        steps = plan.steps
        cfgScale = plan.cfgScale
        sampler = plan.sampler?.title ?? "Automatic"
        scheduler = plan.scheduler?.title ?? "Automatic"
        (width, height, batch, clipSkip) = (plan.width, plan.height, plan.batch, plan.clipSkip)
        resources = job.models.files.map {
            Resource(role: $0.role.rawValue, name: $0.name, sha256: $0.sha256, weight: $0.weight)
        }
        (price, captured) = (job.price, job.captured)
        (created, started, finished) = (job.created, job.started, job.finished)
        (errorCode, error) = (job.failure?.code, job.failure?.message)
        pictures = job.pictures.sorted { $0.index < $1.index }.map {
            Picture(
                index: $0.index, seed: $0.seed, sha256: $0.sha256, mediaType: $0.mediaType, width: $0.width,
                height: $0.height, isGood: $0.isGood)
        }
    }

    public init(_ job: Job) {
        self.init(GenerationService.Standing(job: job))
    }
}

/// What a job would cost, and what would be drawn.
public struct QuoteReport: Codable, Sendable, Hashable {
    /// Thousandths of a unit; a unit is one pass of SD 1.5 at 512×512.
    public let work: Int64
    /// Buzz.
    public let price: Int64
    public let seed: UInt64
    public let width: Int
    public let height: Int
    public let steps: Int
    public let cfgScale: Double
    /// The same, signed by this node: whoever orders exactly this with it pays this price until it expires.
    public let quote: String
    /// Unix seconds.
    public let expires: UInt64

    enum CodingKeys: String, CodingKey {
        case work, price, seed, width, height, steps, quote, expires
        case cfgScale = "cfg_scale"
    }
}
