import Accounts
import BlobStore
import Catalog
import Digests
import Hummingbird
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// A creator in a list.
struct CreatorItem {
    let creatorName: String
    let creatorItemHref: String
    let creatorHandle: String
    let creatorOrigin: String?
    let creatorCount: String

    init(_ creator: CreatorView) {
        creatorName = creator.name
        creatorItemHref = PageAddress.creator(creator)
        creatorHandle = "@\(creator.handle)"
        creatorOrigin = Wording.origin(creator)
        creatorCount = Wording.count(creator.modelCount, say("model-2"), say("models-2"))
    }
}

/// People who publish.
extension PageRoutes {
    func registerCreators(in routes: inout RouteTable) {
        routes.get("/creators", shows: .list, .page, seen { $0.creators })
        routes.get("/@{handle}", shows: .creator, .page, seen { $0.creator })
    }

    @Sendable private func creators(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let (cursor, position) = place(try Query(request))
        var query = CreatorQuery()
        query.limit = Limits.Gateway.cards
        query.position = position
        let page = try await services.catalog.creators(query, visitor)
        var content: [String: Any] = [
            "heading": say("creators"), "creators": page.items.map(CreatorItem.init),
            "hasCreators": !page.items.isEmpty,
        ]
        content.merge(Pager("/creators", cursor: cursor, next: page.next).content) { _, new in new }
        return pages.page(
            "creators",
            PageFrame(
                pageTitle: say("creators"),
                summary: say("people-whose-models-are-on", "\(services.configuration.nodeName)"),
                canonical: canonical(request, context, "/creators"), part: .creators), content)
    }

    @Sendable private func creator(_ request: Request, _ context: GatewayContext) async throws -> Response {
        let missing = GatewayError.notFound("Nobody of this name is known here")
        guard let handle = context.parameter("handle"), !handle.isEmpty,
            let creator = try await services.catalog.creator(.handle(handle), visitor)
        else { throw missing }
        let reference = CreatorReference.author(creator.author)
        let path = PageAddress.creator(creator)

        var models = ModelQuery()
        models.creator = reference
        models.limit = Limits.Gateway.sectionItems
        var images = ImageQuery()
        images.creator = reference
        images.limit = Limits.Gateway.sectionItems
        var collections = CollectionQuery()
        collections.creator = reference
        collections.limit = Limits.Gateway.sectionItems
        var articles = ArticleQuery()
        articles.creator = reference
        articles.limit = 6
        var workflows = WorkflowQuery()
        workflows.creator = reference
        workflows.limit = 6
        let theirWorkflows = try await services.catalog.workflows(workflows, visitor)
        let theirModels = try await services.catalog.cards(models, visitor)
        let theirImages = try await services.catalog.images(images, visitor)
        let theirCollections = try await services.catalog.collections(collections, visitor)
        let theirArticles = try await services.catalog.articles(articles, visitor)
        let texts = theirArticles.items.map { ArticleItem($0) } + theirWorkflows.items.map { ArticleItem($0) }

        var content: [String: Any] = [
            "heading": creator.name, "handle": "@\(creator.handle)",
            "facts": facts(creator), "keys": try await keys(of: creator.author),
            "areKeysDisputed": try await services.postLog.keyChain(of: creator.author)?.isDisputed ?? false,
            "authorID": AuthorID.text(creator.author),
            "links": creator.links.compactMap { MarkdownAddress.allowed(Array($0.utf8)) }
                .map { LinkView(linkText: Wording.beginning($0, characters: 60), linkHref: $0) },
            "models": await tinted(theirModels.items.map { CardView($0) }), "hasModels": !theirModels.items.isEmpty,
            "images": await tinted(theirImages.items.map { CardView($0) }), "hasImages": !theirImages.items.isEmpty,
            "collections": await tinted(theirCollections.items.map { CardView($0) }),
            "hasCollections": !theirCollections.items.isEmpty,
            "articles": texts, "hasArticles": !texts.isEmpty,
            "hasNothing": theirModels.items.isEmpty && theirImages.items.isEmpty && theirCollections.items.isEmpty
                && texts.isEmpty,
        ]
        content.merge(try await following(creator, path)) { _, new in new }
        let about = Markdown.html(creator.about)
        content["about"] = about.isEmpty ? nil : about
        content["home"] = creator.isFromHere ? nil : MarkdownAddress.allowed(Array(creator.home.utf8))
        content["homeHost"] = Wording.origin(creator)
        content["avatar"] = try await avatar(creator)
        if theirModels.next != nil { content["allModels"] = PageAddress.with("/models", [("by", creator.handle)]) }
        if theirImages.next != nil { content["allImages"] = PageAddress.with("/images", [("by", creator.handle)]) }
        if theirCollections.next != nil {
            content["allCollections"] = PageAddress.with("/collections", [("by", creator.handle)])
        }
        return pages.page(
            "creator",
            PageFrame(
                pageTitle: creator.name,
                summary: Wording.beginning(
                    say(
                        "on-2", "\(creator.name)", "\(services.configuration.nodeName)",
                        "\(Markdown.plain(creator.about))"),
                    characters: 200),
                canonical: canonical(request, context, path), part: .creators),
            try await withTip(content, creator.author, AuthorID.text(creator.author)))
    }

