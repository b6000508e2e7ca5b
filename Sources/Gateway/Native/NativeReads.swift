import Accounts
import BlobStore
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Moderation
import Operations
import WaggleProtocol

/// What the native API tells: everything that the pages show.
struct NativeReads: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.get("/api/w1/node", shows: .node, .native, door.reading(node))
        routes.get("/api/w1/models", shows: .list, .native, door.browsing(models))
        routes.get("/api/w1/search", shows: .list, .native, door.browsing(search))
        routes.get("/api/w1/models/{id}", shows: .model, .native, door.browsing(model))
        routes.get("/api/w1/models/{id}/reviews", shows: .model, .native, door.reading(modelReviews))
        routes.get("/api/w1/models/{id}/comments", shows: .model, .native, door.reading(modelComments))
        routes.get("/api/w1/releases/{id}", shows: .release, .native, door.browsing(release))
        routes.get("/api/w1/releases/{id}/reviews", shows: .release, .native, door.reading(releaseReviews))
        routes.get("/api/w1/images", shows: .list, .native, door.browsing(images))
        routes.get("/api/w1/images/{id}", shows: .image, .native, door.browsing(image))
        routes.get("/api/w1/creators", shows: .list, .native, door.browsing(creators))
        routes.get("/api/w1/creators/{handle}", shows: .creator, .native, door.browsing(creator))
        routes.get("/api/w1/collections", shows: .list, .native, door.browsing(collections))
        routes.get("/api/w1/collections/{id}", shows: .collection, .native, door.browsing(collection))
        routes.get("/api/w1/collections/{id}/items", shows: .collection, .native, door.reading(collectionItems))
        routes.get("/api/w1/comments", shows: .list, .native, door.reading(comments))
        routes.get("/api/w1/hashes/{hash}", shows: .release, .native, door.browsing(hash))
        routes.post("/api/w1/hashes", shows: .release, .native, door.reading(hashes))
    }

    static let nothing = GatewayError.notFound("There is nothing with this id here that you may see")

    // MARK: Lists

    private func encoder(_ call: NativeCall, for releases: [ReleaseView] = []) async throws -> NativeEncoder {
        let files = Set(releases.flatMap(\.files).compactMap { Hash32($0.file.sha256) })
        return NativeEncoder(base: call.base, known: files.isEmpty ? [:] : try await services.blobs.hashes(of: files))
    }

    private func position(_ call: NativeCall) -> PagePosition {
        call.query["cursor"].map { .after($0) } ?? .start
    }

    private func list<Item: Encodable & Sendable>(
        _ call: NativeCall, _ items: [Item], next: String?, corrected: String? = nil
    ) throws -> NativeReply {
        var reply = try NativeReply(NativeList(items: items, nextCursor: next, corrected: corrected))
        if let next {
            let link = "\(call.base)\(call.request.uri.path)?\(call.query.replacing(["cursor": next]))"
            reply.headers[Self.link] = "<\(link)>; rel=\"next\""
        }
        return reply
    }

    // A literal that is a valid field name.
    static let link = HTTPField.Name("Link")!

    // MARK: Node

    private struct NodeReply: Encodable {
        let node: String
        let name: String
        let software: String
        let registration: String
        let ceiling: String
        let models: Int
        let releases: Int
        let images: Int
    }

    @Sendable private func node(_ call: NativeCall) async throws -> NativeReply {
        let counts = try await services.catalog.counts(call.filter)
        return try NativeReply(
            NodeReply(
                node: AuthorID.text(services.nodeID), name: services.configuration.nodeName,
                software: services.configuration.software,
                registration: services.context().registrationMode.rawValue,
                ceiling: services.moderation.ceiling.word, models: counts.models, releases: counts.releases,
                images: counts.images))
    }

    // MARK: Models

    @Sendable private func models(_ call: NativeCall) async throws -> NativeReply {
        let query = try NativeModelQuery(call, now: services.now()).query
        let page = try await services.catalog.models(query, call.filter)
        let encoder = try await encoder(call, for: page.items.flatMap(\.releases))
        return try list(call, page.items.map { encoder.model($0) }, next: page.next)
    }

    @Sendable private func search(_ call: NativeCall) async throws -> NativeReply {
        let query = try NativeModelQuery(call, now: services.now()).query
        let found = try await services.catalog.search(query, call.filter)
        let encoder = try await encoder(call, for: found.page.items.flatMap(\.releases))
        return try list(
            call, found.page.items.map { encoder.model($0) }, next: found.page.next, corrected: found.corrected)
    }

    /// Models in the words of a list, by number.
    private func models(_ ids: [Int32], _ call: NativeCall) async throws -> [Int32: ModelView] {
        guard !ids.isEmpty else { return [:] }
        var query = ModelQuery()
        query.ids = ids
        query.limit = ids.count
        query.detail = .list
        let found = try await services.catalog.models(query, call.filter).items
        return Dictionary(found.map { ($0.id, $0) }) { first, _ in first }
    }

    private func find(_ call: NativeCall, detail: ViewDetail = .full) async throws -> ModelView {
        let model =
            switch try call.name() {
            case .number(let id): try await services.catalog.model(id: id, call.filter, detail: detail)
            case .post(let post): try await services.catalog.model(post: post, call.filter, detail: detail)
            }
        guard let model else { throw Self.nothing }
        return model
    }

    @Sendable private func model(_ call: NativeCall) async throws -> NativeReply {
        let model = try await find(call)
        return try NativeReply(try await encoder(call, for: model.releases).model(model))
    }

    @Sendable private func modelReviews(_ call: NativeCall) async throws -> NativeReply {
        let model = try await find(call, detail: .card)
        let page = try await services.catalog.reviews(
            ofModel: model.id, limit: try call.limit(), position: position(call), call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.review($0) }, next: page.next)
    }

    @Sendable private func modelComments(_ call: NativeCall) async throws -> NativeReply {
        try await talk(call, on: try await find(call, detail: .card).post)
    }

    private func talk(_ call: NativeCall, on subject: Hash32) async throws -> NativeReply {
        let page = try await services.catalog.comments(
            on: subject, limit: try call.limit(), position: position(call), call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.comment($0) }, next: page.next)
    }

    @Sendable private func comments(_ call: NativeCall) async throws -> NativeReply {
        _ = try call.limit()
        guard let text = call.query["subject"] else { return try list(call, [NativeComment](), next: nil) }
        guard let subject = Hash32(hex: text) else {
            throw GatewayError.badRequest(code: "bad-parameter", "subject is the 64 hexadecimal digits of a post")
        }
        return try await talk(call, on: subject)
    }

    // MARK: Releases

    private func findRelease(_ call: NativeCall) async throws -> ReleaseView {
        let release =
            switch try call.name() {
            case .number(let id): try await services.catalog.release(id: id, call.filter)
            case .post(let post): try await services.catalog.release(post: post, call.filter)
            }
        guard let release else { throw Self.nothing }
        return release
    }

    @Sendable private func release(_ call: NativeCall) async throws -> NativeReply {
        let release = try await findRelease(call)
        return try NativeReply(try await encoder(call, for: [release]).release(release))
    }

    @Sendable private func releaseReviews(_ call: NativeCall) async throws -> NativeReply {
        let page = try await services.catalog.reviews(
            ofRelease: try await findRelease(call).id, limit: try call.limit(), position: position(call), call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.review($0) }, next: page.next)
    }

    // MARK: Hashes

    @Sendable private func hash(_ call: NativeCall) async throws -> NativeReply {
        let releases = try await HashLookup(services: services).releases(
            call.context.parameter("hash") ?? "", call.filter, detail: .list)
        guard !releases.isEmpty else { throw GatewayError.notFound("No release here that you may see has this file") }
        let encoder = try await encoder(call, for: releases)
        return try list(call, releases.map { encoder.release($0) }, next: nil)
    }

    @Sendable private func hashes(_ call: NativeCall) async throws -> NativeReply {
        let texts = try call.decode([String].self, from: try await call.body())
        guard texts.count <= Limits.Catalog.hashesPerLookup else {
            throw GatewayError.tooManyItems(limit: Limits.Catalog.hashesPerLookup)
        }
        let hashes = texts.compactMap { Hash32(hex: $0) }
        guard hashes.count == texts.count else {
            throw GatewayError.badRequest(code: "bad-body", "Each hash must be a SHA-256 of 64 digits")
        }
        let matches = try await services.catalog.matches(bySHA256: hashes, call.filter)
        return try NativeReply(
            matches.map { NativeHashMatch(hash: $0.sha256.hex, releaseId: $0.releaseID, modelId: $0.modelID) })
    }

    // MARK: Images

    @Sendable private func images(_ call: NativeCall) async throws -> NativeReply {
        var query = ImageQuery()
        query.limit = try call.limit(50)
        query.position = position(call)
        query.creator = call.query["creator"].map { NativeModelQuery.creator($0) }
        query.modelID = try call.query.integer("model", in: 1...Int(Int32.max)).map { Int32($0) }
        query.releaseID = try call.query.integer("release", in: 1...Int(Int32.max)).map { Int32($0) }
        query.baseModels = call.query.list("base_model")
        query.levels = try NativeModelQuery.levels(call)
        query.hasRecipe = try call.boolean("has_recipe")
        query.isFromHere = try call.boolean("from_here")
        query.sort = try NativeModelQuery.sort(
            call, ["newest": .newest, "oldest": .oldest, "most-reactions": .mostReactions], standard: .newest)
        let page = try await services.catalog.images(query, call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.compactMap { encoder.image($0) }, next: page.next)
    }

    @Sendable private func image(_ call: NativeCall) async throws -> NativeReply {
        guard case .number(let id) = try call.name(), let view = try await services.catalog.image(id: id, call.filter),
            let image = NativeEncoder(base: call.base).image(view)
        else { throw Self.nothing }
        return try NativeReply(image)
    }

    // MARK: Creators

    @Sendable private func creators(_ call: NativeCall) async throws -> NativeReply {
        var query = CreatorQuery()
        query.prefix = call.query["q"] ?? ""
        query.limit = try call.limit()
        query.position = position(call)
        let page = try await services.catalog.creators(query, call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.page($0) }, next: page.next)
    }

    @Sendable private func creator(_ call: NativeCall) async throws -> NativeReply {
        let name = call.context.parameter("handle") ?? ""
        guard let creator = try await services.catalog.creator(NativeModelQuery.creator(name), call.filter) else {
            throw GatewayError.notFound("Nobody here has this handle")
        }
        return try NativeReply(NativeEncoder(base: call.base).page(creator))
    }

    // MARK: Collections

    @Sendable private func collections(_ call: NativeCall) async throws -> NativeReply {
        var query = CollectionQuery()
        query.creator = call.query["creator"].map { NativeModelQuery.creator($0) }
        query.limit = try call.limit()
        query.position = position(call)
        let page = try await services.catalog.collections(query, call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try list(call, page.items.map { encoder.collection($0) }, next: page.next)
    }

    private func findCollection(_ call: NativeCall) async throws -> CollectionView {
        guard case .number(let id) = try call.name(),
            let collection = try await services.catalog.collection(id: id, call.filter)
        else { throw Self.nothing }
        return collection
    }

    @Sendable private func collection(_ call: NativeCall) async throws -> NativeReply {
        try NativeReply(NativeEncoder(base: call.base).collection(try await findCollection(call)))
    }

    @Sendable private func collectionItems(_ call: NativeCall) async throws -> NativeReply {
        let page = try await services.catalog.items(
            ofCollection: try await findCollection(call).id, limit: try call.limit(), position: position(call),
            call.filter)
        let encoder = NativeEncoder(base: call.base)
        let models = try await models(
            page.items.compactMap { item -> Int32? in
                guard case .model(let card) = item else { return nil }
                return card.id
            }, call)
        return try list(call, page.items.map { encoder.item($0, models) }, next: page.next)
    }
}

