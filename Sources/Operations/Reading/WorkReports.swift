import Catalog
import Digests
import FoundationEssentials
import Moderation
import WaggleProtocol

/// One line of `waggle article ls` and `waggle workflow ls`.
public struct ListedWork: Codable, Sendable {
    public let post: String
    /// `@maker/short-name`.
    public let reference: String
    public let name: String
    public let level: String
    /// Unix seconds.
    public let updated: UInt64
}

/// An article or a workflow with everything that it says.
public struct WorkReport: Codable, Sendable {
    public let post: String
    public let reference: String
    public let name: String
    /// Markdown.
    public let text: String
    public let tags: [String]
    public let level: String
    /// Unix seconds.
    public let updated: UInt64
    /// Of an article's cover or of a workflow's graph, in hexadecimal; nil for none.
    public let file: String?
}

/// A page of a list.
public struct WorkPage: Codable, Sendable {
    public let works: [ListedWork]
    /// Give it as `cursor` for the next page; nil at the end.
    public let next: String?
}

/// `waggle article ls`.
public struct ListArticles: Operation {
    public static let name = "article ls"
    public var creator: String?
    public var limit: Int
    public var cursor: String?

    public init(creator: String? = nil, limit: Int, cursor: String? = nil) {
        self.creator = creator
        self.limit = limit
        self.cursor = cursor
    }

    public func run(in context: OperationContext) async throws(OperationError) -> WorkPage {
        var query = ArticleQuery()
        if let creator { query.creator = .author(try await SubjectResolver(context).author(creator)) }
        query.limit = limit
        query.position = cursor.map { .after($0) } ?? .start
        do {
            let page = try await context.catalog.articles(query, context.moderation.filter(for: .owner))
            return WorkPage(
                works: page.items.map { article in
                    ListedWork(
                        post: article.post.hex, reference: "@\(article.author.handle)/\(article.slug)",
                        name: article.title, level: article.level.word, updated: article.updated)
                }, next: page.next)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `waggle workflow ls`.
public struct ListWorkflows: Operation {
    public static let name = "workflow ls"
    public var creator: String?
    public var limit: Int
    public var cursor: String?

    public init(creator: String? = nil, limit: Int, cursor: String? = nil) {
        self.creator = creator
        self.limit = limit
        self.cursor = cursor
    }

    public func run(in context: OperationContext) async throws(OperationError) -> WorkPage {
        var query = WorkflowQuery()
        if let creator { query.creator = .author(try await SubjectResolver(context).author(creator)) }
        query.limit = limit
        query.position = cursor.map { .after($0) } ?? .start
        do {
            let page = try await context.catalog.workflows(query, context.moderation.filter(for: .owner))
            return WorkPage(
                works: page.items.map { workflow in
                    ListedWork(
                        post: workflow.post.hex, reference: "@\(workflow.author.handle)/\(workflow.slug)",
                        name: workflow.name, level: workflow.level.word, updated: workflow.created)
                }, next: page.next)
        } catch {
            throw OperationError(error)
        }
    }
}

/// `@maker/short-name` of a work.
private struct WorkReference {
    let author: Hash32
    let slug: String

    /// - Throws: `usage` for what is of another form, `notFound` for nobody.
    init(_ text: String, _ context: OperationContext) async throws(OperationError) {
        let parts = text.split(separator: "/", maxSplits: 1)
        guard text.hasPrefix("@"), parts.count == 2 else {
            throw OperationError(.usage, "\"\(text)\": write @maker/short-name")
        }
        author = try await SubjectResolver(context).author(String(parts[0]))
        slug = String(parts[1])
    }
}

/// `waggle article show`.
public struct ShowArticle: Operation {
    public static let name = "article show"
    /// `@maker/short-name`.
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }

    public func run(in context: OperationContext) async throws(OperationError) -> WorkReport {
        let named = try await WorkReference(reference, context)
        let found: ArticleView?
        do {
            found = try await context.catalog.article(
                author: named.author, slug: named.slug, context.moderation.filter(for: .owner))
        } catch {
            throw OperationError(error)
        }
        guard let found else { throw OperationError(.notFound, "no article \(reference) is known here") }
        return WorkReport(
            post: found.post.hex, reference: reference, name: found.title, text: found.text, tags: found.tags,
            level: found.level.word, updated: found.updated, file: found.cover?.hex)
    }
}

/// `waggle workflow show`.
public struct ShowWorkflow: Operation {
    public static let name = "workflow show"
    /// `@maker/short-name`.
    public var reference: String

    public init(reference: String) {
        self.reference = reference
    }

    public func run(in context: OperationContext) async throws(OperationError) -> WorkReport {
        let named = try await WorkReference(reference, context)
        let found: WorkflowView?
        do {
            found = try await context.catalog.workflow(
                author: named.author, slug: named.slug, context.moderation.filter(for: .owner))
        } catch {
            throw OperationError(error)
        }
        guard let found else { throw OperationError(.notFound, "no workflow \(reference) is known here") }
        return WorkReport(
            post: found.post.hex, reference: reference, name: found.name, text: found.description, tags: found.tags,
            level: found.level.word, updated: found.created, file: Hash32(found.file.sha256)?.hex)
    }
}
