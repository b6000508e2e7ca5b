import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import WaggleProtocol

/// One line of `waggle collection ls`.
public struct CollectionLine: Codable, Sendable {
    public let post: String
    /// `@maker/short-name`.
    public let reference: String
    public let name: String
    public let items: Int
    public let level: String
    /// Unix seconds.
    public let updated: UInt64
}

/// `waggle collection ls`.
public struct ListCollections: Operation {
    public static let name = "collection ls"
    public var creator: String?
    public var limit: Int
    public var cursor: String?

    public init(creator: String? = nil, limit: Int, cursor: String? = nil) {
        self.creator = creator
        self.limit = limit
        self.cursor = cursor
    }

    public struct Reply: Codable, Sendable {
        public let collections: [CollectionLine]
        /// Give it as `cursor` for the next page; nil at the end.
        public let next: String?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        var query = CollectionQuery()
        if let creator { query.creator = .author(try await SubjectResolver(context).author(creator)) }
        query.limit = limit
        query.position = cursor.map { .after($0) } ?? .start
        do {
            let page = try await context.catalog.collections(query, context.moderation.filter(for: .owner))
            return Reply(
                collections: page.items.map { collection in
                    CollectionLine(
                        post: collection.post.hex, reference: "@\(collection.author.handle)/\(collection.slug)",
                        name: collection.name, items: collection.itemCount, level: collection.level.word,
                        updated: collection.updated)
                }, next: page.next)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle collection show`.
public struct ShowCollection: Operation {
    public static let name = "collection show"
    /// `@maker/short-name`, or the id of the post.
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }

    public struct Item: Codable, Sendable {
        /// "model", "release" or "images".
        public let kind: String
        public let post: String
        /// What other commands take.
        public let reference: String
        public let title: String
    }

    public struct Reply: Codable, Sendable {
        public let post: String
        public let name: String
        public let description: String
        public let author: String
        public let level: String
        public let items: [Item]
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        let parts = reference.split(separator: "/", maxSplits: 1)
        guard reference.hasPrefix("@"), parts.count == 2 else {
            throw OperationError(.usage, "\"\(reference)\": write @maker/short-name")
        }
        let author = try await SubjectResolver(context).author(String(parts[0]))
        let filter = context.moderation.filter(for: .owner)
        do {
            guard
                let collection = try await context.catalog.collection(
                    author: author, slug: String(parts[1]), filter)
            else { throw OperationError(.notFound, "\(parts[0]) has no collection \(parts[1]) that is known here") }
            var items: [Item] = []
            var position = PagePosition.start
            while true {
                let page = try await context.catalog.items(
                    ofCollection: collection.id, limit: Limits.Catalog.pageItems, position: position, filter)
                items += page.items.map(Item.init)
                guard let next = page.next else { break }
                position = .after(next)
            }
            return Reply(
                post: collection.post.hex, name: collection.name, description: collection.description,
                author: AuthorID.text(author), level: collection.level.word, items: items)
        } catch let error as OperationError {
            throw error
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

extension ShowCollection.Item {
    init(_ item: CollectionItem) {
        switch item {
        case .model(let model):
            self.init(
                kind: "model", post: model.post.hex, reference: "@\(model.author.handle)/\(model.slug)",
                title: model.name)
        case .release(let release, let model):
            self.init(
                kind: "release", post: release.post.hex,
                reference: "@\(model.author.handle)/\(model.slug)@\(release.body.version)",
                title: "\(model.name) \(release.body.version)")
        case .images(let post):
            self.init(
                kind: "images", post: post.post.hex, reference: post.post.hex,
                title: post.title.isEmpty ? post.images.first?.image.alt ?? "" : post.title)
        }
    }
}
