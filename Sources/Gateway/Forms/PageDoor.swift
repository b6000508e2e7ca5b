import Accounts
import Digests
import HTTPTypes
import Hummingbird
import Logging
import Moderation
import Operations
import Synchronization
import WaggleProtocol

/// A request to a page by somebody who is signed in.
struct PageCall: Sendable {
    let request: Request
    let context: GatewayContext
    let visitor: PageVisitor
    /// The query of the address.
    let address: Query
    /// What operations work with in this person's name.
    let operations: OperationContext
    /// What this person sees.
    let filter: ViewerFilter
    /// Where on this node the person came from.
    let back: String?

    var account: Account { visitor.account }

    /// Where a form says what it was made from, so that two tabs do not overwrite each other unasked.
    static let base = "of"

    /// - Throws: `FormTrouble` when what the form changes is not any more what it was when the form was shown.
    func refuseStale(_ now: String) throws(FormTrouble) {
        guard let before = address[Self.base], before != now else { return }
        throw FormTrouble(
            say("this-was-changed-since-you-opened")
        )
    }

    /// - Throws: `notFound` when the path has no such part.
    func part(_ name: String) throws(GatewayError) -> String {
        guard let part = context.parameter(name) else { throw .notFound("There is nothing at this address") }
        return part
    }
}

/// What came of a form.
enum FormOutcome: Sendable {
    /// It is done; its result is at this address.
    case done(at: String)
    /// Another page comes first; nothing was done that must not be done twice.
    case page(Response)
}

/// What every page goes through that is somebody's own: who it is, that the form is theirs and used once, and that nothing
/// that was typed is lost, whatever happens.
struct PageDoor: Sendable {
    typealias Handler = @Sendable (PageCall) async throws -> Response
    typealias FormHandler = @Sendable (PageCall, Query) async throws -> FormOutcome
    /// The form again, with what was typed and what is wrong.
    typealias AgainHandler = @Sendable (PageCall, Query, FormTrouble) async throws -> Response

    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity
    let origins: Origins
    private let once: OncePerForm

    init(services: GatewayServices, pages: PageRenderer, people: CallerIdentity, origins: Origins) {
        self.services = services
        self.pages = pages
        self.people = people
        self.origins = origins
        once = OncePerForm(accounts: services.accounts)
    }

    // MARK: Kinds of routes

    /// A page of somebody's own.
    func page(_ scope: TokenScope = .read, _ handler: @escaping Handler) -> RouteTable.Handler {
        { request, context in
            guard let visitor = PageVisitor.current else { throw CallerIdentity.unauthorized }
            try Self.require(scope, visitor)
            return try await handler(try call(request, context, visitor))
        }
    }

    /// What a form does.
    ///
    /// - Parameter again: shows the form again when it was refused; nil for a plain list of what was typed.
    func form(
        _ scope: TokenScope, again: AgainHandler? = nil, _ handler: @escaping FormHandler
    ) -> RouteTable.Handler {
        keeping { request, context in
            guard let visitor = PageVisitor.current else { throw CallerIdentity.unauthorized }
            try people.refuseForgery(request, context)
            let body = try await Self.body(of: request, services)
            let typed = try Query(String(decoding: body, as: UTF8.self))
            let call = try call(request, context, visitor)
            func show(_ failure: GatewayError) async throws -> Response {
                try await self.again(call, typed, FormTrouble(failure.message), failure, again)
            }
            do {
                try Self.require(scope, visitor)
                guard
                    let nonce = call.address[FormToken.parameter].flatMap({
                        FormToken.nonce(of: $0, session: visitor.session)
                    })
                else { throw Self.stale }
                let mark = SHA256.hash(Array("\(request.uri.path)\n".utf8) + body)
                return try await once.answer(
                    to: "form \(nonce)", fingerprint: mark, of: visitor.account, context.logger
                ) {
                    try await handler(call, typed)
                }
            } catch let trouble as FormTrouble {
                let failure = GatewayError.unprocessable(code: "form", trouble.words)
                return try await self.again(call, typed, trouble, failure, again)
            } catch AccountsError.keyReused {
                return try await show(Self.sentBefore)
            } catch {
                return try await show(GatewayError(describing: error, context.logger))
            }
        }
    }

