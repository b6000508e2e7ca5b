import BlobStore
import Catalog
import Digests
import FoundationEssentials
import Moderation
import WaggleProtocol

/// One line of `waggle ls` and `waggle search`.
public struct ModelLine: Codable, Sendable {
    public let id: Int32
    public let name: String
    public let reference: String
    public let type: String
    public let baseModel: String
    public let versions: Int
    public let level: String
    /// Bytes of the newest release's files.
    public let size: UInt64
    /// Unix seconds.
    public let updated: UInt64
    /// True when all files of the newest release are here.
    public let isHere: Bool
    public let downloads: Int
    public let recommended: Int
    public let reviews: Int
}

/// Which models, as a person says it: every word is optional, and all must hold.
public struct ModelFilters: Codable, Sendable, Hashable {
    public var types: [String] = []
    public var excludedTypes: [String] = []
    public var baseModels: [String] = []
    public var excludedBaseModels: [String] = []
    public var tags: [String] = []
    public var excludedTags: [String] = []
    public var formats: [String] = []
    public var licences: [String] = []
    /// Names of `Permission`.
    public var permissions: [String] = []
    /// "PG" … "XXX".
    public var levels: [String] = []
    /// `@handle`, a local account or an author id.
    public var creator: String?
    /// Published in the last so many days.
    public var days: Int?
    /// Only what is from this node.
    public var isFromHere = false
    /// A name of `ModelQuery.Sort`; "newest" when nil.
    public var sort: String?

    public init() {}

    /// What the names of orders may be, for help and for errors.
    public static let sorts = ModelQuery.Sort.allCases.map(\.rawValue)
    public static let permissionNames = Permission.allCases.map(\.rawValue)

    func query(in context: OperationContext) async throws(OperationError) -> ModelQuery {
        var query = ModelQuery()
        query.types = types
        query.excludedTypes = excludedTypes
        query.baseModels = baseModels
        query.excludedBaseModels = excludedBaseModels
        query.tags = tags
        query.excludedTags = excludedTags
        query.formats = formats
        query.licences = licences
        query.isFromHere = isFromHere
        for name in permissions {
            guard let permission = Permission(rawValue: name) else {
                throw OperationError(
                    .usage,
                    "\"\(name)\" is no permission; use \(Self.permissionNames.joined(separator: ", "))")
            }
            query.permissions.insert(permission)
        }
        for word in levels { query.levels.insert(try Level(typed: word)) }
        if let creator { query.creator = .author(try await SubjectResolver(context).author(creator)) }
        if let days {
            guard days > 0 else { throw OperationError(.usage, "a period has at least one day") }
            let seconds = UInt64(clamping: days).multipliedReportingOverflow(by: 86_400)
            query.since = seconds.overflow ? 0 : context.now() - min(context.now(), seconds.partialValue)
        }
        if let sort {
            guard let found = ModelQuery.Sort(rawValue: sort) else {
                throw OperationError(.usage, "\"\(sort)\" is no order; use \(Self.sorts.joined(separator: ", "))")
            }
            query.sort = found
        }
        return query
    }
}

/// `waggle ls` and `waggle search`.
public struct ListModels: Operation {
    public static let name = "ls"
    /// Words to search for; empty lists everything.
    public var text: String
    public var filters: ModelFilters
    public var limit: Int
    public var cursor: String?

    public init(text: String = "", filters: ModelFilters = ModelFilters(), limit: Int, cursor: String? = nil) {
        self.text = text
        self.filters = filters
        self.limit = limit
        self.cursor = cursor
    }

