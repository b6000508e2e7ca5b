public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import Statements
import WaggleProtocol

/// Which images, in which order.
public struct ImageQuery: Sendable, Hashable {
    public enum Sort: String, Sendable, CaseIterable {
        case newest
        case oldest
        /// By reactions to the image's post.
        case mostReactions
    }

    public var imageID: Int32?
    /// The number of an image post or of a review with images.
    public var postID: Int32?
    /// Images whose posts name this release.
    public var releaseID: Int32?
    /// Images whose posts name any release of this model.
    public var modelID: Int32?
    public var creator: CreatorReference?
    public var excludedCreator: CreatorReference?
    /// Images whose posts name a release, which the viewer may see, for any of these.
    public var baseModels: [String] = []
    /// Any of these, within what the viewer may see; none = all.
    public var levels: Set<Level> = []
    /// Only images with a recipe.
    public var hasRecipe = false
    /// Only images by authors who are at home on this node.
    public var isFromHere = false
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
            let page = try ImageListing.page(query, reader)
            return Page(items: try reader.images(page.items), next: page.next)
        }
    }

    public func image(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> ImageView? {
        try await read { try ViewReader($0, filter).image(id, isFull: true) }
    }

    /// An image post, or the images of a review. Nil when the viewer may see none of its images.
    public func imagePost(post: Hash32, _ filter: ViewerFilter) async throws(CatalogError) -> ImagePostView? {
        try await read { database in
            let id = try database.integer("SELECT id FROM image_posts WHERE post = ?", [post.data])
            return try id.flatMap {
                try ViewReader(database, filter).imagePost(Int32(truncatingIfNeeded: $0), isFull: true)
            }
        }
    }

    public func imagePost(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> ImagePostView? {
        try await read { try ViewReader($0, filter).imagePost(id, isFull: true) }
    }
}

extension ViewReader {
    func imagePost(_ id: Int32, isFull: Bool = false) throws -> ImagePostView? {
        let ids = try database.rows(
            "SELECT id FROM images WHERE post_id = ? AND shelf IN \(shelves) ORDER BY part", [id])
        let images = try ids.compactMap { try image($0[0], isFull: isFull) }
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
