public import Accounts
import Catalog
import Digests
public import FoundationEssentials
import Identity
import PostLog
import WaggleProtocol

/// Posts that were signed elsewhere, by keys of an account here.
public struct SubmitSigned: Sendable {
    public let account: Account
    public let envelopes: [Data]

    public init(account: Account, envelopes: [Data]) {
        self.account = account
        self.envelopes = envelopes
    }

    /// What became of one envelope.
    public struct Line: Codable, Sendable {
        /// Id of the post; empty for what is none.
        public let post: String
        /// "new", "have", "invalid", "policy", "rate", "future" or "parked".
        public let result: String
        /// Why it was not taken.
        public let reason: String?
        /// Seconds.
        public let retryAfter: UInt32?
    }

    /// Hands them in as they are; returns when the catalog shows those that were taken.
    ///
    /// - Throws: `auth` when one is of another author: nothing is handed in then.
    public func run(in context: OperationContext) async throws(OperationError) -> [Line] {
        let posts = envelopes.map { try? SignedPost(envelope: $0) }
        for post in posts.compactMap({ $0 }) {
            let author = Hash32(post.post.author) ?? post.id
            guard author == account.author else {
                throw OperationError(.auth, "@\(account.handle) hands in posts of its own keys only")
            }
        }
        try context.admit(posts: envelopes.count)
        let results: [IntakeResult]
        do {
            results = try await context.log.intake.submit(envelopes, from: .local)
        } catch {
            throw OperationError(error)
        }
        await context.catalog.waitUntilApplied(context.log.newestSeq)
        return zip(posts, results).map { post, result in Self.line(post?.id.hex ?? "", result) }
    }

    private static func line(_ post: String, _ result: IntakeResult) -> Line {
        switch result {
        case .new: Line(post: post, result: "new", reason: nil, retryAfter: nil)
        case .have: Line(post: post, result: "have", reason: nil, retryAfter: nil)
        case .invalid(let reason), .unauthorised(let reason):
            Line(post: post, result: "invalid", reason: reason, retryAfter: nil)
        case .policy(let reason): Line(post: post, result: "policy", reason: reason, retryAfter: nil)
        case .rate(let seconds): Line(post: post, result: "rate", reason: nil, retryAfter: seconds)
        case .future(let seconds): Line(post: post, result: "future", reason: nil, retryAfter: seconds)
        case .parked: Line(post: post, result: "parked", reason: "its key documents are missing", retryAfter: nil)
        }
    }
}
