/// Something that draws: the engine in the sandbox, or a program elsewhere that is asked over HTTP.
public protocol GenerationBackend: Sendable {
    /// "embedded", "a1111", "comfyui", "sd-server".
    var name: String { get }

    /// Looks whether it could draw now.
    ///
    /// - Throws: `noEngine`, `noSandbox` with what to do about it.
    func report() async throws(GenerationError) -> BackendReport

    /// Draws a job. Cancelling the task ends whatever draws it.
    ///
    /// - Parameter sign: called in order, and waited for.
    /// - Throws: what came in between; pictures that were handed over before stay good.
    func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError)

    /// Lets go of what it keeps ready for the next job.
    func rest() async

    /// Whether it is this node that opens the files of jobs, so that an engine's end may be their fault. A program elsewhere
    /// that says nothing may as well be switched off.
    var opensFiles: Bool { get }
}

extension GenerationBackend {
    public var opensFiles: Bool { false }
}

/// What a backend says of itself.
public struct BackendReport: Codable, Hashable, Sendable {
    public var backend: String
    /// Program and version, as pictures will say it.
    public var engine: String
    /// What is worth knowing: paths, addresses, warnings.
    public var notes: [String]
    /// Names of the samplers it has, where it tells.
    public var samplers: [String]

    public init(backend: String, engine: String, notes: [String] = [], samplers: [String] = []) {
        self.backend = backend
        self.engine = engine
        self.notes = notes
        self.samplers = samplers
    }
}

/// A job for a backend.
public struct DrawOrder: Sendable {
    public let job: String
    public let plan: GenerationPlan
    public let models: ModelSet
    /// The picture to start from.
    public let initImage: [UInt8]?

    public init(job: String, plan: GenerationPlan, models: ModelSet, initImage: [UInt8]? = nil) {
        self.job = job
        self.plan = plan
        self.models = models
        self.initImage = initImage
    }
}

/// What a backend says while it draws.
public enum DrawSign: Sendable, Hashable {
    case loading
    case step(JobProgress)
    /// The picture as far as it is, small: PNG, JPEG or WebP.
    case preview([UInt8])
    /// A picture as a PNG file without texts, checked for size and for being more than one colour.
    case picture(index: Int, png: [UInt8], engine: String)
}
