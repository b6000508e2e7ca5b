import Digests
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
        routes.get("/w/1/buzz/log/{currency}/witnessed", shows: .nothing, .peer, witnessed)
        routes.get("/w/1/buzz/log/{currency}/tile/**", shows: .nothing, .peer, tile)
        routes.get("/w/1/buzz/accounts/{currency}/{account}", shows: .nothing, .peer, account)
        routes.get("/w/1/buzz/finals/{currency}/{name}", shows: .nothing, .peer, final)
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

    private func admit(_ request: Request, _ context: GatewayContext) throws(GatewayError) {
        let address = RemoteAddress.of(request, context)
        let most = max(Limits.Ledger.requestsPerAddress, services.configuration.requestsPerAddress)
        let standing = limiter.withLock { $0.take(address, limit: most, now: services.now()) }
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
        return reply(AccountStanding(authority.account(account), epoch: authority.epoch).bytes)
    }

    @Sendable private func final(_ request: Request, _ context: GatewayContext) async throws -> Response {
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
        guard let authority = await currencies.authority(currency) else { throw await notHere(currency) }
        let replies = try await failing { () throws(LedgerError) in
            try await authority.submit(orders.map { .order($0) })
        }
        var response = Response(status: .ok, headers: [.cacheControl: "no-store"])
        response.headers[.contentType] = WireBody.mediaType
        response.body = ResponseBody(byteBuffer: ByteBuffer(bytes: ReplyBatch.encode(replies)))
        return response
    }

    /// A currency that is not decided here, or not now.
    private func notHere(_ currency: Hash32) async -> GatewayError {
        if let view = try? await currencies.view(currency), view.role == .authority, let why = view.stopped {
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
