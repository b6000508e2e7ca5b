import Digests
import Economy
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Ledger
import NIOCore
import Operations
import Synchronization
import WaggleProtocol

/// `/w/1/buzz/`: this node as the authority of its currencies, as a copy of the logs that it follows, and as a witness of
/// them. Open to everybody: what matters carries its own signatures.
final class LedgerRoutes: Sendable {
    private let services: GatewayServices
    private let limiter = Mutex(RequestLimiter())
    private static let bytes = "application/octet-stream"
    private static let text = "text/plain; charset=utf-8"

    init(services: GatewayServices) {
        self.services = services
    }

    func register(in routes: inout RouteTable) {
        routes.get("/w/1/buzz/charter", shows: .nothing, .peer, onlyCharter)
        routes.get("/w/1/buzz/log/{currency}/charter", shows: .nothing, .peer, charter)
        routes.get("/w/1/buzz/log/{currency}/checkpoint", shows: .nothing, .peer, checkpoint)
        routes.get("/w/1/buzz/log/{currency}/checkpoints", shows: .nothing, .peer, checkpoints)
        routes.get("/w/1/buzz/log/{currency}/witnessed", shows: .nothing, .peer, witnessed)
        routes.get("/w/1/buzz/log/{currency}/tile/**", shows: .nothing, .peer, tile)
        routes.get("/w/1/buzz/accounts/{currency}/{account}", shows: .nothing, .peer, account)
        routes.get("/w/1/buzz/finals/{currency}/{name}", shows: .nothing, .peer, final)
        routes.get("/w/1/buzz/rewards/{currency}/{epoch}", shows: .nothing, .peer, rewards)
        routes.get("/w/1/buzz/certificates/{currency}/{slot}/{round}/{value}", shows: .nothing, .peer, certificate)
        routes.get("/w/1/buzz/statements/{currency}/{slot}/{round}/{value}", shows: .nothing, .peer, statements)
        routes.post("/w/1/buzz/requests", shows: .nothing, .peer, requests)
        routes.post("/w/1/buzz/orders", shows: .nothing, .peer, orders)
        routes.post("/w/1/buzz/witness", shows: .nothing, .peer, witness)
    }

    private var currencies: Currencies { services.context().currencies }

    private func hash(_ name: String, _ context: GatewayContext) throws(GatewayError) -> Hash32 {
        guard let hash = Hash32(hex: context.parameter(name) ?? "") else {
            throw .badRequest(code: "bad-name", "A \(name) is named by 64 hexadecimal digits")
        }
        return hash
    }

    /// - Parameter count: how many requests it is worth.
    private func admit(_ request: Request, _ context: GatewayContext, count: Int = 1) throws(GatewayError) {
        let address = RemoteAddress.of(request, context)
        let most = max(Limits.Ledger.requestsPerAddress, services.configuration.requestsPerAddress)
        let standing = limiter.withLock { $0.take(address, limit: most, count: count, now: services.now()) }
        if let wait = standing.wait { throw .tooManyRequests(retryAfter: wait) }
    }

