import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import NIOCore
import PostLog
import WaggleProtocol

/// The pages of a node.
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
        routes.get("/models/{id}", shows: .model, .page, model)
        routes.get("/models/{id}/{slug}", shows: .model, .page, model)
        routes.get("/images/{id}", shows: .image, .page, image)
        routes.get("/style.css", shows: .nothing, .page) { [stylesheet] request, _ in stylesheet.response(to: request) }
        routes.get("/icon.svg", shows: .nothing, .page) { [icon] request, _ in icon.response(to: request) }
    }

    /// Pages are for visitors; the operator has the command line.
    private var visitor: ViewerFilter { services.moderation.filter(for: .anonymous) }

    // MARK: Home

    @Sendable private func home(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let cursor = try Query(request)["after"]
        let feed = try await services.catalog.feed(limit: Limits.Gateway.cards, cursor: cursor, visitor)
        let cards = feed.items.map { item in
            switch item {
            case .model(let model): CardView(model)
            case .image(let image): CardView(image)
            }
        }
        let name = services.configuration.nodeName
        var content: [String: Any] = [
            "cards": cards, "isEmpty": cards.isEmpty && cursor == nil, "isFirst": cursor == nil,
        ]
        content["nextPage"] = feed.next.map { "/?after=\(PercentCoding.encode($0))" }
        return pages.page(
            "home",
            PageFrame(
                pageTitle: name, summary: "AI-art models and images on \(name)",
                canonical: origins.base(for: request, context) + "/", isHome: true), content)
    }

    // MARK: Model

    @Sendable private func model(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let id = context.parameter("id").flatMap({ Int32($0) }),
            let model = try await services.catalog.model(id: id, visitor)
        else { throw GatewayError.notFound("There is no such model here") }
        let chosen = try Query(request).integer("modelVersionId", in: 1...Int(Int32.max)).map { Int32($0) }
        let release = chosen.map { chosen in model.releases.first { $0.id == chosen } } ?? model.releases.first
        guard release != nil || chosen == nil else { throw GatewayError.notFound("This model has no such version") }

        let base = origins.base(for: request, context)
        let signature = try await self.signature(release?.post ?? model.post, by: model.author.author)
        let page = ModelPage(model: model, release: release, signature: signature)
        let preview = page.samples.first.map { base + $0.source }
        return pages.page(
            "model",
            PageFrame(
                pageTitle: model.body.name, summary: page.summary, canonical: base + PageAddress.model(model),
                preview: preview), page.content)
    }

    /// Which key signed a post, and since when it may.
    private func signature(_ post: Hash32, by author: Hash32) async throws -> SignatureView? {
        guard let logged = try await services.postLog.posts(ids: [post])[post], let device = Hash32(logged.post.device)
        else { return nil }
        let authority = try await services.postLog.keyChain(of: logged.author)?.devices[device]
        return SignatureView(device: device, authority: authority)
    }

    // MARK: Image

    @Sendable private func image(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let id = context.parameter("id").flatMap({ Int32($0) }),
            let image = try await services.catalog.image(id: id, visitor), let picture = PictureView(image)
        else { throw GatewayError.notFound("There is no such image here") }
        let post = try await services.catalog.imagePost(post: image.post, visitor)
        let resources = try await self.resources(of: image.image.recipe)
        let page = ImagePage(image: image, picture: picture, post: post, resources: resources)
        let base = origins.base(for: request, context)
        return pages.page(
            "image",
            PageFrame(
                pageTitle: Wording.heading(image), summary: picture.alt, canonical: base + PageAddress.image(id),
                preview: base + picture.source), page.content)
    }

    /// The models that an image names by hash, as far as they are here.
    private func resources(of recipe: WireRecipe) async throws -> [ResourceView] {
        let hashes = recipe.resources.prefix(ImagePage.resources).compactMap { Hash32($0.sha256) }
        let matches = try await services.catalog.matches(bySHA256: hashes, visitor)
        var models: [Hash32: ModelView] = [:]
        for match in matches {
            models[match.sha256] = try await services.catalog.model(id: match.modelID, visitor, detail: .card)
        }
        return recipe.resources.prefix(ImagePage.resources).map { resource in
            ResourceView(resource, model: Hash32(resource.sha256).flatMap { models[$0] })
        }
    }
}

/// A text that never changes while the node runs.
private struct StaticText: Sendable {
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
