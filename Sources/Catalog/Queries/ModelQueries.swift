public import Digests
import GRDB
public import Moderation

extension Catalog {
    /// The models of a query that the viewer may see.
    public func models(_ query: ModelQuery, _ filter: ViewerFilter) async throws(CatalogError) -> Page<ModelView> {
        try await read { database in
            let page = try ModelListing.page(database, query, filter)
            let reader = ViewReader(database, filter)
            let baseModels = Array(Set(query.baseModels.map(TermTable.folded))).sorted()
            let models = try page.items.compactMap { try reader.model($0, query.detail, baseModels: baseModels) }
            return Page(items: models, next: page.next)
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
