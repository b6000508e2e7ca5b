import Accounts
import Catalog
import Digests
import Hummingbird
import Moderation
import Operations
import SystemPackage
import WaggleProtocol

/// Articles and workflows of the native API: read by everybody, written by their authors.
struct NativeWorks: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/articles", shows: .list, .native, door.reading(articles))
        routes.get("/api/w1/articles/{id}", shows: .article, .native, door.reading(article))
        routes.put("/api/w1/articles/mine/{slug}", shows: .account, .native, door.writing(.publish, writeArticle))
        routes.get("/api/w1/workflows", shows: .list, .native, door.reading(workflows))
        routes.get("/api/w1/workflows/{id}", shows: .workflow, .native, door.reading(workflow))
        routes.post("/api/w1/workflows/draft", shows: .account, .native, door.writing(.publish, draftWorkflow))
        routes.put("/api/w1/workflows/mine/{slug}", shows: .account, .native, door.writing(.publish, writeWorkflow))
    }

    private func position(_ call: NativeCall) -> PagePosition {
        call.query["cursor"].map { .after($0) } ?? .start
    }

    private func list<Item: Encodable & Sendable>(
        _ call: NativeCall, _ items: [Item], next: String?
    ) throws -> NativeReply {
        var reply = try NativeReply(NativeList(items: items, nextCursor: next))
        if let next {
            let link = "\(call.base)\(call.request.uri.path)?\(call.query.replacing(["cursor": next]))"
            reply.headers[NativeReads.link] = "<\(link)>; rel=\"next\""
        }
        return reply
    }

    /// 201 for something new, 200 for what was said before.
    private func answer(_ reply: PostReply) throws -> NativeReply {
        try NativeReply(reply, status: reply.isNew ? .created : .ok)
    }

    // MARK: Articles

    @Sendable private func articles(_ call: NativeCall) async throws -> NativeReply {
        var query = ArticleQuery()
        query.text = call.query["q"] ?? ""
        query.creator = call.query["creator"].map { NativeModelQuery.creator($0) }
        query.limit = try call.limit()
        query.position = position(call)
        let page = try await services.catalog.articles(query, call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.article($0) }, next: page.next)
    }

    @Sendable private func article(_ call: NativeCall) async throws -> NativeReply {
        guard case .number(let id) = try call.name(),
            let article = try await services.catalog.article(id: id, call.filter)
        else { throw NativeReads.nothing }
        return try NativeReply(NativeEncoder(base: call.base).article(article))
    }

    private struct ArticleRequest: Decodable {
        var title: String?
        var text: String?
        var tags: [String]?
        var level: String?
        /// Id of a complete upload; empty takes the cover away.
        var cover: String?
    }

    @Sendable private func writeArticle(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ArticleRequest.self, from: body)
        let uploaded = UploadedFiles(services.uploads, try call.account)
        let uploads = try await uploaded.complete([asked.cover].compactMap { $0 }.filter { !$0.isEmpty })
        let reply = try await WriteArticle(
            account: try call.account.handle, slug: call.context.parameter("slug") ?? "", title: asked.title,
            text: asked.text, tags: asked.tags, level: asked.level,
            cover: uploads.first?.path.string ?? asked.cover.map { _ in "" }
        ).run(in: try call.operations(services))
        try await uploaded.drop(uploads)
        return try answer(reply)
    }

    // MARK: Workflows

    @Sendable private func workflows(_ call: NativeCall) async throws -> NativeReply {
        var query = WorkflowQuery()
        query.text = call.query["q"] ?? ""
        query.creator = call.query["creator"].map { NativeModelQuery.creator($0) }
        query.limit = try call.limit()
        query.position = position(call)
        let page = try await services.catalog.workflows(query, call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.workflow($0) }, next: page.next)
    }

    @Sendable private func workflow(_ call: NativeCall) async throws -> NativeReply {
        guard case .number(let id) = try call.name(),
            let workflow = try await services.catalog.workflow(id: id, call.filter)
        else { throw NativeReads.nothing }
        return try NativeReply(NativeEncoder(base: call.base).workflow(workflow))
    }

    private struct GraphRequest: Decodable {
        /// Id of a complete upload.
        let graph: String
    }

    @Sendable private func draftWorkflow(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(GraphRequest.self, from: body)
        let uploads = try await UploadedFiles(services.uploads, try call.account).complete([asked.graph])
        let draft = try await DraftWorkflow(graph: uploads.first?.path.string ?? "").run(
            in: try call.operations(services))
        return try NativeReply(draft)
    }

    private struct WorkflowRequest: Decodable {
        var name: String?
        var description: String?
        var tags: [String]?
        var level: String?
        /// Id of a complete upload; needed for a new workflow.
        var graph: String?
    }

    @Sendable private func writeWorkflow(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(WorkflowRequest.self, from: body)
        let uploaded = UploadedFiles(services.uploads, try call.account)
        let uploads = try await uploaded.complete([asked.graph].compactMap { $0 })
        let reply = try await PublishWorkflow(
            account: try call.account.handle, slug: call.context.parameter("slug") ?? "",
            graph: uploads.first?.path.string, title: asked.name, description: asked.description, tags: asked.tags,
            level: asked.level
        ).run(in: try call.operations(services))
        try await uploaded.drop(uploads)
        return try answer(reply)
    }
}

struct NativeArticle: Encodable, Sendable {
    let id: Int32
    let post: String
    let creator: NativeCreator
    let slug: String
    let title: String
    /// Markdown.
    let text: String
    let tags: [String]
    let level: String
    let updated: String
    let coverUrl: String?
    let counts: NativeCounts
    let url: String
}

struct NativeWorkflow: Encodable, Sendable {
    let id: Int32
    let post: String
    let creator: NativeCreator
    let slug: String
    let name: String
    /// Markdown.
    let description: String
    let tags: [String]
    let level: String
    let updated: String
    /// Of the graph.
    let sha256: String
    let size: UInt64
    let fileUrl: String
    let counts: NativeCounts
    let url: String
}

extension NativeEncoder {
    func article(_ view: ArticleView) -> NativeArticle {
        NativeArticle(
            id: view.id, post: view.post.hex, creator: creator(view.author), slug: view.slug, title: view.title,
            text: view.text, tags: view.tags, level: view.level.word, updated: Dates.timestamp(view.updated),
            coverUrl: view.cover.map { "\(base)/blobs/\($0.hex)" }, counts: Self.counts(view.counts),
            url: "\(base)/articles/\(view.id)")
    }

    func workflow(_ view: WorkflowView) -> NativeWorkflow {
        let sha256 = Hash32(view.file.sha256)?.hex ?? ""
        return NativeWorkflow(
            id: view.id, post: view.post.hex, creator: creator(view.author), slug: view.slug, name: view.name,
            description: view.description, tags: view.tags, level: view.level.word,
            updated: Dates.timestamp(view.created), sha256: sha256, size: view.file.size,
            fileUrl: "\(base)/blobs/\(sha256)", counts: Self.counts(view.counts), url: "\(base)/workflows/\(view.id)")
    }
}
