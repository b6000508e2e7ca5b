import FoundationEssentials
import WaggleProtocol

/// stable-diffusion.cpp's own server: one model, chosen when it was started; jobs are polled.
public struct SDServerBackend: GenerationBackend {
    public let name = "sd-server"
    private let program: RemoteProgram

    public init(_ program: RemoteProgram) {
        self.program = program
    }

    private struct Capabilities: Decodable {
        struct Model: Decodable {
            var name: String?
            var stem: String?
        }

        struct LoRA: Decodable {
            let name: String
            let path: String
        }

        var model: Model?
        var samplers: [String]?
        var loras: [LoRA]?
    }

    public func report() async throws(GenerationError) -> BackendReport {
        let found = try await program.get(Capabilities.self, "/sdcpp/v1/capabilities")
        let model = found.model?.name ?? found.model?.stem ?? "a model without a name"
        return BackendReport(
            backend: name, engine: "stable-diffusion.cpp server at \(program.url)", notes: ["it has \(model) loaded"],
            samplers: found.samplers ?? [])
    }

    public func rest() async {}

    private struct Order: Encodable {
        struct Sampling: Encodable {
            struct Guidance: Encodable {
                let txt_cfg: Double
            }

            let scheduler: String?
            let sample_method: String?
            let sample_steps: Int
            let guidance: Guidance
        }

        struct LoRA: Encodable {
            let path: String
            let multiplier: Double
        }

        let prompt: String
        let negative_prompt: String
        let clip_skip: Int
        let width: Int
        let height: Int
        let strength: Double
        let seed: UInt64
        let batch_count = 1
        let embed_image_metadata = false
        let init_image: String?
        let sample_params: Sampling
        let lora: [LoRA]
        let output_format = "png"
    }

    private struct Job: Decodable {
        struct Result: Decodable {
            struct Picture: Decodable {
                let b64_json: String
            }

            var images: [Picture]?
        }

        struct Failure: Decodable {
            var message: String?
        }

        var id: String?
        let status: String
        var result: Result?
        var error: Failure?
    }

    private struct Empty: Encodable {}

    public func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        try await sign(.loading)
        try program.refuseVAE(of: order)
        let (plan, found) = (order.plan, try await program.get(Capabilities.self, "/sdcpp/v1/capabilities"))
        let stem = found.model?.stem ?? found.model?.name ?? ""
        guard stem == order.models.checkpoint.name || stem.hasPrefix(order.models.checkpoint.name + ".") else {
            throw .unknownResource("\(order.models.checkpoint.name) at \(program.url), which has \(stem) loaded")
        }
        var loras: [Order.LoRA] = []
        for lora in order.models.loras {
            guard
                let there = (found.loras ?? []).first(where: {
                    $0.name == lora.name || $0.name.hasPrefix(lora.name + ".")
                })
            else { throw .unknownResource("\(lora.name) at \(program.url)") }
            loras.append(Order.LoRA(path: there.path, multiplier: lora.weight ?? 1))
        }
        for index in 0..<plan.batch {
            let asked = Order(
                prompt: plan.enginePrompt, negative_prompt: plan.negativePrompt,
                clip_skip: plan.clipSkip == 1 ? -1 : plan.clipSkip, width: plan.width, height: plan.height,
                strength: plan.strength, seed: plan.seed(of: index),
                init_image: order.initImage.map { Data($0).base64EncodedString() },
                sample_params: .init(
                    scheduler: plan.scheduler?.rawValue, sample_method: plan.sampler?.rawValue,
                    sample_steps: plan.steps, guidance: .init(txt_cfg: plan.cfgScale)), lora: loras)
            let png = try await picture(asked, index, plan, sign)
            try await sign(.picture(index: index, png: png, engine: "stable-diffusion.cpp server"))
        }
    }

    private func picture(
        _ asked: Order, _ index: Int, _ plan: GenerationPlan,
        _ sign: @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) -> [UInt8] {
        let queued = try await program.post(Job.self, "/sdcpp/v1/img_gen", asked)
        let isPlain = { (byte: UInt8) in
            byte == 0x2d || byte == 0x5f || (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20)
        }
        guard let id = queued.id, id.utf8.count <= 64, id.utf8.allSatisfy(isPlain) else {
            throw .badReply("a job has no id")
        }
        do throws(GenerationError) {
            while true {
                let job = try await program.get(Job.self, "/sdcpp/v1/jobs/\(id)")
                switch job.status {
                case "completed":
                    guard let first = job.result?.images?.first else { throw .badReply("there is no picture") }
                    return try RemoteProgram.picture(base64: first.b64_json, plan: plan)
                case "queued", "generating":
                    try await program.pause()
                    try await sign(.step(JobProgress(picture: index, step: 0, steps: plan.steps)))
                case "cancelled": throw .cancelled
                default:
                    throw .engine(String((job.error?.message ?? job.status).prefix(Limits.Generation.messageBytes)))
                }
            }
        } catch {
            if error == .cancelled {
                let program = program
                // A job that is drawn cannot be stopped there; one that waits can.
                await Task { _ = try? await program.post(Job.self, "/sdcpp/v1/jobs/\(id)/cancel", Empty()) }.value
            }
            throw error
        }
    }
}
