import Accounts
import BlobStore
import Catalog
import Digests
import Hummingbird
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Lists of models, a model, and the pages below it.
extension PageRoutes {
    func registerModels(in routes: inout RouteTable) {
        routes.get("/models", shows: .list, .page, seen { $0.models })
        routes.get("/models/{id}", shows: .model, .page, seen { $0.model })
        routes.get("/models/{id}/{slug}", shows: .model, .page, seen { $0.model })
        routes.get("/models/{id}/gallery", shows: .model, .page, seen { $0.gallery })
        routes.get("/models/{id}/reviews", shows: .model, .page, seen { $0.reviews })
        routes.get("/models/{id}/discussion", shows: .model, .page, seen { $0.discussion })
        routes.get("/models/{id}/history", shows: .model, .page, seen { $0.history })
        routes.get("/models/{id}/ranking", shows: .model, .page, seen { $0.ranking })
    }

    // MARK: List

    @Sendable private func models(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let filters = try ModelFilters(query)
        let (cursor, position) = place(query)
        var asked = filters.query(now: services.now())
        let facets = try await services.catalog.facets(within: asked, visitor)
        let total = try await services.catalog.count(asked, visitor)
        asked.limit = Limits.Gateway.cards
        asked.position = position
        let page = try await services.catalog.cards(asked, visitor)

        let offersLevels = visitor.mask.nonzeroBitCount > 1
        var content = FilterForm(filters: filters, facets: facets, offersLevels: offersLevels).content
        content["heading"] = say("models")
        let count = Wording.count(total.count, say("model-2"), say("models-2"))
        content["total"] = total.isExact ? count : say("the-last-to-come-here-of", count)
        content["order"] = filters.sort.label
        content["active"] = filters.active("/models")
        content["hasCards"] = !page.items.isEmpty
        content["isUnfiltered"] = filters.isUnfiltered
        var cards = page.items.map { CardView($0, note: Self.note($0, filters.sort)) }
        if filters.sort.isRanking {
            for (index, model) in page.items.enumerated() {
                cards[index].whyHref = "/models/\(model.id)/ranking?sort=\(filters.sort.rawValue)"
            }
        }
        content["cards"] = await tinted(cards)
        content.merge(Pager("/models", filters.parameters, cursor: cursor, next: page.next).content) { _, new in new }
        return pages.page(
            "models",
            PageFrame(
                pageTitle: say("models"), summary: say("models-for-ai-art-on", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, PageAddress.with("/models", filters.parameters)),
                part: .models), content)
    }

    /// What a list is ordered by, beside each model.
    private static func note(_ model: ModelCard, _ sort: ModelFilters.Sort) -> String? {
        let counts = model.counts
        let reviews = counts.recommended + counts.notRecommended
        switch sort {
        case .newest, .oldest, .trending: return nil
        case .updated: return say("updated", Dates.day(model.updated))
        case .downloads: return Wording.count(counts.downloads, say("download-here"), say("downloads-here"))
        case .rating:
            return reviews == 0 ? say("no-reviews") : say("recommended-by-of", "\(counts.recommended)", "\(reviews)")
        case .discussed: return Wording.count(counts.comments, say("comment-2"), say("comments-2"))
        }
    }

    // MARK: Model

    /// The model of an address.
    private func named(_ context: GatewayContext, detail: ViewDetail = .full) async throws -> ModelView {
        let missing = GatewayError.notFound("There is no such model here")
        let id = try number(context, missing)
        guard let model = try await services.catalog.model(id: id, visitor, detail: detail) else {
            throw missing
        }
        return model
    }

    @Sendable private func model(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let model = try await named(context)
        let chosen = try Query(request).integer("modelVersionId", in: 1...Int(Int32.max)).map { Int32($0) }
        let release = chosen.map { chosen in model.releases.first { $0.id == chosen } } ?? model.releases.first
        guard release != nil || chosen == nil else { throw GatewayError.notFound("This model has no such version") }

        var page = ModelPage(
            model: model, release: release, signature: try await signature(release?.post ?? model.post))
        if let release {
            let files = release.files.compactMap { Hash32($0.file.sha256) }
            let presence = try await services.blobs.presence(files)
            page.held = Set(zip(files, presence).filter { $0.1 == .whole }.map(\.0))
            page.known = try await services.blobs.hashes(of: files)
            page.lineage = try await services.catalog.lineage(ofRelease: release.id, visitor)
        }
        page.gallery = try await images(of: model, limit: Limits.Gateway.sectionItems).items
        page.reviews = try await services.catalog.reviews(ofModel: model.id, limit: 3, visitor).items
        page.comments = try await services.catalog.threads(on: model.post, limit: 5, visitor).items
        var inCollections = CollectionQuery()
        inCollections.containing = model.post
        inCollections.limit = 6
        page.collections = try await services.catalog.collections(inCollections, visitor).items

        page.looks = await looks(of: page.pictures)

        let base = origins.base(for: request, context)
        return pages.page(
            "model",
            PageFrame(
                pageTitle: model.body.name, summary: page.summary, canonical: base + PageAddress.model(model),
                preview: page.samples.first.map { base + $0.previewSource }, part: .models),
            try await withTip(page.content, model.author.author, model.post.hex)
                .merging(try await takePart(model, release)) { _, new in new })
    }

