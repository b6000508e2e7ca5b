import FoundationEssentials
import WaggleProtocol

/// AUTOMATIC1111's web UI, Forge and their kin, started with `--api`. They see files of their own: a model is found there by
/// its SHA-256, a LoRA by its name.
///
/// stable-diffusion.cpp's server has a part of this API: no hashes, names of its own for samplers, LoRAs beside the prompt and
/// not in it, no progress, nothing to interrupt.
public struct A1111Backend: GenerationBackend {
    public let name = "a1111"
    private let program: RemoteProgram

    public init(_ program: RemoteProgram) {
        self.program = program
    }

    private struct Model: Decodable {
        let title: String
        let model_name: String?
        let hash: String?
        let sha256: String?

        /// Eights are what programs say that have no hash.
        static func isKnown(_ hash: String?, digits: Int) -> Bool {
            hash.map { $0.utf8.count == digits && $0.contains { $0 != "8" } } ?? false
        }
    }

    private struct Named: Decodable {
        let name: String
    }

    private struct LoRA: Decodable {
        let name: String
        /// Of programs that read tags.
        var alias: String?
        /// What the others call it by.
        var path: String?
    }

    private struct Ignored: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    private struct Empty: Encodable {}

    public func report() async throws(GenerationError) -> BackendReport {
        let samplers = try await program.get([Named].self, "/sdapi/v1/samplers")
        let models = try await program.get([Model].self, "/sdapi/v1/sd-models")
        return BackendReport(
            backend: name, engine: "A1111 API at \(program.url)", notes: ["\(models.count) models are there"],
            samplers: samplers.map(\.name))
    }

    public func rest() async {}

    private struct Order: Encodable {
        struct Settings: Encodable {
            let sd_model_checkpoint: String
            let CLIP_stop_at_last_layers: Int
        }

        /// Where prompts have no tags.
        struct Adapter: Encodable {
            let path: String
            let multiplier: Double
        }

        let prompt: String
        let negative_prompt: String
        let seed: UInt64
        let steps: Int
        let cfg_scale: Double
        let width: Int
        let height: Int
        let sampler_name: String?
        let scheduler: String?
        let batch_size = 1
        let n_iter = 1
        let override_settings: Settings
        /// For programs that have no such settings.
        let clip_skip: Int?
        let lora: [Adapter]?
        let init_images: [String]?
        let denoising_strength: Double?
        let save_images = false
    }

    private struct Answer: Decodable {
        let images: [String]
    }

    private struct Progress: Decodable {
        struct State: Decodable {
            let sampling_step: Int?
            let sampling_steps: Int?
        }

        let state: State?
        /// In base 64, where the program makes them.
        let current_image: String?
    }

    public func draw(
        _ order: DrawOrder, sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) {
        try await sign(.loading)
        let plan = order.plan
        try program.refuseVAE(of: order)
        // stable-diffusion.cpp's server takes any parameter, and any file, from there.
        guard !plan.enginePrompt.contains("<sd_cpp_extra_args>") else {
            throw .badField(field: "prompt", value: "<sd_cpp_extra_args>", expected: "words and <lora:NAME:WEIGHT>")
        }
        let title = try await model(order.models.checkpoint)
        let (tags, adapters) = try await loras(order.models.loras)
        let sampler = try await sampler(plan.sampler)
        let scheduler = try await scheduler(plan.scheduler)
        for index in 0..<plan.batch {
            let asked = Order(
                prompt: plan.enginePrompt + tags, negative_prompt: plan.negativePrompt, seed: plan.seed(of: index),
                steps: plan.steps, cfg_scale: plan.cfgScale, width: plan.width, height: plan.height,
                sampler_name: sampler, scheduler: scheduler,
                override_settings: .init(sd_model_checkpoint: title, CLIP_stop_at_last_layers: plan.clipSkip),
                clip_skip: plan.clipSkip == 1 ? nil : plan.clipSkip, lora: adapters.isEmpty ? nil : adapters,
                init_images: order.initImage.map { [Data($0).base64EncodedString()] },
                denoising_strength: order.initImage.map { _ in plan.strength })
            let answer = try await answer(asked, index, plan, sign)
            guard let first = answer.images.first else { throw .badReply("there is no picture") }
            let png = try RemoteProgram.picture(base64: first, plan: plan)
            try await sign(.picture(index: index, png: png, engine: "A1111 API"))
        }
    }

