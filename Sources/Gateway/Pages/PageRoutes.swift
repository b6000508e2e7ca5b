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
    var pages: PageRenderer
    let origins: Origins
    /// With whose eyes a page is made.
    var viewer = Viewer.anonymous
    /// Files that are hashed at the moment for those who have no scripts.
    let checking = Places(Limits.Gateway.checked)

    init(services: GatewayServices, pages: PageRenderer, origins: Origins) {
        self.services = services
        self.pages = pages
        self.origins = origins
    }

    func register(in routes: inout RouteTable) {
        routes.get("/", shows: .list, .page, seen { $0.home })
        registerModels(in: &routes)
        registerImages(in: &routes)
        registerBrowsing(in: &routes)
        registerCreators(in: &routes)
        registerCollections(in: &routes)
        registerSite(in: &routes)
        registerTexts(in: &routes)
        registerFederation(in: &routes)
        registerBuzz(in: &routes)
    }

    /// What whoever looks may see. The operator has the command line.
    var visitor: ViewerFilter { services.moderation.filter(for: viewer) }

    // MARK: Requests

    /// The number in an address.
    /// - Throws: `notFound`, in the words for what is not there.
    func number(_ context: GatewayContext, _ missing: GatewayError) throws(GatewayError) -> Int32 {
        guard let id = context.parameter("id").flatMap({ Int32($0) }), id > 0 else { throw missing }
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

        var label: String { self == .network ? say("from-the-whole-network") : say("from-this-node") }
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
            "heading": cursor == nil ? say("new-models-and-images") : say("earlier-models-and-images"),
            "tabSets": [TabsView(tabsLabel: say("origin"), tabs: tabs)], "hasCards": !feed.items.isEmpty,
            "lead": say("made-by-people-signed-by-them"),
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
        content["cards"] = await tinted(
            cards.filter { card in
                card.isModel || card.picture.map { !covers.contains($0.source) } ?? true
            })
        content.merge(Pager("/", parameters, cursor: cursor, next: feed.next).content) { _, new in new }
        return pages.page(
            "home",
            PageFrame(
                pageTitle: name, summary: say("ai-art-models-and-images-on", "\(name)"),
                canonical: canonical(request, context, PageAddress.with("/", parameters)), isHome: true), content)
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