/// Parameters of lists as the catalog's queries. Wrong values are refused, unknown names ignored.
struct NativeModelQuery {
    var query = ModelQuery()

    init(_ call: NativeCall, now: UInt64) throws(GatewayError) {
        let parameters = call.query
        query.text = parameters["q"] ?? ""
        query.tags = parameters.list("tag")
        query.excludedTags = parameters.list("not_tag")
        query.types = parameters.list("type")
        query.excludedTypes = parameters.list("not_type")
        query.baseModels = parameters.list("base_model")
        query.excludedBaseModels = parameters.list("not_base_model")
        query.formats = parameters.list("format")
        query.licences = parameters.list("licence")
        query.levels = try Self.levels(call)
        query.creator = parameters["creator"].map { Self.creator($0) }
        query.isFromHere = try call.boolean("from_here")
        if let days = try parameters.integer("days", in: 1...36500) {
            query.since = now - min(now, UInt64(days) * 86400)
        }
        query.sort = try Self.sort(
            call,
            [
                "newest": .newest, "oldest": .oldest, "updated": .updated, "most-downloaded": .mostDownloaded,
                "highest-rated": .highestRated, "most-discussed": .mostDiscussed, "trending": .trending,
            ], standard: .newest)
        query.limit = try call.limit()
        query.position = parameters["cursor"].map { .after($0) } ?? .start
        query.detail = .list
    }

    /// A handle, with or without `@`, or an author id.
    static func creator(_ text: String) -> CreatorReference {
        if let author = AuthorID.parse(text) { return .author(author) }
        return .handle(text.hasPrefix("@") ? String(text.dropFirst()) : text)
    }

    static func levels(_ call: NativeCall) throws(GatewayError) -> Set<Level> {
        var levels: Set<Level> = []
        let words = call.query.values("level").contains("") ? [""] : call.query.list("level")
        for word in words {
            guard let level = Level(word: word), level < .blocked else {
                throw .badRequest(
                    code: "bad-parameter", "level is one of \(Level.words.joined(separator: ", "))")
            }
            levels.insert(level)
        }
        return levels
    }

    static func sort<Value>(
        _ call: NativeCall, _ names: [String: Value], standard: Value
    ) throws(GatewayError) -> Value {
        guard let name = call.query["sort"] else { return standard }
        guard let value = names[name.lowercased()] else {
            throw .badRequest(
                code: "bad-parameter", "sort is one of \(names.keys.sorted().joined(separator: ", "))")
        }
        return value
    }
}
