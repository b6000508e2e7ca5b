import Accounts
import Catalog
import Digests
import FoundationEssentials
import Generation
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import Operations
import Synchronization
import WaggleProtocol

/// `/generate`: pictures for people, whether they have an account or not.
struct GeneratePages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    let gate: BlobGate
    private let guests = GuestQuota()
    let fetches = ResourceFetches()

    init(services: GatewayServices, pages: PageRenderer, people: CallerIdentity, gate: BlobGate) {
        self.services = services
        self.pages = pages
        self.people = people
        self.gate = gate
    }

    func register(in routes: inout RouteTable) {
        routes.get("/generate", shows: .list, .page, show)
        // Jobs have names that nobody guesses; those of accounts are shown to them alone.
        routes.post("/generate", shows: .nothing, .page, draw)
        routes.post("/generate/setup", shows: .nothing, .page, setUp)
        routes.post("/generate/fetch", shows: .nothing, .page, fetch)
        routes.get("/generate/jobs", shows: .nothing, .page, history)
        routes.get("/generate/jobs/{job}", shows: .nothing, .page, job)
        routes.get("/generate/jobs/{job}/preview", shows: .nothing, .bytes, preview)
        routes.get("/generate/jobs/{job}/pictures/{index}", shows: .nothing, .bytes, picture)
        routes.post("/generate/jobs/{job}/cancel", shows: .nothing, .page, cancel)
        routes.post("/generate/jobs/{job}/pictures/{index}/feedback", shows: .nothing, .page, rate)
        routes.post("/generate/jobs/{job}/post", shows: .nothing, .page, publish)
    }

    // MARK: Who asks

    private struct Caller {
        /// Nil for visitors.
        let grant: Grant?
        let context: OperationContext
        let address: String
        /// Whether they may draw at all.
        let mayDraw: Bool
        var desk: GenerationDesk { GenerationDesk(context) }
        /// Whether drawing may cost them something.
        var isPriced: Bool { context.generationPrice > 0 && grant != nil }
    }

    private func caller(_ request: Request, _ context: GatewayContext) async throws -> Caller {
        let address = RemoteAddress.of(request, context)
        let operations = services.context()
        if let grant = try await people.grant(request, context) {
            return Caller(
                grant: grant, context: operations.acting(for: grant.account), address: address,
                mayDraw: grant.allows(.generate))
        }
        if request.method != .get, request.method != .head { try people.refuseForgery(request, context) }
        return Caller(
            grant: nil, context: operations.acting(asGuest: address), address: address,
            mayDraw: operations.guestJobs > 0)
    }

    // MARK: The form

    @Sendable private func show(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let caller = try await caller(request, context)
        var form = GenerateForm()
        let from = query["from"].flatMap { Int32($0) }
        if let from, let image = try await image(from, caller) { form = GenerateForm(image.image.recipe) }
        if let model = query["model"] { form.model = model }
        if let prompt = query["prompt"] { form.prompt = prompt }
        return try await page(form, from: from, caller, isFull: query["full"] != nil)
    }

    private func image(_ id: Int32, _ caller: Caller) async throws -> ImageView? {
        try await services.catalog.image(id: id, services.moderation.filter(for: caller.context.viewer))
    }

    private func page(
        _ form: GenerateForm, from: Int32?, _ caller: Caller, isFull: Bool = false, trouble: String? = nil,
        quoted: QuoteReport? = nil, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        let models = try await ListDrawable().run(in: caller.context)
        let adapters = try await ListDrawable(loras: true).run(in: caller.context)
        var content = form.content(models: models, adapters: adapters)
        var (problem, isFetching): (String?, Bool) = (nil, false)
        do throws(OperationError) {
            _ = try await ShowBackend().run(in: caller.context)
        } catch {
            problem = error.message
        }
        let isAdmin = caller.grant?.account.role == .admin && caller.grant?.tokenID == nil
        content["offersEngine"] = isAdmin && problem != nil && caller.context.generation.backend.name == "embedded"
        content["offersDemo"] = isAdmin && models.isEmpty && PublishDemoModel.standardFolder != nil
        if problem == nil, models.isEmpty { problem = say("no-model-is-here-that-can") }
        if let from, let image = try await image(from, caller), let picture = PictureView(image) {
            content["source"] = [
                "smallSource": picture.source, "width": "\(picture.width)", "height": "\(picture.height)",
                "alt": picture.alt, "sourceHref": PageAddress.image(from),
            ]
            content["from"] = "\(from)"
            content["initImage"] = Hex.encode(image.image.blob)
            let missing = try await missing(
                of: from, here: Set((models + adapters).map(\.sha256)), caller.context, mayFetch: isAdmin)
            content["missing"] = missing
            isFetching = missing.contains { $0.isUnderWay }
        }
        content["hasProblem"] = problem != nil
        content["problem"] = problem.map { ProblemPart.of($0) }
        content["canDraw"] = caller.mayDraw && !models.isEmpty
        content["isPriced"] = caller.isPriced
        content["isFull"] = isFull || from != nil
        content["standing"] = standing(caller)
        content["historyHref"] = caller.grant == nil ? nil : "/generate/jobs"
        content["trouble"] = trouble
        content["quoted"] = quoted.map { say("this-costs-buzz-draw-takes-them", "\($0.price)") }
        content["quote"] = quoted?.quote
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if isFetching { headers[Self.refresh] = "2" }
        return pages.page(
            "generate",
            PageFrame(
                pageTitle: say("draw-a-picture"), summary: say("draw-pictures-with-the-models-of"), part: .generate),
            content, status: status, headers: headers)
    }

    private func standing(_ caller: Caller) -> String {
        if let grant = caller.grant {
            return caller.mayDraw
                ? say("as-2", "\(grant.account.handle)") : say("may-not-draw-here", "\(grant.account.handle)")
        }
        guard caller.mayDraw else { return say("whoever-has-an-account-here-may") }
        let left = guests.left(caller.address, of: caller.context.guestJobs, now: services.now())
        return say("without-an-account-you-may-draw", Wording.count(left, say("more-time"), say("more-times")))
    }

    @Sendable private func draw(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        let body = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        let sent = try Query(String(decoding: body, as: UTF8.self))
        let (form, from) = (GenerateForm(sent), sent["from"].flatMap { Int32($0) })
        do {
            guard caller.mayDraw else {
                throw GatewayError.forbidden(code: "no-account", "Sign in to draw on this node")
            }
            var asked = try form.request()
            asked.quote = sent["quote"]
            if let quote = try await price(asked, caller, isAskedFor: sent["do"] == "quote") {
                var form = form
                // The price is of exactly this picture.
                form.seed = "\(quote.seed)"
                return try await page(form, from: from, caller, isFull: true, quoted: quote)
            }
            if caller.grant == nil {
                guard guests.take(caller.address, of: caller.context.guestJobs, now: services.now()) else {
                    throw GatewayError.forbidden(
                        code: "guest-quota", "That was all for today without an account; come back tomorrow")
                }
            }
            let job: Job
            do {
                job = try await caller.desk.order(asked, token: caller.grant?.tokenID).job
            } catch {
                // What is refused was not drawn.
                if caller.grant == nil { guests.giveBack(caller.address, now: services.now()) }
                throw error
            }
            return Response(
                status: .seeOther, headers: [.location: "/generate/jobs/\(job.id)", .cacheControl: "no-store"])
        } catch {
            let failure = GatewayError(describing: error, context.logger)
            guard failure.status.code < 500 else { throw failure }
            return try await page(
                form, from: from, caller, isFull: true, trouble: failure.message, status: failure.status)
        }
    }

    /// The price, where it was asked for, or where drawing costs something and nobody saw the price yet.
    private func price(
        _ asked: GenerationRequest, _ caller: Caller, isAskedFor: Bool
    ) async throws -> QuoteReport? {
        guard isAskedFor || caller.isPriced else { return nil }
        let isAgreed = asked.quote.map { !$0.isEmpty } ?? false
        if !isAskedFor, isAgreed, (try? await QuotePictures(request: asked).run(in: caller.context)) != nil {
            return nil
        }
        var fresh = asked
        fresh.quote = nil
        let quote = try await QuotePictures(request: fresh).run(in: caller.context)
        return isAskedFor || quote.price > 0 ? quote : nil
    }

    /// An admin brings the node what it lacks to draw.
    @Sendable private func setUp(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        guard let grant = caller.grant, grant.tokenID == nil, grant.account.role == .admin else {
            throw CallerIdentity.unauthorized
        }
        let body = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        do {
            switch try Query(String(decoding: body, as: UTF8.self))["bring"] {
            case "engine": _ = try await SetUpEngine().perform(in: caller.context)
            case "demo": _ = try await PublishDemoModel(account: grant.account.handle).perform(in: caller.context)
            default: throw GatewayError.badRequest(code: "bad-parameter", "bring is engine or demo")
            }
        } catch {
            let failure = GatewayError(describing: error, context.logger)
            return try await page(
                GenerateForm(), from: nil, caller, trouble: failure.message, status: failure.status)
        }
        return Response(status: .seeOther, headers: [.location: "/generate", .cacheControl: "no-store"])
    }

    /// An admin has a file fetched that a recipe names; the form comes again with how far it is.
    @Sendable private func fetch(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        guard let grant = caller.grant, grant.tokenID == nil, grant.account.role == .admin else {
            throw CallerIdentity.unauthorized
        }
        let body = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        let sent = try Query(String(decoding: body, as: UTF8.self))
        guard let hash = Hash32(hex: sent["file"] ?? ""), let from = sent["from"].flatMap({ Int32($0) }) else {
            throw GatewayError.badRequest(code: "bad-parameter", "file is a hash, from an image")
        }
        fetches.begin(hash.hex, caller.context)
        return Response(
            status: .seeOther, headers: [.location: "/generate?from=\(from)", .cacheControl: "no-store"])
    }

    // MARK: Jobs

    /// A job that the caller may see: an own one, or one of a visitor, whose address is its key.
    private func standing(
        _ context: GatewayContext, _ caller: Caller
    ) async throws -> GenerationService.Standing {
        let id = context.parameter("job") ?? ""
        let missing = GatewayError.notFound("There is no such job here, or it is somebody else's")
        let found: GenerationService.Standing
        do throws(GenerationError) {
            found = try await caller.context.generation.standing(id)
        } catch {
            if case .unknownJob = error { throw missing }
            throw error
        }
        guard caller.desk.isOwn(found.job) || found.job.owner.hasPrefix("guest ") else { throw missing }
        return found
    }

    private struct PictureItem {
        let pictureHref: String
        let width: Int
        let height: Int
        let alt: String
        let seed: String
        /// Where somebody says whether it is good; nil when they may not.
        let rateHref: String?
        let opinion: String?
    }

    @Sendable private func job(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        let standing = try await standing(context, caller)
        let report = JobReport(standing)
        let mayRate =
            report.isOver && caller.grant?.allows(.social) == true && caller.desk.isOwn(standing.job)
        let facts =
            [
                FactView(say("model"), report.model), FactView(say("seed"), "\(report.seed)"),
                FactView(say("steps"), "\(report.steps)"),
                FactView(say("cfg-scale"), Wording.number(report.cfgScale)), FactView(say("sampler"), report.sampler),
                FactView(say("size"), "\(report.width) × \(report.height)"),
                FactView(
                    say("price"), report.price == 0 ? "" : say("buzz-taken", "\(report.price)", "\(report.captured)")),
            ]
            + report.resources.filter { $0.weight != nil }.map {
                FactView("LoRA", "\($0.name) × \(Wording.number($0.weight ?? 1))")
            }
        var content: [String: Any] = [
            "heading": Self.heading(report), "words": Self.words(report), "isOpen": !report.isOver,
            "progress": Int(report.progress * 100), "prompt": report.prompt, "jobID": report.id,
            "facts": facts.compactMap { $0 }, "canCancel": !report.isOver && caller.desk.isOwn(standing.job),
            "canPost": report.isOver && !report.pictures.isEmpty && caller.grant?.allows(.publish) == true
                && caller.desk.isOwn(standing.job),
            "levels": Level.words.filter { Level(word: $0).map { $0 < .blocked } ?? false }, "againHref": "/generate",
            "pictures": report.pictures.map {
                PictureItem(
                    pictureHref: "/generate/jobs/\(report.id)/pictures/\($0.index)", width: $0.width,
                    height: $0.height, alt: String(report.prompt.prefix(160)), seed: "\($0.seed)",
                    rateHref: mayRate && $0.isGood == nil
                        ? "/generate/jobs/\(report.id)/pictures/\($0.index)/feedback" : nil,
                    opinion: $0.isGood.map { $0 ? say("you-found-it-good") : say("you-did-not-find-it-good") })
            },
        ]
        if report.previews > 0 {
            content["preview"] = [
                "previewHref": "/generate/jobs/\(report.id)/preview?\(report.previews)", "width": "\(report.width)",
                "height": "\(report.height)",
            ]
        }
        content["error"] = report.error
        content["negative"] = report.negativePrompt.isEmpty ? nil : report.negativePrompt
        var headers: HTTPFields = [.cacheControl: "no-store"]
        if !report.isOver { headers[Self.refresh] = "2" }
        return pages.page(
            "job", PageFrame(pageTitle: Self.heading(report), part: .generate), content, headers: headers)
    }

    // A literal that is a valid field name.
    private static let refresh = HTTPField.Name("Refresh")!

    private static func heading(_ job: JobReport) -> String {
        switch job.state {
        case "done": Wording.count(job.pictures.count, say("picture-2"), say("pictures-2"))
        case "failed": say("it-did-not-work")
        case "cancelled": say("cancelled")
        case "running": say("drawing")
        default: say("waiting")
        }
    }

    private static func words(_ job: JobReport) -> String {
        switch job.state {
        case "holding": say("the-price-is-being-put-aside")
        case "queued":
            [
                job.position.map {
                    $0 == 0
                        ? say("next-in-line") : say("before-2", Wording.count($0, say("job-comes"), say("jobs-come")))
                } ?? say("in-line"),
                job.secondsBefore.map {
                    $0 <= 90
                        ? say("begins-in-about-seconds", "\($0)") : say("begins-in-about-minutes", "\(($0 + 59) / 60)")
                },
            ].compactMap { $0 }.joined(separator: " · ")
        case "running": say("done-2", "\(Int(job.progress * 100))")
        case "settling": say("being-paid")
        case "done":
            job.started.flatMap { start in job.finished.map { say("drawn-in-seconds", "\($0 - min($0, start))") } }
                ?? say("done")
        default:
            job.captured == 0 ? say("nothing-was-taken-for-it") : say("buzz-were-taken-for-what-was", "\(job.captured)")
        }
    }

    @Sendable private func picture(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        let standing = try await standing(context, caller)
        return try await JobPictures.response(standing.job, context.parameter("index") ?? "", services)
    }

    @Sendable private func preview(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        return try await JobPictures.preview(try await standing(context, caller).job, services)
    }

    @Sendable private func cancel(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        let standing = try await standing(context, caller)
        _ = try await CancelJob(id: standing.job.id).run(in: caller.context)
        return Response(status: .seeOther, headers: [.location: "/generate/jobs/\(standing.job.id)"])
    }

    /// Says whether a picture is good.
    @Sendable private func rate(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        guard let grant = caller.grant, grant.allows(.social) else { throw CallerIdentity.unauthorized }
        let standing = try await standing(context, caller)
        guard caller.desk.isOwn(standing.job) else { throw CallerIdentity.unauthorized }
        let body = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        guard let index = Int(context.parameter("index") ?? ""),
            let opinion = try Query(String(decoding: body, as: UTF8.self))["is"], ["good", "bad"].contains(opinion)
        else { throw GatewayError.badRequest(code: "bad-parameter", "is is good or bad") }
        _ = try await RateDrawing(
            account: grant.account.handle, job: standing.job.id, picture: index, isGood: opinion == "good"
        ).run(in: caller.context)
        return Response(status: .seeOther, headers: [.location: "/generate/jobs/\(standing.job.id)"])
    }

    private struct HistoryItem {
        let jobHref: String
        let jobPrompt: String
        let jobWords: String
    }

    @Sendable private func history(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        guard caller.grant != nil else { throw CallerIdentity.unauthorized }
        let offset = try Query(request).integer("after", in: 0...Limits.Generation.history) ?? 0
        let found = try await ListJobs(limit: Limits.Generation.historyPage, offset: offset).run(in: caller.context)
        let items = found.map {
            HistoryItem(
                jobHref: "/generate/jobs/\($0.id)", jobPrompt: String($0.prompt.prefix(120)),
                jobWords: "\(Self.heading($0)) · \($0.model) · \(Dates.day($0.created))")
        }
        var content: [String: Any] = ["items": items, "hasJobs": !items.isEmpty]
        if found.count == Limits.Generation.historyPage {
            content["earlier"] = "/generate/jobs?after=\(offset + found.count)"
        }
        return pages.page(
            "jobs", PageFrame(pageTitle: say("your-pictures"), part: .generate), content,
            headers: [.cacheControl: "no-store"])
    }

    /// Publishes the pictures of a job, each with its recipe.
    @Sendable private func publish(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let caller = try await caller(request, context)
        guard let grant = caller.grant, grant.allows(.publish) else { throw CallerIdentity.unauthorized }
        let standing = try await standing(context, caller)
        guard caller.desk.isOwn(standing.job) else { throw CallerIdentity.unauthorized }
        let body = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        let level = try Query(String(decoding: body, as: UTF8.self))["level"] ?? ""
        _ = try await PostDrawn(account: grant.account.handle, job: standing.job.id, level: level).run(
            in: caller.context)
        return Response(status: .seeOther, headers: [.location: "/images"])
    }
}

