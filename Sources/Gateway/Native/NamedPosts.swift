import Catalog
import Digests
import FoundationEssentials
import Moderation
import Operations
import PostLog
import WaggleProtocol

/// Posts that a caller names, where the caller may see them.
struct NamedPosts: Sendable {
    let services: GatewayServices
    let filter: ViewerFilter

    /// A post that a caller names by all of its digits. Operations look things up as the operator; what the caller may not
    /// see must stay unknown to the caller.
    func post(_ text: String) async throws -> String {
        guard let post = Hash32(hex: text) else {
            throw GatewayError.badRequest(
                code: "bad-body", "A subject is named by the 64 hexadecimal digits of its post")
        }
        guard try await VisiblePosts(services, filter).includes(post) else {
            throw GatewayError.notFound("There is no post \(post.hex) here that you may see")
        }
        return post.hex
    }

    /// The post of a release that a caller names by the digits of its post or its number here.
    func release(_ text: String) async throws -> String {
        let view =
            if let post = Hash32(hex: text) {
                try await services.catalog.release(post: post, filter, detail: .init(releases: 0, images: 0))
            } else if let id = Int32(text) {
                try await services.catalog.release(id: id, filter, detail: .init(releases: 0, images: 0))
            } else {
                ReleaseView?.none
            }
        guard let view else {
            throw GatewayError.notFound("There is no release \(text.prefix(80)) here that you may see")
        }
        return view.post.hex
    }
}

extension VisiblePosts {
    init(_ services: GatewayServices, _ filter: ViewerFilter) {
        self.init(
            log: services.postLog, catalog: services.catalog, moderation: services.moderation, filter: filter)
    }
}

extension PostLog {
    /// A name for addresses that reads like a title and that nothing of this author's has yet.
    func freeSlug(for title: String, _ kind: PostKind, of author: Hash32) async throws -> String {
        let wanted = Slug.suggested(for: title)
        var (slug, number) = (wanted, 1)
        while try await post(author: author, kind: kind, slot: slug) != nil {
            number += 1
            slug = "\(wanted)-\(number)"
        }
        return slug
    }
}