    /// What may be done on a model's page.
    private func takePart(_ model: ModelView, _ release: ReleaseView?) async throws -> [String: Any] {
        let (path, owner) = ("/models/\(model.id)", model.author.author)
        let isOwn = PageVisitor.isAuthor(owner)
        var links: [LinkView] = []
        if let release, !isOwn {
            let review = PageAddress.with("/reviews/new", [("release", release.post.hex), ("back", path)])
            links.append(LinkView(linkText: say("review-version", "\(release.body.version)"), linkHref: review))
        }
        let comment = PageAddress.with("/comments/new", [("on", model.post.hex), ("back", path)])
        links.append(LinkView(linkText: say("comment"), linkHref: comment))
        if isOwn, PageVisitor.may(.publish) {
            links.append(
                LinkView(linkText: say("new-version"), linkHref: PageAddress.with("/publish", [("model", model.slug)])))
            links.append(LinkView(linkText: say("edit"), linkHref: "\(path)/edit"))
            if let release {
                links.append(
                    LinkView(
                        linkText: say("take-version-back", "\(release.body.version)"),
                        linkHref: PageAddress.with("/posts/\(release.post.hex)/retract", [("back", path)])))
            }
        }
        return try await takePart(model.post, at: path, by: owner, links: links, comments: false)
    }

    private func images(
        of model: ModelView, limit: Int, position: PagePosition = .start, change: (inout ImageQuery) -> Void = { _ in }
    ) async throws -> Page<ImageView> {
        var query = ImageQuery()
        query.modelID = model.id
        query.limit = limit
        query.position = position
        change(&query)
        return try await services.catalog.images(query, visitor)
    }

    // MARK: Below a model

    private enum Gallery: String, CaseIterable {
        case all
        case others

        var label: String { self == .all ? say("all") : say("by-others-than-the-author") }
    }

    @Sendable private func gallery(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let model = try await named(context, detail: .brief)
        let (cursor, position) = place(query)
        let sort = try query.choice("sort", of: ImageSort.allCases) ?? .newest
        let whose = try query.choice("by", of: Gallery.allCases) ?? .all
        let page = try await images(of: model, limit: Limits.Gateway.cards, position: position) { query in
            query.sort = sort.order
            if whose == .others { query.excludedCreator = .author(model.author.author) }
        }
        let path = "/models/\(model.id)/gallery"
        func parameters(_ sort: ImageSort, _ whose: Gallery) -> [(name: String, value: String)] {
            [("sort", sort == .newest ? "" : sort.rawValue), ("by", whose == .all ? "" : whose.rawValue)]
        }
        var list = ListPage(heading: say("images-made-with", "\(model.body.name)"))
        list.crumb = LinkView(linkText: model.body.name, linkHref: PageAddress.model(model))
        list.tabSets = [
            TabsView(
                tabsLabel: say("order"),
                tabs: ImageSort.allCases.map { other in
                    TabView(
                        tabName: other.label, tabHref: PageAddress.with(path, parameters(other, whose)),
                        isCurrent: other == sort)
                }),
            TabsView(
                tabsLabel: say("authors"),
                tabs: Gallery.allCases.map { other in
                    TabView(
                        tabName: other.label, tabHref: PageAddress.with(path, parameters(sort, other)),
                        isCurrent: other == whose)
                }),
        ]
        list.cards = await tinted(page.items.map { CardView($0, isUnderModel: true) })
        list.nothing = say("nobody-has-shown-an-image-made")
        list.nothingLink = LinkView(linkText: say("back-to-the-model"), linkHref: PageAddress.model(model))
        list.pager = Pager(path, parameters(sort, whose), cursor: cursor, next: page.next)
        return pages.page(
            "list", frame(say("images-of", "\(model.body.name)"), path, request, context), list.content)
    }