/// What visitors without an account drew today, by address.
final class GuestQuota: Sendable {
    private struct Count {
        var day: UInt64
        var taken: Int
    }

    private let counts = Mutex<[String: Count]>([:])

    /// How many jobs an address has left today.
    func left(_ address: String, of limit: Int, now: UInt64) -> Int {
        counts.withLock { max(0, limit - (($0[address]?.day == now / 86_400 ? $0[address]?.taken : 0) ?? 0)) }
    }

    /// Takes one; false when none is left.
    func take(_ address: String, of limit: Int, now: UInt64) -> Bool {
        counts.withLock { counts in
            let day = now / 86_400
            if counts.count >= Limits.Generation.guestAddresses { counts = counts.filter { $0.value.day == day } }
            var count = counts[address].flatMap { $0.day == day ? $0 : nil } ?? Count(day: day, taken: 0)
            guard count.taken < limit, counts[address] != nil || counts.count < Limits.Generation.guestAddresses else {
                return false
            }
            count.taken += 1
            counts[address] = count
            return true
        }
    }

    /// Gives back one that was taken today.
    func giveBack(_ address: String, now: UInt64) {
        counts.withLock { counts in
            guard let count = counts[address], count.day == now / 86_400, count.taken > 0 else { return }
            counts[address]?.taken -= 1
        }
    }
}

/// A piece of what is wrong: words, or a command that helps.
private struct ProblemPart {
    let problemWords: String?
    let problemCommand: String?

    /// An error that was written for the end of a line in a terminal, as a sentence.
    static func of(_ text: String) -> [ProblemPart] {
        let sentence = text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
        return sentence.split(separator: "`", omittingEmptySubsequences: false).enumerated().map { index, part in
            index % 2 == 0
                ? ProblemPart(problemWords: String(part), problemCommand: nil)
                : ProblemPart(problemWords: nil, problemCommand: String(part))
        }
    }
}
