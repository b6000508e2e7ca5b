import Catalog
import Moderation
import WaggleProtocol

/// What a search finds besides models.
extension PageRoutes {
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
