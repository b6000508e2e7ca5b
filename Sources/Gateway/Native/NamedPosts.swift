import Catalog
import Digests
import FoundationEssentials
import Moderation
import Operations

/// Posts that a caller names, where the caller may see them.
struct NamedPosts: Sendable {
    let services: GatewayServices
    let filter: ViewerFilter

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
