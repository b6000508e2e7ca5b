import Catalog
import Hummingbird
import Moderation
import WaggleProtocol

/// An article in a list.
struct ArticleItem {
    let articleTitle: String
    let articleHref: String
    let articleAuthor: String
    let articleAuthorHref: String
    let articleDay: String
    let articleStart: String

    init(_ article: ArticleView) {
        articleTitle = article.title.trimmed.isEmpty ? "Article by \(article.author.name)" : article.title
        articleHref = PageAddress.article(article)
        articleAuthor = article.author.name
        articleAuthorHref = PageAddress.creator(article.author)
        articleDay = Dates.day(article.created)
        articleStart = Wording.beginning(Markdown.plain(String(article.text.prefix(1000))), characters: 180)
    }
}

/// Collections and articles.
extension PageRoutes {
    func registerCollections(in routes: inout RouteTable) {
        routes.get("/collections", shows: .list, .page, collections)
        routes.get("/collections/{id}", shows: .collection, .page, collection)
        routes.get("/articles", shows: .list, .page, articles)
        routes.get("/articles/{id}", shows: .article, .page, article)
    }

    // MARK: Collections

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
        var list = ListPage(heading: creator.isEmpty ? "Collections" : "Collections of @\(creator)")
        list.cards = await tinted(page.items.map { CardView($0) })
        list.nothing =
            "No collection is here yet. A collection is a signed list of models and images that belong together."
        list.nothingLink = LinkView(linkText: "Look at models", linkHref: "/models")
        list.pager = Pager("/collections", parameters, cursor: cursor, next: page.next)
        return pages.page(
            "list",
            PageFrame(
                pageTitle: list.heading, summary: "Collections on \(services.configuration.nodeName).",
                canonical: canonical(request, context, PageAddress.with("/collections", parameters)),
                part: .collections), list.content)
    }

    @Sendable private func collection(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = "There is no such collection here"
        let id = try number(context, missing)
        guard let collection = try await services.catalog.collection(id: id, visitor) else {
            throw GatewayError.notFound(missing)
        }
        let (cursor, position) = place(try Query(request))
        let page = try await services.catalog.items(
            ofCollection: id, limit: Limits.Gateway.cards, position: position, visitor)
        let path = PageAddress.collection(collection)
        var list = ListPage(heading: collection.name)
        list.lead = Wording.count(collection.itemCount, "item", "items")
        let about = Markdown.html(collection.description, firstHeading: 2)
        list.leadHTML = about.isEmpty ? nil : about
        list.crumb = LinkView(
            linkText: "By \(collection.author.name)", linkHref: PageAddress.creator(collection.author))
        for item in page.items {
            switch item {
            case .model(let model): list.cards.append(CardView(model))
            case .release(let release, let model):
                list.cards.append(CardView(model, note: release.body.version))
            case .images(let post): list.cards += post.images.prefix(1).map { CardView($0) }
            }
        }
        list.cards = await tinted(list.cards)
        list.nothing = "Nothing of this collection is on this node yet."
        list.nothingLink = LinkView(linkText: "All collections", linkHref: "/collections")
        list.pager = Pager(path, cursor: cursor, next: page.next)
        let base = origins.base(for: request, context)
        return pages.page(
            "list",
            PageFrame(
                pageTitle: collection.name,
                summary: Wording.beginning(
                    "A collection by \(collection.author.name). \(Markdown.plain(collection.description))",
                    characters: 200),
                canonical: base + path,
                preview: collection.cover.flatMap { PictureView($0) }.map { base + $0.previewSource },
                part: .collections),
            list.content)
    }

    // MARK: Articles

    @Sendable private func articles(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let (cursor, position) = place(query)
        var asked = ArticleQuery()
        asked.limit = Limits.Gateway.texts
        asked.position = position
        let page = try await services.catalog.articles(asked, visitor)
        var content: [String: Any] = [
            "heading": "Articles", "articles": page.items.map { ArticleItem($0) }, "hasArticles": !page.items.isEmpty,
            "nothing": "No article is here yet.",
        ]
        content.merge(Pager("/articles", cursor: cursor, next: page.next).content) { _, new in new }
        return pages.page(
            "articles",
            PageFrame(
                pageTitle: "Articles", summary: "Articles on \(services.configuration.nodeName).",
                canonical: canonical(request, context, "/articles")), content)
    }

    @Sendable private func article(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = "There is no such article here"
        let id = try number(context, missing)
        guard let article = try await services.catalog.article(id: id, visitor) else {
            throw GatewayError.notFound(missing)
        }
        let comments = try await services.catalog.threads(
            on: article.post, limit: Limits.Gateway.texts, visitor)
        let item = ArticleItem(article)
        let reactions = ReactionView.all(article.counts)
        var content: [String: Any] = [
            "heading": item.articleTitle, "creator": article.author.name,
            "creatorHref": PageAddress.creator(article.author), "published": Dates.timestamp(article.created),
            "publishedDay": Dates.day(article.created), "text": Markdown.html(article.text, firstHeading: 2),
            "tags": article.tags.filter { !$0.trimmed.isEmpty }, "reactions": reactions,
            "hasReactions": !reactions.isEmpty, "comments": CommentItem.all(comments.items),
            "hasComments": !comments.items.isEmpty, "badges": article.level == .pg ? [] : [article.level.word],
        ]
        if article.updated > article.created { content["updatedDay"] = Dates.day(article.updated) }
        content["creatorHome"] = Wording.origin(article.author)
        content["signature"] = try await signature(article.post)
        let base = origins.base(for: request, context)
        var cover: String?
        if let blob = article.cover { cover = try await picture(blob) }
        content["cover"] = cover
        return pages.page(
            "article",
            PageFrame(
                pageTitle: item.articleTitle, summary: item.articleStart,
                canonical: base + PageAddress.article(article),
                preview: cover.map { base + $0 }), content)
    }
}