    /// A form that may bring files beside what is typed. They are dropped when it is done, or refused: whatever is made of them
    /// is elsewhere by then.
    func filesForm(
        _ scope: TokenScope, again: @escaping AgainHandler,
        _ handler: @escaping @Sendable (PageCall, Query, [Upload]) async throws -> FormOutcome
    ) -> RouteTable.Handler {
        let plain = form(scope, again: again) { call, typed in try await handler(call, typed, []) }
        return keeping { request, context in
            guard FormUploads.isOne(request) else { return try await plain(request, context) }
            guard let visitor = PageVisitor.current else { throw CallerIdentity.unauthorized }
            try people.refuseForgery(request, context)
            let call = try call(request, context, visitor)
            var form = FormUploads(services, visitor.account)
            var uploads: [Upload] = []
            let outcome: Result<Response, any Error>
            do {
                try Self.require(scope, visitor)
                uploads = try await form.take(request)
                let (typed, files) = (try Query(fields: form.typed), uploads)
                guard
                    let nonce = call.address[FormToken.parameter].flatMap({
                        FormToken.nonce(of: $0, session: visitor.session)
                    })
                else { throw Self.stale }
                let brought = files.map { "\($0.size) \($0.name)" }.joined(separator: "\n")
                let mark = SHA256.hash(Array("\(request.uri.path)\n\(typed.replacing([:]))\n\(brought)".utf8))
                outcome = .success(
                    try await once.answer(
                        to: "form \(nonce)", fingerprint: mark, of: visitor.account, context.logger
                    ) {
                        try await handler(call, typed, files)
                    })
            } catch {
                outcome = .failure(error)
            }
            try await UploadedFiles(services.uploads, visitor.account).drop(uploads)
            switch outcome {
            case .success(let response): return response
            case .failure(let error):
                let failure =
                    (error as? FormTrouble).map { GatewayError.unprocessable(code: "form", $0.words) }
                    ?? Self.reused(error) ?? GatewayError(describing: error, context.logger)
                let trouble = (error as? FormTrouble) ?? FormTrouble(failure.message)
                return try await self.again(call, try Query(fields: form.typed), trouble, failure, again)
            }
        }
    }

    private static func reused(_ error: any Error) -> GatewayError? {
        guard case .keyReused? = error as? AccountsError else { return nil }
        return sentBefore
    }

    /// What takes files: its handler reads the body itself.
    func upload(
        _ scope: TokenScope, _ handler: @escaping @Sendable (PageCall) async throws -> Response
    ) -> RouteTable.Handler {
        { request, context in
            guard let visitor = PageVisitor.current else {
                // Nothing is typed there; the page above the form has everything that is kept.
                let parent = request.uri.path.split(separator: "/").dropLast().joined(separator: "/")
                return pages.signIn(next: "/" + parent, lead: Self.isOver, status: .unauthorized)
            }
            try people.refuseForgery(request, context)
            try Self.require(scope, visitor)
            let call = try call(request, context, visitor)
            guard let token = call.address[FormToken.parameter],
                FormToken.nonce(of: token, session: visitor.session) != nil
            else { throw Self.stale }
            return try await handler(call)
        }
    }

    /// Keeps what was typed into a form whose session is over: the page to sign in takes it along.
    func keeping(_ handler: @escaping RouteTable.Handler) -> RouteTable.Handler {
        { request, context in
            do {
                return try await handler(request, context)
            } catch let error as GatewayError {
                guard case .unauthorized = error, request.method == .post,
                    (try? people.refuseForgery(request, context)) != nil,
                    let typed = try await words(of: request)?.withoutSecrets.replacing([:])
                else { throw error }
                return pages.signIn(
                    next: Self.withoutToken(request), kept: typed, lead: Self.isOver, status: .unauthorized)
            }
        }
    }

