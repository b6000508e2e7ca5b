import Catalog
import Digests
import Hummingbird
import Moderation
import WaggleProtocol

extension ArticleItem {
    /// A workflow in a list of texts.
    init(_ workflow: WorkflowView) {
        articleTitle = workflow.name.trimmed.isEmpty ? "Workflow by \(workflow.author.name)" : workflow.name
        articleHref = PageAddress.workflow(workflow)
        articleAuthor = workflow.author.name
        articleAuthorHref = PageAddress.creator(workflow.author)
        articleDay = Dates.day(workflow.created)
        articleStart = Wording.beginning(Markdown.plain(String(workflow.description.prefix(1000))), characters: 180)
    }
}

/// Workflows, and what a search finds besides models.
extension PageRoutes {
    func registerWorkflows(in routes: inout RouteTable) {
        routes.get("/workflows", shows: .list, .page, workflows)
        routes.get("/workflows/{id}", shows: .workflow, .page, workflow)
    }

    @Sendable private func workflows(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let query = try Query(request)
        let (cursor, position) = place(query)
        var asked = WorkflowQuery()
        asked.limit = Limits.Gateway.texts
        asked.position = position
        let page = try await services.catalog.workflows(asked, visitor)
        var content: [String: Any] = [
            "heading": "Workflows", "articles": page.items.map { ArticleItem($0) }, "hasArticles": !page.items.isEmpty,
            "nothing": "No workflow is here yet.",
        ]
        content.merge(Pager("/workflows", cursor: cursor, next: page.next).content) { _, new in new }
        return pages.page(
            "articles",
            PageFrame(
                pageTitle: "Workflows", summary: "ComfyUI workflows on \(services.configuration.nodeName).",
                canonical: canonical(request, context, "/workflows")), content)
    }

    @Sendable private func workflow(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = "There is no such workflow here"
        let id = try number(context, missing)
        guard let workflow = try await services.catalog.workflow(id: id, visitor) else {
            throw GatewayError.notFound(missing)
        }
        let comments = try await services.catalog.threads(on: workflow.post, limit: Limits.Gateway.texts, visitor)
        let item = ArticleItem(workflow)
        let reactions = ReactionView.all(workflow.counts)
        var content: [String: Any] = [
            "heading": item.articleTitle, "creator": workflow.author.name,
            "creatorHref": PageAddress.creator(workflow.author), "published": Dates.timestamp(workflow.created),
            "publishedDay": Dates.day(workflow.created),
            "text": Markdown.html(workflow.description, firstHeading: 2),
            "tags": workflow.tags.filter { !$0.trimmed.isEmpty }, "reactions": reactions,
            "hasReactions": !reactions.isEmpty, "comments": CommentItem.all(comments.items),
            "hasComments": !comments.items.isEmpty, "badges": workflow.level == .pg ? [] : [workflow.level.word],
        ]
        content["creatorHome"] = Wording.origin(workflow.author)
        content["signature"] = try await signature(workflow.post)
        if let graph = Hash32(workflow.file.sha256) {
            let name = FileName(workflow.file.name, fallback: "workflow.json")
            content["graphHref"] = BlobAddress.path(graph, name: name)
            content["graphName"] = name.text
            content["graphSize"] = Wording.size(workflow.file.size)
        }
        return pages.page(
            "article",
            PageFrame(
                pageTitle: item.articleTitle, summary: item.articleStart,
                canonical: canonical(request, context, PageAddress.workflow(workflow))), content)
    }

    // MARK: Search

    /// Collections, articles and workflows that a search finds: some of each, newest first.
    func works(named words: String) async throws -> [String: Any] {
        var (collections, articles, workflows) = (CollectionQuery(), ArticleQuery(), WorkflowQuery())
        (collections.text, articles.text, workflows.text) = (words, words, words)
        (collections.limit, articles.limit, workflows.limit) = (Self.worksFound, Self.worksFound, Self.worksFound)
        let texts =
            try await services.catalog.articles(articles, visitor).items.map { ArticleItem($0) }
            + services.catalog.workflows(workflows, visitor).items.map { ArticleItem($0) }
        let sets = try await services.catalog.collections(collections, visitor).items.map { CardView($0) }
        return [
            "collections": sets, "hasCollections": !sets.isEmpty, "articles": texts, "hasArticles": !texts.isEmpty,
        ]
    }

    /// Of each kind on the first page of a search.
    private static let worksFound = 6
}