    /// The picture, with a look at how far it is from time to time. A drawing that is not wanted any more is interrupted.
    private func answer(
        _ asked: Order, _ index: Int, _ plan: GenerationPlan,
        _ sign: @escaping @Sendable (DrawSign) async throws(GenerationError) -> Void
    ) async throws(GenerationError) -> Answer {
        let path = asked.init_images == nil ? "/sdapi/v1/txt2img" : "/sdapi/v1/img2img"
        let program = program
        let looking = Task {
            while !Task.isCancelled {
                do throws(GenerationError) {
                    try await program.pause()
                    let found = try await program.get(Progress.self, "/sdapi/v1/progress?skip_current_image=false")
                    try await sign(
                        .step(
                            JobProgress(
                                picture: index, step: found.state?.sampling_step ?? 0,
                                steps: found.state?.sampling_steps ?? 0)))
                    if let picture = found.current_image.flatMap({ Data(base64Encoded: $0) }) {
                        try await sign(.preview(Array(picture)))
                    }
                } catch {
                    switch error {
                    case .cancelled: return
                    // It is there, and does not tell how far it is.
                    case .engine, .badReply:
                        try? await sign(.step(JobProgress(picture: index, step: 0, steps: plan.steps)))
                    default: break
                    }
                }
            }
        }
        defer { looking.cancel() }
        do throws(GenerationError) {
            return try await program.post(Answer.self, path, asked)
        } catch {
            if error == .cancelled {
                // In a task of its own, because this one sends nothing any more.
                await Task { _ = try? await program.post(Ignored.self, "/sdapi/v1/interrupt", Empty()) }.value
            }
            throw error
        }
    }

    private func model(_ file: ModelFile) async throws(GenerationError) -> String {
        for attempt in 0...1 {
            let found = try await program.get([Model].self, "/sdapi/v1/sd-models").first { model in
                if let sha256 = model.sha256, Model.isKnown(sha256, digits: 64) {
                    return sha256.lowercased() == file.sha256
                }
                // A program that has not computed it yet: the short hash, else the file's name.
                if let hash = model.hash, Model.isKnown(hash, digits: 10) {
                    return file.sha256.hasPrefix(hash.lowercased())
                }
                return model.model_name == file.name
            }
            if let found { return found.title }
            if attempt == 0 { _ = try? await program.post(Ignored.self, "/sdapi/v1/refresh-checkpoints", Empty()) }
        }
        throw .unknownResource("\(file.name) at \(program.url)")
    }

    /// LoRAs as the program takes them: tags of a prompt, or files beside it.
    private func loras(
        _ loras: [ModelFile]
    ) async throws(GenerationError) -> (tags: String, adapters: [Order.Adapter]) {
        guard !loras.isEmpty else { return ("", []) }
        var known = try await program.get([LoRA].self, "/sdapi/v1/loras")
        func find(_ lora: ModelFile) -> LoRA? { known.first { $0.name == lora.name || $0.alias == lora.name } }
        if loras.contains(where: { find($0) == nil }) {
            // It may have come since the program looked.
            _ = try? await program.post(Ignored.self, "/sdapi/v1/refresh-loras", Empty())
            known = try await program.get([LoRA].self, "/sdapi/v1/loras")
        }
        var (tags, adapters) = ("", [Order.Adapter]())
        for lora in loras {
            guard let found = find(lora) else { throw .unknownResource("\(lora.name) at \(program.url)") }
            let weight = lora.weight ?? 1
            if found.alias == nil, let path = found.path {
                adapters.append(Order.Adapter(path: path, multiplier: weight))
            } else {
                tags += " <lora:\(found.name):\(weight)>"
            }
        }
        return (tags, adapters)
    }

    /// What the program calls a sampler: of a name that it does not know it may take any, without a word.
    private func sampler(_ wanted: Sampler?) async throws(GenerationError) -> String? {
        guard let wanted else { return nil }
        let names = try await program.get([Named].self, "/sdapi/v1/samplers").map(\.name)
        let found = names.first { name in
            // "DPM++ 2M Karras" of older programs is two things.
            guard let named = Sampler.named(name) else { return false }
            return named.sampler == wanted && named.scheduler == nil
        }
        guard let found else { throw .engine("\(program.url) has no sampler \(wanted.title)") }
        return found
    }

    private func scheduler(_ wanted: Scheduler?) async throws(GenerationError) -> String? {
        guard let wanted else { return nil }
        // Older programs have no list of them.
        guard let known = try? await program.get([Named].self, "/sdapi/v1/schedulers") else { return wanted.title }
        guard let found = known.first(where: { Scheduler.named($0.name) == wanted }) else {
            throw .engine("\(program.url) has no scheduler \(wanted.title)")
        }
        return found.name
    }
}
