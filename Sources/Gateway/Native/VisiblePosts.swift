import Catalog
import Digests
import FoundationEssentials
import Moderation
import PostLog
import WaggleProtocol

/// Whether somebody may see a post, whatever its kind, as the catalog knows it.
struct VisiblePosts: Sendable {
    let services: GatewayServices
    let filter: ViewerFilter

    private static let detail = ViewDetail(releases: 0, images: 0)

    /// Only posts in force here, of kinds that are shown.
    func includes(_ id: Hash32) async throws -> Bool {
        guard let post = try await services.postLog.posts(ids: [id])[id] else { return false }
        return try await includes(post)
    }

    /// The post of a release that a caller names by the digits of its post or its number here.
    func release(_ text: String) async throws -> String {
        let view =
            if let post = Hash32(hex: text) {
                try await services.catalog.release(post: post, filter, detail: Self.detail)
            } else if let id = Int32(text) {
                try await services.catalog.release(id: id, filter, detail: Self.detail)
            } else {
                ReleaseView?.none
            }
        guard let view else {
            throw GatewayError.notFound("There is no release \(text.prefix(80)) here that you may see")
        }
        return view.post.hex
    }

    func includes(_ post: LoggedPost) async throws -> Bool {
        guard services.moderation.purgeRow(for: .post(post.id)) == nil else { return false }
        let catalog = services.catalog
        switch post.post.body {
        case .profile: return true
        case .model: return try await catalog.model(post: post.id, filter, detail: Self.detail) != nil
        case .release: return try await catalog.release(post: post.id, filter, detail: Self.detail) != nil
        case .imagePost: return try await catalog.imagePost(post: post.id, filter) != nil
        case .collection: return try await catalog.collection(author: post.author, slug: post.slot, filter) != nil
        case .article: return try await catalog.article(author: post.author, slug: post.slot, filter) != nil
        case .workflow: return try await catalog.workflow(author: post.author, slug: post.slot, filter) != nil
        case .review(let review):
            guard let release = Hash32(review.release) else { return false }
            return try await catalog.release(post: release, filter, detail: Self.detail) != nil
        case .comment(let comment): return try await isTalkedAbout(comment.subject)
        case .reaction(let reaction): return try await includesSubject(reaction.subject)
        default: return false
        }
    }

    /// A comment is seen where its subject is: that is where the catalog lists it.
    private func isTalkedAbout(_ subject: Data) async throws -> Bool {
        guard let subject = Hash32(subject) else { return false }
        return try await !services.catalog.comments(on: subject, limit: 1, filter).items.isEmpty
    }

    private func includesSubject(_ subject: Data) async throws -> Bool {
        guard let id = Hash32(subject), let post = try await services.postLog.posts(ids: [id])[id] else { return false }
        // Reactions are to what is no reaction: this goes no deeper.
        if case .reaction = post.post.body { return false }
        return try await includes(post)
    }
}
