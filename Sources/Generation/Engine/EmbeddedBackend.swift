public import Digests
import FoundationEssentials
public import Sandbox
public import SystemPackage
import WaggleProtocol

/// The engine of this home: one process for each model, in the sandbox, kept warm for the next job.
public actor EmbeddedBackend: GenerationBackend {
    /// How it is run.
    public struct Options: Sendable {
        /// Nil where no engine is installed.
        public var engine: EngineInstall?
        public var confinement: Sandbox.Confinement
        public var threads: Int
        /// Bytes of models that may be loaded at once; nil follows the memory that is free.
        public var memory: UInt64?

        public init(
            engine: EngineInstall?, confinement: Sandbox.Confinement = .full, threads: Int, memory: UInt64? = nil
        ) {
            self.engine = engine
            self.confinement = confinement
            self.threads = max(1, threads)
            self.memory = memory
        }
    }

    /// The files of models.
    public struct Files: Sendable {
        /// Puts a link to a file that may be large under a path; it is not copied.
        public var link: @Sendable (Hash32, FilePath) async throws -> Void
        /// Puts a file under a path so that it is seen where only its folder is.
        public var place: @Sendable (Hash32, FilePath) async throws -> Void

        public init(
            link: @escaping @Sendable (Hash32, FilePath) async throws -> Void,
            place: @escaping @Sendable (Hash32, FilePath) async throws -> Void
        ) {
            self.link = link
            self.place = place
        }
    }

    public static let kind = "embedded"
    public nonisolated var name: String { Self.kind }
    public nonisolated let opensFiles = true
    private let options: @Sendable () -> Options
    private let files: Files
    /// Where engines have their folders.
    private let temporary: FilePath
    /// Idle ones, least recently used first; one that draws is out of the list.
    private var idle: [Idle] = []

    private struct Idle {
        let process: EngineProcess
        /// Which use of an engine was its last.
        let use: Int
    }

    /// Whether something ran in the sandbox: every page that says who draws asks for it.
    private var isSandboxTried = false
    private var uses = 0
    private var busyBytes: UInt64 = 0
    private var number = 0

    public init(options: @escaping @Sendable () -> Options, files: Files, temporary: FilePath) {
        self.options = options
        self.files = files
        self.temporary = temporary
        // What a node that was killed left behind.
        try? FileManager.default.removeItem(atPath: temporary.string)
    }

    public func report() async throws(GenerationError) -> BackendReport {
        let options = options()
        let engine = try Self.installed(options)
        var notes = [engine.place, "\(options.threads) threads"]
        switch options.confinement {
        case .full:
            let bounds = Sandbox.Bounds(
                memory: 1 << 30, processorSeconds: 5, seconds: 5, fileBytes: 1 << 20, scratchBytes: 1 << 20)
            do throws(SandboxError) {
                if !isSandboxTried { _ = try await Sandbox().run("true", [], bounds: bounds) }
                isSandboxTried = true
            } catch {
                throw .noSandbox("\(error)")
            }
            notes.append("in a sandbox: no network, no files but its own")
        case .boundsOnly:
            notes.append("WITHOUT a sandbox (generation.sandbox = \"off\"): a hostile model can do what this user can")
        }
        return BackendReport(
            backend: name, engine: engine.engine, notes: notes, samplers: Sampler.allCases.map(\.title))
    }

    /// The engine with all its parts: without one it would not start, and the files of a job would be blamed for it.
    static func installed(_ options: Options) throws(GenerationError) -> EngineInstall {
        guard let engine = options.engine else { throw .noEngine("no engine is installed") }
        if let missing = engine.missing { throw .noEngine("its engine lacks \(missing)") }
        return engine
    }

    public func rest() async {
        let all = idle
        idle = []
        for engine in all { await engine.process.kill() }
    }

    // MARK: Drawing

    public func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        let options = options()
        let engine = try Self.installed(options)
        let need = Self.memory(order)
        let process = try await ready(order, engine, options)
        busyBytes += process.bytes
        defer { busyBytes -= process.bytes }
        let result: Result<Void, GenerationError>
        do throws(GenerationError) {
            let files = try await lay(order, process)
            process.say(Self.order(order, process, files, options))
            try await follow(order, process, engine, sign)
            result = .success(())
        } catch {
            // A file that is cut under an engine brings it down; nothing is wrong with the set.
            let cause = process.changed.map { .changed(name: $0.name) } ?? error
            result = .failure(Task.isCancelled ? .cancelled : cause)
        }
        await clear(order, process)
        // An engine that gave up may be in any state.
        if case .failure(let error) = result {
            await process.kill()
            throw error == .outOfMemory && need > Self.freeMemory()
                ? .tooLarge(needs: need, free: Self.freeMemory()) : error
        }
        keepWarm(process)
    }

    /// An engine waits for the next job for a while, then gives its memory back.
    private func keepWarm(_ process: EngineProcess) {
        uses += 1
        let use = uses
        idle.append(Idle(process: process, use: use))
        Task { [weak self] in
            try? await Task.sleep(for: .seconds(Limits.Generation.warmSeconds))
            await self?.coolDown(use)
        }
    }

    private func coolDown(_ use: Int) async {
        guard let index = idle.firstIndex(where: { $0.use == use }) else { return }
        await idle.remove(at: index).process.kill()
    }

    /// An engine for the model: a warm one, or a new one for which others make room.
    private func ready(
        _ order: DrawOrder, _ engine: EngineInstall, _ options: Options
    ) async throws(GenerationError) -> EngineProcess {
        // One of an engine that was replaced since finishes what it draws, and nothing after it.
        let key = "\(engine.site) \(order.models.warmKey)" + (order.initImage == nil ? "" : " with encoder")
        while let index = idle.firstIndex(where: { $0.process.key == key }) {
            let process = idle.remove(at: index).process
            if process.changed == nil { return process }
            await process.kill()
        }
        let bytes = Self.memory(order)
        while let budget = options.memory, !idle.isEmpty,
            busyBytes + idle.reduce(0, { $0 + $1.process.bytes }) + bytes > budget
        {
            await idle.removeFirst().process.kill()
        }
        if options.memory == nil {
            while !idle.isEmpty, Self.freeMemory() < bytes + (1 << 30) { await idle.removeFirst().process.kill() }
        }
        let free = options.memory.map { $0 - min($0, busyBytes) } ?? Self.freeMemory()
        guard bytes <= free else { throw .tooLarge(needs: bytes, free: free) }
        number += 1
        let folder = temporary.appending("engine-\(number)")
        do {
            for name in ["in", "out", "models"] {
                try FileManager.default.createDirectory(
                    atPath: folder.appending(name).string, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700])
            }
            let script = engine.isBuilt == true ? EngineWorker.cliScript : EngineWorker.script
            try Data(script.utf8).write(to: URL(filePath: folder.appending("worker.py").string))
        } catch {
            throw .crashed("\(folder): \(error)")
        }
        let checkpoint = try await linked(order.models.checkpoint, folder.appending("models"))
        var vae: MappedFile?
        if let file = order.models.vae { vae = try await linked(file, folder.appending("models")) }
        let megapixels = UInt64(order.plan.width * order.plan.height + (1 << 20) - 1) >> 20
        return EngineProcess(
            key: key, bytes: bytes, folder: folder, engine: engine, checkpoint: checkpoint, vae: vae,
            confinement: options.confinement,
            memory: Limits.Generation.engineMemory + 2 * order.models.bytes
                + max(4, megapixels) * Limits.Generation.engineMemoryPerMegapixel,
            threads: options.threads)
    }

    private func linked(_ file: ModelFile, _ folder: FilePath) async throws(GenerationError) -> MappedFile {
        guard let hash = file.hash else { throw .unknownResource(file.name) }
        let path = folder.appending(file.sha256 + ".safetensors")
        do {
            try await files.link(hash, path)
        } catch {
            throw .withdrawn(name: file.name)
        }
        return MappedFile(path, name: file.name)
    }

    /// What a job takes of memory, by what engines were seen to take.
    private static func memory(_ order: DrawOrder) -> UInt64 {
        let pixels = UInt64(order.plan.width * order.plan.height)
        return order.models.bytes + order.models.bytes / 10 + (200 << 20) + pixels * 1200
    }

    /// Bytes that the system could give.
    static func freeMemory() -> UInt64 {
        guard let text = try? String(contentsOf: URL(filePath: "/proc/meminfo"), encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
        else { return .max }
        return kibibytes << 10
    }

    // MARK: One job

    /// Puts the files of a job where its engine sees them.
    private func lay(
        _ order: DrawOrder, _ process: EngineProcess
    ) async throws(GenerationError) -> (loras: [String], initImage: String?) {
        let input = process.folder.appending("in")
        var loras: [String] = []
        for (index, lora) in order.models.loras.enumerated() {
            guard let hash = lora.hash else { throw .unknownResource(lora.name) }
            let name = "\(order.job)-\(index).safetensors"
            do {
                try await files.place(hash, input.appending(name))
            } catch {
                throw .withdrawn(name: lora.name)
            }
            loras.append(name)
        }
        guard let picture = order.initImage else { return (loras, nil) }
        let name = "\(order.job)-init"
        do {
            try Data(picture).write(to: URL(filePath: input.appending(name).string))
        } catch {
            throw .crashed("\(input): \(error)")
        }
        return (loras, name)
    }

    /// Takes the files of a job away again.
    private func clear(_ order: DrawOrder, _ process: EngineProcess) async {
        for folder in ["in", "out"] {
            let path = process.folder.appending(folder)
            for name in (try? FileManager.default.contentsOfDirectory(atPath: path.string)) ?? [] {
                try? FileManager.default.removeItem(atPath: path.appending(name).string)
            }
        }
    }

    private static func order(
        _ order: DrawOrder, _ process: EngineProcess, _ files: (loras: [String], initImage: String?),
        _ options: Options
    ) -> EngineWorker.Order {
        let (plan, places) = (order.plan, process.places)
        return EngineWorker.Order(
            job: order.job, model: places.model.string, vae: places.vae?.string, prompt: plan.enginePrompt,
            negative: plan.negativePrompt, width: plan.width, height: plan.height, seed: plan.seed,
            clip_skip: plan.clipSkip == 1 ? -1 : plan.clipSkip, strength: plan.strength, batch: plan.batch,
            steps: plan.steps, cfg: plan.cfgScale, sampler: plan.sampler?.rawValue,
            scheduler: plan.scheduler?.rawValue,
            loras: zip(files.loras, order.models.loras).map {
                EngineWorker.Order.Adapter(path: places.input.appending($0).string, weight: $1.weight ?? 1)
            },
            init: files.initImage.map { places.input.appending($0).string }, threads: options.threads,
            previews: plan.steps >= Limits.Generation.previewSteps, out: places.output.string)
    }

    /// Hands on what an engine says until it is done.
    private func follow(
        _ order: DrawOrder, _ process: EngineProcess, _ engine: EngineInstall,
        _ sign: @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        var program = engine.engine
        while let event = await process.next() {
            let answer: EngineWorker.Answer
            switch event {
            case .ended(let error): throw error
            case .answer(let said): answer = said
            }
            switch answer.is {
            case .ready: program = answer.engine ?? program
            case .loading: try await sign(.loading)
            case .step:
                try await sign(
                    .step(
                        JobProgress(picture: answer.image ?? 0, step: answer.step ?? 0, steps: answer.steps ?? 0)))
            case .preview:
                let name = "\(order.job)-\(answer.image ?? 0).preview"
                if let picture = PictureCheck.preview(process.folder.appending("out").appending(name)) {
                    try await sign(.preview(picture))
                }
            case .image:
                let index = answer.index ?? 0
                if let file = process.changed { throw .changed(name: file.name) }
                try Self.check(answer.applied ?? [], of: order.models.loras)
                let path = process.folder.appending("out").appending("\(order.job)-\(index)")
                if answer.flat == true { throw .flatPicture }
                let png = try PictureCheck.read(
                    png: FilePath(path.string + ".png"),
                    pixels: engine.isBuilt == true ? nil : FilePath(path.string + ".ppm"), plan: order.plan)
                try await sign(.picture(index: index, png: png, engine: program))
            case .done: return
            case .error:
                let message = answer.message ?? ""
                throw EngineProcess.isOutOfMemory(message) ? .outOfMemory : .engine(message)
            }
        }
        throw .crashed("it is gone")
    }

    /// Every LoRA was applied whole: the engine draws on without those that it cannot use.
    private static func check(_ applied: [[Int]], of loras: [ModelFile]) throws(GenerationError) {
        for (index, lora) in loras.enumerated() {
            guard index < applied.count, applied[index].count == 2, applied[index][0] == applied[index][1],
                applied[index][1] > 0
            else { throw .loraNotApplied(name: lora.name) }
        }
    }
}
