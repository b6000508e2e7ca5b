import ArgumentParser
import Foundation
import Generation
import Operations
import SystemPackage

struct GenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gen", abstract: "Draw pictures on this machine.",
        discussion: """
            EXAMPLES
              waggle gen setup --demo
                  Install the engine (stable-diffusion.cpp) into this home, and the demo model.
              waggle gen run --model @me/demo-sdxs --prompt "a yellow bee in a meadow" --seed 42 --out bee.png
                  Draw a picture. It carries its recipe, with the full hash of every file.
              waggle gen run --model demo-sdxs --prompt "a house at sunset <lora:demo-lora-sepia:0.8>" --out house.png
                  With a LoRA, called by the name of its file.

            What is not said is taken from what the model's author recommends.
            """,
        subcommands: [
            Run.self, Setup.self, Demo.self, Models.self, Backends.self, Doctor.self, Jobs.self, Show.self, Cancel.self,
            Rate.self, Pause.self, Resume.self, Drain.self,
        ])

    /// What is drawn.
    struct RequestOptions: ParsableArguments {
        @Option(help: "The model: @maker/name, a hash, or the name of its file.")
        var model: String

        @Option(help: "What to draw, with <lora:NAME:WEIGHT> for LoRAs.")
        var prompt: String

        @Option(help: "What not to draw.")
        var negative = ""

        @Option(help: "Pixels: 512x768.")
        var size: String?

        @Option(help: "Steps.")
        var steps: Int?

        @Option(help: "How closely to follow the prompt.")
        var cfg: Double?

        @Option(help: "Euler, Euler a, DPM++ 2M, …")
        var sampler: String?

        @Option(help: "Karras, Simple, …")
        var scheduler: String?

        @Option(help: "Where the noise comes from. [default: a new one]")
        var seed: String?

        @Option(help: "How many pictures; each has the next seed.")
        var batch = 1

        @Option(name: .customLong("clip-skip"), help: "Layers of the text encoder to leave out, from 1.")
        var clipSkip: Int?

        @Option(parsing: .singleValue, help: "A LoRA beside those of the prompt: NAME or NAME:WEIGHT.")
        var lora: [String] = []

        @Option(help: "A VAE in place of the model's own.")
        var vae: String?

        @Option(help: "How much of --init is drawn anew: 0 to 1.")
        var strength: Double?

        @Option(help: "png, of which nothing is lost, jpeg or webp. [default: as --out ends, else png]")
        var format: String?

        func request() throws -> GenerationRequest {
            var (width, height): (Int?, Int?)
            if let size {
                let parts = size.lowercased().split(separator: "x", omittingEmptySubsequences: false)
                guard parts.count == 2, let first = Int(parts[0]), let second = Int(parts[1]) else {
                    throw OperationError(.usage, "--size \(size): write WIDTHxHEIGHT, for example 512x768")
                }
                (width, height) = (first, second)
            }
            let loras = try lora.map { text in
                // `@maker/name:0.5`; a name has no colon.
                guard let colon = text.lastIndex(of: ":") else { return NamedLoRA(name: text, weight: 1) }
                guard let weight = Double(text[text.index(after: colon)...]) else {
                    throw OperationError(.usage, "--lora \(text): write NAME or NAME:WEIGHT")
                }
                return NamedLoRA(name: String(text[..<colon]), weight: weight)
            }
            // JSON, in which a request goes to a running server, has no such numbers.
            let numbers = [cfg, strength].compactMap { $0 } + loras.map(\.weight)
            guard numbers.allSatisfy(\.isFinite) else {
                throw OperationError(.usage, "--cfg, --strength and a LoRA's weight are finite numbers")
            }
            return GenerationRequest(
                model: model, prompt: prompt, negativePrompt: negative, width: width, height: height, steps: steps,
                cfgScale: cfg, sampler: sampler, scheduler: scheduler, seed: seed, batch: batch, clipSkip: clipSkip,
                loras: loras, vae: vae, strength: strength, format: format)
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "run", abstract: "Draw pictures.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var asked: RequestOptions
        @OptionGroup var output: JSONOption

        @Option(name: .customLong("init"), help: "A picture to start from.")
        var initImage: String?

        @Option(
            name: [.customLong("out"), .customShort("o")],
            help: "File to write: .png, .jpg or .webp; more of a batch are NAME-1, …")
        var out: String?

        @Flag(help: "Only say what it would cost; with --json also as a signed quote, which holds for an hour.")
        var quote = false

        @Flag(name: .customLong("no-wait"), help: "Order it and come back; needs a server that runs.")
        var noWait = false

        func run() async throws {
            var request = try asked.request()
            // What is said of no format is the PNG that was drawn.
            let ending = out.flatMap { PictureFormat(named: Paths.absolute($0).extension ?? "") }
            if let ending, let said = request.format.flatMap({ PictureFormat(named: $0) }), said != ending {
                throw OperationError(.usage, "--format \(said.rawValue) does not go with the name of --out")
            }
            request.format = request.format ?? ending?.rawValue
            if quote {
                let reply = try await node.run(QuotePictures(request: request))
                if output.json { return try Terminal.json(reply) }
                return Terminal.print("\(reply.price) Buzz, \(Double(reply.work) / 1000) units of work")
            }
            let job = try await node.run(
                DrawPictures(
                    request: request, initPath: initImage.map { Paths.absolute($0).string }, waits: !noWait,
                    output: out.map { Paths.absolute($0).string }))
            if output.json { return try Terminal.json(job) }
            GenCommand.tell(job)
        }
    }

    struct Setup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "setup", abstract: "Install the engine into this home.",
            discussion: """
                A Python environment of the home's own gets the package \(EngineInstall.package) from the Python package \
                index, with stable-diffusion.cpp built for x86-64 with AVX2. With --build it is compiled for this machine \
                instead, from the source in \(EngineInstall.sourcePackage) (minutes; needs a C++ compiler): then sd-cli draws, \
                and sd-server lies beside it (`waggle gen backends` says where). Either runs in a sandbox (bubblewrap) without \
                network. An engine that is there already draws on until the new one answers.
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "A Python interpreter, 3.10 or later. [default: the system's]")
        var python: String?

        @Flag(help: "Compile it here instead of fetching one that is compiled.")
        var build = false

        @Flag(help: "Publish the demo model too, so that this node can draw at once.")
        var demo = false

        func run() async throws {
            let reply = try await node.run(
                SetUpEngine(python: python.map { Paths.absolute($0).string }, builds: build))
            if !output.json { GenCommand.tell(reply) }
            if demo {
                let published = try await node.run(PublishDemoModel())
                if !output.json { GenCommand.tell(published) }
            }
            if output.json { return try Terminal.json(reply) }
            if !demo { Terminal.note("Try: waggle gen demo, and waggle gen models") }
        }
    }

    struct Models: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "models", abstract: "List the models that can be drawn with.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Flag(help: "LoRAs instead.")
        var loras = false

        func run() async throws {
            let reply = try await node.run(ListDrawable(loras: loras))
            if output.json { return try Terminal.json(reply) }
            if reply.isEmpty {
                Terminal.note("None is here yet: `waggle get` fetches one, `waggle publish` adds your own.")
            }
            for model in reply {
                let said = model.defaults
                let size = said.width.map { "\($0)x\(said.height ?? $0)" } ?? ""
                let steps = said.steps.map { "\($0) steps" } ?? ""
                Terminal.print([model.name, model.reference, model.baseModel, size, steps].joined(separator: "\t"))
            }
        }
    }

    struct Backends: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "backends", abstract: "Show what draws, or why nothing does.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let reply = try await node.run(ShowBackend())
            if output.json { return try Terminal.json(reply) }
            GenCommand.tell(reply)
        }
    }

    struct Doctor: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "doctor", abstract: "Look whether pictures can be drawn, and list files that were put aside.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "Draw with these files again, by the key that the list shows.")
        var forgive: String?

        func run() async throws {
            let reply = try await node.run(ExamineDrawing(forgiven: forgive))
            if output.json {
                try Terminal.json(reply)
            } else {
                if let backend = reply.backend { GenCommand.tell(backend) }
                Terminal.print("models\t\(reply.models)\tLoRAs\t\(reply.loras)\tjobs\t\(reply.open)\t\(reply.mode)")
                for aside in reply.aside {
                    Terminal.print("\(aside.crashes) crashes\t\(aside.names)\t\(aside.key)")
                }
            }
            if let problem = reply.problem { throw OperationError(.failed, problem) }
        }
    }

    struct Jobs: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "jobs", abstract: "List the newest jobs.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Option(help: "How many.")
        var limit = 20

        func run() async throws {
            let reply = try await node.run(ListJobs(limit: limit))
            if output.json { return try Terminal.json(reply) }
            for job in reply {
                Terminal.print("\(job.id)\t\(job.state)\t\(job.model)\t\(job.prompt.prefix(60))")
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a job.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The job's id.")
        var id: String

        func run() async throws {
            guard let job = try await node.run(ListJobs(id: id)).first else { return }
            if output.json { return try Terminal.json(job) }
            GenCommand.tell(job)
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel", abstract: "Cancel a job. What it drew stays and is paid for; the rest is given back."
        )

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        @Argument(help: "The job's id.")
        var id: String

        func run() async throws {
            let job = try await node.run(CancelJob(id: id))
            if output.json { return try Terminal.json(job) }
            GenCommand.tell(job)
        }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause", abstract: "Begin no more jobs; they wait.")

        @OptionGroup var node: NodeOptions

        func run() async throws { _ = try await node.run(SetDrawingMode(mode: .paused)) }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "resume", abstract: "Go on drawing.")

        @OptionGroup var node: NodeOptions

        func run() async throws { _ = try await node.run(SetDrawingMode(mode: .open)) }
    }

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "drain", abstract: "Take no more orders and finish those that are there.")

        @OptionGroup var node: NodeOptions

        func run() async throws { _ = try await node.run(SetDrawingMode(mode: .draining)) }
    }

    static func tell(_ backend: BackendReport) {
        Terminal.print("\(backend.backend)\t\(backend.engine)")
        for note in backend.notes { Terminal.note("  \(note)") }
    }

    static func tell(_ job: JobReport) {
        Terminal.print("\(job.id)\t\(job.state)")
        for picture in job.pictures {
            Terminal.print("\(picture.path ?? picture.sha256)\tseed \(picture.seed)")
        }
        if let error = job.error { Terminal.note("  \(error)") }
    }
}
