public import Digests
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// What a search found.
public struct SearchPage<Item: Sendable>: Sendable {
    public let page: Page<Item>
    /// The text that was searched instead, when nothing matched as typed.
    public let corrected: String?
}

/// A number of models; at least so many when it is not exact.
public struct ModelCount: Sendable, Hashable {
    public let count: Int
    public let isExact: Bool
}

extension Catalog {
    /// The models of a query that the viewer may see.
    public func models(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> Page<ModelView> {
        try await read { try Self.models(query, ViewReader($0, filter)) }
    }

    /// The same as cards.
    public func cards(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> Page<ModelCard> {
        try await read { try Self.cards(query, ViewReader($0, filter)) }
    }

    private static func models(_ query: ModelQuery, _ reader: ViewReader) throws -> Page<ModelView> {
        let page = try ModelListing.page(reader.database, query, reader.filter)
        let choice = ReleaseChoice(query)
        let models = try page.items.compactMap { try reader.model($0, query.detail, choice: choice) }
        return Page(items: models, next: page.next)
    }

    private static func cards(_ query: ModelQuery, _ reader: ViewReader) throws -> Page<ModelCard> {
        let page = try ModelListing.page(reader.database, query, reader.filter)
        return Page(items: try reader.cardList(page.items, choice: ReleaseChoice(query)), next: page.next)
    }

    /// Search: the models of a query, and, when nothing matches its text as typed, those of the nearest text that
    /// something matches. Go on from such a page with `corrected` as the query's text.
    public func search(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> SearchPage<ModelView>
    {
        try await read { try Self.search(query, ViewReader($0, filter), Self.models) }
    }

    /// The same as cards.
    public func searchCards(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> SearchPage<ModelCard>
    {
        try await read { try Self.search(query, ViewReader($0, filter), Self.cards) }
    }

    private static func search<Item>(
        _ query: ModelQuery, _ reader: ViewReader, _ items: (ModelQuery, ViewReader) throws -> Page<Item>
    ) throws -> SearchPage<Item> {
        let page = try items(query, reader)
        guard page.items.isEmpty, query.position == .start,
            let corrected = try SearchExpression(query.text)
                .corrected(reader.filter.narrowed(to: query.levels), reader.database)
        else { return SearchPage(page: page, corrected: nil) }
        var nearest = query
        nearest.text = corrected.text
        let found = try items(nearest, reader)
        return found.items.isEmpty
            ? SearchPage(page: page, corrected: nil) : SearchPage(page: found, corrected: corrected.text)
    }

    /// How many models a query finds, of a text as many as a search looks at.
    public func count(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> ModelCount {
        try await read { database in
            var finder = ModelFinder(database)
            let found = try finder.visible(query, filter)
            return ModelCount(count: found.models.count, isExact: found.isComplete)
        }
    }

    public func model(id: Int32, _ filter: ViewerFilter, detail: ViewDetail = .full) async throws(CatalogError)
        -> ModelView?
    {
        try await read { try ViewReader($0, filter).model(id, detail) }
    }

    public func model(author: Hash32, slug: String, _ filter: ViewerFilter, detail: ViewDetail = .full)
        async throws(CatalogError) -> ModelView?
    {
        try await read { database in
            let id = try database.integer(
                """
                SELECT m.id FROM models m JOIN authors a ON a.id = m.author_id WHERE a.author = ? AND m.slug = ?
                """, [author.data, slug])
            return try id.flatMap { try ViewReader(database, filter).model(Int32(truncatingIfNeeded: $0), detail) }
        }
    }

    /// The model whose kind 10 post this is, or was: an older version finds the model as it is now.
    public func model(post: Hash32, _ filter: ViewerFilter, detail: ViewDetail = .full) async throws(CatalogError)
        -> ModelView?
    {
        try await read { database in
            let id = try database.integer(
                "SELECT model_id FROM subjects WHERE post = ? AND release_id IS NULL", [post.data])
            return try id.flatMap { try ViewReader(database, filter).model(Int32(truncatingIfNeeded: $0), detail) }
        }
    }

    public func release(id: Int32, _ filter: ViewerFilter, detail: ViewDetail = .full) async throws(CatalogError)
        -> ReleaseView?
    {
        try await read { try ViewReader($0, filter).release(id, detail) }
    }

    public func release(post: Hash32, _ filter: ViewerFilter, detail: ViewDetail = .full) async throws(CatalogError)
        -> ReleaseView?
    {
        try await read { database in
            let id = try database.integer("SELECT id FROM releases WHERE post = ?", [post.data])
            return try id.flatMap { try ViewReader(database, filter).release(Int32(truncatingIfNeeded: $0), detail) }
        }
    }
}
