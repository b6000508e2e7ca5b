import Catalog
import Digests
import Hummingbird
import Moderation
import WaggleProtocol

/// The order of a list of images, as an address says it.
enum ImageSort: String, CaseIterable {
    case newest
    case reactions

    var label: String { self == .newest ? say("newest") : say("most-reactions") }
    var order: ImageQuery.Sort { self == .newest ? .newest : .mostReactions }
}

/// Images.
extension PageRoutes {
    func registerImages(in routes: inout RouteTable) {
        routes.get("/images", shows: .list, .page, seen { $0.images })
        routes.get("/images/{id}", shows: .image, .page, seen { $0.image })
    }

    private enum Recipe: String, CaseIterable {
        case any
        case with
    }

    @Sendable private func images(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let (cursor, position) = place(query)
        let sort = try query.choice("sort", of: ImageSort.allCases) ?? .newest
        let recipe = try query.choice("recipe", of: Recipe.allCases) ?? .any
        let base = query["base"] ?? ""
        let creator = query["by"] ?? ""
        let levels = query.list("level")
        var asked = ImageQuery()
        asked.limit = Limits.Gateway.cards
        asked.position = position
        asked.sort = sort.order
        asked.hasRecipe = recipe == .with
        asked.baseModels = base.isEmpty ? [] : [base]
        asked.creator = creator.isEmpty ? nil : .handle(creator)
        asked.levels = Set(levels.compactMap { Level(word: $0) })
        let page = try await services.catalog.images(asked, visitor)
        let bases = try await services.catalog.topFacets(.baseModel, limit: Limits.Gateway.facetValues, visitor)

        func address(_ sort: ImageSort, _ recipe: Recipe, _ base: String) -> [(name: String, value: String)] {
            [
                ("sort", sort == .newest ? "" : sort.rawValue), ("base", base),
                ("recipe", recipe == .any ? "" : recipe.rawValue), ("by", creator),
            ] + levels.map { ("level", $0) }
        }
        func tab(_ name: String, _ parameters: [(name: String, value: String)], _ isCurrent: Bool) -> TabView {
            TabView(tabName: name, tabHref: PageAddress.with("/images", parameters), isCurrent: isCurrent)
        }
        var list = ListPage(heading: creator.isEmpty ? say("images") : say("images-by", "\(creator)"))
        let chosenIsListed = base.isEmpty || bases.contains { $0.name.utf8.elementsEqual(base.utf8) }
        list.tabSets = [
            TabsView(
                tabsLabel: say("order"),
                tabs: ImageSort.allCases.map { tab($0.label, address($0, recipe, base), $0 == sort) }),
            TabsView(
                tabsLabel: say("recipe"),
                tabs: [
                    tab(say("all"), address(sort, .any, base), recipe == .any),
                    tab(say("with-recipe"), address(sort, .with, base), recipe == .with),
                ]),
            TabsView(
                tabsLabel: say("base-model"),
                tabs: [tab(say("any-base"), address(sort, recipe, ""), base.isEmpty)]
                    + (chosenIsListed ? [] : [tab(base, address(sort, recipe, base), true)])
                    + bases.map { other in
                        tab(
                            other.name, address(sort, recipe, other.name), other.name.utf8.elementsEqual(base.utf8))
                    }),
        ]
        list.cards = await tinted(page.items.map { CardView($0) })
        list.nothing = say("no-image-here-fits")
        list.nothingLink = LinkView(linkText: say("show-all-images"), linkHref: "/images")
        let parameters = address(sort, recipe, base)
        list.pager = Pager("/images", parameters, cursor: cursor, next: page.next)
        return pages.page(
            "list",
            PageFrame(
                pageTitle: list.heading,
                summary: say("images-with-their-recipes-on", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, PageAddress.with("/images", parameters)), part: .images),
            list.content)
    }

    @Sendable private func image(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = GatewayError.notFound("There is no such image here")
        let id = try number(context, missing)
        guard let image = try await services.catalog.image(id: id, visitor), let picture = PictureView(image)
        else { throw missing }
        var page = ImagePage(image: image, picture: picture)
        page.post = try await services.catalog.imagePost(post: image.post, visitor)
        page.recipe = try await services.catalog.recipe(ofImage: id, visitor)
        page.comments = try await services.catalog.threads(
            on: image.post, limit: Limits.Gateway.texts, visitor
        ).items
        page.lineage = try await services.catalog.lineage(ofImage: id, visitor)
        page.signature = try await signature(image.post)
        page.looks = await looks(of: page.pictures)
        if pages.site.has("/generate"), image.image.hasRecipe { page.remixHref = "/generate?from=\(id)" }
        let base = origins.base(for: request, context)
        return pages.page(
            "image",
            PageFrame(
                pageTitle: Wording.heading(image), summary: picture.alt, canonical: base + PageAddress.image(id),
                preview: base + picture.previewSource, part: .images),
            try await withTip(page.content, image.author.author, image.post.hex)
                .merging(
                    try await takePart(image.post, at: PageAddress.image(id), by: image.author.author)
                ) { _, new in new })
    }
}
