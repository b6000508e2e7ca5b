import Accounts
import Administration
import HTTPTypes
import Hummingbird
import NIOCore
import WaggleProtocol

/// `/setup`: the first sign-in of a node's owner. Whoever has the set-up token is the owner; the first visitor is nobody.
struct SetupPage: Sendable {
    let services: GatewayServices
    let pages: PageRenderer
    let people: CallerIdentity

    func register(in routes: inout RouteTable) {
        routes.get("/setup", shows: .nothing, .page) { request, context in
            if let grant = try? await people.grant(request, context), grant.allows(.admin) {
                let next = SetupWizard.start(services.administration.setup)
                return Response(status: .seeOther, headers: [.location: next, .cacheControl: "no-store"])
            }
            // The link that the first start prints has the token in it.
            return page(token: try Query(request)["token"] ?? "")
        }
        routes.post("/setup", shows: .nothing, .page, choose)
    }

    private func page(
        token: String = "", trouble: String? = nil, isDone: Bool = false, status: HTTPResponse.Status = .ok,
        headers: HTTPFields = [:]
    ) -> Response {
        var content: [String: Any] = [
            "done": isDone, "token": String(token.prefix(64)),
            "next": SetupWizard.start(services.administration.setup),
            "isFinished": services.administration.setup.isFinished,
        ]
        if let trouble { content["trouble"] = trouble }
        var headers = headers
        headers[.cacheControl] = "no-store"
        return pages.page(
            "setup", PageFrame(pageTitle: say("set-up-2")), content, status: status, headers: headers)
    }

    @Sendable private func choose(_ request: Request, _ context: GatewayContext) async throws -> Response {
        try people.refuseForgery(request, context)
        let body = try await WireBody.collect(request.body, limit: Self.formBytes, clock: services.clock)
        let form = try Query(String(decoding: body, as: UTF8.self))
        do throws(AccountsError) {
            let session = try await services.accounts.setUp(
                token: form["token"] ?? "", owner: "me", passphrase: form["passphrase"] ?? "",
                from: RemoteAddress.of(request, context))
            return page(
                isDone: true, headers: [.setCookie: CallerIdentity.cookie(session, now: services.now())])
        } catch {
            switch error {
            case .badSetupToken, .weakPassphrase, .longPassphrase, .tooManyAttempts, .busy:
                return page(trouble: Self.sentence(error.message), status: .unprocessableContent)
            default: throw error
            }
        }
    }

    private static let formBytes = 8 << 10

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst()
    }
}
