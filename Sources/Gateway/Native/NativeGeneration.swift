import Accounts
import Digests
import FoundationEssentials
import Generation
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import ServiceLifecycle
import WaggleProtocol

/// Pictures over the native API: what can be drawn with, what it costs, jobs and how far they are.
struct NativeGeneration: Sendable {
    let services: GatewayServices
    let door: NativeDoor
    let slots = StreamSlots()

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/generate", shows: .account, .native, door.asking(.generate, backend))
        routes.get(
            "/api/w1/generate/models", shows: .account, .native, door.asking(.generate) { try await models($0, false) })
        routes.get(
            "/api/w1/generate/loras", shows: .account, .native, door.asking(.generate) { try await models($0, true) })
        routes.post("/api/w1/generate/quote", shows: .account, .native, door.writing(.generate, quote))
        routes.post("/api/w1/generate", shows: .account, .native, door.writing(.generate, order))
        routes.get("/api/w1/generate/jobs", shows: .account, .native, door.asking(.generate, jobs))
        routes.get("/api/w1/generate/jobs/{job}", shows: .account, .native, door.asking(.generate, job))
        routes.delete("/api/w1/generate/jobs/{job}", shows: .account, .native, door.writing(.generate, cancel))
        routes.get("/api/w1/generate/jobs/{job}/events", shows: .account, .native, door.streaming(.generate, events))
        routes.get(
            "/api/w1/generate/jobs/{job}/preview", shows: .account, .native, door.streaming(.generate, preview))
        routes.get(
            "/api/w1/generate/jobs/{job}/pictures/{index}", shows: .account, .native,
            door.streaming(.generate, picture))
        routes.post(
            "/api/w1/generate/jobs/{job}/pictures/{index}/feedback", shows: .account, .native,
            door.writing(.social, rate))
    }

    private struct BackendAnswer: Encodable {
        let isReady: Bool
        let backend: String
        let engine: String
        let samplers: [String]
        let schedulers: [String]
        let mode: String
        let pricePerUnit: Double
        let why: String?
    }

    @Sendable private func backend(_ call: NativeCall) async throws -> NativeReply {
        let context = try call.operations(services)
        var (report, why): (BackendReport?, String?)
        do throws(OperationError) {
            report = try await ShowBackend().run(in: context)
        } catch {
            why = error.message
        }
        return try NativeReply(
            BackendAnswer(
                isReady: report != nil, backend: report?.backend ?? "", engine: report?.engine ?? "",
                samplers: report?.samplers ?? [], schedulers: Scheduler.allCases.map(\.title),
                mode: await context.generation.mode.rawValue, pricePerUnit: context.generationPrice, why: why))
    }

    private func models(_ call: NativeCall, _ loras: Bool) async throws -> NativeReply {
        let found = try await ListDrawable(loras: loras).run(in: try call.operations(services))
        return try NativeReply(NativeList(items: found, nextCursor: nil))
    }

    /// A seed is a number, or a text where a number would lose digits.
    struct Request: Decodable {
        struct LoRA: Decodable {
            let name: String
            var weight: Double?
        }

        let model: String
        let prompt: String
        var negativePrompt: String?
        var width: Int?
        var height: Int?
        var steps: Int?
        var cfgScale: Double?
        var sampler: String?
        var scheduler: String?
        var seed: JSONSeed?
        var batch: Int?
        var clipSkip: Int?
        var loras: [LoRA]?
        var vae: String?
        /// 64 digits of a picture that the caller may see.
        var initImage: String?
        var strength: Double?
        var format: String?
        var quote: String?

        var asked: GenerationRequest {
            GenerationRequest(
                model: model, prompt: prompt, negativePrompt: negativePrompt ?? "", width: width, height: height,
                steps: steps, cfgScale: cfgScale, sampler: sampler, scheduler: scheduler, seed: seed?.text,
                batch: batch, clipSkip: clipSkip,
                loras: (loras ?? []).map { NamedLoRA(name: $0.name, weight: $0.weight ?? 1) }, vae: vae,
                initImage: initImage, strength: strength, format: format, quote: quote)
        }
    }

    @Sendable private func quote(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body).asked
        return try NativeReply(try await QuotePictures(request: asked).run(in: try call.operations(services)))
    }

    @Sendable private func order(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(Request.self, from: body).asked
        let desk = GenerationDesk(try call.operations(services))
        let standing = try await desk.order(asked, token: call.grant?.tokenID)
        return try NativeReply(
            JobReport(standing), status: .accepted,
            headers: [.location: "\(call.base)/api/w1/generate/jobs/\(standing.job.id)"])
    }

    // MARK: Jobs

    @Sendable private func jobs(_ call: NativeCall) async throws -> NativeReply {
        let limit = try call.limit(20, most: Limits.Generation.historyPage)
        let offset = try call.query.integer("cursor", in: 0...Limits.Generation.history) ?? 0
        let found = try await ListJobs(limit: limit, offset: offset).run(in: try call.operations(services))
        return try NativeReply(
            NativeList(items: found, nextCursor: found.count == limit ? "\(offset + limit)" : nil))
    }

    private func id(_ call: NativeCall) -> String { call.context.parameter("job") ?? "" }

    @Sendable private func job(_ call: NativeCall) async throws -> NativeReply {
        let standing = try await GenerationDesk(try call.operations(services)).standing(id(call))
        return try NativeReply(JobReport(standing))
    }

    @Sendable private func cancel(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        try NativeReply(try await CancelJob(id: id(call)).run(in: try call.operations(services)))
    }

    @Sendable private func picture(_ call: NativeCall) async throws -> Response {
        let context = try call.operations(services)
        let standing = try await GenerationDesk(context).standing(id(call))
        return try await JobPictures.response(standing.job, call.context.parameter("index") ?? "", services)
    }

    private struct Opinion: Decodable {
        let good: Bool
    }

    @Sendable private func rate(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let opinion = try call.decode(Opinion.self, from: body)
        guard let index = Int(call.context.parameter("index") ?? "") else {
            throw GatewayError.notFound("This job has no such picture")
        }
        return try NativeReply(
            try await RateDrawing(
                account: try call.account.handle, job: id(call), picture: index, isGood: opinion.good
            ).run(in: try call.operations(services)))
    }

    @Sendable private func preview(_ call: NativeCall) async throws -> Response {
        let context = try call.operations(services)
        let standing = try await GenerationDesk(context).standing(id(call))
        return try await JobPictures.preview(standing.job, services)
    }

    /// The job as it is, and again whenever something about it changes, until it is over.
    @Sendable private func events(_ call: NativeCall) async throws -> Response {
        let context = try call.operations(services)
        let standing = try await GenerationDesk(context).standing(id(call))
        let slot = try slots.take(for: SHA256.hash(Array((try call.account.handle).utf8)))
        let stream = try await context.generation.watch(standing.job.id)
        let headers: HTTPFields = [.contentType: "text/event-stream", .cacheControl: "no-store"]
        guard call.request.method == .get else { return Response(status: .ok, headers: headers) }
        let events = JobEvents(stream: stream, channel: call.context.channel, clock: services.clock, slot: slot)
        return Response(
            status: .ok, headers: headers, body: ResponseBody { writer in try await events.run(&writer) })
    }
}

