import Accounts
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// The smaller routes of version 1 of Civitai's REST API: creators, tags, users, the words of its enumerations, and who the
/// caller is.
struct CivitaiPeople: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let people: CallerIdentity
    let origins: Origins

    func register(in routes: inout RouteTable) {
        routes.get("/api/v1/creators", shows: .list, .api, creators)
        routes.get("/api/v1/tags", shows: .list, .api, tags)
        routes.get("/api/v1/users", shows: .list, .api, users)
        routes.get("/api/v1/enums", shows: .nothing, .api, enums)
        routes.get("/api/v1/me", shows: .account, .api, me)
        routes.get("/api/v1/permissions/check", shows: .list, .api, permissions)
    }

    private func viewer(_ request: Request, _ context: GatewayContext, _ query: Query) async throws -> Viewer {
        try await viewers.viewer(request, context, queryToken: query["token"])
    }

    private func answer(_ value: some Encodable, for viewer: Viewer) -> Response {
        .json(
            value,
            headers: [
                .cacheControl: viewer.kind == .anonymous
                    ? "public, s-maxage=300, stale-while-revalidate=150" : "private, no-store",
                .accessControlAllowOrigin: "*",
                .vary: "Host, X-Forwarded-Host, X-Forwarded-Proto, Authorization",
            ])
    }

    // MARK: Pages by number

    private struct Counted: Encodable {
        var totalItems: Int?
        var currentPage: Int
        var pageSize: Int
        var totalPages: Int?
        var nextPage: String?
        var prevPage: String?
    }

    private struct CountedList<Item: Encodable>: Encodable {
        let items: [Item]
        let metadata: Counted
    }

    /// Links are there only where there is something behind them: clients look for the member.
    private func metadata(
        _ request: Request, _ context: GatewayContext, _ query: Query, page: Int, limit: Int, total: Int?, hasNext: Bool
    ) -> Counted {
        func link(_ page: Int) -> String {
            let query = query.replacing(["page": "\(page)", "token": nil])
            return "\(origins.base(for: request, context))\(request.uri.path)?\(query)"
        }
        return Counted(
            totalItems: total, currentPage: page, pageSize: limit,
            totalPages: total.map { max(1, ($0 + limit - 1) / limit) }, nextPage: hasNext ? link(page + 1) : nil,
            prevPage: page > 1 ? link(page - 1) : nil)
    }

    private func paging(_ query: Query) throws(GatewayError) -> (page: Int, limit: Int) {
        // 0 once meant everything.
        var limit = try query.integer("limit", in: 0...200) ?? 20
        if limit == 0 { limit = 200 }
        let page = try query.integer("page", in: 1...Int(Int32.max)) ?? 1
        guard page <= 1000, (page - 1) * limit <= Limits.Catalog.pageOffset else {
            throw .pageTooFar(items: Limits.Catalog.pageOffset)
        }
        return (page, limit)
    }

    // MARK: Creators and tags

    private struct Creator: Encodable {
        let username: String
        let modelCount: Int
        let link: String
    }

    @Sendable private func creators(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let parameters = try Query(request)
        let viewer = try await viewer(request, context, parameters)
        let filter = services.moderation.filter(for: viewer)
        let (page, limit) = try paging(parameters)
        var query = CreatorQuery()
        query.prefix = parameters["query"] ?? ""
        query.limit = limit
        query.position = .number(page)
        let found = try await services.catalog.creators(query, filter)
        let total = try await services.catalog.creatorCount(prefix: query.prefix, filter)
        let base = origins.base(for: request, context)
        let items = found.items.map { creator in
            Creator(
                username: creator.handle, modelCount: creator.modelCount,
                link: "\(base)/api/v1/models?username=\(PercentCoding.encode(creator.handle))")
        }
        return answer(
            CountedList(
                items: items,
                metadata: metadata(
                    request, context, parameters, page: page, limit: limit, total: total, hasNext: found.next != nil)),
            for: viewer)
    }

    private struct Tag: Encodable {
        let name: String
        let link: String
    }

    @Sendable private func tags(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let parameters = try Query(request)
        let viewer = try await viewer(request, context, parameters)
        let filter = services.moderation.filter(for: viewer)
        let (page, limit) = try paging(parameters)
        var query = FacetQuery()
        query.prefix = parameters["query"] ?? ""
        query.limit = limit
        // Names have no numbers; the pages before are walked through, of which there are few.
        var found = try await services.catalog.facets(.tag, query, filter)
        for _ in 1..<max(page, 1) {
            guard let next = found.next else {
                found = Page(items: [], next: nil)
                break
            }
            query.cursor = next
            found = try await services.catalog.facets(.tag, query, filter)
        }
        let base = origins.base(for: request, context)
        let items = found.items.map {
            Tag(name: $0.name, link: "\(base)/api/v1/models?tag=\(PercentCoding.encode($0.name))")
        }
        return answer(
            CountedList(
                items: items,
                metadata: metadata(
                    request, context, parameters, page: page, limit: limit, total: nil, hasNext: found.next != nil)),
            for: viewer)
    }

    // MARK: Users

    private struct User: Encodable {
        let id: Int32
        let username: String
        let avatarNsfw = "None"
    }

    private struct UserList: Encodable {
        let items: [User]
    }

    @Sendable private func users(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let parameters = try Query(request)
        let viewer = try await viewer(request, context, parameters)
        let filter = services.moderation.filter(for: viewer)
        var found: [CreatorView] = []
        let ids = parameters.list("ids")
        guard ids.count <= 100 else { throw GatewayError.tooManyItems(limit: 100) }
        for text in ids {
            guard let id = Int32(text), id > 0 else {
                throw GatewayError.badRequest(code: "bad-parameter", "ids are numbers from 1 to \(Int32.max)")
            }
            if let creator = try await services.catalog.creator(.id(id), filter) { found.append(creator) }
        }
        if let prefix = parameters["query"] {
            var query = CreatorQuery()
            query.prefix = prefix
            query.limit = try parameters.integer("limit", in: 1...100) ?? 20
            found += try await services.catalog.creators(query, filter).items
        }
        // Somebody of whom the viewer sees nothing is nobody to them.
        let visible = found.filter { $0.modelCount + $0.imageCount > 0 }
        return answer(UserList(items: visible.map { User(id: $0.id, username: $0.handle) }), for: viewer)
    }

    // MARK: Words

    private struct Enums: Encodable {
        let ModelType = CivitaiWords.modelTypes
        let ModelFileType = CivitaiWords.fileTypes
        let ActiveBaseModel = CivitaiWords.baseModels
        let BaseModel: [String]
        let BaseModelType = ["Standard", "Inpainting", "Refiner", "Pix2Pix"]
    }

    /// The published words, and those that models here use besides.
    @Sendable private func enums(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let here = try await services.catalog.topFacets(
            .baseModel, limit: 100, services.moderation.filter(for: .anonymous))
        let names = here.map(\.name).filter { !CivitaiWords.baseModels.contains($0) }
        return answer(Enums(BaseModel: CivitaiWords.baseModels + names), for: .anonymous)
    }

    // MARK: Me

    private struct Me: Encodable {
        let id: Int64
        let username: String
        let tier = "free"
        let status = "active"
        let isMember = false
        let subscriptions: [String] = []
        let tokenScope: [String]
        let subject: String
    }

    @Sendable private func me(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let token = try CallerIdentity.bearer(request) ?? Query(request)["token"]
        guard let token, let grant = try await services.accounts.grant(token: token), grant.allows(.read) else {
            throw CallerIdentity.unauthorized
        }
        let creator = try await services.catalog.creator(
            .author(grant.account.author), services.moderation.filter(for: grant.account.viewer))
        return answer(
            Me(
                id: creator.map { Int64($0.id) } ?? grant.account.id, username: creator?.handle ?? grant.account.handle,
                tokenScope: grant.scopes.sorted().map(\.rawValue), subject: "user"),
            for: grant.account.viewer)
    }

    /// Nothing here is generated, so nobody may.
    @Sendable private func permissions(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let parameters = try Query(request)
        let ids = parameters.list("entityIds")
        guard ids.count <= 100 else { throw GatewayError.tooManyItems(limit: 100) }
        var answers: [String: Bool] = [:]
        for id in ids {
            guard let number = Int32(id), number > 0 else {
                throw GatewayError.badRequest(code: "bad-parameter", "entityIds are numbers from 1 to \(Int32.max)")
            }
            answers["\(number)"] = false
        }
        return answer(answers, for: try await viewer(request, context, parameters))
    }
}

