public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import SwiftProtobuf
import WaggleProtocol

/// A text with a page of its own.
public struct ArticleView: Sendable, Hashable {
    /// Number of (author, slug); an edit keeps it.
    public let id: Int32
    /// The kind 15 post in force.
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let title: String
    /// Markdown.
    public let text: String
    /// A picture that the viewer may see.
    public let cover: Hash32?
    public let tags: [String]
    public let level: Level
    /// When the version in force was signed: earlier ones leave no trace.
    public let updated: UInt64
    public let counts: SubjectCounts

    /// The same as `updated`.
    public var created: UInt64 { updated }
}

/// Articles, newest first.
public struct ArticleQuery: Sendable, Hashable {
    /// Words of the name and the tags, as in a search for models; empty for all.
    public var text = ""
    public var creator: CreatorReference?
    public var limit = 20
    public var position = PagePosition.start

    public init() {}
}

extension Catalog {
    /// The articles of a query that the viewer may see.
    public func articles(_ query: ArticleQuery, _ filter: ViewerFilter) async throws(CatalogError) -> Page<ArticleView>
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            let listing = try WorkListing(.article, letter: "a", limit: query.limit, position: query.position)
            return try listing.page(reader, creator: query.creator, text: query.text).map(reader.article)
        }
    }

    /// Nil when there is no such article for the viewer.
    public func article(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> ArticleView? {
        try await read { database in
            let reader = ViewReader(database, filter)
            return try reader.work(id, .article).map(reader.article)
        }
    }

    /// The article of an author's slug, for addresses.
    public func article(author: Hash32, slug: String, _ filter: ViewerFilter) async throws(CatalogError)
        -> ArticleView?
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            return try reader.work(author: author, slug: slug, .article).map(reader.article)
        }
    }
}

extension ViewReader {
    fileprivate func article(_ row: WorkRow) throws -> ArticleView {
        let body = try WireArticle(serializedBytes: row.body)
        return ArticleView(
            id: row.id, post: row.post, author: row.author, slug: row.slug, title: body.title, text: body.text,
            cover: try body.cover.isEmpty ? nil : shownBlob(of: row.post), tags: body.tags, level: row.level,
            updated: row.created, counts: row.counts)
    }
}
