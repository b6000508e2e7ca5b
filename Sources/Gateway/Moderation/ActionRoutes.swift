import FoundationEssentials
import Hummingbird
import Operations
import WaggleProtocol

/// What peers bring about moderation: sealed reports, and what became of entries of this node's lists.
struct ActionRoutes: Sendable {
    let services: GatewayServices
    let peers: PeerAuthentication

    func register(in routes: inout RouteTable) {
        routes.post("/w/1/reports", shows: .peerOnly, .peer, report)
        routes.post("/w/1/actions/ack", shows: .peerOnly, .peer, acknowledge)
    }

    @Sendable private func report(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        let node = try await peers.peer(request, context, body: body)
        try await ReportSubject.received(body.message(WireSealedReport.self), from: node, in: services.context())
        return WireBody.reply(WireReport(), to: request)
    }

    @Sendable private func acknowledge(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        let node = try await peers.peer(request, context, body: body)
        let acks = try body.message(WireActionAcks.self)
        guard acks.acks.count <= Limits.Cases.acks else { throw GatewayError.tooManyItems(limit: Limits.Cases.acks) }
        try await ListDesk(services.context()).take(acks, from: node)
        return WireBody.reply(WireReport(), to: request)
    }
}
