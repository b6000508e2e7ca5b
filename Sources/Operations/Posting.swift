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
        try context.signing.check()
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
    /// - Parameter isAdmitted: the caller's pace was looked at already.
    /// - Throws: what the first refused post was refused for.
    func submit(_ posts: [SignedPost], isAdmitted: Bool = false) async throws(OperationError) {
        guard !posts.isEmpty else { return }
        if !isAdmitted { try context.admit(posts: posts.count) }
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

/// What signing one post came to.
public struct PostReply: Codable, Sendable {
    /// Id of the post, in hexadecimal.
    public let post: String
    /// False when the same was said before.
    public let isNew: Bool

    enum CodingKeys: String, CodingKey {
        case post
        case isNew = "is_new"
    }
}
