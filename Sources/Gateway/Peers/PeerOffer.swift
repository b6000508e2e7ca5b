import Catalog
import Digests
import FoundationEssentials
import Moderation
import PostLog
import WaggleProtocol

/// Which posts in force this node hands to accepted peers: all up to the ceiling.
///
/// A post that speaks of its level is judged by that. A release does not; it has the level of its model.
struct PeerOffer: Sendable {
    let catalog: Catalog
    let moderation: Moderation

    func includes(_ post: LoggedPost) async throws -> Bool {
        guard moderation.takedown(of: .post(post.id)) == nil else { return false }
        guard let level = try await level(of: post) else { return true }
        return level <= moderation.ceiling
    }

    /// Nil for a post that shows nothing which has a level.
    private func level(of post: LoggedPost) async throws -> Level? {
        if case .release(let body) = post.post.body { return try await level(ofModelOf: body) }
        return PostLevel.highest(of: post.post, id: post.id, author: post.author, moderation.levelRules)
    }

    private func level(ofModelOf release: WireRelease) async throws -> Level? {
        // No level says more than XXX but the one that nobody serves.
        guard moderation.ceiling < .xxx, let author = Hash32(release.modelAuthor) else { return nil }
        let everything = moderation.filter(for: .owner)
        let detail = ViewDetail(releases: 0, images: 0)
        return try await catalog.model(author: author, slug: release.modelSlug, everything, detail: detail)?.level
    }
}
