import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// `waggle collection new`: makes a collection, or changes what it is called; what is nil stays as it is.
public struct EditCollection: Operation {
    public static let name = "collection edit"
    public var account: String
    public var slug: String
    public var title: String?
    /// Markdown.
    public var description: String?
    public var level: String?

    public init(account: String, slug: String, title: String?, description: String?, level: String?) {
        self.account = account
        self.slug = slug
        self.title = title
        self.description = description
        self.level = level
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        guard Slug.isValid(slug) else {
            throw OperationError(.usage, "\"\(slug)\" is no name for addresses: use a-z, 0-9, - _ . (at most 64)")
        }
        let posting = try Posting(context, as: account)
        let existing = try await posting.standing(.collection, slug)
        var collection = existing?.post.collection ?? WireCollection()
        collection.name = title ?? (existing == nil ? slug : collection.name)
        if let description { collection.description_p = description }
        if existing == nil || level != nil {
            collection.level = try Level(typed: level ?? Level.pg.word).rawValue
        }
        return try await posting.replace(.collection, slot: slug, with: .collection(collection))
    }
}

/// `waggle collection add` and `collection rm`: models, releases and images, in the order in which they are added.
public struct ChangeCollection: Operation {
    public static let name = "collection change"
    public var account: String
    public var slug: String
    public var added: [String]
    public var removed: [String]

    public init(account: String, slug: String, added: [String] = [], removed: [String] = []) {
        self.account = account
        self.slug = slug
        self.added = added
        self.removed = removed
    }

    public func run(in context: OperationContext) async throws(OperationError) -> PostReply {
        let posting = try Posting(context, as: account)
        guard let existing = try await posting.standing(.collection, slug) else {
            throw OperationError(
                .notFound, "@\(account) has no collection \(slug); `waggle collection new \(slug)` makes it")
        }
        var collection = existing.post.collection
        let subjects = SubjectResolver(context)
        for reference in removed {
            // What is named in full need not be here any more.
            let named = Hash32(hex: reference).map(\.data)
            let item =
                if let named, collection.items.contains(named) { named } else {
                    try await subjects.subject(reference).data
                }
            guard collection.items.contains(item) else {
                throw OperationError(.notFound, "\(reference) is not in the collection \(slug)")
            }
            collection.items.removeAll { $0 == item }
        }
        for reference in added {
            let item = try await subjects.subject(reference).data
            if !collection.items.contains(item) { collection.items.append(item) }
        }
        guard collection.items.count <= Limits.Post.collectionItems else {
            throw OperationError(
                .limits, "a collection has at most \(Limits.Post.collectionItems) items; begin another")
        }
        return try await posting.replace(.collection, slot: slug, with: .collection(collection))
    }
}
