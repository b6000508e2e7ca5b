import Accounts
import Catalog
import Digests
import FoundationEssentials
import HTTPTypes
import Hummingbird
import Identity
import Operations
import PostLog
import SystemPackage
import WaggleProtocol

/// What people say through the native API. This node signs for accounts whose keys it holds; others hand in signed posts.
struct NativeWrites: Sendable {
    let services: GatewayServices
    let door: NativeDoor

    func register(in routes: inout RouteTable) {
        routes.post("/api/w1/reviews", shows: .account, .native, door.writing(.review, review))
        routes.post("/api/w1/comments", shows: .account, .native, door.writing(.review, comment))
        routes.post("/api/w1/reactions", shows: .account, .native, door.writing(.review, react))
        routes.put("/api/w1/collections/mine/{slug}", shows: .account, .native, door.writing(.social, editCollection))
        routes.post(
            "/api/w1/collections/mine/{slug}/items", shows: .account, .native, door.writing(.social, changeCollection))
        routes.get("/api/w1/follows", shows: .account, .native, door.asking(.read, follows))
        routes.put("/api/w1/follows/{author}", shows: .account, .native, door.writing(.social, follow))
        routes.delete("/api/w1/follows/{author}", shows: .account, .native, door.writing(.social, unfollow))
        routes.post("/api/w1/posts", shows: .account, .native, door.writing(.publish, submit))
        routes.delete("/api/w1/posts/{id}", shows: .account, .native, door.writing(.read, retract))
    }

    private func run<O: Operations.Operation>(_ operation: O, _ call: NativeCall) async throws -> O.Reply {
        try await operation.run(in: try call.operations(services))
    }

    /// 201 for something new, 200 for what was said before.
    private func answer(_ reply: PostReply) throws -> NativeReply {
        try NativeReply(reply, status: reply.isNew ? .created : .ok)
    }

    private func see(subject text: String, _ call: NativeCall) async throws -> String {
        try await NamedPosts(services: services, filter: call.filter).post(text)
    }

    // MARK: Talk

    private struct ReviewRequest: Decodable {
        let release: String
        let isRecommended: Bool
        var text: String?
        /// Ids of complete uploads.
        var images: [String]?
        var level: String?
    }

