import FoundationEssentials
import Generation
import HTTPTypes
import Hummingbird
import Operations
import WaggleProtocol

/// The images part of OpenAI's API: programs that draw through it draw here when they are given this node's address.
struct OpenAIImages: Sendable {
    let services: GatewayServices
    let door: StudioDoor

    func register(in routes: inout RouteTable) {
        routes.post("/v1/images/generations", shows: .account, .api) { try await answer($0, $1, generations) }
        routes.get("/v1/models", shows: .account, .api) { try await answer($0, $1, models) }
    }

    private struct ErrorBody: Encodable {
        struct Inner: Encodable {
            let message: String
            let type: String
            let param: String?
            let code: String
        }

        let error: Inner
    }

    /// Errors have that API's shape.
    private func answer(
        _ request: Request, _ context: GatewayContext,
        _ body: (Request, GatewayContext) async throws -> Response
    ) async throws -> Response {
        do {
            return try await body(request, context)
        } catch {
            let failure = GatewayError(describing: error, context.logger)
            let type = failure.status.code < 500 ? "invalid_request_error" : "server_error"
            return .json(
                ErrorBody(error: .init(message: failure.message, type: type, param: nil, code: failure.code)),
                status: failure.status, headers: failure.headers)
        }
    }

    private struct Asked: Decodable {
        let prompt: String
        var model: String?
        var n: Int?
        var size: String?
        var response_format: String?
        var output_format: String?
        // Beyond that API.
        var negative_prompt: String?
        var seed: JSONSeed?
        var steps: Int?
        var cfg_scale: Double?
    }

    private struct Answer: Encodable {
        struct Picture: Encodable {
            let b64_json: String?
            let url: String?
            let revised_prompt: String
        }

        let created: UInt64
        let data: [Picture]
        let size: String
        let output_format: String
    }

    /// Names of models that only OpenAI has: whatever this node draws with is meant.
    private static func isForeign(_ model: String) -> Bool {
        model.isEmpty || model.hasPrefix("dall-e") || model.hasPrefix("gpt-image") || model == "chatgpt-image-latest"
    }

    private func generations(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await door.caller(request, context)
        let asked = try await door.body(Asked.self, request)
        var (width, height): (Int?, Int?)
        if let size = asked.size, size != "auto" {
            let parts = size.split(separator: "x", omittingEmptySubsequences: false)
            guard parts.count == 2, let first = Int(parts[0]), let second = Int(parts[1]) else {
                throw GatewayError.badRequest(code: "invalid_size", "size is auto or WIDTHxHEIGHT, such as 512x512")
            }
            (width, height) = (first, second)
        }
        guard [nil, "b64_json", "url"].contains(asked.response_format) else {
            throw GatewayError.badRequest(code: "bad-body", "response_format is b64_json or url")
        }
        let named = asked.model ?? ""
        let model = Self.isForeign(named) ? try await door.standardModel(caller) : named
        let drawn = try await door.draw(
            GenerationRequest(
                model: model, prompt: asked.prompt, negativePrompt: asked.negative_prompt ?? "", width: width,
                height: height, steps: asked.steps, cfgScale: asked.cfg_scale, seed: asked.seed?.text,
                batch: asked.n, format: asked.output_format), initImage: nil, by: caller)
        let base = services.context().publicURL ?? ""
        let isURL = asked.response_format == "url"
        return .json(
            Answer(
                created: drawn.job.created,
                data: zip(drawn.job.pictures, drawn.pictures).map { picture, bytes in
                    Answer.Picture(
                        b64_json: isURL ? nil : Data(bytes).base64EncodedString(),
                        url: isURL ? "\(base)/generate/jobs/\(drawn.job.id)/pictures/\(picture.index)" : nil,
                        revised_prompt: drawn.job.prompt)
                }, size: "\(drawn.job.width)x\(drawn.job.height)", output_format: asked.output_format ?? "png"),
            headers: [.cacheControl: "no-store"])
    }

    private struct ModelList: Encodable {
        struct Model: Encodable {
            let id: String
            let object = "model"
            let created: UInt64 = 0
            let owned_by: String
        }

        let object = "list"
        let data: [Model]
    }

    private func models(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await door.caller(request, context)
        let found = try await ListDrawable().run(in: caller.context)
        return .json(
            ModelList(
                data: found.map {
                    .init(id: $0.reference, owned_by: String($0.reference.dropFirst().split(separator: "/")[0]))
                }), headers: [.cacheControl: "no-store"])
    }
}
