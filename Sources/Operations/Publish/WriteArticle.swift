import Accounts
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import SystemPackage
import WaggleProtocol

/// `waggle article write`: writes an article, or changes one; what is nil stays as it is.
public struct WriteArticle: Operation {
    public static let name = "article write"
    public var account: String
    public var slug: String
    public var title: String?
    /// Markdown.
    public var text: String?
    public var tags: [String]?
    public var level: String?
    /// Absolute path of a picture; empty takes the cover away.
    public var cover: String?

    public init(
        account: String, slug: String, title: String? = nil, text: String? = nil, tags: [String]? = nil,
        level: String? = nil, cover: String? = nil
    ) {
        self.account = account
        self.slug = slug
        self.title = title
        self.text = text
        self.tags = tags
        self.level = level
        self.cover = cover
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        guard Slug.isValid(slug) else {
            throw OperationError(.usage, "\"\(slug)\" is no name for addresses: use a-z, 0-9, - _ . (at most 64)")
        }
        let posting = try Posting(context, as: account)
        let existing = try await posting.standing(.article, slug)
        var article = existing?.post.article ?? WireArticle()
        if let title { article.title = title }
        if let text { article.text = text }
        if let tags { article.tags = tags }
        if existing == nil || level != nil { article.level = try Level(typed: level ?? Level.pg.word).rawValue }
        guard article.text.contains(where: { !$0.isWhitespace }) else {
            throw OperationError(.usage, "an article has at least a word")
        }
        guard let path = cover, !path.isEmpty else {
            if cover != nil { article.cover = Data() }
            return try await posting.replace(.article, slot: slug, with: .article(article))
        }
        let picture = try await SampleFile.read(FilePath(path), for: context)
        return try await context.keeping { () async throws(OperationError) in
            [picture.brought]
        } _: { () async throws(OperationError) -> PostReply in
            article.cover = try await picture.store(in: context.blobs).data
            return try await posting.replace(.article, slot: slug, with: .article(article))
        }
    }
}
