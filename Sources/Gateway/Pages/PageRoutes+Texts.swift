import Catalog
import Digests
import Hummingbird
import Moderation
import WaggleProtocol

/// A text with a page of its own: an article, or what is said of a workflow.
struct TextWork {
    let title: String
    let path: String
    let post: Hash32
    let author: CreatorView
    let created: UInt64
    /// Markdown.
    let text: String
    let tags: [String]
    let level: Level
    let counts: SubjectCounts
    var cover: Hash32?
    /// What the text is about, to be loaded.
    var graph: WireFile?

    init(_ article: ArticleView) {
        title = article.title.trimmed.isEmpty ? say("article-by", "\(article.author.name)") : article.title
        path = PageAddress.article(article)
        (post, author, created) = (article.post, article.author, article.created)
        (text, tags, level, counts) = (article.text, article.tags, article.level, article.counts)
        cover = article.cover
    }

    init(_ workflow: WorkflowView) {
        title = workflow.name.trimmed.isEmpty ? say("workflow-by", "\(workflow.author.name)") : workflow.name
        path = PageAddress.workflow(workflow)
        (post, author, created) = (workflow.post, workflow.author, workflow.created)
        (text, tags, level, counts) = (workflow.description, workflow.tags, workflow.level, workflow.counts)
        graph = workflow.file
    }
}

/// A text in a list.
struct ArticleItem {
    let articleTitle: String
    let articleHref: String
    let articleAuthor: String
    let articleAuthorHref: String
    let articleDay: String
    let articleStart: String

    init(_ work: TextWork) {
        articleTitle = work.title
        articleHref = work.path
        articleAuthor = work.author.name
        articleAuthorHref = PageAddress.creator(work.author)
        articleDay = Dates.day(work.created)
        articleStart = Wording.beginning(Markdown.plain(String(work.text.prefix(1000))), characters: 180)
    }

    init(_ article: ArticleView) { self.init(TextWork(article)) }
    init(_ workflow: WorkflowView) { self.init(TextWork(workflow)) }
}

/// Articles and workflows.
extension PageRoutes {
    func registerTexts(in routes: inout RouteTable) {
        routes.get("/articles", shows: .list, .page, seen { $0.articles })
        routes.get("/articles/{id}", shows: .article, .page, seen { $0.article })
        routes.get("/workflows", shows: .list, .page, seen { $0.workflows })
        routes.get("/workflows/{id}", shows: .workflow, .page, seen { $0.workflow })
    }

    // MARK: Lists

    @Sendable private func articles(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (cursor, position) = place(try Query(request))
        var asked = ArticleQuery()
        asked.limit = Limits.Gateway.texts
        asked.position = position
        let page = try await services.catalog.articles(asked, visitor)
        let pager = Pager("/articles", cursor: cursor, next: page.next)
        return list(
            say("articles"), "/articles", page.items.map { ArticleItem($0) }, pager,
            nothing: say("no-article-is-here-yet"),
            summary: say("articles-on", "\(services.configuration.nodeName)"), request, context)
    }

    @Sendable private func workflows(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (cursor, position) = place(try Query(request))
        var asked = WorkflowQuery()
        asked.limit = Limits.Gateway.texts
        asked.position = position
        let page = try await services.catalog.workflows(asked, visitor)
        let pager = Pager("/workflows", cursor: cursor, next: page.next)
        return list(
            say("workflows"), "/workflows", page.items.map { ArticleItem($0) }, pager,
            nothing: say("no-workflow-is-here-yet"),
            summary: say("comfyui-workflows-on", "\(services.configuration.nodeName)"), request, context)
    }

    private func list(
        _ heading: String, _ path: String, _ items: [ArticleItem], _ pager: Pager, nothing: String, summary: String,
        _ request: Request, _ context: GatewayContext
    ) -> Response {
        var content: [String: Any] = [
            "heading": heading, "articles": items, "hasArticles": !items.isEmpty, "nothing": nothing,
        ]
        content.merge(pager.content) { _, new in new }
        return pages.page(
            "articles",
            PageFrame(pageTitle: heading, summary: summary, canonical: canonical(request, context, path)), content)
    }

    // MARK: Pages

    @Sendable private func article(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = GatewayError.notFound("There is no such article here")
        guard let article = try await services.catalog.article(id: try number(context, missing), visitor) else {
            throw missing
        }
        return try await page(TextWork(article), request, context)
    }

    @Sendable private func workflow(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = GatewayError.notFound("There is no such workflow here")
        guard let workflow = try await services.catalog.workflow(id: try number(context, missing), visitor) else {
            throw missing
        }
        return try await page(TextWork(workflow), request, context)
    }

    private func page(_ work: TextWork, _ request: Request, _ context: GatewayContext) async throws -> Response {
        let comments = try await services.catalog.threads(on: work.post, limit: Limits.Gateway.texts, visitor).items
        let reactions = ReactionView.all(work.counts)
        var content: [String: Any] = [
            "heading": work.title, "creator": work.author.name, "creatorHref": PageAddress.creator(work.author),
            "published": Dates.timestamp(work.created), "publishedDay": Dates.day(work.created),
            "text": Markdown.html(work.text, firstHeading: 2), "tags": work.tags.filter { !$0.trimmed.isEmpty },
            "reactions": reactions, "hasReactions": !reactions.isEmpty,
            "comments": CommentItem.all(comments, at: work.path), "hasComments": !comments.isEmpty,
            "badges": work.level == .pg ? [] : [work.level.word],
        ]
        content["creatorHome"] = Wording.origin(work.author)
        content["signature"] = try await signature(work.post)
        content.merge(
            try await takePart(
                work.post, at: work.path, by: work.author.author, links: editLinks(work.path, work.author))
        ) { _, new in new }
        if let graph = work.graph, let hash = Hash32(graph.sha256) {
            let name = FileName(graph.name, fallback: "workflow.json")
            content["graphHref"] = BlobAddress.path(hash, name: name)
            content["graphName"] = name.text
            content["graphSize"] = Wording.size(graph.size)
        }
        var cover: String?
        if let blob = work.cover { cover = try await picture(blob) }
        content["cover"] = cover
        let base = origins.base(for: request, context)
        return pages.page(
            "article",
            PageFrame(
                pageTitle: work.title, summary: ArticleItem(work).articleStart, canonical: base + work.path,
                preview: cover.map { base + $0 }), content)
    }
}