    public struct Reply: Codable, Sendable {
        public let models: [ModelLine]
        /// Collections, articles and workflows that have the words: some of each, beside the first page.
        public let works: [WorkLine]
        /// Give it as `cursor` for the next page; nil at the end.
        public let next: String?
        /// What was searched instead, when nothing matched what was typed.
        public let corrected: String?
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        var query = try await filters.query(in: context)
        query.text = text
        query.limit = limit
        query.detail = .list
        query.position = cursor.map { .after($0) } ?? .start
        do {
            let found = try await context.catalog.search(query, context.moderation.filter(for: .owner))
            var lines: [ModelLine] = []
            for model in found.page.items {
                let newest = model.releases.first
                let files = newest?.body.files ?? []
                let presence = try await context.blobs.presence(files.compactMap { Hash32($0.sha256) })
                lines.append(
                    ModelLine(
                        id: model.id, name: model.body.name, reference: "@\(model.author.handle)/\(model.slug)",
                        type: model.body.type, baseModel: newest?.body.baseModel ?? "",
                        versions: model.releases.count, level: model.level.word,
                        size: files.reduce(0) { $0 + $1.size }, updated: model.updated,
                        isHere: !presence.isEmpty && presence.allSatisfy { $0 == .whole },
                        downloads: model.counts.downloads, recommended: model.counts.recommended,
                        reviews: model.counts.recommended + model.counts.notRecommended))
            }
            return Reply(
                models: lines, works: text.isEmpty || cursor != nil ? [] : try await works(in: context),
                next: found.page.next, corrected: found.corrected)
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as BlobError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}

extension ListModels {
    /// Of each kind.
    private static let works = 10

    private func works(in context: OperationContext) async throws -> [WorkLine] {
        let filter = context.moderation.filter(for: .owner)
        var (collections, articles, workflows) = (CollectionQuery(), ArticleQuery(), WorkflowQuery())
        (collections.text, articles.text, workflows.text) = (text, text, text)
        (collections.limit, articles.limit, workflows.limit) = (Self.works, Self.works, Self.works)
        var lines = try await context.catalog.collections(collections, filter).items.map { work in
            WorkLine("collection", work.post, work.author, work.slug, work.name, work.level, work.updated)
        }
        lines += try await context.catalog.articles(articles, filter).items.map { work in
            WorkLine("article", work.post, work.author, work.slug, work.title, work.level, work.updated)
        }
        lines += try await context.catalog.workflows(workflows, filter).items.map { work in
            WorkLine("workflow", work.post, work.author, work.slug, work.name, work.level, work.created)
        }
        return lines
    }
}

/// A collection, article or workflow that `waggle search` found.
public struct WorkLine: Codable, Sendable {
    /// "collection", "article" or "workflow".
    public let kind: String
    /// What `waggle open` takes.
    public let post: String
    /// `@maker/short-name`.
    public let reference: String
    public let name: String
    public let level: String
    /// Unix seconds.
    public let updated: UInt64

    fileprivate init(
        _ kind: String, _ post: Hash32, _ author: CreatorView, _ slug: String, _ name: String, _ level: Level,
        _ updated: UInt64
    ) {
        self.kind = kind
        self.post = post.hex
        reference = "@\(author.handle)/\(slug)"
        self.name = name
        self.level = level.word
        self.updated = updated
    }
}

/// `waggle open`: the address of the page of what a person names.
public struct FindPage: Operation {
    public static let name = "open"
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }

    public struct Reply: Codable, Sendable {
        public let url: String
    }

    public func run(in context: OperationContext) async throws(OperationError) -> Reply {
        guard let base = context.publicURL else {
            throw OperationError(.notFound, "no server runs on this home, so there is no page; start `waggle serve`")
        }
        if let path = try await path(in: context) { return Reply(url: base + path) }
        let release = try await ReferenceResolver(context).release(reference)
        return Reply(url: "\(base)/models/\(release.modelID)?modelVersionId=\(release.id)")
    }

    /// The path of a page that is not of a release: of `@somebody`, or of the id of a post.
    private func path(in context: OperationContext) async throws(OperationError) -> String? {
        let filter = context.moderation.filter(for: .owner)
        do {
            if reference.hasPrefix("@"), !reference.contains("/") {
                let author = try await SubjectResolver(context).author(reference)
                return try await context.catalog.creator(.author(author), filter).map { "/@\($0.handle)" }
            }
            guard let post = Hash32(hex: reference) else { return nil }
            if let image = try await context.catalog.imagePost(post: post, filter)?.images.first {
                return "/images/\(image.id)"
            }
            guard let work = try await context.catalog.work(ofPost: post, filter) else { return nil }
            switch work.kind {
            case .collection: return "/collections/\(work.id)"
            case .article: return "/articles/\(work.id)"
            default: return "/workflows/\(work.id)"
            }
        } catch let error as OperationError {
            throw error
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }
}
