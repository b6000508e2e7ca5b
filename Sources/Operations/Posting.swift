import Accounts
import BlobStore
import Catalog
import Digests
import Identity
import PostLog
import WaggleProtocol

/// Signs posts as a local account and hands them in.
struct Posting: Sendable {
    let context: OperationContext
    let signer: Signer

    /// - Throws: `auth` when no key of that account can be used here, `conflict` while a restored home may not sign.
    init(_ context: OperationContext, as account: String) throws(OperationError) {
        try context.checkWritable()
        self.context = context
        signer = try context.keyring.account(account)
    }

    /// The account's own post in force of a slot.
    func standing(_ kind: PostKind, _ slot: String) async throws(OperationError) -> LoggedPost? {
        do {
            return try await context.log.post(author: signer.author, kind: kind, slot: slot)
        } catch {
            throw OperationError(error)
        }
    }

    /// - Parameter after: `created` of the post that the new one replaces: it must be newer to stand.
    func sign(after: UInt64? = nil, _ fill: (inout WirePost) -> Void) throws(OperationError) -> SignedPost {
        var post = WirePost()
        post.created = max(context.now(), (after ?? 0) + 1)
        fill(&post)
        do {
            return try signer.sign(post)
        } catch {
            throw OperationError(error)
        }
    }

    /// Returns when the posts are durable and the catalog shows them.
    ///
    /// Blobs that they show are pinned before they are announced, because what this node's people signed is never evicted;
    /// and after the caller's pace was looked at, because nothing would ever take the pin of a post that is not there away.
    ///
    /// - Throws: what the first refused post was refused for.
    func submit(_ posts: [SignedPost]) async throws(OperationError) {
        guard !posts.isEmpty else { return }
        try context.admit(posts: posts.count)
        let fresh = try await pin(posts.flatMap(\.post.shownBlobs))
        do throws(OperationError) {
            try await take(posts)
        } catch {
            // As far as all of them were refused: the blobs of one that stands stay pinned.
            let standing = (try? await context.log.posts(ids: posts.map(\.id))) ?? [:]
            let kept = Set(standing.values.flatMap(\.post.shownBlobs))
            for blob in fresh where !kept.contains(blob) { try? await context.blobs.unpin(blob, .ownPost) }
            throw error
        }
    }

    /// Those that were not pinned before.
    private func pin(_ blobs: [Hash32]) async throws(OperationError) -> [Hash32] {
        do {
            var fresh: [Hash32] = []
            for blob in blobs where try await !context.blobs.pins(blob).contains(.ownPost) {
                try await context.blobs.pin(blob, .ownPost)
                fresh.append(blob)
            }
            return fresh
        } catch {
            throw OperationError(error)
        }
    }

    private func take(_ posts: [SignedPost]) async throws(OperationError) {
        let results: [IntakeResult]
        do {
            results = try await context.log.intake.submit(posts.map(\.envelope), from: .local)
        } catch {
            throw OperationError(error)
        }
        if let refusal = results.lazy.compactMap({ OperationError($0) }).first { throw refusal }
        await context.catalog.waitUntilApplied(context.log.newestSeq)
    }

    /// Signs and hands in what takes a slot's place; an unchanged body is left as it stands.
    ///
    /// - Returns: the post that stands now, and whether it is new.
    func replace(_ kind: PostKind, slot: String, with body: WirePost.OneOf_Body) async throws(OperationError)
        -> PostReply
    {
        let existing = try await standing(kind, slot)
        if let existing, existing.post.body == body { return PostReply(post: existing.id.hex, isNew: false) }
        let post = try sign(after: existing?.created) { post in
            post.slot = slot
            post.body = body
        }
        try await submit([post])
        return PostReply(post: post.id.hex, isNew: true)
    }
}

extension WirePost {
    /// The blobs that a post of an account here brought into the store: files, and pictures.
    var shownBlobs: [Hash32] {
        let images = imagePost.images + review.images
        return (release.files + [workflow.graph]).compactMap { Hash32($0.sha256) }
            + images.compactMap { Hash32($0.blob) } + [Hash32(article.cover)].compactMap { $0 }
    }
}

/// What signing one post came to.
public struct PostReply: Codable, Sendable {
    /// Id of the post, in hexadecimal.
    public let post: String
    /// False when the same was said before.
    public let isNew: Bool

    public init(post: String, isNew: Bool) {
        (self.post, self.isNew) = (post, isNew)
    }

    enum CodingKeys: String, CodingKey {
        case post
        case isNew = "is_new"
    }
}
