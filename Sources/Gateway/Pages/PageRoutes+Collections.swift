import Catalog
import Hummingbird
import Moderation
import WaggleProtocol

/// Collections.
extension PageRoutes {
    func registerCollections(in routes: inout RouteTable) {
        routes.get("/collections", shows: .list, .page, seen { $0.collections })
        routes.get("/collections/{id}", shows: .collection, .page, seen { $0.collection })
    }

    @Sendable private func collections(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let (cursor, position) = place(query)
        let creator = query["by"] ?? ""
        var asked = CollectionQuery()
        asked.creator = creator.isEmpty ? nil : .handle(creator)
        asked.limit = Limits.Gateway.cards
        asked.position = position
        let page = try await services.catalog.collections(asked, visitor)
        let parameters = [(name: "by", value: creator)]
        var list = ListPage(heading: creator.isEmpty ? say("collections") : say("collections-of", "\(creator)"))
        list.cards = await tinted(page.items.map { CardView($0) })
        list.nothing =
            say("no-collection-is-here-yet-a")
        list.nothingLink = LinkView(linkText: say("look-at-models"), linkHref: "/models")
        list.pager = Pager("/collections", parameters, cursor: cursor, next: page.next)
        return pages.page(
            "list",
            PageFrame(
                pageTitle: list.heading, summary: say("collections-on", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, PageAddress.with("/collections", parameters)),
                part: .collections), list.content)
    }

    @Sendable private func collection(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = GatewayError.notFound("There is no such collection here")
        let id = try number(context, missing)
        guard let collection = try await services.catalog.collection(id: id, visitor) else {
            throw missing
        }
        let (cursor, position) = place(try Query(request))
        let page = try await services.catalog.items(
            ofCollection: id, limit: Limits.Gateway.cards, position: position, visitor)
        let path = PageAddress.collection(collection)
        var list = ListPage(heading: collection.name)
        list.lead = Wording.count(collection.itemCount, say("item"), say("items"))
        let about = Markdown.html(collection.description, firstHeading: 2)
        list.leadHTML = about.isEmpty ? nil : about
        list.crumb = LinkView(
            linkText: say("by-5", "\(collection.author.name)"), linkHref: PageAddress.creator(collection.author))
        for item in page.items {
            switch item {
            case .model(let model): list.cards.append(CardView(model))
            case .release(let release, let model):
                list.cards.append(CardView(model, note: release.body.version))
            case .images(let post): list.cards += post.images.prefix(1).map { CardView($0) }
            }
        }
        list.cards = await tinted(list.cards)
        list.nothing = say("nothing-of-this-collection-is-on")
        list.nothingLink = LinkView(linkText: say("all-collections"), linkHref: "/collections")
        list.pager = Pager(path, cursor: cursor, next: page.next)
        let base = origins.base(for: request, context)
        return pages.page(
            "list",
            PageFrame(
                pageTitle: collection.name,
                summary: Wording.beginning(
                    say("a-collection-by", "\(collection.author.name)", "\(Markdown.plain(collection.description))"),
                    characters: 200),
                canonical: base + path,
                preview: collection.cover.flatMap { PictureView($0) }.map { base + $0.previewSource },
                part: .collections),
            list.content.merging(
                try await takePart(
                    collection.post, at: path, by: collection.author.author,
                    links: editLinks(path, collection.author), isCollectable: false, comments: false)
            ) { _, new in new })
    }
}
