import Federation
import Hummingbird
import Identity
import Operations
import WaggleProtocol

/// A node on the page about other nodes.
private struct NodeItem {
    let nodeTitle: String
    let nodeHref: String?
    let nodeState: String
    let nodeSince: String
    let nodePosts: String
    let nodeScore: String
    let nodeError: String?
    let nodeReason: String?
    let nodeKey: String

    init(_ node: PeerOverview) {
        nodeTitle =
            !node.name.isEmpty
            ? node.name : !node.url.isEmpty ? node.url : say("node-3", "\(AuthorID.short(node.node))")
        nodeHref = MarkdownAddress.allowed(Array(node.url.utf8))
        nodeState = Self.state(node)
        nodeSince = Dates.day(node.since)
        nodePosts =
            say(
                "in-out", Wording.count(Int(clamping: node.postsIn), say("post"), say("posts")),
                Wording.count(Int(clamping: node.postsOut)))
        nodeScore = "\(Int(node.score.rounded()))"
        nodeError = node.lastError.isEmpty ? nil : Wording.beginning(node.lastError, characters: 300)
        nodeReason = node.reason.isEmpty ? nil : node.reason
        nodeKey = AuthorID.text(node.node)
    }

    private static func state(_ node: PeerOverview) -> String {
        switch node.standing {
        case .blocked: return say("blocked-by-the-operator")
        case .ignored: return say("ignored-for-a-while-because-of")
        case .waiting: return say("waits-for-the-operator")
        case .peer, .found, .caller: break
        }
        if let lag = node.lag {
            return lag < 60 ? "connected" : say("connected-s-behind", Wording.count(Int(clamping: lag)))
        }
        return node.lastContact == 0 ? say("never-reached") : say("last-heard-of-on", Dates.day(node.lastContact))
    }
}

/// An operator of a currency of several.
private struct OperatorItem {
    let nodeTitle: String
    let nodeHref: String?
    let currencyName: String
    let currencyHref: String
    let nodeState: String
    let nodeError: String?

    init(_ report: OperatorReport) {
        nodeTitle = report.url
        nodeHref = MarkdownAddress.allowed(Array(report.url.utf8))
        (currencyName, currencyHref) = (report.symbol, "/buzz/\(report.currency)")
        nodeState =
            report.state
            + (report.isOwn ? "" : ", \(Wording.count(Int(clamping: report.finals), say("order-2"), say("orders-2")))")
        nodeError = report.error.isEmpty ? nil : Wording.beginning(report.error, characters: 300)
    }
}

/// Who this node exchanges with.
extension PageRoutes {
    func registerFederation(in routes: inout RouteTable) {
        routes.get("/federation", shows: .node, .page, federation)
    }

    @Sendable private func federation(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let all = await services.neighbours().prefix(Limits.Peers.table)
        let away = all.filter { [.blocked, .ignored].contains($0.standing) }.map(NodeItem.init)
        // Who only asked has no place on a page that everybody sees.
        let nodes = all.filter { [.peer, .found, .caller].contains($0.standing) }.map(NodeItem.init)
        let operators = try await ListOperators().run(in: services.context()).map(OperatorItem.init)
        let name = services.configuration.nodeName
        return pages.page(
            "federation",
            PageFrame(
                pageTitle: say("other-nodes"), summary: say("the-nodes-that-exchanges-posts-and", "\(name)"),
                canonical: canonical(request, context, "/federation")),
            [
                "summary":
                    say(
                        "exchanges-signed-posts-and-files-with", "\(name)",
                        Wording.count(nodes.count, say("node"), say("nodes"))),
                "nodes": nodes, "hasNodes": !nodes.isEmpty, "blocks": away, "hasBlocks": !away.isEmpty,
                "operators": operators, "hasOperators": !operators.isEmpty,
            ])
    }
}