    /// What was typed into a form, with or without files; nil where it cannot be read.
    private func words(of request: Request) async throws -> Query? {
        if FormUploads.isOne(request) {
            return try await FormUploads.fields(of: request).map { try Query(fields: $0) }
        }
        guard let body = try? await Self.body(of: request, services) else { return nil }
        return try? Query(String(decoding: body, as: UTF8.self))
    }

    // MARK: Parts

    private static let isOver = say("your-session-is-over-or-you")
    static let stale = GatewayError.conflict(
        code: "stale-form", "This form was made before you signed in; look at it, and send it again")
    private static let sentBefore = GatewayError.conflict(
        code: "sent-before", "This form was sent before, with other words; to say this too, send it again")

    private static func require(_ scope: TokenScope, _ visitor: PageVisitor) throws(GatewayError) {
        guard visitor.grant.allows(scope) else {
            throw .forbidden(
                code: "scope-missing",
                "@\(visitor.account.handle) may not do this here; ask the operator of this node")
        }
    }

    static func body(of request: Request, _ services: GatewayServices) async throws -> [UInt8] {
        try await WireBody.collect(request.body, limit: Limits.Gateway.formBytes, clock: services.clock)
    }

    private func call(_ request: Request, _ context: GatewayContext, _ visitor: PageVisitor) throws -> PageCall {
        let address = try Query(request)
        return PageCall(
            request: request, context: context, visitor: visitor, address: address,
            operations: services.context().acting(for: visitor.account),
            filter: services.moderation.filter(for: visitor.account.viewer),
            back: PageAddress.local(address["back"]))
    }

    /// The address of a form without what only the old session could use.
    private static func withoutToken(_ request: Request) -> String {
        let query = (try? Query(request))?.replacing([FormToken.parameter: nil]) ?? ""
        return query.isEmpty ? request.uri.path : "\(request.uri.path)?\(query)"
    }

    private func again(
        _ call: PageCall, _ typed: Query, _ trouble: FormTrouble, _ failure: GatewayError, _ again: AgainHandler?
    ) async throws -> Response {
        var response: Response
        if let again, let shown = try? await again(call, typed, trouble) {
            response = shown
        } else {
            response = pages.kept(Self.withoutToken(call.request), typed, trouble)
        }
        response.status = failure.status
        response.headers.append(contentsOf: failure.headers.filter { $0.name == .retryAfter })
        response.headers[.cacheControl] = "no-store"
        return response
    }
}

/// Carries out each form once: who sends it twice, by a double click or from two tabs, gets what came of it.
final class OncePerForm: Sendable {
    private let repeated: RepeatedRequests
    /// Forms that are being carried out: whoever sends one again meanwhile waits for the same end.
    private let running = Mutex<[String: Task<Response, any Error>]>([:])

    init(accounts: Accounts) {
        repeated = RepeatedRequests(accounts: accounts)
    }

    private struct Shown: Error {
        let response: Response
    }

    func answer(
        to key: String, fingerprint: Hash32, of account: Account, _ logger: Logger,
        _ handler: @escaping @Sendable () async throws -> FormOutcome
    ) async throws -> Response {
        let name = "\(account.id) \(key) \(fingerprint.hex)"
        return try await shared(name) { [repeated] in
            do {
                return try await repeated.answer(to: key, fingerprint: fingerprint, of: account, logger: logger) {
                    switch try await handler() {
                    case .done(let path):
                        NativeReply(.seeOther, headers: [.location: path, .cacheControl: "no-store"])
                    case .page(let response): throw Shown(response: response)
                    }
                }.response
            } catch let shown as Shown {
                return shown.response
            }
        }
    }

    /// Work that goes on when its browser does not wait for it, with one end for all who ask for it meanwhile.
    func shared(
        _ name: String, _ work: @escaping @Sendable () async throws -> Response
    ) async throws -> Response {
        let task = running.withLock { running in
            if let task = running[name] { return task }
            let task = Task { [self] in
                defer { _ = self.running.withLock { $0.removeValue(forKey: name) } }
                return try await work()
            }
            running[name] = task
            return task
        }
        return try await task.value
    }
}
