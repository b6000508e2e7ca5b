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
        switch post.post.body {
        case .model(let body): Level(declared: body.level)
        case .imagePost(let body): body.images.map { Level(declared: $0.level) }.max()
        case .collection(let body): Level(declared: body.level)
        case .article(let body): Level(declared: body.level)
        case .workflow(let body): Level(declared: body.level)
        case .bounty(let body): Level(declared: body.level)
        case .release(let body): try await level(ofModelOf: body)
        default: nil
        }
    }

    private func level(ofModelOf release: WireRelease) async throws -> Level? {
        // No level says more than XXX but the one that nobody serves.
        guard moderation.ceiling < .xxx, let author = Hash32(release.modelAuthor) else { return nil }
        let everything = moderation.filter(for: .owner)
        let detail = ViewDetail(releases: 0, images: 0)
        return try await catalog.model(author: author, slug: release.modelSlug, everything, detail: detail)?.level
    }
}
