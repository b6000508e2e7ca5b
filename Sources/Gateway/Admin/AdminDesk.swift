import Accounts
import Administration
import HTTPTypes
import Hummingbird
import Operations
import WaggleProtocol

/// What pages for admins have in common: who may see them, how forms are read, and how a page is shown. Everything that they do
/// is an operation of the command line, asked for by the account that is signed in.
struct AdminDesk: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity

    /// The pages, in the order of their tabs.
    enum Tab: String, CaseIterable {
        case health, queue, lists, users, registrations, invites, peers, mirrors, storage, jobs, settings,
            announcements, audit
        case doctor

        /// Whether moderators see it, too.
        var isForModerators: Bool { [.registrations, .queue, .lists].contains(self) }
        var path: String { self == .health ? "/admin" : "/admin/\(rawValue)" }
        var title: String {
            switch self {
            case .health: say("health")
            case .queue: say("queue")
            case .lists: say("lists")
            case .users: say("users")
            case .registrations: say("registrations")
            case .invites: say("invites")
            case .peers: say("peers")
            case .mirrors: say("mirrors")
            case .storage: say("storage")
            case .jobs: say("jobs")
            case .settings: say("settings")
            case .announcements: say("announcements")
            case .audit: say("audit")
            case .doctor: say("doctor")
            }
        }
    }

    /// Somebody who may be here.
    struct Visit {
        let account: Account
        let form: Query
        let query: Query
        let context: OperationContext
    }

    func get(
        _ tab: Tab, in routes: inout RouteTable,
        _ show: @escaping @Sendable (Visit) async throws -> DeskPage
    ) {
        routes.get(tab.path, shows: .account, .page) { request, context in
            guard let account = try await admitted(request, context, tab) else { return signIn(tab) }
            let visit = Visit(
                account: account, form: try Query(nil), query: try Query(request),
                context: services.context().acting(for: account))
            return try await page(tab, show(visit), visit)
        }
    }

    /// What became of a form.
    enum Outcome {
        case done
        /// Something that is shown this once, such as an invite.
        case show(String)
    }

    /// - Parameter act: does what the form asks for.
    func post(
        _ tab: Tab, in routes: inout RouteTable,
        _ act: @escaping @Sendable (Visit) async throws -> Outcome,
        _ show: @escaping @Sendable (Visit) async throws -> DeskPage
    ) {
        routes.post(tab.path, shows: .account, .page) { request, context in
            guard let account = try await admitted(request, context, tab) else { return signIn(tab) }
            let body = try await WireBody.collect(
                request.body, limit: Limits.Administration.formBytes, clock: services.clock)
            let visit = Visit(
                account: account, form: try Query(String(decoding: body, as: UTF8.self)), query: try Query(nil),
                context: services.context().acting(for: account))
            do {
                switch try await act(visit) {
                case .done:
                    return Response(
                        status: .seeOther, headers: [.location: "\(tab.path)?done=yes", .cacheControl: "no-store"])
                case .show(let secret): return try await page(tab, show(visit), visit, done: secret)
                }
            } catch let error as OperationError {
                // What was typed is shown again beside what is wrong with it.
                return try await page(tab, show(visit), visit, trouble: error.message)
            }
        }
    }

    /// Nil for whoever is not signed in.
    ///
    /// - Throws: `forbidden` for people whose role does not reach so far.
    private func admitted(_ request: Request, _ context: GatewayContext, _ tab: Tab) async throws -> Account? {
        guard let grant = try await people.grant(request, context) else { return nil }
        let isEnough = grant.allows(.admin) || tab.isForModerators && grant.allows(.moderate)
        guard isEnough, case .session = grant.source else {
            throw GatewayError.forbidden(code: "not-allowed", "This page is for those who look after this node")
        }
        return grant.account
    }

    private func signIn(_ tab: Tab) -> Response {
        pages.signIn(
            next: tab.path, lead: say("this-page-is-for-those-who"), status: .unauthorized)
    }

    private func page(
        _ tab: Tab, _ page: DeskPage, _ visit: Visit, trouble: String? = nil, done: String? = nil
    ) -> Response {
        let isAdmin = visit.account.role == .admin
        let tabs = Tab.allCases.filter { pages.site.has($0.path) && (isAdmin || $0.isForModerators) }
        var content: [String: Any] = [
            "heading": page.heading, "sections": page.sections.map(\.view),
            "tabSets": [
                TabsView(
                    tabsLabel: say("looking-after-this-node"),
                    tabs: tabs.map { TabView(tabName: $0.title, tabHref: $0.path, isCurrent: $0 == tab) })
            ],
        ]
        if !page.lead.isEmpty { content["lead"] = page.lead }
        if let trouble { content["trouble"] = Self.sentence(trouble) }
        if let done { content["done"] = done }
        if trouble == nil, visit.query["done"] == "yes" { content["done"] = say("done-the-audit-log-says-so") }
        return pages.page(
            "desk", PageFrame(pageTitle: page.heading), content,
            status: trouble == nil ? .ok : .unprocessableContent, headers: [.cacheControl: "no-store"])
    }

    static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
    }
}

extension AdminDesk.Visit {
    /// A field of the form that must be there.
    func needed(_ name: String) throws(OperationError) -> String {
        guard let value = form[name] else { throw OperationError(.usage, "the form says nothing for \(name)") }
        return value
    }

    /// A number of the form.
    func number(_ name: String) throws(OperationError) -> Int64 {
        guard let value = Int64(try needed(name)) else { throw OperationError(.usage, "\(name) must be a number") }
        return value
    }
}
