import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Someone that an account follows.
public struct FollowLine: Codable, Sendable {
    public let author: String
    /// What they call themselves; empty while no profile of theirs is here.
    public let name: String
    public let handle: String
    /// What the follower calls them.
    public let petname: String
    public let models: Int
}

/// `waggle follow add` and `follow rm`: the signed list of who an account follows. Whom a person at home here follows has
/// room here.
public struct ChangeFollows: Operation {
    public static let name = "follow change"
    public var account: String
    /// `@handle`, or an author id.
    public var author: String
    public var petname: String
    public var isFollowing: Bool

    public init(account: String, author: String, petname: String = "", isFollowing: Bool) {
        self.account = account
        self.author = author
        self.petname = petname
        self.isFollowing = isFollowing
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        let author = try await SubjectResolver(context).author(author)
        var follows = try await posting.standing(.follows, "")?.post.follows ?? WireFollows()
        let index = follows.follows.firstIndex { $0.author == author.data }
        if isFollowing {
            guard author != posting.signer.author else { throw OperationError(.usage, "@\(account) is that author") }
            var follow = WireFollow()
            follow.author = author.data
            follow.petname = petname
            if let index { follows.follows[index] = follow } else { follows.follows.append(follow) }
            guard follows.follows.count <= Limits.Post.follows else {
                throw OperationError(.limits, "one account follows at most \(Limits.Post.follows) others")
            }
        } else {
            guard let index else { throw OperationError(.notFound, "@\(account) does not follow \(self.author)") }
            follows.follows.remove(at: index)
        }
        return try await posting.replace(.follows, slot: "", with: .follows(follows))
    }
}

/// `waggle follow ls`.
public struct ListFollows: Operation {
    public static let name = "follow ls"
    public var account: String

    public init(account: String) {
        self.account = account
    }

    public func run(in context: OperationContext) async throws(OperationError) -> [FollowLine] {
        let posting = try Posting(context, as: account)
        var lines: [FollowLine] = []
        for follow in try await posting.standing(.follows, "")?.post.follows.follows ?? [] {
            guard let author = Hash32(follow.author) else { continue }
            let creator: CreatorView?
            do {
                creator = try await context.catalog.creator(.author(author), context.moderation.filter(for: .owner))
            } catch {
                throw OperationError(error)
            }
            lines.append(
                FollowLine(
                    author: AuthorID.text(author), name: creator?.name ?? "", handle: creator?.handle ?? "",
                    petname: follow.petname, models: creator?.modelCount ?? 0))
        }
        return lines
    }
}
