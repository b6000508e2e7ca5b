import Formats
import FoundationEssentials
import WaggleProtocol

/// ComfyUI: a fixed graph, or somebody's own, is queued, and its history polled. Files are found there by name.
public struct ComfyBackend: GenerationBackend {
    public let name = "comfyui"
    private let program: RemoteProgram
    private let workflow: ComfyWorkflow?

    /// - Parameter workflow: drawn in place of the graph that any ComfyUI draws.
    public init(_ program: RemoteProgram, workflow: ComfyWorkflow? = nil) {
        self.program = program
        self.workflow = workflow
    }

    public func report() async throws(GenerationError) -> BackendReport {
        let models = try await program.get([String].self, "/models/checkpoints")
        return BackendReport(
            backend: name, engine: "ComfyUI at \(program.url)",
            notes: ["\(models.count) models are there"] + (workflow.map { ["drawing by the \($0.engine)"] } ?? []),
            samplers: Sampler.allCases.compactMap(\.comfyName))
    }

    public func rest() async {}

    private struct Queued: Decodable {
        let prompt_id: String
    }

    private struct Picture: Decodable {
        let filename: String
        var subfolder: String?
        var type: String?
    }

    private struct History: Decodable {
        struct Output: Decodable {
            var images: [Picture]?
        }

        struct Status: Decodable {
            var status_str: String?
            var completed: Bool?
        }

        let outputs: [String: Output]
        var status: Status?
    }

