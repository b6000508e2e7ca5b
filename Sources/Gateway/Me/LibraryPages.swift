import Accounts
import Catalog
import Digests
import HTTPTypes
import Hummingbird
import Moderation
import Operations
import WaggleProtocol

/// `/account/library`: what somebody published, what they keep in collections, and which of it has something newer.
struct LibraryPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let door: PageDoor

    func register(in routes: inout RouteTable) {
        routes.get("/account/library", shows: .account, .page, door.page(.read, show))
    }

    private struct UpdateItem {
        let updateName: String
        let updateHref: String
        let updateWords: String
    }

    @Sendable private func show(_ call: PageCall) async throws -> Response {
        let reference = CreatorReference.author(call.account.author)
        var (models, images, collections) = (ModelQuery(), ImageQuery(), CollectionQuery())
        (models.creator, images.creator, collections.creator) = (reference, reference, reference)
        (models.limit, images.limit, collections.limit) = (
            Limits.Gateway.cards, Limits.Gateway.sectionItems, Limits.Gateway.cards
        )
        // One's own things, of whatever level they are.
        let owner = services.moderation.filter(for: .owner)
        let mine = try await services.catalog.cards(models, owner)
        let pictures = try await services.catalog.images(images, owner)
        let sets = try await services.catalog.collections(collections, owner)
        var (articles, workflows) = (ArticleQuery(), WorkflowQuery())
        (articles.creator, workflows.creator) = (reference, reference)
        let texts =
            try await services.catalog.articles(articles, owner).items.map { ArticleItem($0) }
            + services.catalog.workflows(workflows, owner).items.map { ArticleItem($0) }
        let updates = try await updates(in: sets.items, call)
        let content: [String: Any] = [
            "heading": say("library"), "tabSets": MePages.rooms("/account/library"),
            "models": mine.items.map { CardView($0) }, "hasModels": !mine.items.isEmpty,
            "images": pictures.items.map { CardView($0) }, "hasImages": !pictures.items.isEmpty,
            "collections": sets.items.map { CardView($0) }, "hasCollections": !sets.items.isEmpty,
            "articles": texts, "hasArticles": !texts.isEmpty, "updates": updates, "hasUpdates": !updates.isEmpty,
            "hasNothing": mine.items.isEmpty && pictures.items.isEmpty && sets.items.isEmpty && texts.isEmpty,
        ]
        return pages.page(
            "melibrary", PageFrame(pageTitle: say("library")), content,
            headers: [.cacheControl: "private, no-cache"])
    }

    /// Versions that somebody collected and that have a newer one.
    private func updates(in collections: [CollectionView], _ call: PageCall) async throws -> [UpdateItem] {
        var seen: Set<Int32> = []
        var updates: [UpdateItem] = []
        for collection in collections.prefix(Limits.Gateway.sectionItems) {
            let items = try await services.catalog.items(
                ofCollection: collection.id, limit: Limits.Gateway.cards, call.filter)
            for case .release(let release, let card) in items.items {
                guard seen.insert(release.id).inserted, let newest = card.release, newest.id != release.id,
                    let newer = try await services.catalog.release(
                        id: newest.id, call.filter, detail: .init(releases: 0, images: 0)),
                    newer.created > release.created
                else { continue }
                updates.append(
                    UpdateItem(
                        updateName: card.name, updateHref: "/models/\(card.id)?modelVersionId=\(newest.id)",
                        updateWords:
                            say(
                                "is-newer-than-which-is-in", "\(newer.body.version)", "\(release.body.version)",
                                "\(collection.name)")
                    ))
            }
        }
        return updates
    }
}