    /// The button that follows a creator, or does so no longer.
    private func following(_ creator: CreatorView, _ path: String) async throws -> [String: Any] {
        guard let visitor = PageVisitor.current, visitor.grant.allows(.social) else { return [:] }
        guard creator.author != visitor.account.author else { return ["editHref": "/account/settings"] }
        let list = try await services.postLog.post(author: visitor.account.author, kind: .follows, slot: "")
        let isFollowed = list?.post.follows.follows.contains { $0.author == creator.author.data } ?? false
        let action = PageAddress.with("/follows", [("author", AuthorID.text(creator.author)), ("back", path)])
        return [
            "followAction": PageAddress.adding(
                FormToken.parameter, FormToken.make(session: visitor.session), to: action),
            "followDoes": isFollowed ? "unfollow" : "follow",
            "followSends": isFollowed ? say("follow-no-longer") : say("follow"),
        ]
    }

    private func facts(_ creator: CreatorView) -> [String] {
        func some(_ count: Int, _ one: String, _ many: String) -> String? {
            count == 0 ? nil : Wording.count(count, one, many)
        }
        return [
            some(creator.modelCount, say("model-2"), say("models-2")),
            some(creator.imageCount, say("image-2"), say("images-2")),
            some(creator.followers, say("follower"), say("followers-2")),
            creator.following == 0 ? nil : say("follows", Wording.count(creator.following)),
        ].compactMap { $0 }
    }

    /// The keys that an author signs with now.
    private func keys(of author: Hash32) async throws -> [SignatureView] {
        let devices = try await services.postLog.keyChain(of: author)?.devices ?? [:]
        let now = services.now()
        return devices.filter { $0.value.revocation == nil && $0.value.notBefore <= now && now <= $0.value.notAfter }
            .sorted { ($0.value.notBefore, $0.key) < ($1.value.notBefore, $1.key) }
            .prefix(8).map { SignatureView(device: $0.key, authority: $0.value) }
    }

    /// Where the picture of a creator is, when the viewer may see it and wants no blur before it.
    private func avatar(_ creator: CreatorView) async throws -> String? {
        guard let blob = creator.avatar else { return nil }
        return try await picture(blob)
    }

    /// The address of a picture that a text names by its hash, when the viewer may see it and wants no blur before it and it is here.
    func picture(_ blob: Hash32) async throws -> String? {
        let gate = BlobGate(catalog: services.catalog, moderation: services.moderation)
        guard try await gate.look(blob, for: viewer) == .show,
            try await services.blobs.presence([blob]) == [.whole]
        else { return nil }
        return "/blobs/\(blob.hex)"
    }
}
