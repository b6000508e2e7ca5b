public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import SwiftProtobuf
import WaggleProtocol

/// Things that somebody put together.
public struct CollectionView: Sendable {
    /// Number of (author, slug); an edit keeps it.
    public let id: Int32
    /// The kind 14 post in force.
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let name: String
    /// Markdown.
    public let description: String
    public let level: Level
    /// When the version in force was signed: earlier ones leave no trace.
    public let updated: UInt64
    /// Items that the viewer may see.
    public let itemCount: Int
    public let counts: SubjectCounts
    /// An image of one of the first items.
    public let cover: CoverView?

    /// The same as `updated`.
    public var created: UInt64 { updated }
}

/// What a collection holds.
public enum CollectionItem: Sendable {
    case model(ModelCard)
    /// One version of a model.
    case release(ReleaseView, model: ModelCard)
    /// An image post, or a review with images.
    case images(ImagePostView)
}

/// Collections, newest version first.
public struct CollectionQuery: Sendable, Hashable {
    /// Words of the name and the tags, as in a search for models; empty for all.
    public var text = ""
    public var creator: CreatorReference?
    /// Only those that name this post, or another version of what it is a version of.
    public var containing: Hash32?
    public var limit = 20
    public var position = PagePosition.start

    public init() {}
}

extension Catalog {
    /// The collections of a query that the viewer may see.
    public func collections(_ query: CollectionQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> Page<CollectionView>
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            let listing = try WorkListing(.collection, letter: "l", limit: query.limit, position: query.position)
            let page =
                try query.containing.map { post in
                    try listing.page(try reader.collections(with: post, query, listing.range), reader)
                } ?? listing.page(reader, creator: query.creator, text: query.text)
            return try page.map(reader.collection)
        }
    }

    /// Nil when there is no such collection for the viewer.
    public func collection(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> CollectionView? {
        try await read { database in
            let reader = ViewReader(database, filter)
            return try reader.work(id, .collection).map(reader.collection)
        }
    }

    /// The collection of an author's slug, for addresses.
    public func collection(author: Hash32, slug: String, _ filter: ViewerFilter) async throws(CatalogError)
        -> CollectionView?
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            return try reader.work(author: author, slug: slug, .collection).map(reader.collection)
        }
    }

    /// The items of a collection in its order, without those that are unknown here or that the viewer may not see. A
    /// model stands once, however many of its versions are named.
    public func items(
        ofCollection id: Int32, limit: Int, position: PagePosition = .start, _ filter: ViewerFilter
    ) async throws(CatalogError) -> Page<CollectionItem> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let range = try PageRange(position, limit: limit, letter: "i", keyCount: 1, descending: false)
            guard try reader.database.exists("SELECT 1 FROM works WHERE id = ? AND shelf IN \(reader.shelves)", [id])
            else { return Page(items: [], next: nil) }
            let rows = try reader.itemRows(
                id, after: range.from.values[0], limit: range.limit + 1, offset: range.offset)
            let (page, next) = range.page(rows, key: { OrderKey([$0.position]) }, letter: "i")
            return Page(items: try page.compactMap { try reader.item($0) }, next: next)
        }
    }
}

/// One visible item of a collection.
private struct ItemRow {
    let position: Int64
    let releaseID: Int32?
    let modelID: Int32?
    let post: Hash32
}

extension ViewReader {
    /// Items that are one thing have one value here.
    private static let sameItem =
        "CASE WHEN s.model_id IS NOT NULL AND s.release_id IS NULL THEN -s.model_id ELSE s.id END"
    private static let items = """
        collection_items i JOIN subjects s ON s.id = i.subject_id WHERE i.collection_id = ? AND s.shelves & ? <> 0
        """

    fileprivate func collection(_ row: WorkRow) throws -> CollectionView {
        let body = try WireCollection(serializedBytes: row.body)
        let count = try database.integer(
            "SELECT COUNT(DISTINCT \(Self.sameItem)) FROM \(Self.items)", [row.id, filter.shelfSet])
        return CollectionView(
            id: row.id, post: row.post, author: row.author, slug: row.slug, name: body.name,
            description: body.description_p, level: row.level, updated: row.created, itemCount: Int(count ?? 0),
            counts: row.counts, cover: try cover(row.id))
    }

    fileprivate func itemRows(_ id: Int32, after position: Int64, limit: Int, offset: Int) throws -> [ItemRow] {
        // A collection is short enough to be looked through for each page.
        try database.rows(
            """
            SELECT MIN(i.position), s.release_id, s.model_id, s.post FROM \(Self.items)
            GROUP BY \(Self.sameItem) HAVING MIN(i.position) > ? ORDER BY 1 LIMIT ? OFFSET ?
            """, [id, filter.shelfSet, position, limit, offset]
        ).map { ItemRow(position: $0[0], releaseID: $0[1], modelID: $0[2], post: $0.hash(3)) }
    }

    fileprivate func item(_ row: ItemRow) throws -> CollectionItem? {
        if let releaseID = row.releaseID {
            guard let release = try release(releaseID, .card), let model = try card(release.modelID) else { return nil }
            return .release(release, model: model)
        }
        if let modelID = row.modelID { return try card(modelID).map(CollectionItem.model) }
        let id = try database.row("SELECT id FROM image_posts WHERE post = ?", [row.post.data])
        return try (id?[0] as Int32?).flatMap { try imagePost($0) }.map(CollectionItem.images)
    }

    private func cover(_ id: Int32) throws -> CoverView? {
        for row in try itemRows(id, after: -1, limit: Limits.Catalog.coverItems, offset: 0) {
            let cover =
                switch try item(row) {
                case .model(let model): model.cover
                case .release(let release, _): release.images.first.map(CoverView.init)
                case .images(let post): post.images.first.map(CoverView.init)
                case nil: nil as CoverView?
                }
            if let cover { return cover }
        }
        return nil
    }

    /// The places of collections that name a post: one list for each version of it, merged.
    fileprivate func collections(with post: Hash32, _ query: CollectionQuery, _ range: PageRange) throws -> [OrderKey] {
        var list = OrderedList(
            columns: ["created", "tie", "collection_id"], table: "collection_items", conditions: ["subject_id = :item"])
        var arguments: [String: any DatabaseValueConvertible] = [:]
        if let creator = query.creator {
            guard let id = try CreatorListing.id(creator, database) else { return [] }
            list.conditions.append("collection_id IN (SELECT id FROM works WHERE author_id = :creator)")
            arguments["creator"] = id
        }
        let needed = range.offset + range.limit + 1
        var keys: [OrderKey] = []
        for subject in try subjects(post) {
            arguments["item"] = subject
            keys += try list.rows(
                database, over: filter.shelves, from: range.from, limit: needed, arguments: arguments)
        }
        // A collection that names two versions has the same place by both.
        keys.sort { $1.values.lexicographicallyPrecedes($0.values) }
        var distinct: [OrderKey] = []
        for key in keys where distinct.last != key { distinct.append(key) }
        return Array(distinct.dropFirst(range.offset).prefix(range.limit + 1))
    }
}
