public import Catalog
public import Digests
import FoundationEssentials
public import Moderation
public import PostLog
import WaggleProtocol

/// Whether somebody may see a post, whatever its kind, as the catalog knows it.
public struct VisiblePosts: Sendable {
    private let log: PostLog
    private let catalog: Catalog
    private let moderation: Moderation
    private let filter: ViewerFilter

    public init(log: PostLog, catalog: Catalog, moderation: Moderation, filter: ViewerFilter) {
        self.log = log
        self.catalog = catalog
        self.moderation = moderation
        self.filter = filter
    }

    private static let detail = ViewDetail(releases: 0, images: 0)

    /// Only posts in force here, of kinds that are shown.
    public func includes(_ id: Hash32) async throws -> Bool {
        guard let post = try await log.posts(ids: [id])[id] else { return false }
        return try await includes(post)
    }

    public func includes(_ post: LoggedPost) async throws -> Bool {
        guard moderation.takedown(of: .post(post.id)) == nil else { return false }
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
        case .bounty: return try await catalog.bounty(post: post.id, filter) != nil
        case .bountyEntry(let entry): return try await isSeen(bounty: entry.bounty)
        case .bountyAward(let award): return try await isSeen(bounty: award.bounty)
        case .comment(let comment): return try await isTalkedAbout(comment.subject)
        case .reaction(let reaction): return try await includesSubject(reaction.subject)
        default: return false
        }
    }

    private func isSeen(bounty: Data) async throws -> Bool {
        guard let bounty = Hash32(bounty) else { return false }
        return try await catalog.bounty(post: bounty, filter) != nil
    }

    /// A comment is seen where its subject is: that is where the catalog lists it.
    private func isTalkedAbout(_ subject: Data) async throws -> Bool {
        guard let subject = Hash32(subject) else { return false }
        return try await !catalog.comments(on: subject, limit: 1, filter).items.isEmpty
    }

    private func includesSubject(_ subject: Data) async throws -> Bool {
        guard let id = Hash32(subject), let post = try await log.posts(ids: [id])[id] else { return false }
        // Reactions are to what is no reaction: this goes no deeper.
        if case .reaction = post.post.body { return false }
        return try await includes(post)
    }
}
