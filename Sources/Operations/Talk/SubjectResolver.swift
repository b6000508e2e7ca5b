import Catalog
import Digests
import FoundationEssentials
import Identity
import Moderation
import PostLog
import WaggleProtocol

/// Finds the post that a comment, a reaction or a collection is about.
struct SubjectResolver {
    private let context: OperationContext
    private let filter: ViewerFilter

    /// - Parameter viewer: with whose eyes names are looked up.
    init(_ context: OperationContext, as viewer: Viewer = .owner) {
        self.context = context
        filter = context.moderation.filter(for: viewer)
    }

    /// `@maker/name` is the model and `@maker/name@1.0` the release; the id of a post is that post, whatever its kind;
    /// `…/images/5` of this node is the image's post; anything else is what `show` takes.
    ///
    /// - Throws: `notFound`, `usage`.
    func subject(_ text: String) async throws(OperationError) -> Hash32 {
        if let id = Hash32(hex: text), try await isPost(id) { return id }
        if text.hasPrefix("@"), !text.dropFirst().contains("@") {
            return try await ReferenceResolver(context, filter).release(text).modelPost
        }
        if let post = try await pageSubject(text) { return post }
        return try await ReferenceResolver(context, filter).release(text).post
    }

    /// An author: `@me` and other local accounts, a handle, an author id.
    func author(_ text: String) async throws(OperationError) -> Hash32 {
        let handle = text.hasPrefix("@") ? String(text.dropFirst()) : text
        if let account = context.keyring.accounts[handle] { return account.author }
        if let id = AuthorID.parse(handle) ?? Hash32(hex: handle) { return id }
        do {
            if let creator = try await context.catalog.creator(.handle(handle), filter) { return creator.author }
        } catch {
            throw OperationError(error)
        }
        throw OperationError(.notFound, "nobody here is called @\(handle)")
    }

    private func isPost(_ id: Hash32) async throws(OperationError) -> Bool {
        do {
            return try await !context.log.posts(ids: [id]).isEmpty
        } catch {
            throw OperationError(error)
        }
    }

    /// The image post or the model of a page of this node.
    private func pageSubject(_ text: String) async throws(OperationError) -> Hash32? {
        guard let base = context.urls.first(where: { text.hasPrefix($0 + "/") }) else { return nil }
        let segments = text.dropFirst(base.count).prefix { $0 != "?" && $0 != "#" }.split(separator: "/")
        guard segments.count >= 2, let id = Int32(segments[1]) else { return nil }
        do {
            switch segments[0] {
            case "images": return try await context.catalog.image(id: id, filter)?.post
            case "models" where !text.contains("modelVersionId="):
                return try await context.catalog.model(id: id, filter, detail: .brief)?.post
            default: return nil
            }
        } catch {
            throw OperationError(error)
        }
    }
}
