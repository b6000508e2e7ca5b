import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import PostLog
import WaggleProtocol

/// What a node says of itself to anyone: `/w/1/node`, `/w/1/peers`, `/.well-known/waggle`.
struct NodeRoutes: Sendable {
    let services: GatewayServices
    let origins: Origins

    func register(in routes: inout RouteTable) {
        routes.get("/w/1/node", shows: .node, .peer, node)
        routes.get("/w/1/peers", shows: .node, .peer, peers)
        routes.get("/.well-known/waggle", shows: .node, .api, discovery)
    }

    @Sendable private func node(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let chain = try await services.postLog.keyChainEnvelopes(of: services.nodeID)
        var info = WireNodeInfo()
        info.keyChain = chain.keyDocuments + chain.checkpoints
        let announce = try await services.postLog.post(author: services.nodeID, kind: .nodeAnnounce, slot: "")
        info.announce = announce?.envelope ?? Data()
        return WireBody.reply(info, to: request)
    }

    private struct Addresses: Encodable {
        let urls: [String]
    }

    @Sendable private func peers(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let urls = await services.provenAddresses().prefix(Limits.Gateway.peerAddresses)
        return .json(Addresses(urls: Array(urls)), headers: [.cacheControl: "no-store"])
    }

    private struct Discovery: Encodable {
        let node: String
        let protocols: [Int]
        let urls: [String]
        let name: String
        let software: String
    }

    @Sendable private func discovery(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let configuration = services.configuration
        let urls = configuration.publicURLs.map(\.description)
        let body = Discovery(
            node: AuthorID.text(services.nodeID), protocols: [1],
            urls: urls.isEmpty ? [origins.base(for: request, context)] : urls, name: configuration.nodeName,
            software: configuration.software)
        return .json(body, headers: [.cacheControl: "public, max-age=300", .accessControlAllowOrigin: "*"])
    }
}
