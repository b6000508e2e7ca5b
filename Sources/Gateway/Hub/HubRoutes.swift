import Accounts
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Logging
import Moderation
import NIOCore
import Operations
import WaggleProtocol

/// The read side of the Hugging Face Hub: `HF_ENDPOINT` with the address of this node makes unmodified clients use it.
///
/// `resolve` answers with the bytes, not with a redirect: some clients lose the commit's name on the way.
struct HubRoutes: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let people: CallerIdentity
    let origins: Origins
    let blobs: BlobRoutes

    func register(in routes: inout RouteTable) {
        routes.get("/api/models", shows: .list, .api, answering(list))
        routes.get("/api/models/{owner}/{repo}", shows: .model, .api, answering(info))
        routes.get("/api/models/{owner}/{repo}/revision/{revision}", shows: .model, .api, answering(info))
        routes.get("/api/models/{owner}/{repo}/refs", shows: .model, .api, answering(refs))
        routes.get("/api/models/{owner}/{repo}/tree/{revision}", shows: .model, .api, answering(tree))
        routes.get("/api/models/{owner}/{repo}/tree/{revision}/**", shows: .model, .api, answering(tree))
        routes.post("/api/models/{owner}/{repo}/paths-info/{revision}", shows: .model, .api, answering(pathsInfo))
        routes.get("/{owner}/{repo}/resolve/{revision}/**", shows: .model, .bytes, answering(resolve))
        routes.get("/api/whoami-v2", shows: .account, .api, answering(whoami))
    }

    func answering(_ handler: @escaping RouteTable.Handler) -> RouteTable.Handler {
        { request, context in
            do {
                return try await handler(request, context)
            } catch {
                return HubError.response(error, context.logger)
            }
        }
    }

    // MARK: Repositories

    /// - Throws: `noRepository`, whether there is none or the viewer may not see it.
    func model(_ context: GatewayContext, _ viewer: Viewer) async throws -> ModelView {
        let (owner, slug) = (context.parameter("owner") ?? "", context.parameter("repo") ?? "")
        let filter = services.moderation.filter(for: viewer)
        var author = try await services.catalog.creator(.handle(owner), filter)?.author
        // Who has said nothing of themselves yet is known by the name of the account.
        if author == nil { author = try await services.accounts.account(handle: owner)?.author }
        guard let author, let model = try await services.catalog.model(author: author, slug: slug, filter)
        else { throw HubError.noRepository("\(owner)/\(slug)") }
        return model
    }

    private func repository(_ request: Request, _ context: GatewayContext) async throws -> HubRepository {
        let viewer = try await viewers.viewer(request, context)
        let model = try await model(context, viewer)
        let revision = context.parameter("revision") ?? "main"
        guard let repository = HubRepository(model, revision: revision) else {
            throw HubError.noRevision(revision, repository: "\(model.author.handle)/\(model.slug)")
        }
        return repository
    }

    private func answer(
        _ value: some Encodable, _ repository: HubRepository? = nil, headers: HTTPFields = [:]
    ) -> Response {
        var headers = headers
        headers[.cacheControl] = "no-store"
        if let repository { headers[HubError.repositoryCommit] = repository.commit }
        return .json(value, headers: headers)
    }

    @Sendable private func info(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let repository = try await repository(request, context)
        let withBlobs = try Query(request).boolean("blobs") ?? false
        return answer(HubModelInfo(repository, withSiblings: true, withBlobs: withBlobs), repository)
    }

    @Sendable private func refs(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let viewer = try await viewers.viewer(request, context)
        return answer(HubRefs(try await model(context, viewer)))
    }

    @Sendable private func tree(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let repository = try await repository(request, context)
        let path = Self.path(context)
        // Repositories here have no folders; one of that name is empty, and is not there.
        guard path.isEmpty else { throw HubError.noEntry(path, commit: repository.commit) }
        return answer(repository.files.map { HubEntry($0) }, repository)
    }

    /// Clients send a form; `paths` may come several times.
    @Sendable private func pathsInfo(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let repository = try await repository(request, context)
        let body = try await WireBody.collect(request.body, limit: Limits.API.bodyBytes, clock: services.clock)
        let paths: [String]
        if request.headers[.contentType]?.hasPrefix("application/json") == true {
            struct Asked: Decodable {
                let paths: [String]
            }
            guard let asked = try? JSONDecoder().decode(Asked.self, from: Data(body)) else {
                throw GatewayError.badRequest(code: "bad-body", "The body must have a list of paths")
            }
            paths = asked.paths
        } else {
            paths = try Query(String(decoding: body, as: UTF8.self)).values("paths")
        }
        return answer(paths.compactMap { repository[$0] }.map { HubEntry($0) }, repository)
    }

    private static func path(_ context: GatewayContext) -> String {
        context.parameters.getCatchAll().compactMap { PercentCoding.decode($0) }.joined(separator: "/")
    }

    // MARK: Files

    @Sendable private func resolve(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let repository = try await repository(request, context)
        let path = Self.path(context)
        guard let file = repository[path] else { throw HubError.noEntry(path, commit: repository.commit) }
        var fields: HTTPFields = [.eTag: file.entityTag, .acceptRanges: "bytes"]
        fields[HubError.repositoryCommit] = repository.commit
        fields[Self.linkedTag] = file.entityTag
        fields[Self.linkedSize] = "\(file.size)"
        switch file.content {
        case .card(let bytes):
            fields[.contentType] = "text/markdown; charset=utf-8"
            fields[.cacheControl] = "no-cache"
            return Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .blob(let hash):
            let viewer = try await viewers.viewer(request, context)
            guard try await services.blobs.presence([hash]).first == .whole else {
                return try await elsewhere(hash, file, fields, context)
            }
            if request.method == .get, let release = repository.release { await count(release.id) }
            var response = try await blobs.serve(hash, to: viewer, request, context)
            for field in fields { response.headers[field.name] = field.value }
            return response
        }
    }

    /// Another node that has the file: clients take what the redirect says of it, and follow.
    private func elsewhere(
        _ hash: Hash32, _ file: HubFile, _ fields: HTTPFields, _ context: GatewayContext
    ) async throws -> Response {
        guard let holder = await services.holders(hash).first else {
            throw GatewayError.notFound("This node lists the file and does not hold it")
        }
        var fields = fields
        fields[.location] = holder + BlobAddress.path(hash, name: FileName(file.path, fallback: "file"))
        fields[.cacheControl] = "no-store"
        return Response(status: .found, headers: fields)
    }

    /// A download that cannot be counted is a download all the same.
    private func count(_ release: Int32) async {
        do {
            try await services.catalog.recordDownload(release)
        } catch {
            services.logger.warning("a download was not counted", metadata: ["error": "\(error.message)"])
        }
    }

    // Literals that are valid field names.
    private static let linkedTag = HTTPField.Name("X-Linked-Etag")!
    private static let linkedSize = HTTPField.Name("X-Linked-Size")!
    private static let link = HTTPField.Name("Link")!

    // MARK: Lists

    @Sendable private func list(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let viewer = try await viewers.viewer(request, context)
        let parameters = try Query(request)
        var query = ModelQuery()
        query.limit = min(max(1, parameters["limit"].flatMap { Int($0) } ?? 100), 100)
        query.position = parameters["cursor"].map { .after($0) } ?? .start
        query.text = parameters["search"] ?? ""
        query.creator = parameters["author"].map { .handle($0) }
        query.tags = parameters.list("filter").filter { $0 != "waggle" }
        query.hasRelease = true
        query.detail = .list
        switch parameters["sort"] {
        case "downloads": query.sort = .mostDownloaded
        case "likes": query.sort = .highestRated
        case "lastModified", "last_modified": query.sort = .updated
        case "trendingScore", "trending_score": query.sort = .trending
        default: query.sort = .newest
        }
        let page = try await services.catalog.models(query, services.moderation.filter(for: viewer))
        let isFull = parameters.boolean("full") ?? false
        let items = page.items.compactMap { HubRepository($0, revision: "main") }.map {
            HubModelInfo($0, withSiblings: isFull, withBlobs: false)
        }
        var headers: HTTPFields = [:]
        if let next = page.next {
            let base = origins.base(for: request, context)
            headers[Self.link] = "<\(base)/api/models?\(parameters.replacing(["cursor": next]))>; rel=\"next\""
        }
        return answer(items, headers: headers)
    }

    // MARK: Who

    @Sendable private func whoami(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard let grant = try await people.grant(request, context) else { throw CallerIdentity.unauthorized }
        let creator = try await services.catalog.creator(
            .author(grant.account.author), services.moderation.filter(for: grant.account.viewer))
        return answer(HubWho(grant, handle: creator?.handle ?? grant.account.handle, name: creator?.name ?? ""))
    }
}
