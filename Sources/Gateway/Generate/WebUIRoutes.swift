import Accounts
import Formats
import FoundationEssentials
import Generation
import HTTPTypes
import Hummingbird
import Operations
import Synchronization
import WaggleProtocol

/// The API of AUTOMATIC1111's web UI: editors' plugins, chat front ends and bots that draw through it draw here when they
/// are given this node's address and a token as the password.
struct WebUIRoutes: Sendable {
    let services: GatewayServices
    let door: StudioDoor
    private let chosen = ChosenModels()

    init(services: GatewayServices, door: StudioDoor) {
        self.services = services
        self.door = door
    }

    func register(in routes: inout RouteTable) {
        routes.post("/sdapi/v1/txt2img", shows: .account, .api) {
            try await answer($0, $1) { try await draw($0, $1, false) }
        }
        routes.post("/sdapi/v1/img2img", shows: .account, .api) {
            try await answer($0, $1) { try await draw($0, $1, true) }
        }
        routes.get("/sdapi/v1/progress", shows: .account, .api) { try await answer($0, $1, progress) }
        routes.post("/sdapi/v1/interrupt", shows: .account, .api) { try await answer($0, $1, interrupt) }
        routes.get("/sdapi/v1/sd-models", shows: .account, .api) { try await answer($0, $1, models) }
        routes.get("/sdapi/v1/loras", shows: .account, .api) { try await answer($0, $1, loras) }
        routes.get("/sdapi/v1/samplers", shows: .account, .api) { try await answer($0, $1, samplers) }
        routes.get("/sdapi/v1/schedulers", shows: .account, .api) { try await answer($0, $1, schedulers) }
        routes.get("/sdapi/v1/options", shows: .account, .api) { try await answer($0, $1, options) }
        routes.post("/sdapi/v1/options", shows: .account, .api) { try await answer($0, $1, choose) }
        routes.post("/sdapi/v1/png-info", shows: .account, .api) { try await answer($0, $1, pngInfo) }
        for path in ["refresh-checkpoints", "refresh-loras"] {
            routes.post("/sdapi/v1/\(path)", shows: .account, .api) { request, context in
                try await answer(request, context) { _, _ in .json([String: String]()) }
            }
        }
        // What this node has none of, and clients ask for.
        for path in ["upscalers", "sd-vae", "hypernetworks", "face-restorers", "prompt-styles"] {
            routes.get("/sdapi/v1/\(path)", shows: .account, .api) { request, context in
                try await answer(request, context) { _, _ in .json([String]()) }
            }
        }
        routes.get("/sdapi/v1/scripts", shows: .account, .api) { request, context in
            try await answer(request, context) { _, _ in .json(["txt2img": [String](), "img2img": []]) }
        }
    }

    private typealias Body = (StudioDoor.Caller, Request) async throws -> Response

    private struct ErrorBody: Encodable {
        let error: String
        let detail: String
        let body = ""
        let errors: String
    }

    private func answer(_ request: Request, _ context: GatewayContext, _ body: Body) async throws -> Response {
        do {
            return try await body(try await door.caller(request, context), request)
        } catch {
            let failure = GatewayError(describing: error, context.logger)
            var headers = failure.headers
            if failure.status == .unauthorized { headers[.wwwAuthenticate] = "Basic realm=\"waggle\"" }
            return .json(
                ErrorBody(error: failure.code, detail: failure.message, errors: failure.message),
                status: failure.status, headers: headers)
        }
    }

    // MARK: Drawing

    struct Asked: Decodable {
        struct Settings: Decodable {
            var sd_model_checkpoint: String?
            var sd_vae: String?
            var CLIP_stop_at_last_layers: Int?
        }

        var prompt: String?
        var negative_prompt: String?
        var seed: JSONSeed?
        var sampler_name: String?
        var sampler_index: String?
        var scheduler: String?
        var steps: Int?
        var cfg_scale: Double?
        var width: Int?
        var height: Int?
        var batch_size: Int?
        var n_iter: Int?
        var denoising_strength: Double?
        var override_settings: Settings?
        var init_images: [String]?
        var send_images: Bool?
        var mask: String?
        var enable_hr: Bool?
    }

    private struct Answer: Encodable {
        let images: [String]
        let parameters: Parameters
        /// JSON in a text, as that API has it.
        let info: String
    }

    private struct Parameters: Encodable {
        let prompt: String
        let negative_prompt: String
        let seed: UInt64
        let steps: Int
        let cfg_scale: Double
        let width: Int
        let height: Int
        let sampler_name: String
        let batch_size: Int
    }

