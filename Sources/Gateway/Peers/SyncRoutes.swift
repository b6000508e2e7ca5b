import Digests
import Federation
import FoundationEssentials
import Hummingbird
import NIOPosix
import PostLog
import WaggleProtocol

/// One round of reconciliation: `POST /w/1/sync`. Nothing is kept between rounds.
struct SyncRoutes: Sendable {
    let services: GatewayServices
    let peers: PeerAuthentication

    func register(in routes: inout RouteTable) {
        routes.post("/w/1/sync", shows: .peerOnly, .peer, sync)
    }

    @Sendable private func sync(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody(of: request, clock: services.clock)
        _ = try await peers.peer(request, context, body: body)
        let question = try body.message(WireSyncMessage.self)
        guard question.message.count <= Limits.Wire.syncMessageBytes else {
            throw GatewayError.bodyTooLarge(limit: Limits.Wire.syncMessageBytes)
        }
        let message = [UInt8](question.message)
        var reply = WireSyncMessage()
        reply.message = Data(try await answer(message, question.scope))
        return WireBody.reply(reply, to: request)
    }

    private func answer(_ message: [UInt8], _ scope: WireSyncScope) async throws -> [UInt8] {
        let offered = services.postLog.offered
        switch scope.scope {
        case .all:
            return try await Self.respond(message, over: offered.all)
        case .windowFrom(let start):
            return try await Self.respond(message, over: ReconciliationWindow(offered.all, since: start))
        case .kindGroup(let number):
            guard let group = KindGroup(rawValue: number) else { throw Self.unknownScope }
            return try await Self.respond(message, over: offered.group(group))
        case .author(let author):
            guard let author = Hash32(author) else { throw Self.unknownScope }
            let limit = Limits.Gateway.builtScopeIDs
            return try await Self.respond(message, over: services.postLog.index(ofAuthor: author, limit: limit))
        case .list, nil:
            throw Self.unknownScope
        }
    }

    private static let unknownScope = GatewayError.badRequest(
        code: "scope-not-served", "This node reconciles all, window, kind group and author")

    /// A message may ask for thousands of sums, so this runs beside the threads that serve everybody.
    private static func respond(_ message: [UInt8], over set: some ReconciliationSet) async throws -> [UInt8] {
        do {
            return try await NIOThreadPool.singleton.runIfActive { try Negentropy(set).respond(to: message) }
        } catch let error as NegentropyError {
            throw GatewayError.badRequest(code: "bad-negentropy", error.description)
        }
    }
}
