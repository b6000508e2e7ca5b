import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle review`: one a person and release; said again it takes the place of what was said before.
public struct WriteReview: Operation {
    public static let name = "review"
    public var account: String
    /// Whatever `show` takes.
    public var reference: String
    public var isRecommended: Bool
    public var text: String
    /// Absolute paths of pictures made with the release.
    public var images: [String]
    /// Of the pictures; "PG" when nil.
    public var level: String?
    /// Whether pictures that the review had before stay.
    public var keepsImages: Bool?

    public init(
        account: String, reference: String, isRecommended: Bool, text: String, images: [String] = [],
        level: String? = nil, keepsImages: Bool? = nil
    ) {
        self.account = account
        self.reference = reference
        self.isRecommended = isRecommended
        self.text = text
        self.images = images
        self.level = level
        self.keepsImages = keepsImages
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        let release = try await ReferenceResolver(context).release(reference)
        guard release.author.author != posting.signer.author else {
            throw OperationError(.usage, "a creator does not review their own release; others would not count it")
        }
        let level = try Level(typed: level ?? Level.pg.word)
        var review = WireReview()
        if keepsImages == true {
            review.images = try await posting.standing(.review, release.post.hex)?.post.review.images ?? []
        }
        guard review.images.count + images.count <= Limits.Post.images else {
            throw OperationError(.limits, "at most \(Limits.Post.images) pictures go into one review")
        }
        review.release = release.post.data
        review.recommended = isRecommended
        review.text = text
        var files: [SampleFile] = []
        for path in images { files.append(try await SampleFile.read(FilePath(path), for: context)) }
        let resolver = RecipeResolver(context, author: posting.signer.author, own: release.body.files)
        return try await context.keeping { () async throws(OperationError) in
            files.map(\.brought)
        } _: { () async throws(OperationError) -> PostReply in
            for file in files {
                review.images.append(try await file.take(level: level, resolver: resolver, store: context.blobs))
            }
            return try await posting.replace(.review, slot: release.post.hex, with: .review(review))
        }
    }
}

/// `waggle comment`.
public struct WriteComment: Operation {
    public static let name = "comment"
    public var account: String
    /// What it is about: see `SubjectResolver`.
    public var subject: String
    /// Id of the comment that it answers, in hexadecimal.
    public var replyTo: String?
    public var text: String

    public init(account: String, subject: String, replyTo: String? = nil, text: String) {
        self.account = account
        self.subject = subject
        self.replyTo = replyTo
        self.text = text
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        var comment = WireComment()
        comment.text = text
        comment.subject = try await SubjectResolver(context).subject(subject).data
        if let replyTo {
            guard let id = Hash32(hex: replyTo) else {
                throw OperationError(.usage, "\"\(replyTo)\" is no id of a comment: 64 hexadecimal digits")
            }
            let answered: WireComment?
            do {
                answered = try await context.log.posts(ids: [id])[id].map(\.post.comment)
            } catch {
                throw OperationError(error)
            }
            guard let answered, answered.subject == comment.subject else {
                throw OperationError(.notFound, "there is no comment \(replyTo) on \(subject) to answer")
            }
            comment.replyTo = id.data
        }
        let post = try posting.sign { $0.comment = comment }
        try await posting.submit([post])
        return PostReply(post: post.id.hex, isNew: true)
    }
}

/// `waggle react`: one of each emoji a person and subject; withdrawn it counts no longer.
public struct React: Operation {
    public static let name = "react"
    public var account: String
    public var subject: String
    public var emoji: String
    public var isWithdrawn: Bool

    public init(account: String, subject: String, emoji: String, isWithdrawn: Bool = false) {
        self.account = account
        self.subject = subject
        self.emoji = emoji
        self.isWithdrawn = isWithdrawn
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        var reaction = WireReaction()
        let subject = try await SubjectResolver(context).subject(subject)
        reaction.subject = subject.data
        reaction.emoji = emoji
        reaction.withdrawn = isWithdrawn
        return try await posting.replace(
            .reaction, slot: "\(subject.hex) \(emoji)", with: .reaction(reaction))
    }
}

/// `waggle rm`: takes back what an account of this home said. Others stop showing it; a tombstone stays.
public struct RetractPost: Operation {
    public static let name = "rm"
    public var account: String
    public var subject: String
    public var reason: String

    public init(account: String, subject: String, reason: String) {
        self.account = account
        self.subject = subject
        self.reason = reason
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        let id = try await SubjectResolver(context).subject(subject)
        let post: LoggedPost?
        do {
            post = try await context.log.posts(ids: [id])[id]
        } catch {
            throw OperationError(error)
        }
        guard let post else { throw OperationError(.notFound, "nothing that is shown here is named \"\(subject)\"") }
        guard post.author == posting.signer.author else {
            throw OperationError(.auth, "@\(account) did not sign that; only its author can take a post back")
        }
        guard post.kind.isDeletable else {
            throw OperationError(.usage, "a post of this kind cannot be taken back; others rely on it")
        }
        // A slot is emptied: an older version must not come back in its place.
        let delete = try posting.sign(after: post.created) { wire in
            if post.kind.isReplaceable {
                var slot = WireSlotName()
                slot.kind = post.kind.rawValue
                slot.slot = post.slot
                wire.delete.slots = [slot]
            } else {
                wire.delete.ids = [post.id.data]
            }
            wire.delete.reason = reason
        }
        try await posting.submit([delete])
        return PostReply(post: delete.id.hex, isNew: true)
    }
}