    @Sendable private func reviews(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let model = try await named(context, detail: .brief)
        let (cursor, position) = place(try Query(request))
        let page = try await services.catalog.reviews(
            ofModel: model.id, limit: Limits.Gateway.texts, position: position, visitor)
        let path = "/models/\(model.id)/reviews"
        var content = below(model, say("reviews-of", "\(model.body.name)"))
        content["reviews"] = page.items.map { ReviewItem($0, at: path) }
        content["hasReviews"] = !page.items.isEmpty
        content["tally"] = Self.tally(model.counts)
        content.merge(Pager(path, cursor: cursor, next: page.next).content) { _, new in new }
        return pages.page("reviews", frame(say("reviews-of", "\(model.body.name)"), path, request, context), content)
    }

    static func tally(_ counts: SubjectCounts) -> String? {
        let reviews = counts.recommended + counts.notRecommended
        return reviews == 0
            ? nil
            : say(
                "recommended-by-of", Wording.count(counts.recommended),
                Wording.count(reviews, say("review-2"), say("reviews-2")))
    }

    @Sendable private func discussion(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let model = try await named(context, detail: .brief)
        let (cursor, position) = place(try Query(request))
        let page = try await services.catalog.threads(
            on: model.post, limit: Limits.Gateway.texts, position: position, visitor)
        let path = "/models/\(model.id)/discussion"
        var content = below(model, say("discussion-of", "\(model.body.name)"))
        content["comments"] = CommentItem.all(page.items, at: path)
        content["hasComments"] = !page.items.isEmpty
        content.merge(Pager(path, cursor: cursor, next: page.next).content) { _, new in new }
        content.merge(
            try await takePart(model.post, at: path, by: model.author.author, isCollectable: false)
        ) { _, new in new }
        return pages.page(
            "discussion", frame(say("discussion-of", "\(model.body.name)"), path, request, context), content)
    }

    @Sendable private func history(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let model = try await named(context)
        let entries = try await services.postLog.history(author: model.author.author, slug: model.slug)
        let chain = try await services.postLog.keyChain(of: model.author.author)
        // What moderation hides here, or what is above the viewer's level, is not told of in the log either.
        let shown = Set(model.releases.map(\.post))
        let visible = entries.filter { $0.kind != .release || $0.state != .inForce || shown.contains($0.id) }
        var content = below(model, say("history-of", "\(model.body.name)"))
        content["entries"] = visible.map { entry in
            HistoryItem(entry, authority: entry.device.flatMap { chain?.devices[$0] })
        }
        return pages.page(
            "history",
            frame(say("history-of", "\(model.body.name)"), "/models/\(model.id)/history", request, context), content)
    }

    @Sendable private func ranking(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let model = try await named(context, detail: .brief)
        let sort = try Query(request).choice("sort", of: ModelFilters.Sort.allCases) ?? .downloads
        guard
            let explanation = try await services.catalog.explanation(ofModel: model.id, sort: sort.order, visitor)
        else { throw GatewayError.notFound("There is no such model here") }
        let path = "/models/\(model.id)/ranking?sort=\(sort.rawValue)"
        var content = below(model, say("why-stands-where-it-does", "\(model.body.name)"))
        content["order"] = sort.label
        content["rule"] = explanation.rule
        content["score"] = explanation.score
        content["facts"] = explanation.facts.compactMap { FactView($0.name, $0.value) }
        content["tabSets"] = [
            TabsView(
                tabsLabel: say("order"),
                tabs: ModelFilters.Sort.allCases.map { other in
                    TabView(
                        tabName: other.label, tabHref: "/models/\(model.id)/ranking?sort=\(other.rawValue)",
                        isCurrent: other == sort)
                })
        ]
        content["listHref"] = PageAddress.with("/models", [("sort", sort.rawValue)])
        return pages.page(
            "ranking", frame(say("why-stands-here", "\(model.body.name)"), path, request, context), content)
    }

    /// What the pages below a model begin with.
    private func below(_ model: ModelView, _ heading: String) -> [String: Any] {
        ["heading": heading, "crumb": LinkView(linkText: model.body.name, linkHref: PageAddress.model(model))]
    }

    private func frame(_ title: String, _ path: String, _ request: Request, _ context: GatewayContext) -> PageFrame {
        PageFrame(pageTitle: title, summary: title, canonical: canonical(request, context, path), part: .models)
    }
}
