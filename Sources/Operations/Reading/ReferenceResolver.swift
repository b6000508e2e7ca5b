import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Finds what a person names: `@maker/name@1.1`, a post id or the beginning of one, any hash of a file, an AIR URN, or the
/// address of a page of this node.
struct ReferenceResolver {
    let context: OperationContext
    private let filter: ViewerFilter

    /// - Parameter filter: what is looked up; nil = everything, as the operator sees it.
    init(_ context: OperationContext, _ filter: ViewerFilter? = nil) {
        self.context = context
        self.filter = filter ?? context.moderation.filter(for: .owner)
    }

    /// The one release that a reference means; a model means its newest release.
    ///
    /// - Throws: `usage` with the candidates when several are meant, `notFound`.
    func release(_ text: String) async throws(OperationError) -> ReleaseView {
        do {
            let found = try await find(text.trimmingPrefix("waggle://").description)
            // One file can be in several releases; the earliest is the original.
            guard let first = found.first else { throw notFound(text) }
            return first
        } catch let error as OperationError {
            throw error
        } catch let error as CatalogError {
            throw OperationError(error)
        } catch let error as PostLogError {
            throw OperationError(error)
        } catch {
            throw OperationError(.failed, "\(error)")
        }
    }

    /// Releases that list a file with this SHA-256, earliest first.
    func releases(ofFile sha256: Hash32) async throws(OperationError) -> [ReleaseView] {
        do {
            return try await context.catalog.releases(bySHA256: [sha256], filter)
        } catch {
            throw OperationError(error)
        }
    }

    private func find(_ text: String) async throws -> [ReleaseView] {
        if text.hasPrefix("@") { return try await named(text) }
        if text.lowercased().hasPrefix("urn:air:") { return try await air(text) }
        if text.contains("://") { return try await page(text) }
        if let id = Int32(text) {
            if let release = try await context.catalog.release(id: id, filter) { return [release] }
        }
        if let id = Hash32(hex: text), let release = try await context.catalog.release(post: id, filter) {
            return [release]
        }
        if let id = Hash32(hex: text), let model = try await context.catalog.model(post: id, filter) {
            return Array(model.releases.prefix(1))
        }
        // A version of a model that was old when it came here.
        if let id = Hash32(hex: text), let newer = try await context.log.newerVersion(of: id),
            let model = try await context.catalog.model(post: newer.id, filter)
        {
            return Array(model.releases.prefix(1))
        }
        guard Hex.decode(text) != nil, let claim = HashClaim(text) else { return [] }
        return try await context.catalog.releases(byHash: claim, filter)
    }

    /// `@maker/slug` or `@maker/slug@version`; `@me` and other local accounts first.
    private func named(_ text: String) async throws -> [ReleaseView] {
        let parts = text.dropFirst().split(separator: "/", maxSplits: 1)
        guard parts.count == 2 else {
            throw OperationError(.usage, "\"\(text)\": write @maker/name or @maker/name@version")
        }
        let rest = parts[1].split(separator: "@", maxSplits: 1)
        guard let slug = rest.first else { return [] }
        let handle = String(parts[0])
        let author: Hash32
        if let account = context.keyring.accounts[handle] {
            author = account.author
        } else if let id = AuthorID.parse(handle) {
            author = id
        } else if let creator = try await context.catalog.creator(.handle(handle), filter) {
            author = creator.author
        } else {
            return []
        }
        guard let model = try await context.catalog.model(author: author, slug: String(slug), filter) else {
            return []
        }
        guard rest.count == 2 else { return Array(model.releases.prefix(1)) }
        return model.releases.filter { $0.body.version == rest[1] }
    }

    /// `urn:air:{ecosystem}:{type}:waggle:{model post}@{release post}`.
    private func air(_ text: String) async throws -> [ReleaseView] {
        let parts = text.split(separator: ":")
        guard parts.count >= 6, parts[4] == "waggle" else {
            throw OperationError(.notFound, "only AIR names with the source \"waggle\" are known here; try a hash")
        }
        let id = parts[5].split(separator: "@").last.map(String.init) ?? ""
        guard let post = Hash32(hex: id.prefix(64)) else { return [] }
        return try await context.catalog.release(post: post, filter).map { [$0] } ?? []
    }

    /// A page of this node: integers in addresses are this node's own and mean nothing elsewhere.
    private func page(_ text: String) async throws -> [ReleaseView] {
        guard let base = context.urls.first(where: { text.hasPrefix($0 + "/") }) else {
            throw OperationError(
                .notFound,
                "\(text) is not on this node; use the model's @maker/name or a hash, which mean the same everywhere")
        }
        let path = text.dropFirst(base.count).split(separator: "?", maxSplits: 1)
        if path.count == 2, let query = path[1].split(separator: "&").first(where: { $0.hasPrefix("modelVersionId=") }),
            let id = Int32(query.dropFirst("modelVersionId=".count))
        {
            return try await context.catalog.release(id: id, filter).map { [$0] } ?? []
        }
        let segments = path.first?.split(separator: "/") ?? []
        if segments.count >= 2, segments[0] == "models", let id = Int32(segments[1]),
            let model = try await context.catalog.model(id: id, filter)
        {
            return Array(model.releases.prefix(1))
        }
        if segments.starts(with: ["api", "download", "models"]), segments.count == 4, let id = Int32(segments[3]) {
            return try await context.catalog.release(id: id, filter).map { [$0] } ?? []
        }
        if segments.count >= 2, segments[0] == "blobs", let hash = Hash32(hex: segments[1]) {
            return try await context.catalog.releases(bySHA256: [hash], filter)
        }
        return []
    }

    private func notFound(_ text: String) -> OperationError {
        OperationError(.notFound, "nothing here is named \"\(text)\"; `waggle ls` shows what there is")
    }
}
