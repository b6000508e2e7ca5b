import BlobStore
import Catalog
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import Operations
import PostLog
import WaggleProtocol

/// What the node says of itself, and what every page looks like.
extension PageRoutes {
    func registerSite(in routes: inout RouteTable) {
        routes.get("/about", shows: .node, .page, about)
        routes.get("/rules", shows: .node, .page, rules)
        routes.get("/status", shows: .node, .page, status)
        routes.get("/help", shows: .node, .page, help)
        registerVerify(in: &routes)
        routes.post("/theme", shows: .nothing, .page, choose)
        let styles = Theme.allCases.reduce(into: [Theme: StaticText]()) { styles, theme in
            styles[theme] = StaticText(Templates.stylesheet(theme), type: "text/css; charset=utf-8", vary: "Cookie")
        }
        routes.get("/style.css", shows: .nothing, .page) { request, _ in
            styles[Self.theme(of: request)]?.response(to: request) ?? Response(status: .notFound)
        }
        routes.get("/page.js", shows: .nothing, .page) { [pages] request, _ in pages.script.response(to: request) }
        let icon = StaticText(Templates.icon, type: "image/svg+xml")
        routes.get("/icon.svg", shows: .nothing, .page) { request, _ in icon.response(to: request) }
    }

    // MARK: Light and dark

    private static let themeCookie = "theme"

    private static func theme(of request: Request) -> Theme {
        for field in request.headers[values: .cookie] {
            for pair in field.split(separator: ";") {
                let parts = pair.trimmed.split(separator: "=", maxSplits: 1)
                if parts.count == 2, parts[0] == themeCookie { return Theme(rawValue: String(parts[1])) ?? .system }
            }
        }
        return .system
    }

    /// Remembers which palette somebody likes, and goes back to where they were. Only the stylesheet depends on it, so
    /// that pages are the same for everybody.
    @Sendable private func choose(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let body = try await WireBody.collect(request.body, limit: 1 << 10, clock: services.clock)
        let form = try Query(String(decoding: body, as: UTF8.self))
        guard let theme = try form.choice("theme", of: Theme.allCases) else {
            throw GatewayError.badRequest(code: "bad-parameter", "theme is one of system, light, dark")
        }
        let seconds = theme == .system ? 0 : 365 * 86_400
        return Response(
            status: .seeOther,
            headers: [
                .location: back(request, context), .cacheControl: "no-store",
                .setCookie: "\(Self.themeCookie)=\(theme.rawValue); Path=/; SameSite=Lax; Max-Age=\(seconds)",
            ])
    }

    /// The page of this node that a form was on.
    private func back(_ request: Request, _ context: GatewayContext) -> String {
        let base = origins.base(for: request, context)
        guard let from = request.headers[.referer], from.hasPrefix(base + "/"), from.utf8.count <= 2000 else {
            return "/"
        }
        let path = String(from.dropFirst(base.count))
        return path.hasPrefix("//") ? "/" : path
    }

    // MARK: Texts

    @Sendable private func about(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let counts = try await services.catalog.counts(visitor)
        let configuration = services.configuration
        let nodes = await services.provenAddresses().count
        let facts = [
            FactView(say("models"), Wording.count(counts.models)),
            FactView(say("images"), Wording.count(counts.images)),
            FactView(say("other-nodes-reached"), Wording.count(nodes)),
            FactView(say("software"), configuration.software),
            FactView(say("node-id"), AuthorID.text(services.nodeID)),
            FactView(say("address"), configuration.publicURLs.map(\.description).joined(separator: ", ")),
        ]
        return pages.page(
            "about",
            PageFrame(
                pageTitle: say("about-this-node"),
                summary: say("what-is-and-how-it-works", "\(configuration.nodeName)"),
                canonical: canonical(request, context, "/about")), ["facts": facts.compactMap { $0 }])
    }

    /// The operator's own rules, and what the program holds everybody to.
    @Sendable private func rules(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let name = services.configuration.nodeName
        let html = Markdown.html(services.configuration.rules, firstHeading: 2)
        var content: [String: Any] = [
            "facts": [
                FactView(say("visitors-without-an-account-see"), Level.pg.word),
                FactView(say("nothing-here-is-above"), services.moderation.ceiling.word),
                FactView(say("whatever-says-nothing-about-its-level"), Level.xxx.word),
            ].compactMap { $0 }
        ]
        content["rules"] = html.isEmpty ? nil : html
        return pages.page(
            "rules",
            PageFrame(
                pageTitle: say("rules"), summary: say("what-is-welcome-on-and-what", "\(name)"),
                canonical: canonical(request, context, "/rules")), content)
    }

    private struct PartView {
        let statusTerm: String
        let statusWords: String
        let isWell: Bool
    }

    /// How the node is, in words, for people who have no dashboard.
    @Sendable private func status(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (newest, applied) = (services.postLog.newestSeq, services.catalog.appliedSeq)
        let behind = Int(clamping: newest - min(newest, applied))
        let totals = try await services.blobs.totals()
        let nodes = await services.neighbours().filter { [.peer, .found, .caller].contains($0.standing) }
        let connected = nodes.count { $0.lag != nil }
        let began = services.context().startedAt
        let parts = [
            PartView(
                statusTerm: say("pages-and-apis"), statusWords: say("answering-since", Dates.day(began)), isWell: true),
            PartView(
                statusTerm: say("lists"),
                statusWords: behind == 0
                    ? say("up-to-date")
                    : say("behind-what-is-new-appears-a", Wording.count(behind, say("post"), say("posts"))),
                isWell: behind < 1000),
            PartView(
                statusTerm: say("files"),
                statusWords: Wording.count(totals.blobs, say("file-2"), say("files-2"))
                    + ", \(Wording.size(totals.bytes))",
                isWell: true),
            PartView(
                statusTerm: say("other-nodes"),
                statusWords: nodes.isEmpty
                    ? say("this-node-exchanges-with-none-yet")
                    : say(
                        "of-connected", Wording.count(connected), Wording.count(nodes.count, say("node"), say("nodes"))),
                isWell: nodes.isEmpty || connected > 0),
        ]
        return pages.page(
            "status",
            PageFrame(
                pageTitle: say("status"), summary: say("how-is-doing", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, "/status")),
            ["statusParts": parts, "isAllWell": parts.allSatisfy(\.isWell)], headers: [.cacheControl: "no-store"])
    }

    @Sendable private func help(_ request: Request, _ context: GatewayContext) async throws -> Response {
        pages.page(
            "help",
            PageFrame(
                pageTitle: say("help"), summary: say("how-to-find-download-check-and"),
                canonical: canonical(request, context, "/help")),
            ["base": origins.base(for: request, context), "hasGenerate": pages.site.has("/generate")])
    }
}
