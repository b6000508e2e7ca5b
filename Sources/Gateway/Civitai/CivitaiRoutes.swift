import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Moderation
import NIOCore
import WaggleProtocol

/// The read side of version 1 of Civitai's REST API.
struct CivitaiRoutes: Sendable {
    let services: GatewayServices
    let viewers: Viewers
    let origins: Origins
    private let answers: AnswerCache<Answer>

    /// Encoded, and with what visitors and caches are told of it.
    private struct Answer: Sendable {
        let body: [UInt8]
        let headers: HTTPFields

        var response: Response {
            Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
        }
    }

    init(services: GatewayServices, viewers: Viewers, origins: Origins) {
        (self.services, self.viewers, self.origins) = (services, viewers, origins)
        answers = AnswerCache(services) { $0.body.count }
    }

    func register(in routes: inout RouteTable) {
        routes.get("/api/v1/models", shows: .list, .api, models)
        routes.get("/api/v1/models/{id}", shows: .model, .api, model)
        routes.get("/api/v1/model-versions/{id}", shows: .release, .api, version)
        routes.get("/api/v1/model-versions/mini/{id}", shows: .release, .api, mini)
        routes.get("/api/v1/model-versions/by-hash/{hash}", shows: .release, .api, versionByHash)
        routes.post("/api/v1/model-versions/by-hash", shows: .release, .api, versionsByHash)
        routes.post("/api/v1/model-versions/by-hash/ids", shows: .release, .api, idsByHash)
        routes.get("/api/v1/images", shows: .list, .api, images)
    }

    // What is told of answers besides themselves: to visitors, to visitors who asked by hash, and to anybody else. A shared
    // cache may keep what visitors see, so many seconds.
    private static let forVisitors = headers("public, s-maxage=300, stale-while-revalidate=150")
    private static let byHash = headers("public, s-maxage=3600, stale-while-revalidate=150")
    private static let forOne = headers("private, no-store")

    private static func headers(_ caching: String) -> HTTPFields {
        [
            .contentType: Response.jsonType, .cacheControl: caching, .accessControlAllowOrigin: "*",
            // Links depend on the address that the client used.
            .vary: "Host, X-Forwarded-Host, X-Forwarded-Proto, Authorization",
        ]
    }

    /// An encoder that knows all names of the files of these releases.
    private func encoder(
        _ request: Request, _ context: GatewayContext, for releases: [ReleaseView] = [],
        images: [ImageView] = []
    ) async throws -> CivitaiEncoder {
        let files = Set(releases.flatMap(\.files).compactMap { Hash32($0.file.sha256) })
        let pictures = Set((releases.flatMap(\.images) + images).compactMap { Hash32($0.image.blob) })
        return CivitaiEncoder(
            base: origins.base(for: request, context),
            known: files.isEmpty ? [:] : try await services.blobs.hashes(of: files),
            // Colours stand in for pictures; an answer without them is right too.
            facts: pictures.isEmpty ? [:] : (try? await services.pictureFacts(Array(pictures))) ?? [:])
    }

    private func answer(
        _ value: some Encodable, for viewer: Viewer, as headers: HTTPFields = Self.forVisitors
    ) throws -> Answer {
        Answer(
            body: try JSONText.bytes(of: value), headers: viewer.kind == .anonymous ? headers : Self.forOne)
    }

    /// What visitors ask again and again is answered from memory.
    private func answering(
        _ request: Request, _ context: GatewayContext, _ make: (Viewer, ViewerFilter) async throws -> Answer
    ) async throws -> Response {
        let query = try Query(request)
        let viewer = try await viewers.viewer(request, context, queryToken: query["token"])
        let filter = services.moderation.filter(for: viewer)
        guard viewer.kind == .anonymous, request.method != .post else { return try await make(viewer, filter).response }
        let key = AnswerCache<Answer>.Key(
            target: request.uri.string, base: origins.base(for: request, context), filter: filter)
        // A period ends now.
        let isTimeless = query["period"] == nil
        return try await answers.answer(key, isTimeless: isTimeless) { try await make(viewer, filter) }.response
    }

    private func number(_ context: GatewayContext) throws(GatewayError) -> Int32 {
        guard let id = context.parameter("id").flatMap({ Int32($0) }), id > 0 else {
            throw .badRequest(code: "bad-parameter", "An id is a number from 1 to \(Int32.max)")
        }
        return id
    }

    // MARK: Models

