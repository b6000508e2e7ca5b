import FoundationEssentials
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// What a graph gives away, before it is signed. Nothing of it is stored.
public struct DraftWorkflow: Operation {
    public static let name = "workflow draft"
    /// Absolute path of the graph, as ComfyUI saves it.
    public var graph: String

    public init(graph: String) {
        self.graph = graph
    }

    public func run(in context: OperationContext) async throws(OperationError) -> WorkflowDraft {
        WorkflowDraft(findings: try await GraphFile.read(FilePath(graph)).findings)
    }
}

/// What whoever publishes a graph should look at first; none of it keeps the graph from being published.
public struct WorkflowDraft: Codable, Sendable {
    public let findings: [ReleaseDraft.Finding]
}

/// Publishes a ComfyUI graph, or changes what is said of one; what is nil stays as it is.
public struct PublishWorkflow: Operation {
    public static let name = "workflow publish"
    public var account: String
    public var slug: String
    /// Absolute path of the graph, as ComfyUI saves it; nil for a workflow that is published already.
    public var graph: String?
    public var title: String?
    /// Markdown.
    public var description: String?
    public var tags: [String]?
    public var level: String?

    public init(
        account: String, slug: String, graph: String? = nil, title: String? = nil, description: String? = nil,
        tags: [String]? = nil, level: String? = nil
    ) {
        self.account = account
        self.slug = slug
        self.graph = graph
        self.title = title
        self.description = description
        self.tags = tags
        self.level = level
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        guard Slug.isValid(slug) else {
            throw OperationError(.usage, "\"\(slug)\" is no name for addresses: use a-z, 0-9, - _ . (at most 64)")
        }
        let posting = try Posting(context, as: account)
        let existing = try await posting.standing(.workflow, slug)
        var workflow = existing?.post.workflow ?? WireWorkflow()
        if let title { workflow.name = title }
        if let description { workflow.description_p = description }
        if let tags { workflow.tags = tags }
        if existing == nil || level != nil { workflow.level = try Level(typed: level ?? Level.pg.word).rawValue }
        guard let graph else {
            guard existing != nil else {
                throw OperationError(.usage, "a workflow has a graph: save it in ComfyUI as JSON and bring the file")
            }
            return try await posting.replace(.workflow, slot: slug, with: .workflow(workflow))
        }
        let file = try await GraphFile.read(FilePath(graph))
        return try await context.keeping { () async throws(OperationError) in
            [file.brought]
        } _: { () async throws(OperationError) -> PostReply in
            workflow.graph = try await file.store(in: context.blobs)
            return try await posting.replace(.workflow, slot: slug, with: .workflow(workflow))
        }
    }
}