    private struct Info: Encodable {
        let prompt: String
        let all_prompts: [String]
        let negative_prompt: String
        let seed: UInt64
        let all_seeds: [UInt64]
        let width: Int
        let height: Int
        let sampler_name: String
        let cfg_scale: Double
        let steps: Int
        let batch_size: Int
        let sd_model_name: String
        let sd_model_hash: String
        let clip_skip: Int
        let infotexts: [String]
        let waggle_job: String
    }

    private func draw(_ caller: StudioDoor.Caller, _ request: Request, _ isEdit: Bool) async throws -> Response {
        let asked = try await door.body(Asked.self, request)
        guard asked.mask == nil, asked.enable_hr != true else {
            throw GatewayError.unprocessable(code: "unsupported", "Masks and a second, larger pass are not drawn here")
        }
        var initImage: [UInt8]?
        if isEdit {
            guard let first = asked.init_images?.first else {
                throw GatewayError.unprocessable(code: "bad-body", "init_images has the picture to start from")
            }
            initImage = try StudioDoor.picture(base64: first)
        }
        var model = asked.override_settings?.sd_model_checkpoint ?? chosen[caller.grant.account.id] ?? ""
        if model.isEmpty { model = try await door.standardModel(caller) }
        var vae = asked.override_settings?.sd_vae
        if ["Automatic", "None", "automatic"].contains(vae) { vae = nil }
        let (batch, isHuge) = (asked.batch_size ?? 1).multipliedReportingOverflow(by: asked.n_iter ?? 1)
        let drawn = try await door.draw(
            GenerationRequest(
                model: model, prompt: asked.prompt ?? "", negativePrompt: asked.negative_prompt ?? "",
                width: asked.width, height: asked.height, steps: asked.steps, cfgScale: asked.cfg_scale,
                sampler: asked.sampler_name ?? asked.sampler_index, scheduler: asked.scheduler,
                seed: asked.seed?.text, batch: isHuge ? .max : batch,
                clipSkip: asked.override_settings?.CLIP_stop_at_last_layers, vae: vae,
                strength: isEdit ? asked.denoising_strength : nil), initImage: initImage, by: caller)
        let job = drawn.job
        let infotexts = drawn.pictures.map { bytes in
            PictureText.all(in: bytes).first { $0.keyword == "parameters" }?.text ?? ""
        }
        let info = Info(
            prompt: job.prompt, all_prompts: job.pictures.map { _ in job.prompt },
            negative_prompt: job.negativePrompt, seed: job.seed, all_seeds: job.pictures.map(\.seed),
            width: job.width, height: job.height, sampler_name: job.sampler, cfg_scale: job.cfgScale,
            steps: job.steps, batch_size: job.batch, sd_model_name: job.model,
            sd_model_hash: String(job.resources.first?.sha256.prefix(10) ?? ""), clip_skip: job.clipSkip,
            infotexts: infotexts, waggle_job: job.id)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return .json(
            Answer(
                images: asked.send_images == false ? [] : drawn.pictures.map { Data($0).base64EncodedString() },
                parameters: Parameters(
                    prompt: job.prompt, negative_prompt: job.negativePrompt, seed: job.seed, steps: job.steps,
                    cfg_scale: job.cfgScale, width: job.width, height: job.height, sampler_name: job.sampler,
                    batch_size: job.batch),
                info: String(decoding: try encoder.encode(info), as: UTF8.self)),
            headers: [.cacheControl: "no-store"])
    }

    // MARK: Progress

    private struct ProgressAnswer: Encodable {
        struct State: Encodable {
            let skipped = false
            let interrupted = false
            let stopping_generation = false
            let job: String
            let job_count: Int
            let job_timestamp = "0"
            let job_no: Int
            let sampling_step: Int
            let sampling_steps: Int
        }

        let progress: Double
        let eta_relative = 0.0
        let state: State
        let current_image: String?
        let textinfo: String?
    }

    private func progress(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        let job = await caller.context.generation.open.first { caller.desk.isOwn($0) }
        let report = job.map { JobReport($0) }
        let skips = ["true", "True", "1"].contains(try Query(request)["skip_current_image"])
        var preview: GenerationService.Preview?
        if let job, !skips { preview = await caller.context.generation.preview(of: job.id) }
        return .json(
            ProgressAnswer(
                progress: report?.progress ?? 0,
                state: .init(
                    job: job?.id ?? "", job_count: job?.plan.batch ?? 0, job_no: job?.progress.picture ?? 0,
                    sampling_step: job?.progress.step ?? 0, sampling_steps: job?.progress.steps ?? 0),
                current_image: preview.map { Data($0.picture).base64EncodedString() }, textinfo: report?.state),
            headers: [.cacheControl: "no-store"])
    }

