public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import WaggleProtocol

/// Which images, in which order.
public struct ImageQuery: Sendable, Hashable {
    public enum Sort: String, Sendable, CaseIterable {
        case newest
        case oldest
    }

    public var imageID: Int32?
    /// The number of an image post or of a review with images.
    public var postID: Int32?
    /// Images whose posts name this release.
    public var releaseID: Int32?
    /// Images whose posts name any release of this model.
    public var modelID: Int32?
    public var creator: CreatorReference?
    /// Published at this time or later, unix seconds.
    public var since: UInt64?
    public var sort = Sort.newest
    public var limit = 50
    public var position = PagePosition.start

    public init() {}
}

/// An image post with those of its images that the viewer may see.
public struct ImagePostView: Sendable {
    public let id: Int32
    public let post: Hash32
    public let author: CreatorView
    public let created: UInt64
    public let title: String
    /// Markdown.
    public let text: String
    public let releases: [ReleaseLink]
    public let images: [ImageView]
}

extension Catalog {
    /// The images of a query that the viewer may see; of a model or release that the viewer may not see there are none.
    public func images(_ query: ImageQuery, _ filter: ViewerFilter) async throws(CatalogError) -> Page<ImageView> {
        try await read { database in
            let reader = ViewReader(database, filter)
            let range = try PageRange(
                query.position, limit: query.limit, letter: query.sort == .newest ? "N" : "O", keyCount: 3,
                descending: query.sort == .newest)
            guard let list = try ImageListing(query, reader) else { return Page(items: [], next: nil) }
            let keys = try list.list.rows(
                database, over: filter.shelves, from: range.from, limit: range.limit + 1, offset: range.offset,
                arguments: list.arguments)
            let (page, next) = range.page(keys, key: { $0 }, letter: query.sort == .newest ? "N" : "O")
            return Page(items: try page.compactMap { try reader.image(OrderedList.id($0)) }, next: next)
        }
    }

    public func image(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> ImageView? {
        try await read { try ViewReader($0, filter).image(id) }
    }

    /// An image post, or the images of a review. Nil when the viewer may see none of its images.
    public func imagePost(post: Hash32, _ filter: ViewerFilter) async throws(CatalogError) -> ImagePostView? {
        try await read { database in
            let id = try database.integer("SELECT id FROM image_posts WHERE post = ?", [post.data])
            return try id.flatMap { try ViewReader(database, filter).imagePost(Int32(truncatingIfNeeded: $0)) }
        }
    }

    public func imagePost(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> ImagePostView? {
        try await read { try ViewReader($0, filter).imagePost(id) }
    }
}

/// The index that a query walks, and what it tests besides.
private struct ImageListing {
    var list: OrderedList
    var arguments: [String: any DatabaseValueConvertible] = [:]

    /// Nil when nothing can match.
    init?(_ query: ImageQuery, _ reader: ViewReader) throws {
        list = OrderedList(
            columns: ["created", "tie", "id"], table: "images", isDescending: query.sort == .newest)
        if let creator = query.creator {
            guard let id = try CreatorListing.id(creator, reader.database) else { return nil }
            arguments["creator"] = id
        }
        let tables = "r.shelf IN \(reader.shelves)"
        if let releaseID = query.releaseID {
            guard
                let row = try reader.database.row(
                    "SELECT r.subject_id, r.model_id FROM releases r WHERE r.id = ? AND \(tables)", [releaseID]),
                query.modelID == nil || query.modelID == row[1]
            else { return nil }
            walk("image_links", "subject_id", row[0] as Int64)
        } else if let modelID = query.modelID {
            guard try reader.database.exists("SELECT 1 FROM models r WHERE r.id = ? AND \(tables)", [modelID]) else {
                return nil
            }
            walk("model_images", "model_id", Int64(modelID))
        }
        let id = list.columns[2]
        if query.creator != nil {
            // Links under a model do not repeat the author.
            list.conditions.append(
                list.table == "model_images"
                    ? "EXISTS (SELECT 1 FROM images i WHERE i.id = image_id AND i.author_id = :creator)"
                    : "author_id = :creator")
        }
        if let imageID = query.imageID {
            list.conditions.append("\(id) = :image")
            arguments["image"] = imageID
        }
        if let postID = query.postID {
            // A post's images have the numbers after its own.
            list.conditions.append("\(id) BETWEEN :firstOfPost AND :lastOfPost")
            arguments["firstOfPost"] = Int64(postID) + 1
            arguments["lastOfPost"] =
                try reader.database.integer("SELECT MAX(id) FROM images WHERE post_id = ?", [postID]) ?? 0
        }
        if let since = query.since {
            list.conditions.append("created >= :since")
            arguments["since"] = Int64(clamping: since)
        }
    }

    private mutating func walk(_ table: String, _ column: String, _ id: Int64) {
        list = OrderedList(
            columns: ["created", "tie", "image_id"], table: table, conditions: ["\(column) = :listed"],
            isDescending: list.isDescending)
        arguments["listed"] = id
    }
}

extension ViewReader {
    func imagePost(_ id: Int32) throws -> ImagePostView? {
        let ids = try database.rows(
            "SELECT id FROM images WHERE post_id = ? AND shelf IN \(shelves) ORDER BY part", [id])
        let images = try ids.compactMap { try image($0[0]) }
        guard !images.isEmpty,
            let row = try database.row(
                "SELECT post, author_id, created, title, text, releases FROM image_posts WHERE id = ?", [id]),
            let author = try creator(row[1])
        else { return nil }
        return ImagePostView(
            id: id, post: row.hash(0), author: author, created: UInt64(row[2] as Int64), title: row[3], text: row[4],
            releases: try releaseLinks(row[5]), images: images)
    }
}
