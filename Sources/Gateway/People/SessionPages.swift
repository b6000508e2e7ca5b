import Accounts
import Digests
import HTTPTypes
import Hummingbird
import Identity
import Operations
import Synchronization
import WaggleProtocol

/// `/signup`, `/signin` and `/signout`: how people come in and go, with forms alone.
///
/// Each sign-in makes a session with a new id and ends the one that the browser had, so that nobody can hand somebody a
/// session to sign in to.
struct SessionPages: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    private let once: OncePerForm
    private let knocks = KnockLimit()

    init(services: GatewayServices, pages: PageRenderer, people: CallerIdentity) {
        self.services = services
        self.pages = pages
        self.people = people
        once = OncePerForm(accounts: services.accounts)
    }

    func register(in routes: inout RouteTable) {
        routes.get("/signin", shows: .nothing, .page) { request, _ in
            let next = try Query(request)["next"]
            if PageVisitor.current != nil { return Self.seeOther(PageAddress.local(next) ?? "/account") }
            return pages.signIn(next: next)
        }
        routes.post("/signin", shows: .nothing, .page, signIn)
        routes.get("/signup", shows: .nothing, .page) { request, _ in signUpPage(try Query(request)) }
        routes.post("/signup", shows: .nothing, .page, signUp)
        routes.post("/signout", shows: .account, .page, signOut)
    }

    static func seeOther(_ path: String, _ headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.location] = path
        headers[.cacheControl] = "no-store"
        return Response(status: .seeOther, headers: headers)
    }

    // MARK: Signing in

    @Sendable private func signIn(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try people.refuseForgery(request, context)
        // What was typed elsewhere comes along, escaped twice.
        let body = try await WireBody.collect(
            request.body, limit: Limits.Gateway.formBytes * 4, clock: services.clock)
        let typed = try Query(String(decoding: body, as: UTF8.self))
        let (next, kept) = (PageAddress.local(try Query(request)["next"]), typed["kept"])
        let address = RemoteAddress.of(request, context)
        do {
            try knocks.take(address, now: services.now())
            let session = try await services.accounts.signIn(
                handle: RegistrationFields.name(typed["account"]), passphrase: typed["passphrase"] ?? "", from: address)
            return try await opened(session, request, next: next, kept: kept)
        } catch {
            let failure = GatewayError(describing: error, context.logger)
            guard failure.status.code < 500 else { throw failure }
            return pages.signIn(
                next: next, kept: kept, typed: typed, trouble: FormTrouble(failure.message).words,
                status: failure.status, headers: failure.headers)
        }
    }

    private func opened(
        _ session: OpenedSession, _ request: Request, next: String?, kept: String?
    ) async throws -> Response {
        try await people.closeSession(of: request)
        let cookie: HTTPFields = [.setCookie: CallerIdentity.cookie(session, now: services.now())]
        guard let next, let kept, let grant = try await services.accounts.grant(session: session.token.text) else {
            return Self.seeOther(next ?? "/account", cookie)
        }
        // The form is made for the new session.
        return try PageVisitor.$current.withValue(PageVisitor(grant: grant, session: session.token.text)) {
            var response = pages.kept(
                next, try Query(kept), nil, notice: say("you-are-signed-in-as", "\(session.account.handle)"))
            response.headers.append(contentsOf: cookie)
            return response
        }
    }

    @Sendable private func signOut(_ request: Request, _ context: GatewayContext) async throws -> Response {
        guard PageVisitor.current != nil else { throw CallerIdentity.unauthorized }
        try people.refuseForgery(request, context)
        try await people.closeSession(of: request)
        return Self.seeOther("/", [.setCookie: CallerIdentity.noCookie])
    }

    // MARK: Signing up

    private func signUpPage(
        _ address: Query, typed: Query? = nil, trouble: FormTrouble? = nil, status: HTTPResponse.Status = .ok
    ) -> Response {
        if services.context().registrationMode == .closed { return pages.takesNobody(status: status) }
        let next = PageAddress.local(address["next"])
        var action = PageAddress.with("/signup", [("next", next ?? "")])
        // A name for this form: who sends it twice gets what the first one came to, words and all.
        action = PageAddress.adding(FormToken.parameter, Hex.encode(SecureRandom.bytes(16)), to: action)
        let fields =
            [
                RegistrationFields.handle(),
                FieldView(
                    "name", say("what-people-read"), hint: say("may-be-empty-and-changed-at"),
                    most: Limits.Text.nameBytes, autocomplete: "nickname"),
                RegistrationFields.passphrase(),
            ] + RegistrationFields.admission(services.context(), invite: address["invite"] ?? "")
        let form = FormView(action, sends: say("open-the-account"), fields: fields, typed: typed, trouble: trouble)
        var response = pages.form(
            say("open-an-account"), form,
            lead: say("an-account-is-a-name-and"),
            more: [
                "after": [
                    LinkView(
                        linkText: say("you-have-one-sign-in"),
                        linkHref: PageAddress.with("/signin", [("next", next ?? "")])
                    ),
                    LinkView(
                        linkText: say("you-have-one-on-another-node"),
                        linkHref: PageAddress.with("/signup/move", [("invite", address["invite"] ?? "")])),
                    LinkView(linkText: say("the-rules-of-this-node"), linkHref: "/rules"),
                ]
            ])
        response.status = status
        return response
    }

    @Sendable private func signUp(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try people.refuseForgery(request, context)
        let body = try await PageDoor.body(of: request, services)
        let typed = try Query(String(decoding: body, as: UTF8.self))
        let address = try Query(request)
        let from = RemoteAddress.of(request, context)
        let name = ["signup", from, address[FormToken.parameter] ?? "", SHA256.hash(body).hex].joined(separator: " ")
        return try await once.shared(name) {
            do {
                try knocks.take(from, now: services.now())
                return try await register(typed, request, next: PageAddress.local(address["next"]))
            } catch {
                let failure = GatewayError(describing: error, context.logger)
                guard failure.status.code < 500 else { throw failure }
                return signUpPage(
                    address, typed: typed,
                    trouble: FormTrouble(failure.message, in: RegistrationFields.field(of: error)),
                    status: failure.status)
            }
        }
    }

    private func register(_ typed: Query, _ request: Request, next: String?) async throws -> Response {
        guard (typed["name"] ?? "").utf8.count <= Limits.Text.nameBytes else {
            throw GatewayError.badRequest(code: "limit", "A name has at most \(Limits.Text.nameBytes) bytes")
        }
        let made = try await SignUp(
            RegistrationFields.registration(typed),
            displayName: String((typed["name"] ?? "").trimmed), isAdult: typed["adult"] == "yes"
        ).run(in: services.context())
        var headers: HTTPFields = [.cacheControl: "no-store"]
        var content: [String: Any] = [
            "heading": say("welcome", "\(made.account.handle)"), "onwardHref": next ?? "/account",
            "onwardText": say("i-wrote-them-down"),
            "hasWords": made.words != nil,
            "recoveryWords": made.words.map { $0.split(separator: " ").map(String.init) } ?? [],
        ]
        if made.account.state == .active {
            try await people.closeSession(of: request)
            let session = try await services.accounts.openSession(for: made.account)
            headers[.setCookie] = CallerIdentity.cookie(session, now: services.now())
            content["lead"] = say("your-account-is-open-and-you")
        } else {
            content["lead"] = say("your-request-was-taken-a-person")
            content["onwardHref"] = "/"
        }
        return pages.page("words", PageFrame(pageTitle: say("your-account")), content, headers: headers)
    }
}

extension PageRenderer {
    /// What stands in the place of every form that opens an account, while nobody may.
    func takesNobody(status: HTTPResponse.Status) -> Response {
        page(
            "error", PageFrame(pageTitle: say("this-node-takes-nobody-new")),
            ["explanation": say("its-operator-opens-accounts-by-hand")], status: status,
            headers: [.cacheControl: "no-store"])
    }
}

/// Counts those who try to come in, by address.
final class KnockLimit: Sendable {
    private let limiter = Mutex(RequestLimiter())

    /// - Throws: `tooManyRequests`.
    func take(_ address: String, now: UInt64) throws(GatewayError) {
        let standing = limiter.withLock { $0.take(address, limit: Limits.API.knocksPerMinute, now: now) }
        if let wait = standing.wait { throw .tooManyRequests(retryAfter: wait) }
    }
}
