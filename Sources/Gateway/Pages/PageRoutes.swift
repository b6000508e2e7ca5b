import Catalog
import Digests
import Federation
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import PostLog
import WaggleProtocol

/// The pages of a node: what they have in common. The pages themselves are in extensions, by subject.
struct PageRoutes: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let origins: Origins
    private let stylesheet = StaticText(Templates.stylesheet, type: "text/css; charset=utf-8")
    private let icon = StaticText(Templates.icon, type: "image/svg+xml")

    init(services: GatewayServices, pages: PageRenderer, origins: Origins) {
        self.services = services
        self.pages = pages
        self.origins = origins
    }

    func register(in routes: inout RouteTable) {
        routes.get("/", shows: .list, .page, home)
        registerModels(in: &routes)
        registerImages(in: &routes)
        registerBrowsing(in: &routes)
        registerCreators(in: &routes)
        registerCollections(in: &routes)
        registerWorkflows(in: &routes)
        routes.get("/about", shows: .node, .page, about)
        registerFederation(in: &routes)
        registerBuzz(in: &routes)
        routes.get("/style.css", shows: .nothing, .page) { [stylesheet] request, _ in stylesheet.response(to: request) }
        routes.get("/icon.svg", shows: .nothing, .page) { [icon] request, _ in icon.response(to: request) }
    }

    /// Pages are for visitors; the operator has the command line.
    var visitor: ViewerFilter { services.moderation.filter(for: .anonymous) }

    // MARK: Requests

    /// The number in an address.
    /// - Throws: `notFound`, in the words for what is not there.
    func number(_ context: GatewayContext, _ missing: String) throws(GatewayError) -> Int32 {
        guard let id = context.parameter("id").flatMap({ Int32($0) }), id > 0 else { throw .notFound(missing) }
        return id
    }

    /// Where a page of a list begins.
    func place(_ query: Query) -> (cursor: String?, position: PagePosition) {
        let cursor = query["after"]
        return (cursor, cursor.map { .after($0) } ?? .start)
    }

    /// The absolute address of a page.
    func canonical(_ request: Request, _ context: GatewayContext, _ path: String) -> String {
        origins.base(for: request, context) + path
    }

    /// Which key signed a post, and since when it may.
    func signature(_ post: Hash32) async throws -> SignatureView? {
        guard let logged = try await services.postLog.posts(ids: [post])[post], let device = Hash32(logged.post.device)
        else { return nil }
        let authority = try await services.postLog.keyChain(of: logged.author)?.devices[device]
        return SignatureView(device: device, authority: authority)
    }

    // MARK: Home

    /// Whose posts the front page shows.
    private enum Origin: String, CaseIterable {
        case network
        case here

        var label: String { self == .network ? "From the whole network" : "From this node" }
    }

    @Sendable private func home(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let cursor = query["after"]
        let origin = try query.choice("show", of: Origin.allCases) ?? .network
        let feed = try await services.catalog.feed(
            limit: Limits.Gateway.cards, cursor: cursor, isFromHere: origin == .here, visitor)
        let name = services.configuration.nodeName
        let parameters = [(name: "show", value: origin == .here ? "here" : "")]
        let tabs = Origin.allCases.map { other in
            TabView(
                tabName: other.label, tabHref: other == .here ? "/?show=here" : "/", isCurrent: other == origin)
        }
        var content: [String: Any] = [
            "heading": cursor == nil ? "New models and images" : "Earlier models and images",
            "tabSets": [TabsView(tabsLabel: "Origin", tabs: tabs)], "hasCards": !feed.items.isEmpty,
            "isEmptyNode": feed.items.isEmpty && cursor == nil && origin == .network,
        ]
        let cards = feed.items.map { item in
            switch item {
            case .model(let model): CardView(model)
            case .image(let image): CardView(image)
            }
        }
        // What a model's card shows needs no card of its own beside it.
        let covers = Set(cards.filter(\.isModel).compactMap(\.picture?.source))
        content["cards"] = cards.filter { card in
            card.isModel || card.picture.map { !covers.contains($0.source) } ?? true
        }
        content.merge(Pager("/", parameters, cursor: cursor, next: feed.next).content) { _, new in new }
        return pages.page(
            "home",
            PageFrame(
                pageTitle: name, summary: "AI-art models and images on \(name), signed by the people who made them.",
                canonical: canonical(request, context, PageAddress.with("/", parameters)), isHome: true), content)
    }

    // MARK: About

    @Sendable private func about(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let counts = try await services.catalog.counts(visitor)
        let configuration = services.configuration
        let nodes = await services.provenAddresses().count
        let facts = [
            FactView("Models", Wording.count(counts.models)), FactView("Images", Wording.count(counts.images)),
            FactView("Other nodes reached", Wording.count(nodes)), FactView("Software", configuration.software),
            FactView("Node id", AuthorID.text(services.nodeID)),
            FactView("Address", configuration.publicURLs.map(\.description).joined(separator: ", ")),
        ]
        return pages.page(
            "about",
            PageFrame(
                pageTitle: "About this node", summary: "What \(configuration.nodeName) is and how it works.",
                canonical: canonical(request, context, "/about")), ["facts": facts.compactMap { $0 }])
    }
}

extension Query {
    /// A value among those that a parameter may have.
    func choice<Choice: RawRepresentable<String>>(_ name: String, of all: [Choice]) throws(GatewayError) -> Choice? {
        guard let text = self[name] else { return nil }
        guard let choice = all.first(where: { $0.rawValue.utf8.elementsEqual(text.utf8) }) else {
            throw .badRequest(
                code: "bad-parameter", "\(name) is one of \(all.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }
}

/// A text that never changes while the node runs.
struct StaticText: Sendable {
    private let buffer: ByteBuffer
    private let fields: HTTPFields
    private let tag: String

    init(_ text: String, type: String) {
        buffer = ByteBuffer(string: text)
        tag = "\"\(SHA256.hash(Array(text.utf8)).hex.prefix(16))\""
        fields = [
            .contentType: type, .eTag: tag, .cacheControl: "public, max-age=3600",
            .contentSecurityPolicy: "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ]
    }

    func response(to request: Request) -> Response {
        guard request.headers[.ifNoneMatch] != tag else { return Response(status: .notModified, headers: fields) }
        return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: buffer))
    }
}
