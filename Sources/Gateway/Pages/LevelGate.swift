import Accounts
import Catalog
import Digests
import HTTPTypes
import Hummingbird
import Media
import Moderation
import Operations

/// How pictures of a page look to whoever sees it.
struct PictureLooks {
    /// What is known of them, as far as it is.
    var facts: [Hash32: PictureFacts] = [:]
    /// From this level on they stand behind a blur; nil for none.
    var blurFrom: Level?

    subscript(blob: Hash32) -> PictureFacts? { facts[blob] }

    func isBlurred(_ level: Level) -> Bool { blurFrom.map { level >= $0 } ?? false }
}

/// What stands between a reader and a page: the levels that they chose, and the blur that they asked for.
///
/// Who is not signed in sees PG, and what is above it is not there. Who is signed in chose: so they are told that it is their
/// choice that keeps a page from them, and where to change it. What anything else hides is not there for them either.
extension PageRoutes {
    /// The parameter that takes the blur from one page, this once.
    private static let blur = "blur"

    /// A page as whoever asks for it sees it.
    func seen(_ page: @escaping @Sendable (PageRoutes) -> RouteTable.Handler) -> RouteTable.Handler {
        { request, context in
            guard let account = PageVisitor.current?.account else { return try await page(self)(request, context) }
            var routes = self
            routes.viewer = account.viewer
            if account.viewer.blurFrom != nil {
                if try Query(request)[Self.blur] == "off" {
                    routes.viewer = Viewer(account.viewer.kind)
                } else {
                    let query = request.uri.query.map { $0 + "&" } ?? ""
                    routes.pages.unveilHref = "\(request.uri.path)?\(query)\(Self.blur)=off"
                }
            }
            do {
                return try await page(routes)(request, context)
            } catch let error as GatewayError {
                guard case .notFound = error,
                    let level = try await routes.chosenAway(page, request, context)
                else { throw error }
                return gate(level, account)
            }
        }
    }

    /// The level at which a page would be there for the reader, when nothing but their own choice keeps it from them. The page
    /// itself is asked, so that this is true of every kind of page.
    private func chosenAway(
        _ page: (PageRoutes) -> RouteTable.Handler, _ request: Request, _ context: GatewayContext
    ) async throws -> Level? {
        guard case .member(var mask) = viewer.kind else { return nil }
        for level in Level.allCases where level <= services.moderation.ceiling && mask & level.rawValue == 0 {
            mask |= level.rawValue
            var routes = self
            routes.viewer = Viewer(.member(mask: mask))
            do {
                _ = try await page(routes)(request, context)
                return level
            } catch let error as GatewayError {
                guard case .notFound = error else { return nil }
            }
        }
        return nil
    }

    private func gate(_ level: Level, _ account: Account) -> Response {
        let isOpen = level.upTo & ~Level.pg13.upTo == 0
        var content: [String: Any] = ["gateLevel": level.word, "needsAge": !isOpen && account.adultSince == nil]
        content["settingsHref"] = pages.site.has("/account/settings") ? "/account/settings" : nil
        return pages.page(
            "gate", PageFrame(pageTitle: say("rated", "\(level.word)")), content, status: .forbidden,
            headers: [.cacheControl: "no-store"])
    }
}