    private func interrupt(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        for job in await caller.context.generation.open where job.state == .running && caller.desk.isOwn(job) {
            _ = try await CancelJob(id: job.id).run(in: caller.context)
        }
        return .json([String: String]())
    }

    // MARK: What there is

    private struct ModelItem: Encodable {
        let title: String
        let model_name: String
        let hash: String
        let sha256: String
        let filename: String
        let config: String? = nil
    }

    private func models(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        let found = try await ListDrawable().run(in: caller.context)
        return .json(found.map(Self.item))
    }

    private static func item(_ model: DrawableModel) -> ModelItem {
        let hash = String(model.sha256.prefix(10))
        return ModelItem(
            title: "\(model.name).safetensors [\(hash)]", model_name: model.name, hash: hash, sha256: model.sha256,
            filename: "\(model.name).safetensors")
    }

    private struct LoRAItem: Encodable {
        let name: String
        let alias: String
        let path: String
        let metadata: [String: String]
    }

    private func loras(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        let found = try await ListDrawable(loras: true).run(in: caller.context)
        return .json(
            found.map {
                LoRAItem(
                    name: $0.name, alias: $0.title, path: "\($0.name).safetensors",
                    metadata: ["ss_sd_model_name": $0.baseModel, "sha256": $0.sha256])
            })
    }

    private struct SamplerItem: Encodable {
        let name: String
        let aliases: [String]
        let options: [String: String] = [:]
    }

    private func samplers(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        .json(
            Sampler.allCases.map {
                SamplerItem(name: $0.title, aliases: [$0.rawValue, $0.comfyName].compactMap { $0 })
            })
    }

    private struct SchedulerItem: Encodable {
        let name: String
        let label: String
        let aliases: [String]?
        let default_rho = -1.0
        let need_inner_model = false
    }

    private func schedulers(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        .json(
            [SchedulerItem(name: "automatic", label: "Automatic", aliases: nil)]
                + Scheduler.allCases.map { SchedulerItem(name: $0.rawValue, label: $0.title, aliases: nil) })
    }

    private struct Options: Codable {
        var sd_model_checkpoint: String?
        var sd_checkpoint_hash: String?
        var CLIP_stop_at_last_layers: Int?
    }

    private func options(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        let found = try await ListDrawable().run(in: caller.context)
        let name = chosen[caller.grant.account.id]
        let current = found.first { name == Self.item($0).title || name == $0.name } ?? found.first
        return .json(
            Options(
                sd_model_checkpoint: current.map { Self.item($0).title }, sd_checkpoint_hash: current?.sha256,
                CLIP_stop_at_last_layers: 1))
    }

    /// Of all options, the model: each account's own, as long as the node runs.
    private func choose(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        let options = try await door.body(Options.self, request)
        if let model = options.sd_model_checkpoint {
            guard model.utf8.count <= Limits.Generation.nameBytes else {
                throw GatewayError.badRequest(code: "bad-body", "sd_model_checkpoint is a name")
            }
            chosen.set(model, of: caller.grant.account.id)
        }
        return .json(String?.none)
    }

    // MARK: Reading pictures

    private struct PictureAsked: Decodable {
        let image: String
    }

    private struct PictureAnswer: Encodable {
        let info: String
        let items: [String: String]
        let parameters: [String: String]
    }

    private func pngInfo(_ caller: StudioDoor.Caller, _ request: Request) async throws -> Response {
        let asked = try await door.body(PictureAsked.self, request)
        let texts = PictureText.all(in: try StudioDoor.picture(base64: asked.image))
        let info = texts.first { $0.keyword == "parameters" }?.text ?? ""
        var parameters: [String: String] = [:]
        if let infotext = InfotextA1111(info), !info.isEmpty {
            parameters["Prompt"] = infotext.prompt
            parameters["Negative prompt"] = infotext.negativePrompt
            for parameter in infotext.parameters { parameters[parameter.key] = parameter.value }
        }
        return .json(
            PictureAnswer(
                info: info,
                items: Dictionary(texts.map { ($0.keyword, $0.text) }, uniquingKeysWith: { first, _ in first }),
                parameters: parameters))
    }
}

/// The model that each account chose by setting an option.
final class ChosenModels: Sendable {
    private let names = Mutex<[Int64: String]>([:])

    subscript(account: Int64) -> String? { names.withLock { $0[account] } }

    func set(_ name: String, of account: Int64) { names.withLock { $0[account] = name } }
}
