import FoundationEssentials
import WaggleProtocol

/// ComfyUI: a fixed graph is queued, and its history polled. Files are found there by name.
public struct ComfyBackend: GenerationBackend {
    public let name = "comfyui"
    private let program: RemoteProgram

    public init(_ program: RemoteProgram) {
        self.program = program
    }

    public func report() async throws(GenerationError) -> BackendReport {
        let models = try await program.get([String].self, "/models/checkpoints")
        return BackendReport(
            backend: name, engine: "ComfyUI at \(program.url)", notes: ["\(models.count) models are there"],
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
        guard order.initImage == nil else {
            throw .engine("pictures to start from are not sent to ComfyUI; choose another backend")
        }
        try await sign(.loading)
        let checkpoint = try await file(order.models.checkpoint, in: "checkpoints")
        var loras: [(file: String, weight: Double)] = []
        for lora in order.models.loras { loras.append((try await file(lora, in: "loras"), lora.weight ?? 1)) }
        for index in 0..<order.plan.batch {
            let graph = try Self.graph(
                order.plan, seed: order.plan.seed(of: index), checkpoint: checkpoint, loras: loras, job: order.job)
            let queued = try await program.post(Queued.self, "/prompt", ["prompt": graph])
            guard queued.prompt_id.utf8.count <= 64, queued.prompt_id.utf8.allSatisfy(Self.isPlain) else {
                throw .badReply("a job's id is \(queued.prompt_id.prefix(64))")
            }
            let png = try await picture(queued.prompt_id, index, order.plan, sign)
            try await sign(.picture(index: index, png: png, engine: "ComfyUI"))
        }
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
    static func graph(
        _ plan: GenerationPlan, seed: UInt64, checkpoint: String, loras: [(file: String, weight: Double)], job: String
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
        graph["latent"] = Node(
            class_type: "EmptyLatentImage",
            inputs: ["width": .whole(plan.width), "height": .whole(plan.height), "batch_size": .whole(1)])
        graph["sampler"] = Node(
            class_type: "KSampler",
            inputs: [
                "seed": .seed(seed), "steps": .whole(plan.steps), "cfg": .number(plan.cfgScale),
                "sampler_name": .text(plan.sampler?.comfyName ?? "euler"),
                "scheduler": .text(plan.scheduler?.comfyName ?? "normal"), "denoise": .number(1), "model": model,
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
