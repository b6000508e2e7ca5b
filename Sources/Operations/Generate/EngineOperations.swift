public import Generation
import Sandbox
import SystemPackage
import WaggleProtocol

/// `waggle gen setup`: installs the engine into the home, also where another program draws for now.
public struct SetUpEngine: Operation {
    public static let name = "generate setup"
    /// Absolute path of a Python interpreter; nil looks for one.
    public var python: String?
    /// Whether it is compiled for this machine.
    public var builds: Bool

    public init(python: String? = nil, builds: Bool = false) {
        self.python = python
        self.builds = builds
    }

    public func run(in context: OperationContext) async throws(OperationError) -> BackendReport {
        let progress = context.progress
        do throws(GenerationError) {
            let tell: @Sendable (String) -> Void = { line in
                progress(Progress(activity: String(line.prefix(120)), done: 0, total: 0))
            }
            // Before minutes of work that nothing would be drawn with.
            guard Sandbox.has("bwrap") || context.setting("generation.sandbox") == "off" else {
                throw .noSandbox("bubblewrap is not installed")
            }
            let folder = context.home.engine
            let engine =
                builds
                ? try await EngineInstall.build(in: folder, python: python, tell: tell)
                : try await EngineInstall.install(in: folder, python: python, tell: tell)
            let backend = context.generation.backend
            guard backend.name == EmbeddedBackend.kind else {
                return BackendReport(
                    backend: EmbeddedBackend.kind, engine: engine.engine,
                    notes: [engine.place, "\(backend.name) draws here, as generation.backend says"])
            }
            // Those of the engine before.
            await backend.rest()
            return try await backend.report()
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle gen backends`: who draws here, or why nobody does.
public struct ShowBackend: Operation {
    public static let name = "generate backends"

    public init() {}

    public func run(in context: OperationContext) async throws(OperationError) -> BackendReport {
        do throws(GenerationError) {
            return try await context.generation.backend.report()
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle gen models`: what can be drawn with.
public struct ListDrawable: Operation {
    public static let name = "generate models"
    public var loras: Bool

    public init(loras: Bool = false) {
        self.loras = loras
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [DrawableModel] {
        let finder = ModelFinder(context)
        return loras
            ? try await finder.offered(ModelFinder.adapterTypes, .lora)
            : try await finder.offered(ModelFinder.checkpointTypes, .checkpoint)
    }
}

/// `waggle gen pause|resume|drain`.
public struct SetDrawingMode: Operation {
    public static let name = "generate mode"
    public var mode: JobQueue.Mode

    public init(mode: JobQueue.Mode) {
        self.mode = mode
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Done {
        let mode = mode
        try await GenerationDesk(context).asking { () throws(GenerationError) in
            try await context.generation.setMode(mode)
        }
        return Done()
    }
}

/// `waggle gen doctor`: the engine, the sandbox, models, and files that were put aside; takes such files back.
public struct ExamineDrawing: Operation {
    public static let name = "generate doctor"
    /// A set of files to draw with again.
    public var forgiven: String?

    public init(forgiven: String? = nil) {
        self.forgiven = forgiven
    }

    public struct Reply: Codable, Sendable {
        public struct Aside: Codable, Sendable {
            public let key: String
            public let names: String
            public let crashes: Int
        }

        /// Nil when nothing can be drawn; `problem` says why then.
        public let backend: BackendReport?
        public let problem: String?
        public let models: Int
        public let loras: Int
        public let open: Int
        public let mode: String
        public let aside: [Aside]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let desk = GenerationDesk(context)
        if let forgiven {
            try await desk.asking { () throws(GenerationError) in try await context.generation.forgive(forgiven) }
        }
        var (backend, problem): (BackendReport?, String?)
        do throws(GenerationError) {
            backend = try await context.generation.backend.report()
        } catch {
            problem = error.message
        }
        let finder = ModelFinder(context)
        let crashes = try await desk.asking { () throws(GenerationError) in try await context.generation.crashes() }
        return Reply(
            backend: backend, problem: problem,
            models: try await finder.offered(ModelFinder.checkpointTypes, .checkpoint).count,
            loras: try await finder.offered(ModelFinder.adapterTypes, .lora).count,
            open: await context.generation.open.count, mode: await context.generation.mode.rawValue,
            aside: crashes.map { Reply.Aside(key: $0.key, names: $0.names, crashes: $0.count) })
    }
}
