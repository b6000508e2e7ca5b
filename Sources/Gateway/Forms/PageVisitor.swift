import Accounts
import Digests
import Hummingbird

/// Who looks at a page: set around each request, so that the frame of every page can say who one is and a list can offer what
/// its reader may do.
struct PageVisitor: Sendable {
    /// Nil while nobody is signed in.
    @TaskLocal static var current: PageVisitor?

    let grant: Grant
    /// What the browser showed; forms are bound to it.
    let session: String

    var account: Account { grant.account }

    /// Whether what an author made is one's own.
    static func isAuthor(_ author: Hash32) -> Bool { current?.account.author == author }

    static func may(_ scope: TokenScope) -> Bool { current?.grant.allows(scope) ?? false }
}

extension CallerIdentity {
    /// Whoever a browser's session belongs to; tokens are for programs, not for pages.
    func visitor(_ request: Request) async throws -> PageVisitor? {
        guard let session = Self.session(request), let grant = try await accounts.grant(session: session) else {
            return nil
        }
        return PageVisitor(grant: grant, session: session)
    }

    /// Ends the session that a browser has, if it has one: whoever comes in gets one of their own.
    func closeSession(of request: Request) async throws {
        guard let visitor = try await visitor(request), case .session(let id) = visitor.grant.source else { return }
        try await accounts.closeSession(id)
    }
}
