public import Digests
import FoundationEssentials
import GRDB
public import Moderation
import SwiftProtobuf
public import WaggleProtocol

/// A ComfyUI graph that people load.
public struct WorkflowView: Sendable {
    /// Number of (author, slug); an edit keeps it.
    public let id: Int32
    /// The kind 16 post in force.
    public let post: Hash32
    public let author: CreatorView
    public let slug: String
    public let name: String
    /// Markdown.
    public let description: String
    /// The graph.
    public let file: WireFile
    public let tags: [String]
    public let level: Level
    /// When the version in force was signed: earlier ones leave no trace.
    public let created: UInt64
    public let counts: SubjectCounts
}

/// Workflows, newest first.
public struct WorkflowQuery: Sendable, Hashable {
    /// Words of the name and the tags, as in a search for models; empty for all.
    public var text = ""
    public var creator: CreatorReference?
    public var limit = 20
    public var position = PagePosition.start

    public init() {}
}

extension Catalog {
    /// The workflows of a query that the viewer may see.
    public func workflows(_ query: WorkflowQuery, _ filter: ViewerFilter) async throws(CatalogError)
        -> Page<WorkflowView>
    {
        try await read { database in
            let reader = ViewReader(database, filter)
            let listing = try WorkListing(.workflow, letter: "g", limit: query.limit, position: query.position)
            return try listing.page(reader, creator: query.creator, text: query.text).map(WorkflowView.init)
        }
    }

    /// Nil when there is no such workflow for the viewer.
    public func workflow(id: Int32, _ filter: ViewerFilter) async throws(CatalogError) -> WorkflowView? {
        try await read { try ViewReader($0, filter).work(id, .workflow).map(WorkflowView.init) }
    }

    /// The workflow of an author's slug, for addresses.
    public func workflow(author: Hash32, slug: String, _ filter: ViewerFilter) async throws(CatalogError)
        -> WorkflowView?
    {
        try await read {
            try ViewReader($0, filter).work(author: author, slug: slug, .workflow).map(WorkflowView.init)
        }
    }
}

extension WorkflowView {
    fileprivate init(_ row: WorkRow) throws {
        let body = try WireWorkflow(serializedBytes: row.body)
        self.init(
            id: row.id, post: row.post, author: row.author, slug: row.slug, name: body.name,
            description: body.description_p, file: body.graph, tags: body.tags, level: row.level,
            created: row.created, counts: row.counts)
    }
}
