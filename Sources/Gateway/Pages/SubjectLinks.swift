import Catalog
import Digests
import Moderation
import Operations
import PostLog
import WaggleProtocol

/// The pages of posts, whatever their kind, as far as somebody may see them.
struct SubjectLinks: Sendable {
    let services: GatewayServices
    let filter: ViewerFilter

    /// Nil for what is not here, or not for this viewer.
    func link(_ post: Hash32) async throws -> LinkView? {
        try await link(post, depth: 0)
    }

    private static let detail = ViewDetail(releases: 0, images: 0)

    private func link(_ id: Hash32, depth: Int) async throws -> LinkView? {
        let catalog = services.catalog
        // What is said of something leads to what it is said of, and no further.
        guard depth < 3, let post = try await services.postLog.posts(ids: [id])[id] else { return nil }
        guard services.moderation.takedown(of: .post(id)) == nil else { return nil }
        switch post.post.body {
        case .model:
            return try await catalog.model(post: id, filter, detail: .brief).map {
                LinkView(linkText: $0.body.name, linkHref: PageAddress.model($0))
            }
        case .release:
            guard let release = try await catalog.release(post: id, filter, detail: Self.detail) else { return nil }
            let model = try await catalog.model(id: release.modelID, filter, detail: .brief)
            return LinkView(
                linkText: "\(model?.body.name ?? say("a-model")) \(release.body.version)",
                linkHref: "/models/\(release.modelID)?modelVersionId=\(release.id)")
        case .imagePost:
            return try await catalog.imagePost(post: id, filter)?.images.first.map {
                LinkView(linkText: Wording.heading($0), linkHref: PageAddress.image($0.id))
            }
        case .collection:
            return try await catalog.collection(author: post.author, slug: post.slot, filter).map {
                LinkView(linkText: $0.name, linkHref: PageAddress.collection($0))
            }
        case .article:
            return try await catalog.article(author: post.author, slug: post.slot, filter).map {
                LinkView(linkText: $0.title.isEmpty ? say("an-article-2") : $0.title, linkHref: PageAddress.article($0))
            }
        case .workflow:
            return try await catalog.workflow(author: post.author, slug: post.slot, filter).map {
                LinkView(linkText: $0.name.isEmpty ? say("a-workflow-2") : $0.name, linkHref: PageAddress.workflow($0))
            }
        case .bounty(let bounty):
            guard try await catalog.bounty(post: id, filter) != nil else { return nil }
            return LinkView(
                linkText: bounty.title.isEmpty ? say("a-bounty") : bounty.title, linkHref: "/bounties/\(id.hex)")
        case .review(let review):
            return try await link(review.release, say("a-review-of"), depth)
        case .comment(let comment):
            return try await link(comment.subject, say("a-comment-on"), depth)
        case .bountyEntry(let entry):
            return try await link(entry.bounty, say("an-entry-for"), depth)
        default: return nil
        }
    }

    private func link(_ subject: some Collection<UInt8>, _ what: String, _ depth: Int) async throws -> LinkView? {
        guard let subject = Hash32(subject), let found = try await link(subject, depth: depth + 1) else { return nil }
        return LinkView(linkText: "\(what) \(found.linkText)", linkHref: found.linkHref)
    }
}