    @Sendable private func review(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ReviewRequest.self, from: body)
        let account = try call.account
        let uploads = try await UploadedFiles(services.uploads, account).complete(asked.images ?? [])
        let reply = try await run(
            WriteReview(
                account: account.handle,
                reference: try await NamedPosts(services: services, filter: call.filter).release(asked.release),
                isRecommended: asked.isRecommended, text: asked.text ?? "", images: uploads.map(\.path.string),
                level: asked.level), call)
        try await UploadedFiles(services.uploads, account).drop(uploads)
        return try answer(reply)
    }

    private struct CommentRequest: Decodable {
        let subject: String
        var replyTo: String?
        let text: String
    }

    @Sendable private func comment(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(CommentRequest.self, from: body)
        return try answer(
            try await run(
                WriteComment(
                    account: try call.account.handle, subject: try await see(subject: asked.subject, call),
                    replyTo: asked.replyTo, text: asked.text), call))
    }

    private struct ReactionRequest: Decodable {
        let subject: String
        let emoji: String
        var isWithdrawn: Bool?
    }

    @Sendable private func react(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ReactionRequest.self, from: body)
        return try answer(
            try await run(
                React(
                    account: try call.account.handle, subject: try await see(subject: asked.subject, call),
                    emoji: asked.emoji, isWithdrawn: asked.isWithdrawn ?? false), call))
    }

    // MARK: Collections and follows

    private struct CollectionRequest: Decodable {
        var name: String?
        var description: String?
        var level: String?
    }

    @Sendable private func editCollection(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(CollectionRequest.self, from: body)
        return try answer(
            try await run(
                EditCollection(
                    account: try call.account.handle, slug: call.context.parameter("slug") ?? "", title: asked.name,
                    description: asked.description, level: asked.level), call))
    }

    private struct ItemsRequest: Decodable {
        var add: [String]?
        var remove: [String]?
    }

    @Sendable private func changeCollection(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(ItemsRequest.self, from: body)
        var added: [String] = []
        for item in asked.add ?? [] { added.append(try await see(subject: item, call)) }
        let slug = call.context.parameter("slug") ?? ""
        let own = try await services.postLog.post(author: try call.account.author, kind: .collection, slot: slug)
        let items = own?.post.collection.items ?? []
        for item in asked.remove ?? [] where !items.contains(Hash32(hex: item)?.data ?? Data()) {
            throw GatewayError.notFound("\(item.prefix(80)) is not in the collection")
        }
        return try answer(
            try await run(
                ChangeCollection(
                    account: try call.account.handle, slug: slug, added: added,
                    removed: asked.remove ?? []), call))
    }

    @Sendable private func follows(_ call: NativeCall) async throws -> NativeReply {
        let page = try await services.catalog.following(
            try call.account.author, limit: try call.limit(100),
            position: call.query["cursor"].map { .after($0) } ?? .start, call.filter)
        let encoder = NativeEncoder(base: call.base)
        return try NativeReply(NativeList(items: page.items.map { encoder.follow($0) }, nextCursor: page.next))
    }

    private struct FollowRequest: Decodable {
        var petname: String?
    }

    @Sendable private func follow(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = body.isEmpty ? FollowRequest() : try call.decode(FollowRequest.self, from: body)
        return try answer(
            try await run(
                ChangeFollows(
                    account: try call.account.handle, author: try await author(call),
                    petname: asked.petname ?? "", isFollowing: true), call))
    }

    /// The author that a call's address names: an id, or a name as pages show it.
    private func author(_ call: NativeCall) async throws -> String {
        let text = call.context.parameter("author") ?? ""
        let name = text.hasPrefix("@") ? String(text.dropFirst()) : text
        if AuthorID.parse(name) != nil { return name }
        guard let creator = try await services.catalog.creator(.handle(name), call.filter) else {
            throw GatewayError.notFound("There is nobody called @\(name.prefix(80)) here")
        }
        return AuthorID.text(creator.author)
    }

    @Sendable private func unfollow(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        _ = try await run(
            ChangeFollows(
                account: try call.account.handle, author: try await author(call), isFollowing: false), call)
        return NativeReply(.noContent)
    }

    // MARK: Posts

    private struct PostsRequest: Decodable {
        /// Base 64.
        let envelopes: [Data]
    }

    private struct PostsReply: Encodable {
        let items: [SubmitSigned.Line]
    }

    @Sendable private func submit(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = try call.decode(PostsRequest.self, from: body)
        guard asked.envelopes.count <= Limits.API.postsPerRequest else {
            throw GatewayError.tooManyItems(limit: Limits.API.postsPerRequest)
        }
        let lines = try await SubmitSigned(account: try call.account, envelopes: asked.envelopes)
            .run(in: try call.operations(services))
        return try NativeReply(PostsReply(items: lines))
    }

    private struct RetractRequest: Decodable {
        var reason: String?
    }

    @Sendable private func retract(_ call: NativeCall, _ body: [UInt8]) async throws -> NativeReply {
        let asked = body.isEmpty ? RetractRequest() : try call.decode(RetractRequest.self, from: body)
        guard let id = Hash32(hex: call.context.parameter("id") ?? ""), let grant = call.grant,
            let post = try await services.postLog.posts(ids: [id])[id], post.author == grant.account.author
        else { throw GatewayError.notFound("No post of yours has this id") }
        let scope = TokenScope.taking(back: post.kind)
        guard grant.allows(scope) else {
            throw GatewayError.forbidden(code: "scope-missing", "This needs the scope \(scope.rawValue)")
        }
        return try NativeReply(
            try await run(
                RetractPost(account: grant.account.handle, subject: id.hex, reason: asked.reason ?? ""), call))
    }
}
