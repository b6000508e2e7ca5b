import Accounts
import BlobStore
import Digests
import Formats
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

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
        let path = FilePath(graph)
        let bytes = try await Self.read(path)
        return try await context.keeping { () async throws(OperationError) in
            [BroughtFile(size: UInt64(bytes.count), sha256: SHA256.hash(bytes))]
        } _: { () async throws(OperationError) -> PostReply in
            workflow.graph = try await Self.store(bytes, called: path.lastComponent?.string ?? "", context.blobs)
            return try await posting.replace(.workflow, slot: slug, with: .workflow(workflow))
        }
    }

    private static func read(_ path: FilePath) async throws(OperationError) -> [UInt8] {
        try await Blocking.run { () throws(OperationError) in try read(path, called: path.lastComponent?.string ?? "") }
    }

    /// Takes a graph into the store, as a post signs it.
    private static func store(
        _ bytes: [UInt8], called name: String, _ store: BlobStore
    ) async throws(OperationError) -> WireFile {
        do {
            let facts = try await store.add(bytes: bytes)
            var file = WireFile()
            file.sha256 = facts.sha256.data
            file.piecesRoot = facts.piecesRoot.data
            file.size = facts.size
            file.crc32 = facts.crc32
            file.name = name
            file.kind = "Workflow"
            file.mediaType = "application/json"
            return file
        } catch {
            throw OperationError(error)
        }
    }

    /// - Throws: `usage` for what is no graph, `limits` for one that is too large.
    private static func read(_ path: FilePath, called name: String) throws(OperationError) -> [UInt8] {
        let (file, size) = try RegularFile.open(path, called: name)
        defer { try? file.close() }
        guard size <= UInt64(Limits.PictureText.graphBytes) else {
            throw OperationError(
                .limits, "\(name) has \(size) bytes; a graph has at most \(Limits.PictureText.graphBytes)")
        }
        let bytes: [UInt8]
        do {
            bytes = try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, filled in
                filled = 0
                while filled < buffer.count {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                    let got = try file.read(into: rest)
                    guard got > 0 else { return }
                    filled += got
                }
            }
        } catch {
            throw OperationError(.failed, "\(path): \(error)")
        }
        guard isGraph(bytes) else {
            throw OperationError(
                .usage,
                "\(name) is no graph of ComfyUI: save the workflow there as JSON, in either form, and bring that file")
        }
        return bytes
    }

    /// The form that the window saves has a list of nodes; the form for its API has nodes by number, each with a class.
    static func isGraph(_ bytes: [UInt8]) -> Bool {
        guard
            let value = try? JSONValue(
                python: bytes, maximumBytes: Limits.PictureText.graphBytes, depth: Limits.PictureText.jsonDepth,
                values: Limits.PictureText.jsonValues), case .object(let fields) = value, !fields.isEmpty
        else { return false }
        if case .array = value["nodes"] { return true }
        return (try? ComfyGraph(bytes)) != nil
    }
}