/// The words that Civitai publishes; others pass through wherever they stand.
enum CivitaiWords {
    static let modelTypes = [
        "Checkpoint", "TextualInversion", "Hypernetwork", "AestheticGradient", "LORA", "LoCon", "DoRA", "Controlnet",
        "Upscaler", "MotionModule", "VAE", "TextEncoder", "UNet", "CLIPVision", "Poses", "Wildcards", "Workflows",
        "ComfyWorkflows", "Detection", "VisionLanguage", "CLIP", "LLM", "Other",
    ]
    static let fileTypes = [
        "Model", "Text Encoder", "Vision Encoder", "Pruned Model", "Negative", "Training Data", "VAE", "Config",
        "Archive", "UNet", "Diffusion Model", "CLIPVision", "ControlNet", "Workflow", "Upscaler", "Enhancement LoRA",
        "Other",
    ]
    static let baseModels = [
        "SD 1.4", "SD 1.5", "SD 1.5 LCM", "SD 1.5 Hyper", "SD 2.0", "SD 2.0 768", "SD 2.1", "SD 2.1 768",
        "SD 2.1 Unclip", "SD 3", "SD 3.5", "SD 3.5 Large", "SD 3.5 Large Turbo", "SD 3.5 Medium", "SDXL 0.9",
        "SDXL 1.0",
        "SDXL 1.0 LCM", "SDXL Lightning", "SDXL Hyper", "SDXL Turbo", "SDXL Distilled", "Pony", "Pony V7",
        "Illustrious", "NoobAI", "Anima", "Stable Cascade", "SVD", "SVD XT", "PixArt a", "PixArt E", "Playground v2",
        "AuraFlow", "Kolors", "Lumina", "HiDream", "Hunyuan 1", "Hunyuan Video", "Flux.1 S", "Flux.1 D", "Flux.1 Krea",
        "Flux.1 Kontext", "Flux.2 D", "Chroma", "Qwen", "ZImageTurbo", "ZImageBase", "Wan Video", "LTXV", "Mochi",
        "CogVideoX", "Upscaler", "Other",
    ]
}