    private func reply(_ body: some Collection<UInt8>, _ type: String = bytes, forGood: Bool = false) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: type, .cacheControl: forGood ? "public, max-age=31536000, immutable" : "no-store",
            ], body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    private func failing<Value>(_ body: () async throws(LedgerError) -> Value) async throws(GatewayError) -> Value {
        do throws(LedgerError) {
            return try await body()
        } catch {
            throw GatewayError(error)
        }
    }

    /// Why an epoch's rewards were granted.
    @Sendable private func rewards(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let currency = try hash("currency", context)
        guard let epoch = Int64(context.parameter("epoch") ?? "") else {
            throw GatewayError.badRequest(code: "bad-name", "An epoch is a number")
        }
        guard let stored = try await services.context().economy.evidence(of: currency, epoch: epoch) else {
            throw GatewayError.notFound("This node counted no rewards for that epoch")
        }
        return reply(Data(stored.evidence.text.utf8), Self.text, forGood: true)
    }

    // MARK: The log

    @Sendable private func onlyCharter(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let own = try await failing { () throws(LedgerError) in try await currencies.all() }
            .filter { $0.role == .authority }
        guard let first = own.first else { throw GatewayError.notFound("This node decides in no currency") }
        guard own.count == 1 else {
            throw GatewayError.conflict(
                code: "several-currencies",
                "This node decides in several currencies; name one: \(own.map(\.charter.currency.hex).joined(separator: ", "))"
            )
        }
        return reply(first.charter.bytes)
    }

    @Sendable private func charter(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let currency = try hash("currency", context)
        let charter = try await failing { () throws(LedgerError) in try await currencies.charter(currency) }
        return reply(charter.bytes, forGood: true)
    }

    @Sendable private func checkpoint(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let currency = try hash("currency", context)
        let note = try await failing { () throws(LedgerError) in try await currencies.checkpoint(currency) }
        guard let note else { throw GatewayError.notFound("No checkpoint of this currency is here") }
        return reply(note.utf8, Self.text)
    }

    /// What this node was shown by each authority: whoever was shown something else has both signatures.
    @Sendable private func checkpoints(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let currency = try hash("currency", context)
        let notes = try await failing { () async throws(LedgerError) in try await currencies.readCheckpoints(currency) }
        return reply(CheckpointBatch.encode(notes))
    }

    @Sendable private func witnessed(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let currency = try hash("currency", context)
        let note = try await failing { () throws(LedgerError) in try await currencies.witnessedCheckpoint(currency) }
        return reply((note ?? "").utf8, Self.text)
    }

    @Sendable private func tile(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let currency = try hash("currency", context)
        let rest = context.parameters.getCatchAll().joined(separator: "/")
        guard let path = LogTilePath(rest) else { throw GatewayError.notFound("A log has no tile of this name") }
        let bytes = try await failing { () throws(LedgerError) in try await currencies.store.tile(path, of: currency) }
        guard let bytes else { throw GatewayError.notFound("The log is shorter than that") }
        return reply(bytes, forGood: true)
    }

    // MARK: The authority

    @Sendable private func account(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let (currency, account) = (try hash("currency", context), try hash("account", context))
        guard let authority = await currencies.authority(currency) else { throw await notHere(currency) }
        if let failure = authority.failure { throw GatewayError(failure) }
        return reply(AccountStanding(authority.account(account), epoch: authority.epoch).bytes)
    }

    @Sendable private func final(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let (currency, name) = (try hash("currency", context), try hash("name", context))
        let found = try await failing { () throws(LedgerError) in
            try await currencies.store.find(name, in: currency)
        }
        guard let found else { throw GatewayError.notFound("Nothing of this name is final here") }
        return reply(found.final.bytes, forGood: true)
    }

    @Sendable private func orders(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let body = try await WireBody(of: request, clock: services.clock)
        let orders: [SignedOrder]
        do {
            orders = try OrderBatch.decode(Data(body.content))
        } catch {
            throw GatewayError.badRequest(code: "malformed", "MALFORMED: \(error.what)")
        }
        guard let currency = orders.first?.order.currency, orders.allSatisfy({ $0.order.currency == currency }) else {
            throw GatewayError.badRequest(code: "several-currencies", "The orders of one request are of one currency")
        }
        return try await answer(orders.map { .order($0) }, in: currency, request, context)
    }

    /// Votes, commits and statements, with which whoever asks brings a slot of a currency of several authorities to its end.
    @Sendable private func requests(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let body = try await WireBody(of: request, clock: services.clock)
        do {
            let (currency, requests) = try RequestBatch.decode(Data(body.content))
            return try await answer(requests, in: currency, request, context)
        } catch let error as MalformedMessage {
            throw GatewayError.badRequest(code: "malformed", "MALFORMED: \(error.what)")
        }
    }

    /// - Parameter requests: of which one is counted.
    private func answer(
        _ requests: [AuthorityRequest], in currency: Hash32, _ request: Request, _ context: GatewayContext
    ) async throws -> Response {
        let answering = try await failing { () async throws(LedgerError) in try await currencies.answering(currency) }
        guard let answering else { throw await notHere(currency) }
        let cost = requests.reduce(-1) { $0 + $1.cost }
        if cost > 0 { try admit(request, context, count: cost) }
        let replies = try await failing { () async throws(LedgerError) in try await answering.answer(requests) }
        var response = Response(status: .ok, headers: [.cacheControl: "no-store"])
        response.headers[.contentType] = WireBody.mediaType
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: ReplyBatch.encode(replies)))
        return response
    }

    /// What an authority kept for blame of a slot: a certificate, or statements.
    private func kept(
        _ request: Request, _ context: GatewayContext,
        _ body: (LedgerStore, _ currency: Hash32, _ slot: Hash32, _ round: UInt32, _ value: Hash32)
            async throws(LedgerError) -> Data?
    ) async throws -> Response {
        try admit(request, context)
        let (currency, slot, value) = (
            try hash("currency", context), try hash("slot", context), try hash("value", context)
        )
        guard let round = UInt32(context.parameter("round") ?? "") else {
            throw GatewayError.badRequest(code: "bad-name", "A round is a number")
        }
        let found = try await failing { () async throws(LedgerError) in
            try await body(currencies.store, currency, slot, round, value)
        }
        guard let found else { throw GatewayError.notFound("This node has kept nothing of the kind") }
        return reply(found, forGood: true)
    }

    @Sendable private func certificate(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await kept(request, context) { store, currency, slot, round, value async throws(LedgerError) in
            try await store.certificate(slot, round: round, value: value, in: currency)?.bytes
        }
    }

    @Sendable private func statements(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await kept(request, context) { store, currency, slot, round, value async throws(LedgerError) in
            try await store.statements(slot, round: round, value: value, in: currency).map { StatementBatch.encode($0) }
        }
    }

    /// A currency that is not decided here, or not now.
    private func notHere(_ currency: Hash32) async -> GatewayError {
        if let view = try? await currencies.view(currency), view.role == .authority,
            let why = view.stopped ?? view.retired
        {
            return .unavailable(why)
        }
        return .notFound("This node does not decide in the currency \(currency.hex)")
    }

    // MARK: The witness

    /// C2SP tlog-witness `add-checkpoint`.
    @Sendable private func witness(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try admit(request, context)
        let body = try await WireBody.collect(request.body, limit: 32 << 10, clock: services.clock)
        guard let asked = WitnessRequest(text: String(decoding: body, as: UTF8.self)) else {
            throw GatewayError.badRequest(code: "bad-message", "The body is no request to a witness")
        }
        let answer = try await failing { () throws(LedgerError) in try await services.context().witness.sign(asked) }
        switch answer {
        case .signed(let signatures): return reply(SignedNote.lines(signatures).utf8, Self.text)
        case .knows(let size):
            return Response(
                status: .conflict, headers: [.contentType: "text/x.tlog.size"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: "\(size)\n")))
        case .refused(let why): throw GatewayError.unprocessable(code: "not-signed", why)
        }
    }
}

extension GatewayError {
    init(_ error: LedgerError) {
        self =
            switch error {
            case .unknownCurrency: .notFound(error.message)
            case .malformed: .badRequest(code: "malformed", error.message)
            case .refused(let code, let words): .unprocessable(code: code.rawValue, words)
            case .busy: .tooManyRequests(retryAfter: 1)
            default: .unavailable(error.message)
            }
    }
}