/// A seed as JSON has it.
struct JSONSeed: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {
            text = "\(number)"
        } else if let number = try? container.decode(UInt64.self) {
            text = "\(number)"
        } else {
            text = try container.decode(String.self)
        }
    }
}

/// One reader of a job.
private struct JobEvents: Sendable {
    let stream: AsyncStream<GenerationService.Standing>
    let channel: any Channel
    let clock: any Clock<Duration>
    let slot: StreamSlots.Slot

    private enum Wake: Sendable {
        case job(GenerationService.Standing)
        case heartbeat
    }

    func run(_ writer: inout any ResponseBodyWriter) async throws {
        let (wakes, wake) = AsyncStream.makeStream(of: Wake.self, bufferingPolicy: .bufferingNewest(4))
        channel.closeFuture.whenComplete { _ in wake.finish() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { [stream] in
                for await standing in stream { wake.yield(.job(standing)) }
                wake.finish()
            }
            group.addTask { [clock] in
                while true {
                    try await clock.sleep(for: .seconds(Limits.Wire.heartbeatSeconds))
                    wake.yield(.heartbeat)
                }
            }
            group.addTask {
                try await gracefulShutdown()
                wake.finish()
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            for await reason in wakes {
                switch reason {
                case .heartbeat: try await writer.write(ByteBuffer(string: ": still here\n\n"))
                case .job(let standing):
                    let text = String(decoding: try encoder.encode(JobReport(standing)), as: UTF8.self)
                    try await writer.write(ByteBuffer(string: "event: job\ndata: \(text)\n\n"))
                }
            }
        }
        try await writer.finish(nil)
    }
}
