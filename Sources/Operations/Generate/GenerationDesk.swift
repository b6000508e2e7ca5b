import Accounts
import BlobStore
import Catalog
import Digests
import Formats
public import Generation
import Identity
import Moderation
import WaggleProtocol

/// What operations and routes that draw have in common: whose job it is, what it costs, which of them may see it.
public struct GenerationDesk: Sendable {
    private let context: OperationContext

    public init(_ context: OperationContext) {
        self.context = context
    }

    /// Whose jobs these are: an author id, or a visitor; empty for the operator at the command line.
    public var owner: String { context.caller?.author.hex ?? context.guest.map { "guest " + $0 } ?? "" }

    /// A request after everything about it was found and fixed.
    struct Quote {
        let plan: GenerationPlan
        let models: ModelSet
        let milliunits: Int64
        var price: Int64
    }

    func asking<Value>(_ body: () async throws(GenerationError) -> Value) async throws(OperationError) -> Value {
        do throws(GenerationError) {
            return try await body()
        } catch {
            throw OperationError(error)
        }
    }

    /// - Parameter own: a picture that the caller brought with the request.
    func quote(_ request: GenerationRequest, own: Hash32? = nil) async throws(OperationError) -> Quote {
        let finder = ModelFinder(context)
        // What needs no look at the disk is refused without one.
        try refuseWatchedWords(try await plan(request, GenerationDefaults()))
        let (checkpoint, defaults) = try await finder.checkpoint(request.model)
        let plan = try await plan(request, defaults)
        if let hash = plan.initImage.flatMap({ Hash32(hex: $0) }), hash != own { try await checkInitImage(hash) }
        let models = try await finder.models(plan, checkpoint: checkpoint)
        let work = GenerationPrice.milliunits(plan, models: models)
        var quote = Quote(plan: plan, models: models, milliunits: work, price: price(work))
        if let signed = request.quote, !signed.isEmpty { quote.price = try await honoured(signed, quote) }
        return quote
    }

    // MARK: Signed quotes

    /// Says a quote in this node's name: what it costs, whom, and who is paid.
    func sign(_ quote: Quote) async throws(OperationError) -> SignedQuote {
        let node = context.keyring.node
        let parties = quote.price > 0 ? try await BuzzPayment.parties(quote.models, context) : nil
        return try await asking { () throws(GenerationError) in
            let statement = SignedQuote.Statement(
                node: node.author, payer: owner, order: try SignedQuote.order(quote.plan, quote.models),
                work: quote.milliunits, price: quote.price, currency: parties?.currency,
                payees: parties?.payees ?? [], created: context.now())
            return try SignedQuote(statement, by: node.device)
        }
    }

    /// The price of a quote that was signed here for this very order.
    private func honoured(_ text: String, _ quote: Quote) async throws(OperationError) -> Int64 {
        try await asking { () throws(GenerationError) in
            let signed = try SignedQuote(text, by: context.keyring.node.device.publicKey)
            try signed.check(
                payer: owner, order: try SignedQuote.order(quote.plan, quote.models), now: context.now())
            return signed.statement.price
        }
    }

    /// Prompt rules: phrases on lists that act here. What is not to be in a picture may be named.
    private func refuseWatchedWords(_ plan: GenerationPlan) throws(OperationError) {
        guard let effect = WatchedWords(context.moderation.listEffects).found(in: plan.prompt), effect.action >= .hide
        else { return }
        throw OperationError(
            .auth,
            "the prompt has words that are not drawn here (\(effect.entry.reason), case \(effect.entry.shownCase))")
    }

    private func plan(
        _ request: GenerationRequest, _ defaults: GenerationDefaults
    ) async throws(OperationError) -> GenerationPlan {
        try await asking { () throws(GenerationError) in
            try GenerationPlan(request, defaults: defaults) {
                SecureRandom.bytes(8).reduce(0) { $0 << 8 | UInt64($1) } % Limits.Generation.drawnSeedEnd
            }
        }
    }

    /// The operator's own jobs cost nothing.
    private func price(_ milliunits: Int64) -> Int64 {
        guard let caller = context.caller, caller.role != .admin else { return 0 }
        return GenerationPrice.buzz(milliunits: milliunits, perUnit: context.generationPrice)
    }