    @Sendable private func models(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let query = try Query(request)
            let asked = try CivitaiQueries.Models(query, hasAccount: viewer.isPerson, now: services.now())
            let filter = try CivitaiQueries.narrowed(filter, query)
            let page =
                asked.limit == 0 || asked.isEmpty
                ? Page(items: [], next: nil) : try await services.catalog.models(asked.query, filter)
            var encoder = try await encoder(request, context, for: page.items.flatMap(\.releases))
            encoder.isPrimaryOnly = asked.isPrimaryOnly
            let list = CivitaiList(
                items: page.items.map { encoder.model($0) },
                metadata: metadata(query, request, encoder.base, next: page.next, page: asked.page, limit: asked.limit))
            return try answer(list, for: viewer)
        }
    }

    private func metadata(
        _ query: Query, _ request: Request, _ base: String, next: String?, page: Int?, limit: Int
    ) -> CivitaiPaging {
        var metadata = CivitaiPaging()
        func link(_ changes: [String: String?]) -> String {
            // A token in a link would end up in logs and histories.
            let changes = changes.merging(["token": nil]) { kept, _ in kept }
            return "\(base)\(request.uri.path)?\(query.replacing(changes))"
        }
        if let page {
            metadata.currentPage = page
            metadata.pageSize = limit
            if next != nil { metadata.nextPage = link(["page": "\(page + 1)"]) }
            if page > 1 { metadata.prevPage = link(["page": "\(page - 1)"]) }
        } else if let next {
            metadata.nextCursor = next
            metadata.nextPage = link(["cursor": next])
        }
        return metadata
    }

    @Sendable private func model(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let id = try number(context)
            guard let model = try await services.catalog.model(id: id, filter, detail: .item) else {
                throw GatewayError.notFound("No model with id \(id)")
            }
            return try answer(try await encoder(request, context, for: model.releases).model(model), for: viewer)
        }
    }

    // MARK: Versions

    /// Clients look for "not found" in these words.
    private static let noVersion = GatewayError.notFound("Model not found")

    @Sendable private func version(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let release = try await services.catalog.release(id: try number(context), filter, detail: .item)
            guard let release, let version = try await encoded([release], request, context, viewer).first else {
                throw Self.noVersion
            }
            return try answer(version, for: viewer)
        }
    }

    @Sendable private func mini(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let fileID = try Query(request).integer("modelFileId", in: 1...Int(Int32.max)).map { Int32($0) }
            guard let release = try await services.catalog.release(id: try number(context), filter, detail: .item),
                let model = try await services.catalog.model(id: release.modelID, filter, detail: .brief),
                let mini = try await encoder(request, context, for: [release]).mini(release, of: model, fileID: fileID)
            else { throw Self.noVersion }
            return try answer(mini, for: viewer)
        }
    }

    @Sendable private func versionByHash(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            guard let found = try await HashLookup(services: services).version(context.parameter("hash") ?? "", filter)
            else { throw Self.noVersion }
            let encoder = try await encoder(request, context, for: [found.release])
            return try answer(encoder.version(found.release, of: found.model), for: viewer, as: Self.byHash)
        }
    }

    private func encoded(
        _ releases: [ReleaseView], _ request: Request, _ context: GatewayContext, _ viewer: Viewer
    ) async throws -> [CivitaiVersion] {
        let encoder = try await encoder(request, context, for: releases)
        let filter = services.moderation.filter(for: viewer)
        var versions: [CivitaiVersion] = []
        for release in releases {
            guard let model = try await services.catalog.model(id: release.modelID, filter, detail: .brief) else {
                continue
            }
            versions.append(encoder.version(release, of: model))
        }
        return versions
    }

    // MARK: Many hashes

    @Sendable private func versionsByHash(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let hashes = try await hashes(request, limit: 100)
            let releases = try await services.catalog.releases(bySHA256: hashes, filter)
            return try answer(try await encoded(releases, request, context, viewer), for: viewer)
        }
    }

    private struct Match: Encodable {
        let modelVersionId: Int32
        let modelId: Int32
        let hash: String
    }

    @Sendable private func idsByHash(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let hashes = try await hashes(request, limit: Limits.Catalog.hashesPerLookup)
            let matches = try await services.catalog.matches(
                bySHA256: hashes, filter)
            return try answer(
                matches.map { match in
                    Match(modelVersionId: match.releaseID, modelId: match.modelID, hash: match.sha256.hex.uppercased())
                }, for: viewer)
        }
    }

    /// A JSON array of SHA-256 in hexadecimal.
    private func hashes(_ request: Request, limit: Int) async throws -> [Hash32] {
        let maximum = Limits.Wire.bodyBytes
        if let declared = request.headers[.contentLength].flatMap(Int.init), declared > maximum {
            throw GatewayError.bodyTooLarge(limit: maximum)
        }
        let body = try await WireBody.collect(request.body, limit: maximum, clock: services.clock)
        guard let texts = try? JSONDecoder().decode([String].self, from: Data(body)) else {
            throw GatewayError.badRequest(code: "bad-body", "The body must be a JSON array of SHA-256 hashes")
        }
        guard texts.count <= limit else { throw GatewayError.tooManyItems(limit: limit) }
        let hashes = texts.compactMap { Hash32(hex: $0) }
        guard hashes.count == texts.count else {
            throw GatewayError.badRequest(code: "bad-body", "Each hash must be a SHA-256 of 64 digits")
        }
        return hashes
    }

    // MARK: Images

    @Sendable private func images(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try await answering(request, context) { viewer, filter in
            let query = try Query(request)
            let asked = try CivitaiQueries.Images(query, now: services.now())
            let filter = try CivitaiQueries.narrowed(filter, query)
            let page =
                asked.limit == 0 || asked.isEmpty
                ? Page(items: [], next: nil) : try await services.catalog.images(asked.query, filter)
            let encoder = try await encoder(request, context, images: page.items)
            let withMeta = query.boolean("withMeta") ?? false
            let list = CivitaiList(
                items: page.items.compactMap { encoder.listed($0, withMeta: withMeta) },
                metadata: metadata(query, request, encoder.base, next: page.next, page: asked.page, limit: asked.limit))
            return try answer(list, for: viewer)
        }
    }
}

extension Viewer {
    /// Somebody with an account, or the operator.
    fileprivate var isPerson: Bool {
        switch kind {
        case .member, .owner: true
        case .anonymous, .peer: false
        }
    }
}