    private struct Ignored: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    public func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        try await sign(.loading)
        try program.refuseVAE(of: order)
        let checkpoint = try await file(order.models.checkpoint, in: "checkpoints")
        var loras: [(file: String, weight: Double)] = []
        for lora in order.models.loras { loras.append((try await file(lora, in: "loras"), lora.weight ?? 1)) }
        let source = try await uploaded(order)
        for index in 0..<order.plan.batch {
            let queued = try await program.post(
                Queued.self, "/prompt",
                bytes: try await body(order, index, checkpoint: checkpoint, loras: loras, picture: source))
            guard queued.prompt_id.utf8.count <= 64, queued.prompt_id.utf8.allSatisfy(Self.isPlain) else {
                throw .badReply("a job's id is \(queued.prompt_id.prefix(64))")
            }
            let png = try await picture(queued.prompt_id, index, order.plan, sign)
            try await sign(.picture(index: index, png: png, engine: workflow?.engine ?? "ComfyUI"))
        }
    }

    private struct Uploaded: Decodable {
        let name: String
        var subfolder: String?
    }

    /// Brings the picture to start from there.
    ///
    /// - Returns: what `LoadImage` calls it.
    private func uploaded(_ order: DrawOrder) async throws(GenerationError) -> String? {
        guard let picture = order.initImage else { return nil }
        if let workflow, !workflow.places.contains("picture") {
            throw .engine("the workflow has no {{picture}} to start from")
        }
        let boundary = "waggle-\(order.job)"
        let head = """
            --\(boundary)\r\nContent-Disposition: form-data; name="overwrite"\r\n\r\ntrue\r\n\
            --\(boundary)\r\nContent-Disposition: form-data; name="image"; filename="waggle-\(order.job)"\r\n\
            Content-Type: application/octet-stream\r\n\r\n
            """
        let body = Array(head.utf8) + picture + Array("\r\n--\(boundary)--\r\n".utf8)
        let found = try await program.post(
            Uploaded.self, "/upload/image", bytes: body, type: "multipart/form-data; boundary=\(boundary)")
        let folder = found.subfolder ?? ""
        return folder.isEmpty ? found.name : "\(folder)/\(found.name)"
    }

    /// What is queued for one picture.
    private func body(
        _ order: DrawOrder, _ index: Int, checkpoint: String, loras: [(file: String, weight: Double)], picture: String?
    ) async throws(GenerationError) -> [UInt8] {
        let (plan, seed) = (order.plan, order.plan.seed(of: index))
        guard let workflow else {
            return try RemoteProgram.encode([
                "prompt": try Self.graph(
                    plan, seed: seed, checkpoint: checkpoint, loras: loras, job: order.job, picture: picture)
            ])
        }
        var values: [String: JSONValue] = [
            "prompt": .string(plan.enginePrompt), "negative": .string(plan.negativePrompt),
            "model": .string(checkpoint),
            "seed": .number("\(seed)"), "width": .number("\(plan.width)"), "height": .number("\(plan.height)"),
            "steps": .number("\(plan.steps)"), "cfg": .number("\(plan.cfgScale)"),
            "strength": .number("\(picture == nil ? 1 : plan.strength)"), "clip_skip": .number("\(-plan.clipSkip)"),
            "sampler": .string(plan.sampler?.comfyName ?? "euler"),
            "scheduler": .string(plan.scheduler?.comfyName ?? "normal"),
        ]
        values["picture"] = picture.map { .string($0) }
        guard loras.count <= workflow.loras else {
            throw .loraNotApplied(name: order.models.loras[workflow.loras].name)
        }
        // A place that no LoRA is for has one without strength: the node wants the name of a file.
        let any =
            workflow.loras > loras.count
            ? try await program.get([String].self, "/models/loras").first : nil
        for number in 0..<workflow.loras {
            let lora = number < loras.count ? loras[number] : any.map { (file: $0, weight: 0) }
            guard let lora else { throw .engine("the workflow has places for LoRAs, and none is at \(program.url)") }
            values["lora\(number + 1)"] = .string(lora.file)
            values["lora\(number + 1)_strength"] = .number("\(lora.weight)")
        }
        return Array(JSONValue.object([JSONMember("prompt", workflow.filled(values))]).text.utf8)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
    }

    private func picture(
        _ id: String, _ index: Int, _ plan: GenerationPlan,
        _ sign: @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) -> [UInt8] {
        do throws(GenerationError) {
            while true {
                if let entry = try await program.get([String: History].self, "/history/\(id)")[id] {
                    guard entry.status?.status_str != "error" else { throw .engine("ComfyUI gave the job up") }
                    guard let found = entry.outputs.values.lazy.compactMap({ $0.images?.first }).first else {
                        throw .badReply("there is no picture")
                    }
                    let query = [
                        ("filename", found.filename), ("subfolder", found.subfolder ?? ""),
                        ("type", found.type ?? "output"),
                    ].map { "\($0)=\(Self.encoded($1))" }.joined(separator: "&")
                    return try PictureCheck.checked(try await program.bytes("GET", "/view?\(query)"), plan: plan)
                }
                try await program.pause()
                // It does not say how far it is without a socket; that it answers is a sign of life.
                try await sign(.step(JobProgress(picture: index, step: 0, steps: plan.steps)))
            }
        } catch {
            if error == .cancelled {
                let program = program
                await Task {
                    _ = try? await program.post(Ignored.self, "/queue", ["delete": [id]])
                    _ = try? await program.post(Ignored.self, "/interrupt", ["prompt_id": id])
                }.value
            }
            throw error
        }
    }

    private func file(_ file: ModelFile, in folder: String) async throws(GenerationError) -> String {
        let names = try await program.get([String].self, "/models/\(folder)")
        // Names may have folders before them.
        let found = names.first { name in
            let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? name
            return last == file.name || last.hasPrefix(file.name + ".")
        }
        guard let found else { throw .unknownResource("\(file.name) at \(program.url)") }
        return found
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = isPlain(byte) || [0x2e, 0x5f, 0x7e].contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }

    // MARK: The graph

    /// A value in a node's inputs.
    enum Input: Encodable, Equatable {
        case text(String)
        case whole(Int)
        case number(Double)
        case seed(UInt64)
        /// An output of another node.
        case link(String, Int)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .whole(let number): try container.encode(number)
            case .number(let number): try container.encode(number)
            case .seed(let seed): try container.encode(seed)
            case .link(let node, let output):
                var list = encoder.unkeyedContainer()
                try list.encode(node)
                try list.encode(output)
            }
        }
    }

    struct Node: Encodable, Equatable {
        let class_type: String
        let inputs: [String: Input]
    }

    /// The graph that any ComfyUI draws without further nodes.
    ///
    /// - Parameter picture: what `LoadImage` calls the picture to start from; nil starts from noise.
    static func graph(
        _ plan: GenerationPlan, seed: UInt64, checkpoint: String, loras: [(file: String, weight: Double)], job: String,
        picture: String? = nil
    ) throws(GenerationError) -> [String: Node] {
        guard plan.sampler?.comfyName != nil || plan.sampler == nil else {
            throw .engine("ComfyUI has no sampler \(plan.sampler?.title ?? "")")
        }
        var graph: [String: Node] = [:]
        graph["model"] = Node(class_type: "CheckpointLoaderSimple", inputs: ["ckpt_name": .text(checkpoint)])
        var (model, clip) = (Input.link("model", 0), Input.link("model", 1))
        for (index, lora) in loras.enumerated() {
            let name = "lora\(index)"
            graph[name] = Node(
                class_type: "LoraLoader",
                inputs: [
                    "lora_name": .text(lora.file), "strength_model": .number(lora.weight),
                    "strength_clip": .number(lora.weight), "model": model, "clip": clip,
                ])
            (model, clip) = (.link(name, 0), .link(name, 1))
        }
        if plan.clipSkip > 1 {
            graph["skip"] = Node(
                class_type: "CLIPSetLastLayer", inputs: ["stop_at_clip_layer": .whole(-plan.clipSkip), "clip": clip])
            clip = .link("skip", 0)
        }
        graph["positive"] = Node(
            class_type: "CLIPTextEncode", inputs: ["text": .text(plan.enginePrompt), "clip": clip])
        graph["negative"] = Node(
            class_type: "CLIPTextEncode", inputs: ["text": .text(plan.negativePrompt), "clip": clip])
        if let picture {
            graph["picture"] = Node(class_type: "LoadImage", inputs: ["image": .text(picture)])
            graph["scaled"] = Node(
                class_type: "ImageScale",
                inputs: [
                    "image": .link("picture", 0), "upscale_method": .text("lanczos"), "width": .whole(plan.width),
                    "height": .whole(plan.height), "crop": .text("center"),
                ])
            graph["latent"] = Node(
                class_type: "VAEEncode", inputs: ["pixels": .link("scaled", 0), "vae": .link("model", 2)])
        } else {
            graph["latent"] = Node(
                class_type: "EmptyLatentImage",
                inputs: ["width": .whole(plan.width), "height": .whole(plan.height), "batch_size": .whole(1)])
        }
        graph["sampler"] = Node(
            class_type: "KSampler",
            inputs: [
                "seed": .seed(seed), "steps": .whole(plan.steps), "cfg": .number(plan.cfgScale),
                "sampler_name": .text(plan.sampler?.comfyName ?? "euler"),
                "scheduler": .text(plan.scheduler?.comfyName ?? "normal"),
                "denoise": .number(picture == nil ? 1 : plan.strength),
                "model": model,
                "positive": .link("positive", 0), "negative": .link("negative", 0), "latent_image": .link("latent", 0),
            ])
        graph["decode"] = Node(
            class_type: "VAEDecode", inputs: ["samples": .link("sampler", 0), "vae": .link("model", 2)])
        graph["save"] = Node(
            class_type: "SaveImage",
            inputs: ["images": .link("decode", 0), "filename_prefix": .text("waggle-\(job.prefix(8))")])
        return graph
    }
}