    /// Orders what is asked for; it survives the end of the node when this returns.
    ///
    /// - Parameters:
    ///   - initImage: a picture to start from that the caller brings along.
    ///   - token: the token that the caller came with, whose limit the price counts against.
    public func order(
        _ request: GenerationRequest, initImage: [UInt8]? = nil, token: Int64? = nil
    ) async throws(OperationError) -> GenerationService.Standing {
        var (request, own) = (request, Hash32?.none)
        if let initImage {
            own = try await keep(initImage)
            request.initImage = own?.hex
        }
        let quote = try await quote(request, own: own)
        // Nobody waits for a job that cannot begin.
        _ = try await asking { () throws(GenerationError) in try await context.generation.backend.report() }
        let job = Job(
            id: Hex.encode(SecureRandom.bytes(16)), owner: owner, plan: quote.plan, models: quote.models,
            created: context.now(), milliunits: quote.milliunits, price: quote.price, token: token,
            weight: weight)
        return try await asking { () throws(GenerationError) in try await context.generation.submit(job) }
    }

    private func keep(_ picture: [UInt8]) async throws(OperationError) -> Hash32 {
        guard picture.count <= Limits.Generation.initImageBytes else {
            throw OperationError(
                GenerationError.tooLong(
                    field: "init_image", bytes: picture.count, limit: Limits.Generation.initImageBytes))
        }
        guard let info = ImageInfo.sniff(picture), [.png, .jpeg].contains(info.mediaType), let width = info.width,
            let height = info.height, width <= Limits.Thumbnail.side, height <= Limits.Thumbnail.side,
            width * height <= Limits.Thumbnail.pixels
        else {
            throw OperationError(
                GenerationError.badField(
                    field: "init_image", value: "\(picture.count) bytes", expected: "a PNG or JPEG picture"))
        }
        do {
            return try await context.blobs.add(bytes: picture).sha256
        } catch {
            throw OperationError(error)
        }
    }

    private var weight: Int {
        switch context.caller?.role {
        case nil: context.guest == nil ? 4 : 1
        case .admin: 4
        case .limited: 1
        default: 2
        }
    }

    /// A job of the caller's; the operator sees all.
    ///
    /// - Throws: `notFound` for those of others too.
    public func standing(_ id: String) async throws(OperationError) -> GenerationService.Standing {
        let standing = try await asking { () throws(GenerationError) in try await context.generation.standing(id) }
        guard isOwn(standing.job) else { throw OperationError(GenerationError.unknownJob(id)) }
        return standing
    }

    public func isOwn(_ job: Job) -> Bool {
        (context.caller == nil && context.guest == nil) || job.owner == owner
            || (context.caller?.role == .admin && job.owner.isEmpty)
    }

    /// Waits until a job is over, and tells how far it is.
    public func wait(for id: String) async throws(OperationError) -> JobReport {
        // A home without a server has nobody else who looks at the clock.
        let generation = context.generation
        let clock = Task { await generation.run() }
        defer { clock.cancel() }
        let stream = try await asking { () throws(GenerationError) in try await generation.watch(id) }
        for await standing in stream {
            let report = JobReport(standing)
            context.progress(
                Progress(
                    activity: report.position.map { "\($0) jobs come before" } ?? "drawing",
                    done: UInt64(report.progress * 1000), total: 1000))
            if report.isOver { return report }
        }
        if Task.isCancelled {
            try await asking { () throws(GenerationError) in try await generation.cancel(id) }
        }
        return JobReport(try await standing(id))
    }

    /// Who may see a picture may draw from it: those of own jobs, and what is shown to the caller.
    private func checkInitImage(_ hash: Hash32) async throws(OperationError) {
        if context.viewer.kind == .owner { return }
        let jobs = try await asking { () throws(GenerationError) in
            try await context.generation.history(of: owner, limit: Limits.Generation.history)
        }
        if jobs.contains(where: { job in job.pictures.contains { $0.sha256 == hash.hex } }) { return }
        do {
            let standing = try await context.catalog.blobStandings([hash]).first ?? nil
            if let standing, standing.isReferencedByVisiblePost,
                context.moderation.filter(for: context.viewer).contains(standing.level)
            {
                return
            }
        } catch {
            throw OperationError(error)
        }
        throw OperationError(GenerationError.unknownResource(hash.hex))
    }
}
