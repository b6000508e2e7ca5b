import FoundationEssentials
import Sandbox
import Synchronization
import SystemPackage
import WaggleProtocol

/// One engine that runs, with the files that it may see. It stays for the next job with the same model.
final class EngineProcess: Sendable {
    enum Event: Sendable {
        case answer(EngineWorker.Answer)
        /// It is gone; nothing comes after this.
        case ended(GenerationError)
    }

    /// Where the engine finds things: folders inside the sandbox, or on this machine where there is none.
    struct Places: Sendable {
        let input: FilePath
        let output: FilePath
        let model: FilePath
        let vae: FilePath?
    }

    let key: String
    let bytes: UInt64
    /// This machine's names of what the engine calls `places.input` and `places.output`.
    let folder: FilePath
    let places: Places
    /// What it draws with.
    private let models: [MappedFile]
    private let commands: AsyncStream<[UInt8]>.Continuation
    private let events: AsyncStream<Event>
    private let task: Task<Void, Never>

    /// - Parameters:
    ///   - folder: its own, with `in` and `out`, removed with it.
    ///   - checkpoint: the model's file on this machine, and `vae` its decoder's.
    init(
        key: String, bytes: UInt64, folder: FilePath, engine: EngineInstall, checkpoint: MappedFile, vae: MappedFile?,
        confinement: Sandbox.Confinement, memory: UInt64, threads: Int
    ) {
        self.key = key
        self.bytes = bytes
        self.folder = folder
        models = [checkpoint] + (vae.map { [$0] } ?? [])
        let (input, output) = (folder.appending("in"), folder.appending("out"))
        let script = folder.appending("worker.py")
        var bindings: [Sandbox.Binding] = []
        func seen(_ here: FilePath, as inside: FilePath, writable: Bool = false) -> FilePath {
            guard confinement == .full else { return here }
            bindings.append(Sandbox.Binding(here, as: inside, writable: writable))
            return inside
        }
        let site = seen(FilePath(engine.site), as: "/engine")
        let worker = seen(script, as: "/worker.py")
        places = Places(
            input: seen(input, as: "/in"), output: seen(output, as: "/out", writable: true),
            model: seen(checkpoint.path, as: "/models/model.safetensors"),
            vae: vae.map { seen($0.path, as: "/models/vae.safetensors") })
        // An interpreter of the system is under /usr, which is there anyway.
        if !engine.base.hasPrefix("/usr/"), engine.base != "/usr" {
            _ = seen(FilePath(engine.base), as: FilePath(engine.base))
        }
        let (lines, commands) = AsyncStream.makeStream(of: [UInt8].self)
        let (events, told) = AsyncStream.makeStream(of: Event.self)
        self.commands = commands
        self.events = events
        let bounds = Sandbox.Bounds(
            memory: memory, processorSeconds: Int(Limits.Generation.jobSeconds) * 16, seconds: 0,
            fileBytes: Limits.Generation.pictureBytes, scratchBytes: 64 << 20)
        let fixed = bindings
        let (python, arguments) = (FilePath(engine.python), ["-s", "-B", worker.string])
        let environment = [
            engine.isBuilt == true ? "WAGGLE_ENGINE" : "PYTHONPATH": site.string, "OMP_NUM_THREADS": "\(threads)",
            "PYTHONUTF8": "1",
        ]
        task = Task {
            let end = await Self.run(python, arguments, confinement, fixed, environment, bounds, lines, told)
            told.yield(.ended(end))
            told.finish()
            try? FileManager.default.removeItem(atPath: folder.string)
        }
    }

    /// - Returns: why it is gone.
    private static func run(
        _ python: FilePath, _ arguments: [String], _ confinement: Sandbox.Confinement, _ bindings: [Sandbox.Binding],
        _ environment: [String: String], _ bounds: Sandbox.Bounds, _ lines: AsyncStream<[UInt8]>,
        _ told: AsyncStream<Event>.Continuation
    ) async -> GenerationError {
        // Engines that get no memory abort as well as they raise.
        let lacksMemory = Mutex(false)
        do throws(SandboxError) {
            let outcome = try await Sandbox().converse(
                python, arguments, confinement: confinement, bindings: bindings, environment: environment,
                bounds: bounds, input: lines,
                complaint: { text in
                    if isOutOfMemory(text) { lacksMemory.withLock { $0 = true } }
                }
            ) { line in
                // What is no answer is the engine's own affair.
                if let answer = try? JSONDecoder().decode(EngineWorker.Answer.self, from: Data(line.utf8)) {
                    told.yield(.answer(answer))
                }
            }
            return reason(outcome.output, "it ended with code \(outcome.exitCode)")
        } catch {
            switch error {
            case .unavailable(let why): return .noSandbox(why)
            case .noProgram(let name): return .noEngine("\(name) is missing")
            case .killed(let signal):
                return signal == 9 || lacksMemory.withLock(\.self) ? .outOfMemory : .crashed("signal \(signal)")
            case .timedOut(let seconds): return .timedOut(what: "the engine", seconds: UInt64(seconds))
            case .tooManyFiles(let limit): return .crashed("it made more than \(limit) files")
            case .failed(let why): return .crashed(why)
            }
        }
    }

    /// The first of its files that somebody wrote to or replaced since it began.
    var changed: MappedFile? { models.first { !$0.isUnchanged } }

    func say(_ order: EngineWorker.Order) {
        guard var line = try? JSONEncoder().encode(order) else { return }
        line.append(UInt8(ascii: "\n"))
        commands.yield([UInt8](line))
    }

    /// What it says next; nil when it is gone and that was told.
    func next() async -> Event? {
        for await event in events { return event }
        return nil
    }

    /// Ends it at once and waits until it is gone. Nothing that it has is worth a farewell.
    func kill() async {
        commands.finish()
        task.cancel()
        await task.value
    }

    /// What the end of its outputs means.
    private static func reason(_ output: String, _ otherwise: String) -> GenerationError {
        if isOutOfMemory(output) { return .outOfMemory }
        let line = output.split(separator: "\n").last.map(String.init)
        return .crashed(line.map { "\(otherwise): \($0.prefix(200))" } ?? otherwise)
    }

    static func isOutOfMemory(_ text: String) -> Bool {
        ["failed to allocate", "bad_alloc", "MemoryError", "Cannot allocate memory"].contains { text.contains($0) }
    }
}
