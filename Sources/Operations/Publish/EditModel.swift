import Identity
import PostLog
import WaggleProtocol

/// Changes what is said of a model, without a new release; what is nil stays as it is.
public struct EditModel: Operation {
    public static let name = "model edit"
    public var account: String
    public var slug: String
    public var title: String?
    /// Markdown.
    public var description: String?
    public var tags: [String]?
    public var licence: LicenceTerms?

    public init(
        account: String, slug: String, title: String? = nil, description: String? = nil, tags: [String]? = nil,
        licence: LicenceTerms? = nil
    ) {
        self.account = account
        self.slug = slug
        self.title = title
        self.description = description
        self.tags = tags
        self.licence = licence
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        guard var model = try await posting.standing(.model, slug)?.post.model else {
            throw OperationError(.notFound, "@\(account) has no model \(slug); publish a release of it first")
        }
        if let title { model.name = title }
        if let description { model.description_p = description }
        if let tags { model.tags = tags }
        licence?.apply(to: &model.licence)
        return try await posting.replace(.model, slot: slug, with: .model(model))
    }
}
